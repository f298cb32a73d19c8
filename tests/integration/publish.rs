//! Publishing: what is shown, when it moves, and that the same input gives the same bytes.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use local::dynamo::RATINGS_TABLE;
use serde_json::Value;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::handlers::publish_pages::{PublishError, PublishReport};

use crate::fixture::{CLOSED_UNIT, OFFICIAL, UNIT};
use crate::support::{Office, official, passer_by, satisfied};

/// Figures of the fixture's official in every period that shows any.
async fn official_figures(office: &Office) -> Vec<Value> {
    let results = office
        .get(&format!("/ket-qua/don-vi/{UNIT}/ket-qua.json"))
        .await
        .json();
    let periods = results["periods"].as_object().unwrap().values();
    let rows = periods.flat_map(|period| period["ranking"].as_array().cloned().unwrap_or_default());
    let of_official = rows.filter(|row| row["official_id"] == OFFICIAL);
    of_official
        .map(|row| row["figures"].clone())
        .filter(|figures| !figures.is_null())
        .collect()
}

#[tokio::test]
async fn a_rating_just_given_is_on_the_page_where_thresholds_are_one() {
    let office = Office::open().await;
    let slip = office.slip().await;
    office.stack.settle().await;
    assert_eq!(
        office.rate(&satisfied(&official(), &slip)).await.status,
        201
    );

    office.stack.settle().await;

    let page = office
        .get(&format!("/ket-qua/don-vi/{UNIT}/cong-chuc/"))
        .await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("Trần Thị Minh Họa") && page.body.contains("Dữ liệu mẫu"));
    assert!(
        official_figures(&office)
            .await
            .iter()
            .all(|figures| figures["rated"] == 1)
    );
    assert_eq!(official_figures(&office).await.len(), 3);
    let statistics = office.get(&format!("/api/statistics?unit_id={UNIT}")).await;
    assert_eq!(statistics.status, 200, "{}", statistics.body);
}

#[tokio::test]
async fn nothing_moves_before_k_and_no_official_shows_before_n() {
    let office = Office::with_thresholds(5, 10).await;
    office.stack.settle().await;
    let before = office.get(&format!("/ket-qua/don-vi/{UNIT}/")).await;

    for _ in 0..4 {
        let slip = office.slip().await;
        assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    }
    office.stack.settle().await;
    assert_eq!(
        office.get(&format!("/ket-qua/don-vi/{UNIT}/")).await,
        before
    );

    for _ in 0..9 {
        let slip = office.slip().await;
        assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
        assert_eq!(
            office.rate(&satisfied(&official(), &slip)).await.status,
            201
        );
    }
    office.settle_at_month_start().await;
    let ranking = office
        .get(&format!("/ket-qua/don-vi/{UNIT}/cong-chuc/"))
        .await
        .body;
    assert!(official_figures(&office).await.is_empty());
    assert!(
        ranking.contains("Chưa đủ số liệu để công bố (dưới 10 lượt đánh giá)."),
        "{ranking}"
    );

    let slip = office.slip().await;
    assert_eq!(
        office.rate(&satisfied(&official(), &slip)).await.status,
        201
    );
    office.settle_at_month_start().await;
    assert!(
        official_figures(&office)
            .await
            .iter()
            .all(|figures| figures["rated"] == 10)
    );
    assert_eq!(official_figures(&office).await.len(), 3);
}

#[tokio::test]
async fn a_passer_by_never_enters_an_officials_figure() {
    let office = Office::open().await;
    assert_eq!(
        office
            .rate(&passer_by(&official(), "0905123456"))
            .await
            .status,
        201
    );

    office.stack.settle().await;

    assert!(official_figures(&office).await.is_empty());
}

#[tokio::test]
async fn a_unit_whose_release_cannot_be_read_keeps_its_pages_and_holds_no_other_back() {
    let office = Office::open().await;
    office.stack.settle().await;
    let quarter = Month::of(local_date(Timestamp::now())).quarter();
    let put = office.stack.dynamodb.put_item().table_name(RATINGS_TABLE);
    let put = put
        .item("PK", AttributeValue::S(format!("L#{CLOSED_UNIT}")))
        .item("SK", AttributeValue::S(quarter.to_string()))
        .item("release", AttributeValue::B(Blob::new("no release")))
        .item("revision", AttributeValue::N("1".to_owned()));
    put.send().await.unwrap();
    let sums = async || office.get("/goi-du-lieu/SHA256SUMS").await.body;
    let of_unit = |sums: &str| -> Vec<String> {
        let lines = sums.lines().filter(|line| line.contains(CLOSED_UNIT));
        lines.map(str::to_owned).collect()
    };
    let before = sums().await;
    let slip = office.slip().await;
    assert_eq!(
        office.rate(&satisfied(&official(), &slip)).await.status,
        201
    );
    office.stack.drain().await;

    let published = office.publish().await;

    assert!(
        matches!(published, Err(PublishError::Units(1))),
        "{published:?}"
    );
    assert_eq!(official_figures(&office).await.len(), 3);
    let after = sums().await;
    assert_ne!(after, before);
    assert!(!of_unit(&before).is_empty());
    assert_eq!(of_unit(&after), of_unit(&before));
}

#[tokio::test]
async fn publishing_again_writes_nothing() {
    let office = Office::open().await;
    let slip = office.slip().await;
    assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    office.stack.settle().await;

    let again = office.publish().await.unwrap();

    assert_eq!((again.written, again.released), (0, 0));
}

#[tokio::test]
async fn one_more_rating_rewrites_its_units_results_and_no_form() {
    let office = Office::open().await;
    office.stack.settle().await;
    let slip = office.slip().await;
    assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    office.stack.drain().await;

    let report = office.publish().await.unwrap();

    assert_eq!(report.released, 1);
    assert!(
        report.written > 0 && report.unchanged >= report.written,
        "{report:?}"
    );
}

#[tokio::test]
async fn one_process_publishes_at_a_time_and_one_that_is_gone_does_not_stop_the_others_for_long() {
    let office = Office::open().await;
    let (store, now) = (&office.stack.store, Timestamp::now());
    let gone = store.take_lease_as("gone", now).await.unwrap().unwrap();
    let slip = office.slip().await;
    let rated = office.rate(&satisfied(UNIT, &slip)).await;
    assert_eq!(rated.status, 201);
    office.stack.drain().await;

    let meanwhile = office.publish().await.unwrap();
    let another = store.take_lease_as("another", now).await.unwrap();
    let minutes = |minutes| now + SignedDuration::from_mins(minutes);
    let still = office.publish_at(minutes(10)).await.unwrap();
    let later = office.publish_at(minutes(11)).await.unwrap();
    store.give_lease_back(&gone).await.unwrap();
    let next = store.take_lease_as("another", minutes(11)).await.unwrap();

    assert_eq!([meanwhile, still], [PublishReport::default(); 2]);
    assert_eq!(another, None);
    assert!(later.units > 0 && later.written > 0, "{later:?}");
    // Given back at its end, and not by a process that has it no longer.
    assert!(next.is_some());
}
