//! Stuffing: invented phone numbers, through the real stack, move no figure.

use std::collections::BTreeMap;
use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::local_date;
use thuocdo::domain::rating::Attestation;
use thuocdo::site::package;

use crate::fixture::UNIT;
use crate::support::{Office, official, passer_by, satisfied};

/// Invented ratings; what one core could send in 45 seconds when it was tried.
const INVENTED: usize = 112;

/// An office with ten verified ratings of a unit and ten of its official, published on the day after.
async fn published() -> (Office, Timestamp) {
    let office = Office::with_thresholds(5, 10).await;
    for _ in 0..10 {
        let slip = office.slip().await;
        for subject in [UNIT.to_owned(), official()] {
            assert_eq!(office.rate(&satisfied(&subject, &slip)).await.status, 201);
        }
    }
    office.settle_at_month_start().await;
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    office.publish_at(tomorrow).await.unwrap();
    (office, tomorrow)
}

/// Rates the unit by an invented phone number for each number below [`INVENTED`], not satisfied.
async fn stuff(office: &Office) {
    for number in 0..INVENTED {
        let mut rating = passer_by(UNIT, &format!("0905{number:06}"));
        rating["satisfaction"] = "not_satisfied".into();
        rating["reasons"] = serde_json::json!(["tre-hen"]);
        let answer = office.rate(&rating).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    office.stack.drain().await;
}

/// Every published object but the lists of counted ratings, which name every rating, and what is made from them.
async fn objects(office: &Office) -> BTreeMap<String, Vec<u8>> {
    let sums = office.get(package::SUMS_PATH).await.body;
    let keys = sums.lines().map(|line| line.split_once("  ").unwrap().1);
    let mut objects = BTreeMap::new();
    for key in keys.filter(|key| !key.contains("/kiem-dem/")) {
        let bytes = office.stack.site.get(key).await.unwrap().unwrap();
        objects.insert(key.to_owned(), bytes);
    }
    objects
}

/// A page without the box and the lines of unverified ratings.
fn without_unverified(page: &str) -> String {
    let mut parts = page.split(" data-unverified>");
    let mut kept = parts.next().unwrap().to_owned();
    for part in parts {
        let is_box = kept.ends_with("<section class=\"inset\"");
        let end = if is_box { "</section>" } else { "</p>" };
        kept.push_str(&part[part.find(end).unwrap()..]);
    }
    // Where they were cut out of, an empty element is left.
    kept.replace("<section class=\"inset\"</section>\n", "")
        .replace("<p class=\"ledger\"</p>\n", "")
}

/// Takes every member called `unverified` out of `value`.
fn verified_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("unverified");
            members.values_mut().for_each(verified_members);
        }
        Value::Array(items) => items.iter_mut().for_each(verified_members),
        _ => {}
    }
}

/// The cells of a table but for rows and columns of unverified ratings.
fn verified_cells(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let of_others = |text: &String| text.contains("hưa xác thực");
    let header = rows.first().cloned().unwrap_or_default();
    let rows = rows.into_iter();
    let rows = rows.filter(|row| *row == header || !row.iter().any(of_others));
    rows.map(|row| {
        let cells = row.into_iter().zip(&header);
        cells
            .filter(|(_, header)| !of_others(header))
            .map(|(cell, _)| cell)
            .collect()
    })
    .collect()
}

fn csv_rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

fn xlsx_rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    let range = workbook.worksheet_range("Số liệu").unwrap();
    range
        .rows()
        .map(|row| row.iter().map(Data::to_string).collect())
        .collect()
}

