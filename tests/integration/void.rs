//! Setting ratings aside: two seats, two people, one reason; counted openly and exactly once.

use jiff::Timestamp;
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use serde_json::Value;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::Subject;
use thuocdo::domain::tally::{Tally, fold_counted};
use thuocdo::domain::void::{Approval, Seat, VoidReason};
use thuocdo::handlers::reconcile_tallies;
use thuocdo::store::void::Voided;

use crate::count::{rating, save};
use crate::fixture::{OFFICIAL, Slip, UNIT};
use crate::support::{Office, official, passer_by, satisfied};

/// Drops a file on a seat and returns what the report says.
async fn drop_file(office: &Office, seat: &str, rows: &[String]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let seat = folder.path().join("voids").join(seat);
    std::fs::create_dir_all(&seat).unwrap();
    let heading = "unit,official,receipt_code,phone,rating,reason".to_owned();
    let text: Vec<String> = [heading].into_iter().chain(rows.iter().cloned()).collect();
    std::fs::write(seat.join("loai.csv"), text.join("\n")).unwrap();
    let reports = office.stack.import_dir(folder.path()).await;
    reports.iter().map(|report| report.text()).collect()
}

fn row(slip: &Slip, reason: &str) -> String {
    format!("{UNIT},{OFFICIAL},{},,,{reason}", slip.code)
}

/// The whole published period of the fixture's unit.
async fn published(office: &Office) -> Value {
    let path = format!("/ket-qua/don-vi/{UNIT}/ket-qua.json");
    office.get(&path).await.json()["periods"]["all"].clone()
}

/// Ratings of the fixture's unit in this month that are voided.
async fn voided(office: &Office) -> usize {
    let unit = UnitId::parse(UNIT).unwrap();
    let month = Month::of(local_date(Timestamp::now()));
    let stored = office.stack.store.ratings(&unit, month).await.unwrap();
    let voided = stored.iter().filter(|stored| stored.void.is_some());
    voided.count()
}

async fn rate(office: &Office) -> Slip {
    let slip = office.slip().await;
    let answer = office.rate(&satisfied(&official(), &slip)).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    slip
}

#[tokio::test]
async fn what_two_people_agree_on_leaves_the_figures_and_stays_in_the_books() {
    let office = Office::open().await;
    let (kept, gone) = (rate(&office).await, rate(&office).await);
    let phone = office.rate(&passer_by(&official(), "0905 123 456")).await;
    assert_eq!(phone.status, 201);
    office.stack.settle().await;
    // The one by phone stands apart from the headline, voided or not.
    assert_eq!(published(&office).await["total"]["rated"], 2);
    let by_phone = format!("{UNIT},{OFFICIAL},,0905123456,,fraud");

    let first = drop_file(
        &office,
        "1",
        &[row(&gone, "not_the_rater"), by_phone.clone()],
    )
    .await;
    office.stack.settle().await;
    let after_one = published(&office).await;
    let second = drop_file(&office, "2", &[row(&gone, "người khác dùng mã"), by_phone]).await;
    office.stack.settle().await;
    office.stack.settle().await;

    let after_two = published(&office).await;
    assert!(
        first.contains("ĐÃ GHI NHẬN: 2") && second.contains("ĐÃ GHI NHẬN: 2"),
        "{first}{second}"
    );
    assert_eq!(after_one["total"]["rated"], 2);
    assert_eq!(after_two["total"]["rated"], 1);
    assert_eq!(after_two["ledger"]["received"], 2);
    assert_eq!(after_two["ledger"]["set_aside"], 1);
    assert_eq!(
        after_two["ledger"]["taken_off_for"],
        serde_json::json!({ "not_the_rater": 1 })
    );
    assert_eq!(voided(&office).await, 2);
    let page = office.get(&format!("/ket-qua/don-vi/{UNIT}/")).await.body;
    assert!(
        page.contains("Đã loại 1 lượt theo quyết định của hai người"),
        "{page}"
    );
    drop(kept);
}

