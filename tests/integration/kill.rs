//! The whole system as a process that is killed without warning, again and again, while people rate.
//!
//! The process is this test program itself, started once more: security codes that cost next to nothing are an option of
//! the library that no argument of the shipped program reaches.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{Difficulty, Purpose, Scope};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::RatingId;
use thuocdo::domain::rating::Subject;
use thuocdo::domain::receipt::ReceiptCode;
use thuocdo::domain::tally::fold;
use thuocdo::keyring::Keyring;
use thuocdo::store::Store;
use tokio::sync::RwLock;

use crate::faults::plan::{is_stress, number, seed_or};
use crate::fixture::{self, Slip, UNIT};
use crate::support::satisfied;

/// Where the process to be killed keeps its data; set for that process alone.
const DATA: &str = "THUOCDO_TEST_KILLED_DATA";
/// People who rate at once.
const CLIENTS: usize = 6;
/// Dossiers there are to rate for every kill.
const DOSSIERS_PER_KILL: u32 = 150;
/// How long the process may take to start, or to count what is pending.
const PATIENCE: Duration = Duration::from_secs(30);

/// No test of its own: the process that the test below starts and kills.
#[tokio::test(flavor = "multi_thread")]
async fn serves_until_killed_when_started_to_be() {
    let Some(data) = std::env::var_os(DATA) else {
        return;
    };
    let options = local::Options {
        data: Some(data.clone().into()),
        reconcile_every: Duration::from_secs(1),
        tables_port: Some(0),
        difficulty: Difficulty::for_tests(),
        ..local::Options::default()
    };
    let stack = local::Stack::start(options).await.unwrap();
    let data = Path::new(&data);
    std::fs::write(data.join("address.new"), &stack.address).unwrap();
    std::fs::rename(data.join("address.new"), data.join("address")).unwrap();
    std::future::pending::<()>().await;
}

struct Running {
    child: Child,
    address: String,
    dynamodb: aws_sdk_dynamodb::Client,
    store: Store,
}

