//! Statistics: what was published, to whoever asks for it as data.

use reqwest::Method;
use serde_json::Value;
use thuocdo::handlers::get_statistics;

use crate::fixture::UNIT;
use crate::support::{Office, satisfied};

async fn published() -> Office {
    let office = Office::open().await;
    for _ in 0..3 {
        let slip = office.slip().await;
        assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    }
    office.stack.settle().await;
    office
}

#[tokio::test]
async fn statistics_are_the_published_file() {
    let office = published().await;

    let all = office.get("/api/statistics").await;
    let unit = office.get(&format!("/api/statistics?unit_id={UNIT}")).await;

    assert_eq!(all.body, office.get("/ket-qua/ket-qua-all.json").await.body);
    assert_eq!(all.json()["province"]["total"]["rated"], 3);
    let file = format!("/ket-qua/don-vi/{UNIT}/ket-qua.json");
    assert_eq!(unit.body, office.get(&file).await.body);
    assert_eq!(unit.content_type, "application/json");
}

#[tokio::test]
async fn one_period_of_a_unit_comes_alone() {
    let office = published().await;
    let all = office.get(&format!("/api/statistics?unit_id={UNIT}")).await;
    let periods = all.json()["periods"].as_object().unwrap().clone();

    for (period, figures) in &periods {
        let one = office
            .get(&format!("/api/statistics?unit_id={UNIT}&period={period}"))
            .await;
        assert_eq!(one.status, 200);
        assert_eq!(
            one.json()["periods"],
            serde_json::json!({ period: figures })
        );
        let units = office
            .get(&format!("/api/statistics?period={period}"))
            .await;
        assert_eq!(units.json()["period"], *period);
    }
    assert_eq!(periods.len(), 4, "all time, year, quarter and month");
}

#[tokio::test]
async fn what_is_not_published_is_not_found_and_what_is_no_name_is_refused() {
    let office = published().await;

    for query in [
        "unit_id=nobody",
        "period=1999",
        &format!("unit_id={UNIT}&period=1999q1"),
    ] {
        let answer = office.get(&format!("/api/statistics?{query}")).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (404, "not-found"),
            "{query}"
        );
    }
    for (query, errors) in [
        ("unit_id=../../catalog", vec!["unit_id:malformed"]),
        ("unit_id=a&unit_id=b", vec!["unit_id:malformed"]),
        ("period=next", vec!["period:malformed"]),
        (
            "unit_id=A&period=%00",
            vec!["unit_id:malformed", "period:malformed"],
        ),
    ] {
        let answer = office.get(&format!("/api/statistics?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        assert_eq!(answer.errors(), errors, "{query}");
    }
}

#[tokio::test]
async fn a_version_already_held_is_not_sent_again() {
    let office = published().await;
    let address = format!("{}/api/statistics", office.stack.address);
    let first = office.http.get(&address).send().await.unwrap();
    let tag = first.headers()["etag"].clone();

    let again = office
        .http
        .get(&address)
        .header("if-none-match", &tag)
        .send()
        .await
        .unwrap();

    assert_eq!(again.status(), 304);
    // Compression on the way makes a tag weak; it names the same version.
    let named = |tag: &reqwest::header::HeaderValue| {
        tag.to_str().unwrap().trim_start_matches("W/").to_owned()
    };
    assert_eq!(named(&again.headers()["etag"]), named(&tag));
    assert!(again.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn every_sample_event_gets_its_answer() {
    let office = published().await;

    for (name, method, status) in [
        ("get-statistics", Method::GET, 200),
        ("get-statistics-unit", Method::GET, 404),
        ("get-statistics-unknown-unit", Method::GET, 404),
        ("get-statistics-bad-period", Method::GET, 422),
        ("get-statistics-repeated-unit", Method::GET, 422),
        ("get-statistics", Method::POST, 405),
        ("get-statistics-unknown-unit", Method::HEAD, 404),
    ] {
        let text = std::fs::read_to_string(format!("events/{name}.json")).unwrap();
        let mut event: Value = serde_json::from_str(&text).unwrap();
        event["requestContext"]["http"]["method"] = method.as_str().into();
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();

        let answer = get_statistics::handle(&office.stack.site, request).await;

        assert_eq!(answer.status(), status, "{name} {method}");
        if status == 405 {
            assert_eq!(answer.headers()["allow"], "GET, HEAD");
        }
    }
}
