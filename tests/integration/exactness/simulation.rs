//! Clients, stream consumers, sweepers and ghosts on one store, step by step from a seed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use serde_json::json;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::Month;
use thuocdo::domain::rating::Attestation;
use thuocdo::domain::void::VoidReason;
use thuocdo::keyring::UsedMark;
use thuocdo::store::Store;
use thuocdo::store::reconcile::Reconciled;
use thuocdo::store::submit::{Claim, Submission, Submitted, Suggestion};
use thuocdo::store::void::Voided;

use super::Random;
use super::ratings::Ratings;
use super::source;
use super::stream::{MAPPINGS, Recorded};
use super::tables::{Figures, Tables, Weakening};
use super::turns::{Turns, next_step};
use crate::faults::plan::{Injected, Plan, Rates};
use crate::faults::wire::{FaultyClient, retrying};

/// What to simulate.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    pub(crate) seed: u64,
    pub(crate) ratings: usize,
    pub(crate) clients: usize,
    pub(crate) units: u64,
    /// Calls that fail, among a thousand.
    pub(crate) faults: u32,
    pub(crate) weakening: Weakening,
}

/// What the parts of a simulation share.
pub(super) struct World {
    pub(super) turns: Turns,
    pub(super) random: Random,
    pub(super) tables: Tables,
    pub(super) store: Store,
    pub(super) stopping: AtomicBool,
    pub(super) stale_batches: Mutex<Vec<Vec<Arc<Recorded>>>>,
    ratings: Ratings,
    plan: Plan,
    totals: Mutex<Totals>,
    wrong: Mutex<Vec<String>>,
    next: AtomicUsize,
    /// By rating: which of its versions was told to be saved.
    acknowledged: Mutex<BTreeMap<usize, BTreeSet<u64>>>,
}

/// What happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) submits: u64,
    pub(crate) rivals_refused: u64,
    pub(crate) invocations: u64,
    pub(crate) deliveries: u64,
    pub(crate) partial: u64,
    pub(crate) bisections: u64,
    pub(crate) crashes: u64,
    pub(crate) given_up: u64,
    pub(crate) stale_batches: u64,
    pub(crate) reconciled: u64,
    pub(crate) swept: u64,
    pub(crate) voided: u64,
}

/// How a simulation ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    pub(crate) setting: String,
    pub(crate) ratings: usize,
    pub(crate) shards: usize,
    pub(crate) totals: Totals,
    pub(crate) figures: Figures,
    pub(crate) injected: Injected,
    /// Everything that must not be; empty when the protocol holds.
    pub(crate) wrong: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ratings,
            shards,
            totals,
            figures,
            injected,
            wrong,
            ..
        } = self;
        write!(
            f,
            "{ratings} ratings, {} deliveries in {} invocations over {shards} shards, {:?}, {:?}, {injected}, wrong: {wrong:?}",
            totals.deliveries, totals.invocations, totals, figures
        )
    }
}

impl Report {
    /// Stops the test where anything is wrong, with what replays it.
    pub(crate) fn must_hold(&self) {
        assert!(
            self.wrong.is_empty(),
            "{:#?}\n{}\nThis again: SEED={} cargo test --test integration exactness",
            self.wrong,
            self.setting,
            self.injected.seed
        );
    }
}

/// Runs a simulation on a thread and a clock of its own.
pub(crate) fn simulate(setting: &Setting) -> Report {
    let begun = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let report = runtime.block_on(run(setting));
    println!("{:.1?} for {report}", begun.elapsed());
    report
}

/// What `work` makes of simulated tables where nothing fails and nobody else is.
pub(super) fn alone<T, W>(work: impl FnOnce(Tables, Store) -> W) -> T
where
    T: Send + 'static,
    W: Future<Output = T> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let (turns, random) = (Turns::default(), Random::from_seed(0));
        let tables = Tables::new(&turns, &random, Weakening::None);
        let work = work(tables.clone(), store(in_turn(tables.client(), &turns)));
        let work = tokio::spawn(turns.act(work));
        turns.run(&random, || work.is_finished()).await;
        work.await.unwrap()
    })
}

async fn run(setting: &Setting) -> Report {
    let (turns, random) = (Turns::default(), Random::from_seed(setting.seed));
    let tables = Tables::new(&turns, &random, setting.weakening);
    let plan = Plan::new(setting.seed, Rates::everything(setting.faults));
    let faulty = FaultyClient::new(tables.client(), plan.clone());
    let client = in_turn(SharedHttpClient::new(faulty), &turns);
    let world = Arc::new(World {
        ratings: Ratings::new(setting.seed, setting.units),
        store: store(client),
        stopping: AtomicBool::new(false),
        stale_batches: Mutex::default(),
        plan,
        totals: Mutex::default(),
        wrong: Mutex::default(),
        next: AtomicUsize::new(0),
        acknowledged: Mutex::default(),
        turns,
        random,
        tables,
    });
    world.tables.with_stream(|stream| stream.poison_every = 97);
    let director = tokio::spawn(world.turns.act(direct(Arc::clone(&world), setting.clone())));
    world
        .turns
        .run(&world.random, || director.is_finished())
        .await;
    director.await.unwrap();
    let mut wrong = world.wrong.lock().unwrap().clone();
    wrong.extend(world.tables.recount());
    let totals = *world.totals.lock().unwrap();
    Report {
        setting: format!("{setting:?}"),
        ratings: setting.ratings,
        shards: world.tables.with_stream(|stream| stream.shards()),
        totals,
        figures: world.tables.figures(),
        injected: world.plan.injected(),
        wrong,
    }
}