impl Running {
    async fn start(data: &Path) -> Self {
        let _ = std::fs::remove_file(data.join("address"));
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["kill::serves_until_killed_when_started_to_be", "--exact"])
            .env(DATA, data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let address = loop {
            if let Ok(address) = std::fs::read_to_string(data.join("address")) {
                break address;
            }
            assert!(begun.elapsed() < PATIENCE, "the process does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let engines = std::fs::read_to_string(data.join("engines.env")).unwrap();
        let engines: HashMap<&str, &str> = engines
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .endpoint_url(engines["AWS_ENDPOINT_URL_DYNAMODB"])
            .credentials_provider(Credentials::new(
                engines["AWS_ACCESS_KEY_ID"],
                engines["AWS_SECRET_ACCESS_KEY"],
                None,
                None,
                "engines.env",
            ))
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let dynamodb = aws_sdk_dynamodb::Client::from_conf(config.build());
        let store = Store::new(dynamodb.clone(), RATINGS_TABLE, TALLY_TABLE);
        Self {
            child,
            address,
            dynamodb,
            store,
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Receipt codes that were used, by how many subjects in all.
    async fn receipts_used(&self) -> usize {
        let scan = self
            .dynamodb
            .scan()
            .table_name(RATINGS_TABLE)
            .filter_expression("attribute_exists(used)");
        let mut items = scan.into_paginator().items().send();
        let mut used = 0;
        while let Some(item) = items.next().await {
            used += item.unwrap()["used"].as_ss().unwrap().len();
        }
        used
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the people who rate share.
struct Town {
    /// Where the process is reached now. Held for reading during a try, for writing while the books are checked.
    address: RwLock<String>,
    slips: Mutex<Vec<Slip>>,
    acknowledged: Mutex<BTreeSet<RatingId>>,
    keyring: Keyring,
    http: reqwest::Client,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_counted_twice_however_often_the_process_is_killed() {
    let kills = number("KILLS").unwrap_or(if is_stress() { 200 } else { 20 });
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed_or(9));
    let begun = Instant::now();
    let mut running = Running::start(data).await;
    let keyring =
        Keyring::from_hex(&std::fs::read_to_string(data.join("master.key")).unwrap()).unwrap();
    running
        .store
        .put_catalog(&fixture::catalog(5, 10), Timestamp::now())
        .await
        .unwrap();
    let serials = 1..=kills as u32 * DOSSIERS_PER_KILL;
    let (slips, receipts): (Vec<_>, Vec<_>) = serials
        .map(|serial| {
            let day = local_date(Timestamp::now())
                .checked_sub(jiff::ToSpan::days(10 + i64::from(serial / 9_000)))
                .unwrap();
            fixture::dossier_of(&keyring, 1 + serial % 9_000, true, day)
        })
        .unzip();
    for chunk in receipts.chunks(500) {
        running.store.put_dossiers(chunk).await.unwrap();
    }
    let town = Arc::new(Town {
        address: RwLock::new(running.address.clone()),
        slips: Mutex::new(slips),
        acknowledged: Mutex::default(),
        keyring,
        http: reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap(),
    });
    let people: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(rate(Arc::clone(&town))))
        .collect();

    for kill in 1..=kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(30..500))).await;
        running.kill();
        // Those under way find out and wait; from here nobody writes but the restarted process.
        let mut address = town.address.write().await;
        running = Running::start(data).await;
        check(&running, &town, kill).await;
        address.clone_from(&running.address);
    }

    for person in people {
        person.abort();
        let _ = person.await;
    }
    let acknowledged = town.acknowledged.lock().unwrap().len();
    assert!(
        acknowledged as u64 > kills,
        "{acknowledged} ratings are no load"
    );
    println!(
        "{:.1?}: {kills} kills, {acknowledged} ratings acknowledged",
        begun.elapsed()
    );
}

/// Every acknowledged rating is there, receipts used are ratings, and cells are the fold of all ratings once counted.
async fn check(running: &Running, town: &Town, kill: u64) {
    let (unit, month) = (
        UnitId::parse(UNIT).unwrap(),
        Month::of(local_date(Timestamp::now())),
    );
    let begun = Instant::now();
    let stored = loop {
        let stored = running.store.ratings(&unit, month).await.unwrap();
        if stored.iter().all(|stored| !stored.pending) {
            break stored;
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "kill {kill}: ratings are still pending"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let ids: BTreeSet<RatingId> = stored
        .iter()
        .map(|stored| stored.rating.id.clone())
        .collect();
    let lost: Vec<_> = town
        .acknowledged
        .lock()
        .unwrap()
        .difference(&ids)
        .cloned()
        .collect();
    assert!(lost.is_empty(), "kill {kill}: {lost:?}");
    assert_eq!(running.receipts_used().await, stored.len(), "kill {kill}");
    let cells = running.store.cells(&unit, month).await.unwrap();
    assert_eq!(
        cells,
        fold(stored.iter().map(|stored| &stored.rating)),
        "kill {kill}"
    );
}

/// Rates one dossier after the other, each until it is acknowledged.
async fn rate(town: Arc<Town>) {
    loop {
        let Some(slip) = town.slips.lock().unwrap().pop() else {
            return;
        };
        let mut rating = satisfied(UNIT, &slip);
        rating["attempt"] = BASE64URL_NOPAD.encode(&rand::random::<[u8; 16]>()).into();
        loop {
            let address = town.address.read().await;
            if send(&town.http, &address, &rating).await {
                let code = ReceiptCode::parse(&slip.code).unwrap();
                let id = town
                    .keyring
                    .receipt_rating_id(&code, &Subject::parse(UNIT).unwrap());
                town.acknowledged.lock().unwrap().insert(id);
                break;
            }
            drop(address);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// One try; whether the rating was acknowledged.
async fn send(http: &reqwest::Client, address: &str, rating: &Value) -> bool {
    let text = |name: &str| rating[name].as_str().unwrap_or_default();
    let attempt = Attempt::new(&Scope {
        purpose: Purpose::Rate,
        subject: text("subject"),
        receipt_code: text("receipt_code"),
        receipt_secret: text("receipt_secret"),
        phone: "",
    });
    let ask = http
        .get(format!(
            "{address}/api/challenge?scope={}",
            attempt.commitment()
        ))
        .send()
        .await;
    let Ok(challenge) = ask else { return false };
    let Ok(challenge) = challenge.text().await else {
        return false;
    };
    let solved = attempt.solve(&challenge).unwrap();
    let mut body = rating.clone();
    body["altcha"] = json!(solved.altcha);
    body["salt"] = json!(solved.salt);
    match http
        .post(format!("{address}/api/ratings"))
        .json(&body)
        .send()
        .await
    {
        Ok(answer) => match answer.status().as_u16() {
            200 | 201 => true,
            503 => false,
            status => panic!("{status}"),
        },
        Err(_) => false,
    }
}
