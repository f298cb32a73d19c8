//! What saving and counting tell their callers, outcome by outcome, on simulated tables where nothing fails.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lambda_events::dynamodb::Event;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::Timestamp;
use serde_json::json;
use thuocdo::domain::period::Month;
use thuocdo::domain::rating::{Attestation, Rating};
use thuocdo::domain::tally::fold;
use thuocdo::handlers::aggregate_ratings;
use thuocdo::keyring::UsedMark;
use thuocdo::store::submit::{Claim, Submission, Submitted};
use thuocdo::store::{Store, StoreError};

use super::ratings::Ratings;
use super::simulation::alone;
use crate::faults::wire::{cancellation, reply};
use crate::metrics::heard;

fn ratings() -> Ratings {
    Ratings::new(1, 2)
}

fn now() -> Timestamp {
    ratings().now()
}

/// The `index`-th rating that claims a receipt, or the `index`-th of a phone.
fn rating(index: usize, by_phone: bool) -> Rating {
    let ratings = ratings();
    let mut all = (0..).map(|index| ratings.version(index, 0));
    all.by_ref()
        .filter(|rating| (rating.attestation == Attestation::PhoneDeclared) == by_phone)
        .nth(index)
        .unwrap()
}

fn in_november(rating: Rating) -> Rating {
    Rating {
        date: jiff::civil::date(2026, 11, 20),
        ..rating
    }
}

async fn submit(store: &Store, rating: &Rating, digest: &str) -> Submitted {
    let hash = format!("h-{}", rating.id.0);
    let mark = mark(rating);
    let claim = match rating.attestation {
        Attestation::PhoneDeclared => Claim::Guard {
            hash: &hash,
            expires: now(),
        },
        _ => Claim::Receipt {
            hash: &hash,
            mark: &mark,
        },
    };
    let submission = Submission {
        rating,
        digest,
        claim,
        suggestion: None,
    };
    match store.submit(&submission, now()).await.unwrap() {
        Submitted::Saved { .. } => Submitted::Saved { write_units: 0.0 },
        other => other,
    }
}

fn mark(rating: &Rating) -> UsedMark {
    UsedMark {
        text: format!("m{}", rating.subject),
        again: false,
    }
}

const SAVED: Submitted = Submitted::Saved { write_units: 0.0 };

/// Runs `work` with the receipts of these ratings on the table, each to expire so many seconds from now.
fn with_receipts<T, W>(receipts: &[(&Rating, i64)], work: impl FnOnce(Store) -> W) -> T
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    alone(|tables, store| {
        for (rating, seconds) in receipts {
            let expiry = (now().as_second() + seconds).to_string();
            let pk = format!("K#h-{}", rating.id.0);
            let receipt = json!({
                "exp": { "N": expiry }, "unit": { "S": rating.subject.unit_id.as_str() }, "officials": { "L": [] },
                "field": { "S": "dat-dai" }, "status": { "S": "returned" }, "received": { "S": "2026-10-01" },
            });
            tables.put(pk, "RECEIPT", receipt);
        }
        work(store)
    })
}

#[test]
fn a_receipt_saves_one_rating_and_tells_a_retry_from_a_second_opinion() {
    let rating = rating(0, false);

    let told = with_receipts(&[(&rating.clone(), 60)], async move |store| {
        [
            submit(&store, &rating, "a").await,
            submit(&store, &rating, "a").await,
            submit(&store, &rating, "b").await,
        ]
    });

    assert_eq!(
        told,
        [SAVED, Submitted::SavedBefore, Submitted::AlreadyRated]
    );
}

#[test]
fn a_phone_saves_one_rating_and_its_guard_outlasts_it() {
    let (first, mut other) = (rating(0, true), rating(1, true));
    other.id = first.id.clone();
    other.subject = first.subject.clone();
    other.date = jiff::civil::date(2026, 8, 1);

    let told = with_receipts(&[], async move |store| {
        [
            submit(&store, &in_november(first.clone()), "a").await,
            submit(&store, &in_november(first), "a").await,
            // In another month nothing of this phone is found but its guard.
            submit(&store, &other, "a").await,
        ]
    });

    assert_eq!(
        told,
        [SAVED, Submitted::SavedBefore, Submitted::AlreadyRated]
    );
}