#[tokio::test]
async fn a_receipt_that_somebody_else_used_rates_its_subject_once_more() {
    let office = Office::open().await;
    let (stolen, bare, bought) = (
        rate(&office).await,
        office.bare_slip().await,
        rate(&office).await,
    );
    let of_bare = office.rate(&satisfied(&official(), &bare)).await;
    assert_eq!(of_bare.status, 201);
    office.stack.settle().await;
    let rows = [
        row(&stolen, "not_the_rater"),
        row(&bare, "not_the_rater"),
        row(&bought, "fraud"),
    ];
    for seat in ["1", "2"] {
        drop_file(&office, seat, &rows).await;
    }
    office.stack.settle().await;
    office.stack.settle().await;
    let by_citizen = |slip: &Slip| {
        let mut rating = satisfied(&official(), slip);
        rating["attempt"] = "AAAAAAAAAAAAAAAAAAAAAA".into();
        rating
    };

    let first = office.rate(&by_citizen(&stolen)).await;
    let retry = office.rate(&by_citizen(&stolen)).await;
    let other = office.rate(&satisfied(&official(), &stolen)).await;
    let first_bare = office.rate(&by_citizen(&bare)).await;
    let retry_bare = office.rate(&by_citizen(&bare)).await;
    let other_bare = office.rate(&satisfied(&official(), &bare)).await;
    let of_fraud = office.rate(&satisfied(&official(), &bought)).await;
    let of_unit = office.rate(&satisfied(UNIT, &stolen)).await;
    office.stack.settle().await;

    assert_eq!((first.status, retry.status), (201, 200), "{}", retry.body);
    assert_eq!(first.body, retry.body);
    assert_eq!(other.problem(), "already-rated");
    let bare_statuses = (first_bare.status, retry_bare.status, other_bare.status);
    assert_eq!(bare_statuses, (201, 200, 422), "{}", retry_bare.body);
    assert_eq!(of_fraud.problem(), "already-rated");
    assert_eq!(of_unit.status, 201);
    let figures = published(&office).await;
    // The two of the bare code stand apart from the headline.
    assert_eq!(figures["ledger"]["received"], 4);
    assert_eq!(figures["ledger"]["set_aside"], 2);
    assert_eq!(figures["total"]["rated"], 2);
}

#[tokio::test]
async fn one_seat_one_person_or_two_reasons_set_nothing_aside() {
    let office = Office::open().await;
    let slip = rate(&office).await;
    office.stack.settle().await;

    let first = drop_file(&office, "1", &[row(&slip, "fraud")]).await;
    let again = drop_file(&office, "1", &[row(&slip, "fraud")]).await;
    let otherwise = drop_file(&office, "1", &[row(&slip, "trial")]).await;
    let second = drop_file(&office, "2", &[row(&slip, "trial")]).await;
    office.stack.settle().await;

    assert!(first.contains("RECORDED: 1 new"), "{first}");
    assert!(
        again.contains("RECORDED: 0 new approvals, 1 given before"),
        "{again}"
    );
    assert!(
        otherwise.contains("another reason, which stays, in rows: 2"),
        "{otherwise}"
    );
    assert!(second.contains("RECORDED: 1 new"), "{second}");
    assert_eq!(published(&office).await["total"]["rated"], 1);
    assert_eq!(published(&office).await["ledger"]["set_aside"], 0);
}