#[tokio::test]
async fn invented_phone_numbers_move_no_figure_and_only_their_own_count() {
    let (office, tomorrow) = published().await;
    let before = objects(&office).await;

    stuff(&office).await;
    let report = office.publish_at(tomorrow).await.unwrap();

    assert!(report.written > 0, "{report:?}");
    assert_eq!(report.flagged, INVENTED as u64);
    let after = objects(&office).await;
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    for (key, bytes) in &before {
        let after = &after[key];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match key.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => assert_eq!(
                without_unverified(&text(bytes)),
                without_unverified(&text(after)),
                "{key}"
            ),
            Some("json") => {
                let parse = |bytes: &[u8]| {
                    let mut value: Value = serde_json::from_slice(bytes).unwrap();
                    verified_members(&mut value);
                    value
                };
                assert_eq!(parse(bytes), parse(after), "{key}");
            }
            Some("csv") => assert_eq!(
                verified_cells(csv_rows(bytes)),
                verified_cells(csv_rows(after)),
                "{key}"
            ),
            Some("xlsx") => assert_eq!(
                verified_cells(xlsx_rows(bytes)),
                verified_cells(xlsx_rows(after)),
                "{key}"
            ),
            _ => assert_eq!(bytes, after, "{key}"),
        }
    }

    let statistics = office.get(&format!("/api/statistics?unit_id={UNIT}")).await;
    let periods = statistics.json()["periods"].as_object().unwrap().clone();
    assert_eq!(periods.len(), 4);
    for (period, figures) in &periods {
        assert_eq!(figures["total"]["rated"], 20, "{period}");
        assert_eq!(figures["total"]["percent"], 100.0, "{period}");
        assert_eq!(figures["ledger"]["received"], 20, "{period}");
        assert_eq!(figures["reasons"], serde_json::json!([]), "{period}");
        assert_eq!(
            figures["unverified"],
            serde_json::json!({ "phone_declared": {
                "rater_kind": "non_participant", "received": INVENTED, "set_aside": 0, "percent": null,
            } }),
            "{period}"
        );
    }
    let province = office.get("/api/statistics").await.json()["province"].clone();
    assert_eq!(province["total"]["rated"], 20);
    let page = office.get(&format!("/ket-qua/don-vi/{UNIT}/")).await.body;
    let (_, told) = page.split_once("Ý kiến chưa xác thực").unwrap();
    let (told, _) = told.split_once("</dl>").unwrap();
    assert!(told.contains("<dd>112 lượt</dd>"), "{told}");
    assert!(!told.contains('%'), "{told}");
}

#[tokio::test]
async fn invented_ratings_of_today_are_told_tomorrow() {
    let office = Office::with_thresholds(5, 10).await;
    let rating = passer_by(UNIT, "0905123456");
    assert_eq!(office.rate(&rating).await.status, 201);
    office.stack.drain().await;
    let told = async || {
        let statistics = office.get(&format!("/api/statistics?unit_id={UNIT}")).await;
        statistics.json()["periods"]["all"]["unverified"].clone()
    };

    office.publish().await.unwrap();
    assert_eq!(told().await, Value::Null);

    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    office.publish_at(tomorrow).await.unwrap();
    assert_eq!(told().await["phone_declared"]["received"], 1);
}

#[tokio::test]
async fn flagged_ratings_can_be_listed_as_a_void_file() {
    let (office, _) = published().await;
    stuff(&office).await;
    let selection = local::list::Selection {
        unit: UnitId::parse(UNIT).unwrap(),
        day: local_date(Timestamp::now()),
        stratum: Attestation::PhoneDeclared,
    };

    let listed = local::list::select(&office.stack.store, &selection)
        .await
        .unwrap();

    assert_eq!(
        (listed.ratings.len(), listed.flagged),
        (INVENTED, INVENTED as u64)
    );
    let stored = office.stored_ratings().await;
    let invented = stored
        .iter()
        .filter(|rating| rating.attestation == Attestation::PhoneDeclared);
    let mut rows: Vec<String> = invented
        .map(|rating| format!("{UNIT},,{},fraud", rating.id.0))
        .collect();
    rows.sort();
    let file = listed.void_file(Some(thuocdo::domain::void::VoidReason::Fraud));
    assert_eq!(
        file,
        format!("unit,official,rating,reason\n{}\n", rows.join("\n"))
    );

    let none = local::list::Selection {
        stratum: Attestation::DossierClaimed,
        ..selection
    };
    let listed = local::list::select(&office.stack.store, &none)
        .await
        .unwrap();
    assert_eq!((listed.ratings.len(), listed.flagged), (0, 0));
}
