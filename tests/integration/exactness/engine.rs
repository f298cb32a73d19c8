//! The simulated tables against the embedded engine: the same history ends the same on both.

use std::future::Future;

use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use local::dynamo::{Dynamo, IN_PROCESS, RATINGS_TABLE, TALLY_TABLE, create_tables};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use thuocdo::domain::period::Month;
use thuocdo::domain::rating::{Attestation, Rating};
use thuocdo::domain::void::VoidReason;
use thuocdo::keyring::UsedMark;
use thuocdo::store::Store;
use thuocdo::store::submit::{Claim, Submission, Submitted, Suggestion};

use super::ratings::Ratings;
use super::simulation::alone;

/// Steps of one history.
const STEPS: usize = 400;
/// Ratings it is about.
const RATINGS: u64 = 60;

/// A history of submissions, countings and reconciliations, and all that can be read at its end.
#[expect(
    clippy::manual_async_fn,
    reason = "states that the future may be sent to another thread"
)]
fn history(seed: u64, store: Store) -> impl Future<Output = Vec<String>> + Send {
    async move {
        let ratings = Ratings::new(seed, 2);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut told = Vec::new();
        for _ in 0..STEPS {
            let step = random.random_range(0..10);
            let mut some = |most: u64| -> Vec<Rating> {
                (0..random.random_range(1..=most))
                    .map(|_| ratings.version(random.random_range(0..RATINGS) as usize, 0))
                    .collect()
            };
            told.push(match step {
                0..7 => {
                    let rating = some(1).remove(0);
                    submit(&store, &rating, random.random_range(0..2), ratings.now()).await
                }
                7 => {
                    let rating = some(1).remove(0);
                    let (unit, month) = (&rating.subject.unit_id, Month::of(rating.date));
                    let void = store.void(unit, month, &rating.id, VoidReason::Trial, rating.date);
                    format!("void {:?}", void.await.unwrap())
                }
                8 => {
                    let counted = store.count(&some(40)).await;
                    format!(
                        "{} {} {}",
                        counted.counted,
                        counted.already,
                        counted.failed.len()
                    )
                }
                _ => {
                    let places = ratings.places();
                    let (unit, month) = &places[random.random_range(0..places.len())];
                    format!(
                        "{:?}",
                        store
                            .reconcile(unit, *month, || async { Ok(()) })
                            .await
                            .unwrap()
                    )
                }
            });
        }
        for (unit, month) in ratings.places() {
            told.push(format!("{:?}", store.ratings(&unit, month).await.unwrap()));
            told.push(format!("{:?}", store.cells(&unit, month).await.unwrap()));
        }
        told
    }
}

async fn submit(store: &Store, rating: &Rating, digest: u64, now: Timestamp) -> String {
    let (hash, digest) = (format!("h-{}", rating.id.0), format!("d{digest}"));
    let mark = UsedMark {
        text: format!("m{}", rating.subject),
        again: false,
    };
    let claim = match rating.attestation {
        Attestation::PhoneDeclared => Claim::Guard {
            hash: &hash,
            expires: now,
        },
        _ => Claim::Receipt {
            hash: &hash,
            mark: &mark,
        },
    };
    let submission = Submission {
        rating,
        digest: &digest,
        claim,
        suggestion: Some(Suggestion {
            key: &hash,
            text: "Xin cảm ơn",
            expires: now,
        }),
    };
    match store.submit(&submission, now).await.unwrap() {
        // The simulated tables report no units.
        Submitted::Saved { .. } => "saved".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Receipts that half of the ratings have, as key and moment of expiry.
fn receipts(seed: u64) -> Vec<(String, String)> {
    let ratings = Ratings::new(seed, 2);
    let expiry = (ratings.now().as_second() + 60).to_string();
    (0..RATINGS as usize)
        .step_by(2)
        .map(|index| {
            (
                format!("K#h-{}", ratings.version(index, 0).id.0),
                expiry.clone(),
            )
        })
        .collect()
}

fn on_simulated_tables(seed: u64) -> Vec<String> {
    alone(|tables, store| {
        for (pk, expiry) in receipts(seed) {
            tables.put(pk, "RECEIPT", json!({ "exp": { "N": expiry } }));
        }
        history(seed, store)
    })
}

async fn on_the_engine(seed: u64) -> Vec<String> {
    // The engine alone: a running system would count from its stream too.
    let engine = Dynamo::start(None).unwrap();
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .endpoint_url(IN_PROCESS)
        .allow_no_auth()
        .http_client(engine.short_cut.clone());
    let client = aws_sdk_dynamodb::Client::from_conf(config.build());
    create_tables(&client).await.unwrap();
    for (pk, expiry) in receipts(seed) {
        let put = client.put_item().table_name(RATINGS_TABLE);
        let put = put
            .item("PK", AttributeValue::S(pk))
            .item("SK", AttributeValue::S("RECEIPT".into()));
        put.item("exp", AttributeValue::N(expiry))
            .send()
            .await
            .unwrap();
    }
    let told = history(seed, Store::new(client, RATINGS_TABLE, TALLY_TABLE)).await;
    engine.stop().await;
    told
}

#[test]
fn simulated_tables_and_the_engine_tell_the_same_history() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 1..=5 {
        let simulated = on_simulated_tables(seed);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap();
        let real = runtime.block_on(on_the_engine(seed));

        for (step, (simulated, real)) in simulated.iter().zip(&real).enumerate() {
            assert_eq!(simulated, real, "seed {seed}, step {step}");
        }
        seen.extend(real);
    }
    for outcome in [
        "saved",
        "SavedBefore",
        "AlreadyRated",
        "Unclaimable",
        "void Voided",
        "void AlreadyVoided",
        "void NotCounted",
        "void Absent",
    ] {
        assert!(seen.contains(outcome), "{outcome} never came");
    }
}