#[tokio::test]
async fn a_void_file_is_taken_whole_or_not_at_all() {
    let office = Office::open().await;
    let rated = rate(&office).await;
    office.stack.settle().await;

    let two_names = format!("{UNIT},{OFFICIAL},{},0905123456,,fraud", rated.code);
    let malformed = [
        row(&rated, "fraud"),
        two_names,
        format!("{UNIT},,,,,fraud"),
        format!("{UNIT},,,,r1,fraud"),
        format!("{UNIT},,x,,,fraud"),
        format!("{UNIT},,,12,,fraud"),
        row(&rated, "vì thích"),
    ];
    let malformed = drop_file(&office, "1", &malformed).await;
    let month = Month::of(local_date(Timestamp::now()));

    assert!(malformed.contains("NOT IMPORTED: 6"), "{malformed}");
    let filed = office.stack.store.approvals(month).await.unwrap();
    assert!(filed.approvals.is_empty());
}

#[tokio::test]
async fn a_void_file_does_not_tell_who_has_rated() {
    let office = Office::open().await;
    let (rated, unrated) = (rate(&office).await, office.slip().await);
    let phone = office.rate(&passer_by(&official(), "0905123456")).await;
    assert_eq!(phone.status, 201);
    office.stack.settle().await;
    let by_phone = |phone: &str| format!("{UNIT},{OFFICIAL},,{phone},,fraud");
    let of_raters = [row(&rated, "fraud"), by_phone("0905123456")];
    let of_others = [row(&unrated, "fraud"), by_phone("0912345678")];

    let mut reports = Vec::new();
    for rows in [&of_raters, &of_others, &of_raters, &of_others] {
        reports.push(drop_file(&office, "1", rows).await);
    }
    drop_file(&office, "2", &of_raters).await;
    drop_file(&office, "2", &of_others).await;
    office.stack.settle().await;
    let voided = voided(&office).await;
    let now = Timestamp::now();
    let next_day = now + jiff::SignedDuration::from_hours(24);
    reconcile_tallies::handle(&office.stack.store, next_day, || true)
        .await
        .unwrap();
    let month = Month::of(local_date(next_day));
    let filed = office.stack.store.approvals(month).await.unwrap();

    assert!(reports[0].contains("RECORDED: 2 new"), "{}", reports[0]);
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[2], reports[3]);
    assert_eq!(voided, 2);
    // The two that are not there are not looked for again.
    let settled_next_day = filed.settled.len();
    assert!(settled_next_day >= 2, "{filed:?}");
}

#[tokio::test]
async fn an_approval_means_no_rating_of_a_later_day_and_no_other_subject() {
    let office = Office::open().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    let (today, unit) = (local_date(now), UnitId::parse(UNIT).unwrap());
    let ratings: Vec<_> = (0..4).map(|number| rating(number, now)).collect();
    save(store, &ratings, now).await;
    office.stack.settle().await;
    let yesterday = today.yesterday().unwrap();
    let other = Subject::parse("son-tra/st-01").unwrap();
    let cases = [
        (&ratings[0], Some(ratings[0].subject.clone()), today),
        (&ratings[1], Some(other), today),
        (&ratings[2], Some(ratings[2].subject.clone()), yesterday),
        (&ratings[3], None, today),
    ];
    for (rating, subject, day) in cases {
        for (seat, approver) in [(Seat::First, "an"), (Seat::Second, "binh")] {
            let approval = Approval {
                rating_id: rating.id.clone(),
                subject: subject.clone(),
                seat,
                approver: approver.to_owned(),
                reason: VoidReason::Trial,
                day,
            };
            store.put_approval(&unit, &approval).await.unwrap();
        }
    }

    let report = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();

    let month = Month::of(today);
    let mut voided = Vec::new();
    for rating in &ratings {
        let stored = store.rating(&unit, month, &rating.id).await.unwrap();
        voided.push(stored.unwrap().void.is_some());
    }
    assert_eq!(report.voided, 2);
    assert_eq!(voided, [true, false, false, true]);
}