/// From the first client to the last recount.
async fn direct(world: Arc<World>, setting: Setting) {
    let spawn = |work| tokio::spawn(world.turns.act(work));
    let clients: Vec<_> = (0..setting.clients)
        .map(|_| spawn(Box::pin(rate(Arc::clone(&world), setting.ratings)) as Work))
        .collect();
    let mut others: Vec<_> = (0..MAPPINGS)
        .map(|mapping| spawn(Box::pin(source::map(Arc::clone(&world), mapping))))
        .collect();
    others.push(spawn(Box::pin(source::haunt(Arc::clone(&world)))));
    others.push(spawn(Box::pin(doubt(Arc::clone(&world), setting.ratings))));
    others.push(spawn(Box::pin(split(Arc::clone(&world)))));
    for _ in 0..2 {
        others.push(spawn(Box::pin(set_aside(Arc::clone(&world)))));
    }
    for client in clients {
        client.await.unwrap();
    }
    while !(0..MAPPINGS).all(|mapping| {
        world
            .tables
            .with_stream(|stream| stream.is_drained(mapping))
    }) {
        world.turns.next().await;
    }
    world.stopping.store(true, Ordering::SeqCst);
    for other in others {
        other.await.unwrap();
    }

    // The sweep, with no fault left; then ghosts once more.
    world.turns.next().await;
    world.plan.set_rates(Rates::default());
    for (unit, month) in world.ratings.places() {
        reconcile(&world, &unit, month, true).await;
    }
    for _ in 0..10 {
        source::rise(&world).await;
    }
    let (stored, pending, claims) = world.tables.census();
    let told = world.acknowledged.lock().unwrap().len();
    world.expect(pending == 0, || {
        format!("{pending} ratings wait after the sweep")
    });
    world.expect(stored == told && told == setting.ratings, || {
        format!(
            "{told} of {} ratings were told to be saved, {stored} are stored",
            setting.ratings
        )
    });
    world.expect(claims == stored, || {
        format!("{claims} receipts and phones are used for {stored} ratings")
    });
    for (unit, month) in world.ratings.places() {
        reconcile(&world, &unit, month, false).await;
    }
}

type Work = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

impl World {
    pub(super) fn count(&self, change: impl FnOnce(&mut Totals)) {
        change(&mut self.totals.lock().unwrap());
    }

    fn expect(&self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong.lock().unwrap().push(otherwise());
        }
    }
}

/// One client: takes the next rating and sends it until it knows what became of it.
async fn rate(world: Arc<World>, most: usize) {
    loop {
        world.turns.next().await;
        let index = world.next.fetch_add(1, Ordering::SeqCst);
        if index >= most {
            return;
        }
        let versions = if index.is_multiple_of(16) { 2 } else { 1 };
        let sent: Vec<_> = (0..versions)
            .map(|version| tokio::spawn(world.turns.act(send(Arc::clone(&world), index, version))))
            .collect();
        for sent in sent {
            sent.await.unwrap();
        }
    }
}