#[test]
fn a_receipt_that_is_unknown_or_expired_claims_nothing() {
    let (unknown, expired, last) = (rating(0, false), rating(1, false), rating(2, false));

    let told = with_receipts(
        &[(&expired.clone(), 0), (&last.clone(), 1)],
        async move |store| {
            [
                submit(&store, &unknown, "a").await,
                submit(&store, &expired, "a").await,
                submit(&store, &last, "a").await,
            ]
        },
    );

    assert_eq!(
        told,
        [Submitted::Unclaimable, Submitted::Unclaimable, SAVED]
    );
}

#[test]
fn a_receipt_used_months_ago_is_used_and_one_used_for_another_subject_is_not() {
    let rated = in_november(rating(0, false));
    let mut again = rated.clone();
    again.id = thuocdo::domain::rating::RatingId("another".into());
    let mut other = again.clone();
    other.subject.official_id = Some(thuocdo::domain::id::OfficialId::parse("o-9").unwrap());
    let hash = format!("h-{}", rated.id.0);

    let told = with_receipts(&[(&rated.clone(), 60)], async move |store| {
        let mut told = vec![submit(&store, &rated, "a").await];
        for rating in [&again, &other] {
            // The rating itself is out of sight, under another name.
            let mark = mark(rating);
            let claim = Claim::Receipt {
                hash: &hash,
                mark: &mark,
            };
            let submission = Submission {
                rating,
                digest: "a",
                claim,
                suggestion: None,
            };
            told.push(match store.submit(&submission, now()).await.unwrap() {
                Submitted::Saved { .. } => SAVED,
                other => other,
            });
        }
        told
    });

    assert_eq!(told, [SAVED, Submitted::AlreadyRated, SAVED]);
}

#[test]
fn a_retry_in_the_next_month_is_still_a_retry() {
    let november = in_november(rating(0, false));
    let december = Rating {
        date: jiff::civil::date(2026, 12, 1),
        ..november.clone()
    };

    let told = with_receipts(&[(&november.clone(), 60)], async move |store| {
        [
            submit(&store, &november, "a").await,
            submit(&store, &december, "a").await,
            submit(&store, &december, "b").await,
        ]
    });

    assert_eq!(
        told,
        [SAVED, Submitted::SavedBefore, Submitted::AlreadyRated]
    );
}

#[test]
fn each_rating_is_counted_once_and_told_as_counted_before_from_then_on() {
    let all: Vec<Rating> = (0..130).map(|index| rating(index, true)).collect();
    let places = ratings().places();
    let handed = all.clone();

    let (told, pending, cells) = with_receipts(&[], async move |store| {
        for rating in &handed {
            assert_eq!(submit(&store, rating, "a").await, SAVED);
        }
        let mut told = Vec::new();
        let twice: Vec<Rating> = handed[..40].iter().chain(&handed[..40]).cloned().collect();
        for batch in [&handed[..0], &twice, &handed, &handed] {
            let counted = store.count(batch).await;
            told.push((counted.counted, counted.already, counted.failed.len()));
            let waiting = places
                .iter()
                .map(|(unit, month)| store.pending(unit, *month));
            let mut left = 0;
            for waiting in waiting {
                left += waiting.await.unwrap().len();
            }
            told.push((left, 0, 0));
        }
        let (mut pending, mut cells) = (0, Vec::new());
        for (unit, month) in &places {
            pending += store.pending(unit, *month).await.unwrap().len();
            cells.extend(store.cells(unit, *month).await.unwrap());
        }
        (told, pending, cells)
    });

    let expected = [
        (0, 0, 0),
        (130, 0, 0),
        (40, 0, 0),
        (90, 0, 0),
        (90, 40, 0),
        (0, 0, 0),
        (0, 130, 0),
        (0, 0, 0),
    ];
    assert_eq!((told.as_slice(), pending), (expected.as_slice(), 0));
    assert_eq!(
        cells
            .into_iter()
            .collect::<std::collections::BTreeMap<_, _>>(),
        fold(&all)
    );
}