#[tokio::test]
async fn many_workers_void_a_rating_once() {
    let office = Office::open().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    let (today, unit) = (local_date(now), UnitId::parse(UNIT).unwrap());
    let month = Month::of(today);
    let ratings: Vec<_> = (0..12).map(|number| rating(number, now)).collect();
    save(store, &ratings, now).await;
    let void = |index: usize| {
        let (store, unit, id) = (store.clone(), unit.clone(), ratings[index].id.clone());
        tokio::spawn(async move {
            store
                .void(&unit, month, &id, VoidReason::Fraud, today)
                .await
        })
    };
    let early = void(0).await.unwrap().unwrap();
    office.stack.settle().await;

    let workers: Vec<_> = (0..48).map(|worker| void(worker % 6)).collect();
    let mut now_voided = 0;
    for worker in workers {
        match worker.await.unwrap().unwrap() {
            Voided::Voided => now_voided += 1,
            Voided::AlreadyVoided => {}
            other => panic!("{other:?}"),
        }
    }

    assert!(matches!(early, Voided::NotCounted | Voided::Voided));
    assert_eq!(now_voided + usize::from(early == Voided::Voided), 6);
    let cells = store.cells(&unit, month).await.unwrap();
    let stored = store.ratings(&unit, month).await.unwrap();
    let counted = stored.iter().map(|stored| (&stored.rating, stored.void));
    assert_eq!(cells, fold_counted(counted));
    assert_eq!(cells.values().map(Tally::voided).sum::<u64>(), 6);
    assert_eq!(cells.values().map(Tally::rated).sum::<u64>(), 12);
    let absent = thuocdo::domain::rating::RatingId("absent".into());
    let absent = store
        .void(&unit, month, &absent, VoidReason::Fraud, today)
        .await
        .unwrap();
    assert_eq!(absent, Voided::Absent);
}

#[tokio::test]
async fn a_difference_holds_the_units_publication_until_it_is_gone() {
    let office = Office::open().await;
    let slip = rate(&office).await;
    office.stack.settle().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    let (unit, month) = (UnitId::parse(UNIT).unwrap(), Month::of(local_date(now)));
    let partition = format!("C#{unit}#{month}");
    let cell = crate::reconcile::items(&office, TALLY_TABLE, partition.clone())
        .await
        .remove(0);
    let mut raised = cell.clone();
    raised.insert(
        "sat".into(),
        aws_sdk_dynamodb::types::AttributeValue::N("2".into()),
    );
    crate::reconcile::put(&office, TALLY_TABLE, &raised).await;

    let found = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();
    let frozen = store.releases(&unit).await.unwrap().is_frozen;
    rate(&office).await;
    office.stack.settle().await;
    let held = published(&office).await;
    let note = office.get(&format!("/ket-qua/don-vi/{UNIT}/")).await.body;
    let written = crate::reconcile::items(&office, TALLY_TABLE, partition).await;
    let difference = written
        .iter()
        .find(|item| item["SK"].as_s().unwrap() == "#DIFFERENCE")
        .unwrap();
    let difference: Value = serde_json::from_str(difference["difference"].as_s().unwrap()).unwrap();

    assert_eq!((found.mismatched, frozen), (1, true));
    assert_eq!(held["total"]["rated"], 1);
    assert!(
        note.contains("đang được kiểm tra vì có chênh lệch"),
        "{note}"
    );
    assert_eq!(difference["cells"][0]["cell_says"]["sat"], 3);
    assert_eq!(difference["cells"][0]["ratings_say"]["sat"], 2);

    // Two people looked, and took the tampering back.
    let update = office.stack.dynamodb.update_item().table_name(TALLY_TABLE);
    let key = |name: &str| cell[name].clone();
    update
        .key("PK", key("PK"))
        .key("SK", key("SK"))
        .update_expression("ADD sat :less")
        .expression_attribute_values(
            ":less",
            aws_sdk_dynamodb::types::AttributeValue::N("-1".into()),
        )
        .send()
        .await
        .unwrap();
    let found = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();
    office.stack.settle().await;

    assert_eq!(found.mismatched, 0);
    assert!(!store.releases(&unit).await.unwrap().is_frozen);
    assert_eq!(published(&office).await["total"]["rated"], 2);
    drop(slip);
}

