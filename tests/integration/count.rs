//! Counting: every rating once, however often and in whatever order the stream rings.

use std::collections::BTreeSet;

use jiff::Timestamp;
use local::dynamo::TALLY_TABLE;
use thuocdo::domain::id::{OfficialId, UnitId};
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::{Attestation, Channel, Rating, RatingId, Satisfaction, Subject};
use thuocdo::domain::tally::{CellKey, Tally, fold};
use thuocdo::handlers::reconcile_tallies;
use thuocdo::store::Store;
use thuocdo::store::reconcile::Reconciled;
use thuocdo::store::submit::{Claim, Submission, Submitted};

use crate::fixture::{OFFICIAL, UNIT};
use crate::support::{Office, satisfied};

pub(crate) fn rating(number: u32, now: Timestamp) -> Rating {
    let official_id = (number.is_multiple_of(3)).then(|| OfficialId::parse(OFFICIAL).unwrap());
    Rating {
        id: RatingId(format!("r{number:05}")),
        subject: Subject {
            unit_id: UnitId::parse(UNIT).unwrap(),
            official_id,
        },
        role: None,
        attestation: if number.is_multiple_of(2) {
            Attestation::DossierVerified
        } else {
            Attestation::PhoneDeclared
        },
        channel: Channel::Web,
        field_id: None,
        satisfaction: if number.is_multiple_of(4) {
            Satisfaction::NotSatisfied
        } else {
            Satisfaction::Satisfied
        },
        reasons: BTreeSet::new(),
        questionnaire: None,
        answers: Default::default(),
        date: local_date(now),
        late: None,
    }
}

/// Saves ratings without ringing anyone.
pub(crate) async fn save(store: &Store, ratings: &[Rating], now: Timestamp) {
    for rating in ratings {
        let hash = format!("guard-{}", rating.id.0);
        let claim = Claim::Guard {
            hash: &hash,
            expires: now + jiff::SignedDuration::from_hours(24),
        };
        let submission = Submission {
            rating,
            digest: "d",
            claim,
            suggestion: None,
        };
        assert!(matches!(
            store.submit(&submission, now).await.unwrap(),
            Submitted::Saved { .. }
        ));
    }
}

async fn cells(store: &Store, now: Timestamp) -> std::collections::BTreeMap<CellKey, Tally> {
    store
        .cells(&UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)))
        .await
        .unwrap()
}

#[tokio::test]
async fn ratings_delivered_many_times_from_many_sides_count_once() {
    let office = Office::open().await;
    let now = Timestamp::now();
    let ratings: Vec<Rating> = (0..250).map(|number| rating(number, now)).collect();
    save(&office.stack.store, &ratings, now).await;
    let shuffled: Vec<Rating> = ratings.iter().rev().chain(&ratings).cloned().collect();

    let (a, b, c) = tokio::join!(
        office.stack.store.count(&ratings),
        office.stack.store.count(&shuffled),
        office.stack.store.count(&ratings[100..])
    );
    office.stack.settle().await;

    assert!([a, b, c].iter().all(|outcome| outcome.failed.is_empty()));
    assert_eq!(cells(&office.stack.store, now).await, fold(&ratings));
    assert!(
        office
            .stack
            .store
            .pending(&UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_rating_given_on_the_web_ends_in_its_cell() {
    let office = Office::open().await;
    let slip = office.slip().await;
    assert_eq!(
        office
            .rate(&satisfied(&format!("{UNIT}/{OFFICIAL}"), &slip))
            .await
            .status,
        201
    );

    office.stack.settle().await;

    let now = Timestamp::now();
    let cells = cells(&office.stack.store, now).await;
    let (cell, tally) = cells.first_key_value().unwrap();
    assert_eq!(
        cell.sort_key(),
        format!(
            "dossier_verified#{OFFICIAL}#dat-dai#web#{:02}",
            local_date(now).day()
        )
    );
    assert_eq!((tally.rated(), tally.satisfied()), (1, 1));
}

#[tokio::test]
async fn reconciling_sweeps_what_the_stream_lost_and_catches_a_changed_cell() {
    let office = Office::open().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    let (unit, month) = (UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)));
    save(store, &[rating(1, now), rating(2, now)], now).await;

    let report = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();
    assert_eq!((report.mismatched, report.failed), (0, 0));
    assert_eq!(
        cells(store, now).await,
        fold(&[rating(1, now), rating(2, now)])
    );

    // Somebody with the rights to adds a rating by worker.
    let key = [
        ("PK", format!("C#{unit}#{month}")),
        (
            "SK",
            cells(store, now).await.keys().next().unwrap().sort_key(),
        ),
    ];
    let mut update = office
        .stack
        .dynamodb
        .update_item()
        .table_name(TALLY_TABLE)
        .update_expression("ADD sat :one");
    for (name, value) in key {
        update = update.key(name, aws_sdk_dynamodb::types::AttributeValue::S(value));
    }
    update
        .expression_attribute_values(
            ":one",
            aws_sdk_dynamodb::types::AttributeValue::N("1".into()),
        )
        .send()
        .await
        .unwrap();

    assert!(
        matches!(store.reconcile(&unit, month, || async { Ok(()) }).await.unwrap(), Reconciled::Mismatch(mismatches) if mismatches.cells.len() == 1)
    );
    assert_eq!(
        reconcile_tallies::handle(store, now, || true)
            .await
            .unwrap()
            .mismatched,
        1
    );
}

#[tokio::test]
async fn sixteen_workers_on_one_receipt_give_one_rating() {
    let office = std::sync::Arc::new(Office::open().await);
    let slip = office.slip().await;
    let rating = satisfied(UNIT, &slip);

    let mut statuses = Vec::new();
    let worker = |_| {
        let (office, rating) = (office.clone(), rating.clone());
        tokio::spawn(async move { office.rate(&rating).await.status })
    };
    for worker in (0..16).map(worker).collect::<Vec<_>>() {
        statuses.push(worker.await.unwrap());
    }

    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| [201, 409].contains(status)),
        "{statuses:?}"
    );
    assert_eq!(office.stored().await, 1);
}