#[test]
fn a_rating_that_is_not_there_is_not_counted() {
    let saved = rating(0, true);
    let mut absent = saved.clone();
    absent.id = thuocdo::domain::rating::RatingId("absent".into());

    let (told, waiting) = with_receipts(&[], async move |store| {
        submit(&store, &saved, "a").await;
        let counted = store.count(&[absent]).await;
        let month = Month::of(saved.date);
        let waiting = store.pending(&saved.subject.unit_id, month).await.unwrap();
        (
            (counted.counted, counted.already, counted.failed.len()),
            waiting == [saved],
        )
    });

    assert_eq!((told, waiting), ((0, 1, 0), true));
}

/// A store at the end of this line, without the SDK's own retries.
fn store_at(line: SharedHttpClient) -> Store {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("nowhere"))
        .endpoint_url("http://127.0.0.1:1")
        .credentials_provider(Credentials::for_tests())
        .retry_config(RetryConfig::disabled())
        .http_client(line);
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    Store::new(client, "ratings", "tally")
}

/// Tables that answer so many times with something else than success, and count how often they are asked.
#[derive(Debug, Clone)]
struct Busy {
    times: usize,
    answer: fn() -> Result<HttpResponse, ConnectorError>,
    asked: Arc<AtomicUsize>,
}

impl HttpConnector for Busy {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let answer = match self.asked.fetch_add(1, Ordering::Relaxed) < self.times {
            true => (self.answer)(),
            false => Ok(reply(json!({}))),
        };
        HttpConnectorFuture::ready(answer)
    }
}