/// Sends one version of a rating until it is saved, or another version is known to be.
async fn send(world: Arc<World>, index: usize, version: u64) {
    let rating = world.ratings.version(index, version);
    let hash = format!("h{index}");
    if version == 0 && rating.attestation != Attestation::PhoneDeclared {
        let used_never =
            json!({ "exp": { "N": (world.ratings.now().as_second() + 1_000).to_string() } });
        world.tables.put(format!("K#{hash}"), "RECEIPT", used_never);
    }
    loop {
        world.turns.next().await;
        world.count(|totals| totals.submits += 1);
        let (store, rating, hash, now) = (
            world.store.clone(),
            rating.clone(),
            hash.clone(),
            world.ratings.now(),
        );
        let submit = async move {
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
            let digest = format!("d{version}");
            let key = format!("s{index}");
            let suggestion = index.is_multiple_of(9).then_some(Suggestion {
                key: &key,
                text: "Xin cảm ơn",
                expires: now,
            });
            let submission = Submission {
                rating: &rating,
                digest: &digest,
                claim,
                suggestion,
            };
            store.submit(&submission, now).await
        };
        match tokio::spawn(world.turns.act(submit)).await {
            Ok(Ok(Submitted::Saved { .. } | Submitted::SavedBefore)) => {
                let mut acknowledged = world.acknowledged.lock().unwrap();
                let versions = acknowledged.entry(index).or_default();
                versions.insert(version);
                world.expect(versions.len() == 1, || {
                    format!("rating {index} was told to be saved in two versions")
                });
                return;
            }
            Ok(Ok(Submitted::AlreadyRated)) => {
                world.expect(index.is_multiple_of(16), || {
                    format!("rating {index} met another that does not exist")
                });
                world.count(|totals| totals.rivals_refused += 1);
                return;
            }
            Ok(Ok(other)) if index.is_multiple_of(16) && version == 1 => {
                // Its receipt is written with the first version.
                world.expect(other == Submitted::Unclaimable, || {
                    format!("rating {index} ended as {other:?}")
                });
            }
            Ok(Ok(other)) => world.expect(false, || format!("rating {index} ended as {other:?}")),
            // A fault or a crash: sent again, as the citizen's page does.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

/// Reconciles now and then while everything moves.
async fn doubt(world: Arc<World>, ratings: usize) {
    let places = world.ratings.places();
    let pause = 20 + ratings as u64 / 1_000;
    while !world.stopping.load(Ordering::SeqCst) {
        world.turns.next().await;
        if world.random.below(pause) == 0 {
            let (unit, month) = &places[world.random.below(places.len() as u64) as usize];
            let (world, unit, month) = (Arc::clone(&world), unit.clone(), *month);
            let turns = world.turns.clone();
            let work = async move { reconcile(&world, &unit, month, true).await };
            // A crash of the sweeper is a fault like any other.
            let _ = tokio::spawn(turns.act(work)).await;
        }
    }
}

async fn reconcile(world: &Arc<World>, unit: &UnitId, month: Month, sweeping: bool) {
    match world
        .store
        .reconcile(unit, month, || async { Ok(()) })
        .await
    {
        Ok(Reconciled::Equal { swept, .. }) => {
            world.count(|totals| {
                totals.reconciled += 1;
                totals.swept += swept.counted as u64;
            });
            world.expect(sweeping || swept.counted + swept.already == 0, || {
                "something was left after the sweep".to_owned()
            });
        }
        Ok(Reconciled::Mismatch(mismatches)) => {
            world.expect(false, || {
                format!("reconciling {unit} {month} found {mismatches:?}")
            });
        }
        Ok(Reconciled::Busy) | Err(_) => {
            world.expect(sweeping, || {
                "reconciling does not end when all is quiet".to_owned()
            });
        }
    }
}

/// Sets one rating in twelve aside, two workers the same ones, for as long as ratings come in.
async fn set_aside(world: Arc<World>) {
    while !world.stopping.load(Ordering::SeqCst) {
        world.turns.next().await;
        let begun = world.next.load(Ordering::SeqCst) as u64;
        if begun == 0 || world.random.below(4) > 0 {
            continue;
        }
        let index = (world.random.below(begun) / 12 * 12) as usize;
        let rating = world.ratings.version(index, 0);
        let (store, turns) = (world.store.clone(), world.turns.clone());
        let work = async move {
            let (unit, month) = (&rating.subject.unit_id, Month::of(rating.date));
            let reason = VoidReason::ALL[index / 12 % VoidReason::ALL.len()];
            store
                .void(unit, month, &rating.id, reason, rating.date)
                .await
        };
        if let Ok(Ok(Voided::Voided)) = tokio::spawn(turns.act(work)).await {
            world.count(|totals| totals.voided += 1);
        }
    }
}

/// Splits shards now and then.
async fn split(world: Arc<World>) {
    let mut left = 6;
    while !world.stopping.load(Ordering::SeqCst) {
        world.turns.next().await;
        if left > 0 && world.random.below(60) == 0 {
            left -= 1;
            let pick = world.random.below(u64::MAX);
            world.tables.with_stream(|stream| stream.split(pick));
        }
    }
}

/// A client whose every call waits for its turn.
fn in_turn(inner: SharedHttpClient, turns: &Turns) -> SharedHttpClient {
    let turns = turns.clone();
    http_client_fn(move |settings, components| {
        let (inner, turns) = (inner.http_connector(settings, components), turns.clone());
        SharedHttpConnector::new(InTurn { inner, turns })
    })
}

#[derive(Debug)]
struct InTurn {
    inner: SharedHttpConnector,
    turns: Turns,
}

impl HttpConnector for InTurn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, turns, step) = (self.inner.clone(), self.turns.clone(), next_step());
        HttpConnectorFuture::new(async move {
            turns.take(step).await;
            inner.call(request).await
        })
    }
}

fn store(client: SharedHttpClient) -> Store {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .endpoint_url("http://tables")
        .credentials_provider(Credentials::for_tests())
        .http_client(client)
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let client = aws_sdk_dynamodb::Client::from_conf(retrying(config).build());
    Store::new(client, RATINGS_TABLE, TALLY_TABLE)
}