#[tokio::test]
async fn a_month_is_sealed_when_it_is_closed_and_a_later_change_breaks_the_seal() {
    let office = Office::open().await;
    let store = &office.stack.store;
    let then = Timestamp::now();
    let (unit, month) = (UnitId::parse(UNIT).unwrap(), Month::of(local_date(then)));
    let ratings: Vec<_> = (0..6).map(|number| rating(number, then)).collect();
    save(store, &ratings, then).await;
    office.stack.settle().await;
    store.count(&ratings).await;
    let next = local_date(then).last_of_month().tomorrow().unwrap();
    let reconcile = async |day: i8| {
        let noon = next.with().day(day).build().unwrap().at(12, 0, 0, 0);
        let now = jiff::tz::Offset::constant(7).to_timestamp(noon).unwrap();
        reconcile_tallies::handle(store, now, || true)
            .await
            .unwrap()
    };

    let early = reconcile(3).await;
    let closed = reconcile(4).await;
    let again = reconcile(5).await;
    let seal = store
        .counted_month(&unit, month)
        .await
        .unwrap()
        .seal
        .unwrap();
    // Somebody with all rights turns a verdict, in the rating and in its cell alike.
    let turned = ratings
        .iter()
        .find(|rating| rating.satisfaction.code() == "satisfied")
        .unwrap();
    let text = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.into());
    let number = |number: &str| aws_sdk_dynamodb::types::AttributeValue::N(number.into());
    let rating_key = [
        ("PK", format!("U#{unit}#{month}")),
        ("SK", format!("R#{}", turned.id.0)),
    ];
    let cell_key = thuocdo::domain::tally::CellKey::of(turned).sort_key();
    let cell_key = [("PK", format!("C#{unit}#{month}")), ("SK", cell_key)];
    let update = |table: &str, key: &[(&str, String); 2], expression: &str| {
        let update = office
            .stack
            .dynamodb
            .update_item()
            .table_name(table)
            .update_expression(expression);
        key.iter().fold(update, |update, (name, value)| {
            update.key(*name, text(value))
        })
    };
    update(RATINGS_TABLE, &rating_key, "SET satisfaction = :dis")
        .expression_attribute_values(":dis", text("not_satisfied"))
        .send()
        .await
        .unwrap();
    update(TALLY_TABLE, &cell_key, "ADD sat :less, dis :more")
        .expression_attribute_values(":less", number("-1"))
        .expression_attribute_values(":more", number("1"))
        .send()
        .await
        .unwrap();
    let tampered = reconcile(6).await;

    assert_eq!((early.sealed, closed.sealed, again.sealed), (0, 1, 0));
    assert_eq!(seal.rated, 6);
    assert_eq!(tampered.mismatched, 1);
    assert!(store.releases(&unit).await.unwrap().is_frozen);
}

#[tokio::test]
async fn a_run_without_time_is_taken_up_by_the_next() {
    let office = Office::open().await;
    let (now, store) = (Timestamp::now(), &office.stack.store);
    office.stack.settle().await;
    let whole = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();
    let begun = std::sync::atomic::AtomicUsize::new(0);
    let one_at_a_time = || begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;

    let mut parts = Vec::new();
    loop {
        begun.store(0, std::sync::atomic::Ordering::SeqCst);
        let part = reconcile_tallies::handle(store, now, one_at_a_time)
            .await
            .unwrap();
        parts.push(part.equal);
        if part.left == 0 {
            break;
        }
    }
    let after = reconcile_tallies::handle(store, now, || true)
        .await
        .unwrap();

    assert!(parts.len() > 2, "{parts:?}");
    assert_eq!(parts.iter().sum::<usize>(), whole.equal);
    assert_eq!(after.equal, whole.equal);
}