/// What a store tells of a rating that meets such tables, and how often it asked them.
async fn told_by_busy_tables(
    times: usize,
    answer: fn() -> Result<HttpResponse, ConnectorError>,
) -> (Result<Submitted, StoreError>, usize) {
    let busy = Busy {
        times,
        answer,
        asked: Arc::default(),
    };
    let line = busy.clone();
    let store = store_at(http_client_fn(move |_, _| {
        SharedHttpConnector::new(line.clone())
    }));
    let rating = rating(0, true);
    let submission = Submission {
        rating: &rating,
        digest: "a",
        claim: Claim::Guard {
            hash: "h",
            expires: now(),
        },
        suggestion: None,
    };
    let told = store.submit(&submission, now()).await;
    (told, busy.asked.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_waited_out_five_times_and_the_sixth_is_told() {
    for (conflicts, saved, attempts) in [(0, true, 1), (5, true, 6), (6, false, 6)] {
        let conflict = || Ok(cancellation(&["TransactionConflict", "None"]));

        let (told, asked) = told_by_busy_tables(conflicts, conflict).await;

        assert_eq!(
            told.is_ok_and(|told| matches!(told, Submitted::Saved { .. })),
            saved
        );
        assert_eq!(asked, attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_told_apart_from_what_does_not_and_only_what_is_busy_is_asked_again() {
    type Answer = fn() -> Result<HttpResponse, ConnectorError>;
    fn exception(name: &str) -> HttpResponse {
        let name = format!("com.amazonaws.dynamodb.v20120810#{name}");
        reply(json!({ "__type": name, "message": "as injected" }))
    }
    fn lost() -> std::io::Error {
        std::io::ErrorKind::ConnectionReset.into()
    }
    let out_of_order: Answer = || {
        let body = r#"{"__type": "ValidationException"}"#;
        Ok(HttpResponse::new(503.try_into().unwrap(), body.into()))
    };
    let cases: [(&str, Answer, bool, usize); 12] = [
        (
            "a conflict",
            || Ok(cancellation(&["TransactionConflict"])),
            true,
            6,
        ),
        (
            "a throttle",
            || Ok(cancellation(&["ThrottlingError"])),
            true,
            6,
        ),
        (
            "under way",
            || Ok(exception("TransactionInProgressException")),
            true,
            6,
        ),
        (
            "throughput",
            || Ok(exception("ProvisionedThroughputExceededException")),
            true,
            6,
        ),
        (
            "requests",
            || Ok(exception("RequestLimitExceeded")),
            true,
            6,
        ),
        (
            "throttling",
            || Ok(exception("ThrottlingException")),
            true,
            6,
        ),
        ("out of order", out_of_order, true, 6),
        (
            "no line",
            || Err(ConnectorError::io(lost().into())),
            true,
            1,
        ),
        (
            "too late",
            || Err(ConnectorError::timeout(lost().into())),
            true,
            1,
        ),
        (
            "no DynamoDB",
            || Ok(HttpResponse::new(200.try_into().unwrap(), "<html>".into())),
            false,
            1,
        ),
        ("invalid", || Ok(exception("ValidationException")), false, 1),
        (
            "too large",
            || Ok(cancellation(&["ItemCollectionSizeLimitExceeded"])),
            false,
            1,
        ),
    ];
    for (name, answer, transient, attempts) in cases {
        let (told, asked) = told_by_busy_tables(usize::MAX, answer).await;

        let error = told.expect_err(name);
        assert_eq!(
            (error.transient, asked),
            (transient, attempts),
            "{name}: {error:?}"
        );
    }
}

#[tokio::test]
async fn what_could_not_be_counted_is_named() {
    let store = store_at(aws_smithy_http_client::Builder::new().build_http());
    let all: Vec<Rating> = (0..3).map(|index| rating(index, true)).collect();

    let counted = store.count(&all).await;

    let failed: Vec<_> = counted
        .failed
        .into_iter()
        .flat_map(|(ids, _)| ids)
        .collect();
    let mut ids: Vec<_> = all.into_iter().map(|rating| rating.id).collect();
    ids.sort();
    assert_eq!((counted.counted, counted.already), (0, 0));
    assert_eq!(
        failed
            .into_iter()
            .collect::<std::collections::BTreeSet<_>>(),
        ids.into_iter().collect()
    );
}

/// The stream's image of a rating that waits.
fn image(rating: &Rating) -> serde_json::Value {
    let text = |text: &str| json!({ "S": text });
    let month = Month::of(rating.date);
    let mut image = json!({
        "PK": text(&format!("U#{}#{month}", rating.subject.unit_id)), "SK": text(&format!("R#{}", rating.id.0)),
        "attestation": text(rating.attestation.code()), "channel": text(rating.channel.code()),
        "satisfaction": text(rating.satisfaction.code()), "day": text(&rating.date.to_string()),
        "digest": text("d"), "pend": text("1"),
    });
    if let Some(official) = &rating.subject.official_id {
        image["official"] = text(official.as_str());
    }
    if let Some(field) = &rating.field_id {
        image["field"] = text(field.as_str());
    }
    image
}

/// These images as an event of the stream.
fn batch(images: impl Iterator<Item = serde_json::Value>) -> Event {
    let records: Vec<_> = images
        .enumerate()
        .map(|(number, image)| {
            json!({
                "eventID": number.to_string(), "eventName": "INSERT", "eventVersion": "1.1", "awsRegion": "local",
                "dynamodb": {
                    "ApproximateCreationDateTime": 1_795_000_000, "Keys": {}, "NewImage": image,
                    "SequenceNumber": number.to_string(), "SizeBytes": 1, "StreamViewType": "NEW_IMAGE",
                },
            })
        })
        .collect();
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

#[test]
fn a_delivered_batch_is_counted_and_what_is_no_rating_of_ours_holds_nothing_up() {
    let plain = |index| Rating {
        reasons: Default::default(),
        questionnaire: None,
        answers: Default::default(),
        ..in_november(rating(index, true))
    };
    let (counted, other) = (plain(0), plain(1));
    let (unit, month) = (counted.subject.unit_id.clone(), Month::of(counted.date));
    let mut malformed = image(&other);
    malformed["satisfaction"] = json!({ "S": "perhaps" });
    let mut unmarked = image(&other);
    unmarked.as_object_mut().unwrap().remove("pend");
    let event = batch([malformed, unmarked, image(&counted)].into_iter());

    let expected = fold([&counted]);
    let (response, metrics, cells) = with_receipts(&[], |store| async move {
        assert_eq!(submit(&store, &counted, "d").await, SAVED);
        let (response, metrics) = heard(aggregate_ratings::handle(&store, event)).await;
        let again = batch(std::iter::once(image(&counted)));
        let (_, quiet) = heard(aggregate_ratings::handle(&store, again)).await;
        assert_eq!(quiet, []);
        (response, metrics, store.cells(&unit, month).await.unwrap())
    });

    assert!(response.batch_item_failures.is_empty());
    assert_eq!(metrics, [("MalformedRecords".to_owned(), 1)]);
    assert_eq!(cells, expected);
}
