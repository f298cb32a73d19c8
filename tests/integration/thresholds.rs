//! Thresholds: a quarter keeps those it began with, and two reviewers loosen them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use thuocdo::domain::period::{Month, Quarter, local_date};
use thuocdo::domain::rating::Attestation;

use crate::fixture;
use crate::support::Office;

fn this_quarter() -> Quarter {
    Month::of(local_date(Timestamp::now())).quarter()
}

fn next_quarter() -> Quarter {
    let this = this_quarter();
    match this.quarter {
        4 => Quarter {
            year: this.year + 1,
            quarter: 1,
        },
        quarter => Quarter {
            quarter: quarter + 1,
            ..this
        },
    }
}

fn noon(quarter: Quarter) -> Timestamp {
    let noon = quarter.first_day().at(12, 0, 0, 0);
    noon.to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// Smallest numbers of new ratings and of an official's ratings that `quarter` began with.
async fn kept(office: &Office, quarter: Quarter) -> (u64, u64) {
    let kept = office.stack.store.quarter_thresholds().await.unwrap();
    let thresholds = &kept.by_quarter[&quarter].thresholds;
    (thresholds.min_new_ratings, thresholds.min_official_ratings)
}

/// An office whose quarter began with 7 and 12, and whose catalog asks for 5 and 10 since.
async fn loosened_office() -> Office {
    let office = Office::with_thresholds(7, 12).await;
    office.publish().await.unwrap();
    let catalog = fixture::catalog(5, 10);
    let put = office.stack.store.put_catalog(&catalog, Timestamp::now());
    put.await.unwrap();
    office.publish().await.unwrap();
    office
}

/// Drops a file of a reviewer's group and returns what the report says.
async fn approve(office: &Office, group: &str, quarter: Quarter, values: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let group = folder.path().join("voids").join(group);
    std::fs::create_dir_all(&group).unwrap();
    let heading = "quarter,min_new_ratings,min_official_ratings,ranking_strata";
    let text = format!("{heading}\n{quarter},{values}\n");
    std::fs::write(group.join("thresholds.csv"), text).unwrap();
    let reports = office.stack.import_dir(folder.path()).await;
    reports.iter().map(|report| report.text()).collect()
}

#[tokio::test]
async fn one_persons_catalog_loosens_no_thresholds() {
    let office = loosened_office().await;
    let first = approve(&office, "1", next_quarter(), "5,10,dossier_verified").await;

    office.publish_at(noon(next_quarter())).await.unwrap();

    assert!(first.contains("RECORDED: 1 new"), "{first}");
    assert_eq!(kept(&office, this_quarter()).await, (7, 12));
    assert_eq!(kept(&office, next_quarter()).await, (7, 12));
}

#[tokio::test]
async fn two_reviewers_loosen_the_thresholds_of_the_next_quarter() {
    let office = loosened_office().await;
    for group in ["1", "2"] {
        approve(&office, group, next_quarter(), "5,11,dossier_verified").await;
    }

    office.publish().await.unwrap();
    let before = kept(&office, this_quarter()).await;
    office.publish_at(noon(next_quarter())).await.unwrap();

    assert_eq!(before, (7, 12));
    assert_eq!(kept(&office, this_quarter()).await, (7, 12));
    assert_eq!(kept(&office, next_quarter()).await, (5, 11));
    let kept = office.stack.store.quarter_thresholds().await.unwrap();
    let next = &kept.by_quarter[&next_quarter()];
    assert_eq!(next.since, next_quarter().first_day());
    // The catalog names it, and the quarter before counted it.
    let strata = &next.thresholds.ranking_strata;
    assert!(strata.contains(&Attestation::DeviceSession), "{strata:?}");
}

#[tokio::test]
async fn a_quarter_that_has_begun_and_thresholds_below_the_floors_are_refused() {
    let office = Office::with_thresholds(7, 12).await;

    let begun = approve(&office, "1", this_quarter(), "5,10,dossier_verified").await;
    let below = approve(&office, "1", next_quarter(), "4,10,dossier_verified").await;
    let first = approve(&office, "1", next_quarter(), "5,10,dossier_verified").await;
    let again = approve(&office, "1", next_quarter(), "5,10,dossier_verified").await;
    let other = approve(&office, "1", next_quarter(), "6,10,dossier_verified").await;

    assert!(begun.contains("NOT IMPORTED: 1"), "{begun}");
    assert!(below.contains("NOT IMPORTED: 1"), "{below}");
    assert!(first.contains("RECORDED: 1 new"), "{first}");
    assert!(again.contains("1 given before"), "{again}");
    assert!(other.contains("in rows: 2"), "{other}");
}
