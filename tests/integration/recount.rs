//! Recounting by outsiders: lists of counted ratings, and what they prove.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use local::dynamo::RATINGS_TABLE;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::proof::Tracker;
use thuocdo::domain::proof::list::CountedList;
use thuocdo::site::results::{counted_path, list_path};

use crate::fixture::UNIT;
use crate::support::{Office, official, satisfied};

fn unit() -> UnitId {
    UnitId::parse(UNIT).unwrap()
}

fn this_month() -> Month {
    Month::of(local_date(Timestamp::now()))
}

fn in_days(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24 * days)
}

/// The published list of the unit and month; none while there is none.
async fn list(office: &Office) -> Option<CountedList> {
    let answer = office.get(&list_path(&unit(), this_month())).await;
    (answer.status == 200).then(|| {
        let list = CountedList::from_json(answer.body.as_bytes()).unwrap();
        assert_eq!(list.check(), Ok(()));
        assert_eq!((&list.unit_id, list.month), (&unit(), this_month()));
        list
    })
}

/// Rates the unit by so many dossiers, counts them, and gives their trackers.
async fn rate(office: &Office, ratings: usize) -> Vec<Tracker> {
    let mut trackers = Vec::new();
    for _ in 0..ratings {
        let slip = office.slip().await;
        let answer = office.rate(&satisfied(UNIT, &slip)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        trackers.push(Tracker::parse(answer.json()["tracker"].as_str().unwrap()).unwrap());
    }
    office.stack.drain().await;
    trackers
}

#[tokio::test]
async fn whoever_rated_finds_the_tracker_in_the_published_list() {
    let office = Office::open().await;
    let trackers = rate(&office, 2).await;
    let slip = office.slip().await;
    assert_eq!(
        office.rate(&satisfied(&official(), &slip)).await.status,
        201
    );

    office.stack.settle().await;

    let published = list(&office).await.unwrap();
    assert_eq!(published.len(), 3);
    for tracker in &trackers {
        assert!(published.find(&tracker.hash()).is_some());
    }
    let stored = office.stored_ratings().await;
    let proof_key = office.stack.keyring.proof_key();
    let entries = proof_key.entries(&unit(), this_month(), &stored);
    assert_eq!(
        published.root(),
        thuocdo::domain::proof::root(&entries),
        "whoever holds the key and the ratings gets the same root"
    );
    let root = data_encoding::HEXLOWER.encode(&published.root());
    for tree in ["", "/en"] {
        let page = office
            .get(&format!("{tree}{}", counted_path(&unit())))
            .await;
        assert!(page.body.contains(&root), "{}", page.body);
    }
}

#[tokio::test]
async fn fewer_than_k_new_ratings_are_not_listed_and_no_list_grows_twice_a_day() {
    let office = Office::with_thresholds(5, 10).await;
    rate(&office, 4).await;
    office.publish().await.unwrap();
    assert!(list(&office).await.is_none());

    rate(&office, 1).await;
    office.publish().await.unwrap();
    assert_eq!(list(&office).await.unwrap().len(), 5);

    rate(&office, 5).await;
    office.publish().await.unwrap();
    assert_eq!(list(&office).await.unwrap().len(), 5);

    office.publish_at(in_days(1)).await.unwrap();
    let grown = list(&office).await.unwrap();
    assert_eq!((grown.len(), grown.nights.len()), (10, 2));

    rate(&office, 4).await;
    office.publish_at(in_days(2)).await.unwrap();
    assert_eq!(list(&office).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_month_that_is_over_is_listed_to_the_last_rating_and_closed() {
    let office = Office::with_thresholds(5, 10).await;
    let trackers = rate(&office, 2).await;

    office.publish_at(in_days(45)).await.unwrap();

    let closed = list(&office).await.unwrap();
    assert!(closed.closed);
    assert!(
        trackers
            .iter()
            .all(|tracker| closed.find(&tracker.hash()).is_some())
    );
    let again = office.publish_at(in_days(45)).await.unwrap();
    assert_eq!(again.written, 0);
}

#[tokio::test]
async fn a_list_does_not_grow_over_a_rating_that_was_taken_away_or_changed() {
    for change in [true, false] {
        let office = Office::open().await;
        rate(&office, 3).await;
        office.publish().await.unwrap();
        let before = list(&office).await.unwrap();
        let victim = office.stored_ratings().await.remove(0);
        let tables = &office.stack.dynamodb;
        let text = |text: String| AttributeValue::S(text);
        let (pk, sk) = (
            format!("U#{UNIT}#{}", this_month()),
            format!("R#{}", victim.id.0),
        );
        if change {
            let update = tables.update_item().table_name(RATINGS_TABLE);
            let update = update.key("PK", text(pk)).key("SK", text(sk));
            let update = update
                .update_expression("SET satisfaction = :other")
                .expression_attribute_values(":other", text("not_satisfied".into()));
            update.send().await.unwrap();
        } else {
            let delete = tables.delete_item().table_name(RATINGS_TABLE);
            let delete = delete.key("PK", text(pk)).key("SK", text(sk));
            delete.send().await.unwrap();
        }

        rate(&office, 2).await;
        office.publish().await.unwrap();

        assert_eq!(list(&office).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_list_that_was_replaced_in_the_bucket_does_not_grow() {
    let office = Office::open().await;
    let key = list_path(&unit(), this_month());
    let key = key.trim_start_matches('/');
    rate(&office, 2).await;
    office.publish().await.unwrap();
    let earlier = office.stack.site.get(key).await.unwrap().unwrap();
    rate(&office, 1).await;
    office.publish().await.unwrap();

    let put = office
        .stack
        .site
        .put(key, "application/json", "no-store", earlier);
    put.await.unwrap();
    rate(&office, 1).await;
    office.publish().await.unwrap();

    assert_eq!(list(&office).await.unwrap().len(), 2);
}

#[tokio::test]
async fn two_publishers_at_once_leave_one_list_that_goes_on_growing() {
    let office = Office::open().await;
    for round in 1..=3 {
        rate(&office, 2).await;
        let (one, other) = tokio::join!(office.publish(), office.publish());
        one.unwrap();
        other.unwrap();
        assert_eq!(list(&office).await.unwrap().len(), 2 * round);
    }
}
