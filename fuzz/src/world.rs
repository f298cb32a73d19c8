//! The product on embedded tables and a bucket in memory: a small catalog, dossiers to rate, published pages, one day.

use std::cell::RefCell;

use aws_lambda_events::s3::S3Event;
use jiff::Timestamp;
use serde_json::json;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::domain::receipt::ReceiptSecret;
use thuocdo::handlers::import_files::{self, ImportReport};
use thuocdo::handlers::publish_pages;
use thuocdo::intake::Intake;
use thuocdo::keyring::Keyring;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;
use tokio::runtime::Runtime;

use crate::objects::Objects;
use crate::tables::{RATINGS_TABLE, TALLY_TABLE, Tables};

/// The files of the catalog, by sheet.
pub(crate) const CATALOG: [(&str, &str); 7] = [
    ("settings", include_str!("../seeds/catalog/settings.csv")),
    ("groups", include_str!("../seeds/catalog/groups.csv")),
    ("units", include_str!("../seeds/catalog/units.csv")),
    ("officials", include_str!("../seeds/catalog/officials.csv")),
    ("fields", include_str!("../seeds/catalog/fields.csv")),
    ("reasons", include_str!("../seeds/catalog/reasons.csv")),
    (
        "questionnaires",
        include_str!("../seeds/catalog/questionnaires.csv"),
    ),
];

/// Dossiers of the ward; every fourth slip carries no secret part.
pub(crate) const SLIPS: u64 = 400;

/// Inputs after which the tables are thrown away, so that they stay small and a find needs few inputs before it.
const LIFETIME: u32 = 2_000;

/// Everything an input can reach.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) tables: Tables,
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) intake: Intake,
    pub(crate) site: Bucket,
    dropped: Bucket,
    drop_objects: Objects,
}

thread_local! {
    static WORLD: RefCell<Option<(World, u32)>> = const { RefCell::new(None) };
}

/// The day everything happens on.
pub(crate) fn now() -> Timestamp {
    "2026-11-21T03:00:00Z".parse().expect("a timestamp")
}

/// Code and secret part of slip `number`, from 1.
pub(crate) fn slip(number: u64) -> (String, String) {
    let secret = if number.is_multiple_of(4) {
        String::new()
    } else {
        ReceiptSecret::from_bits(number * 0x1_2345_6789).printed()
    };
    (format!("000.01.40.H17-261111-{number:04}"), secret)
}

impl World {
    /// Hands this thread's world to `input`.
    pub(crate) fn with<T>(input: impl FnOnce(&Self) -> T) -> T {
        WORLD.with_borrow_mut(|slot| {
            if slot.as_ref().is_none_or(|(_, age)| *age >= LIFETIME) {
                *slot = Some((Self::open(), 0));
            }
            let (world, age) = slot.as_mut().expect("it was opened");
            *age += 1;
            input(world)
        })
    }

    fn open() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime without I/O");
        let tables = Tables::open();
        let store = Store::new(tables.client(), RATINGS_TABLE, TALLY_TABLE);
        let keyring = Keyring::from_hex(&"5a".repeat(32)).expect("a master key");
        let challenges = Challenges::new(&keyring, Difficulty::for_tests());
        let intake = Intake::new(store.clone(), keyring.clone(), challenges);
        let drop_objects = Objects::default();
        let world = Self {
            site: Bucket::new(Objects::default().client(), "site"),
            dropped: Bucket::new(drop_objects.client(), "drop"),
            runtime,
            tables,
            store,
            keyring,
            intake,
            drop_objects,
        };
        let sheets =
            CATALOG.map(|(sheet, text)| (format!("catalog/seed/{sheet}.csv"), text.as_bytes()));
        let mut files: Vec<(String, &[u8])> = sheets.into();
        files.push(("catalog/seed/ready".into(), b""));
        let dossiers = dossiers();
        files.push(("dossiers/seed.csv".into(), dossiers.as_bytes()));
        for file in ["catalog/seed/ready", "dossiers/seed.csv"] {
            let reports = world.import(&files, file);
            assert!(
                reports.len() == 1 && reports[0].accepted(),
                "{}",
                reports[0].text()
            );
        }
        world
            .block_on(publish_pages::handle(
                &world.store,
                &world.site,
                &world.keyring.proof_key(),
                now(),
            ))
            .expect("the seed is published");
        world
    }

    pub(crate) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Drops `files` into an empty bucket and has `announced` imported.
    pub(crate) fn import(&self, files: &[(String, &[u8])], announced: &str) -> Vec<ImportReport> {
        let event = json!({ "Records": [{ "s3": { "object": { "key": announced } } }] });
        let event = import_files::read_event(complete(event));
        assert_eq!(event.records.len(), 1);
        self.import_event(files, event)
    }

    /// Drops `files` into an empty bucket and hands over an event; every file it reports on has its report beside it.
    pub(crate) fn import_event(
        &self,
        files: &[(String, &[u8])],
        event: S3Event,
    ) -> Vec<ImportReport> {
        self.drop_objects.clear();
        self.block_on(async {
            for (key, bytes) in files {
                let put =
                    self.dropped
                        .put(key, "application/octet-stream", "no-store", bytes.to_vec());
                put.await.expect("the bucket is in memory");
            }
            let imported =
                import_files::handle(&self.store, &self.dropped, &self.keyring, event, now());
            let reports = imported.await.expect("neither tables nor bucket fail");
            for report in &reports {
                let text = self
                    .dropped
                    .get(&report.object_key())
                    .await
                    .expect("the bucket is in memory");
                assert_eq!(
                    text,
                    Some(report.text().into_bytes()),
                    "the report of {}",
                    report.key
                );
            }
            reports
        })
    }
}

/// An event's record with everything S3 always sends beside the key.
fn complete(event: serde_json::Value) -> serde_json::Value {
    let key = &event["Records"][0]["s3"]["object"]["key"];
    json!({ "Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "fuzz", "eventTime": "2026-11-21T03:00:00Z",
        "eventName": "ObjectCreated:Put", "userIdentity": { "principalId": "fuzz" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" }, "responseElements": {},
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "import-files",
            "bucket": { "name": "drop", "ownerIdentity": { "principalId": "fuzz" }, "arn": "arn:aws:s3:::drop" },
            "object": { "key": key, "sequencer": "1" },
        },
    }] })
}

fn dossiers() -> String {
    let mut text =
        String::from("code,secret,unit,officials,field,procedure,received,due,returned,status\n");
    for number in 1..=SLIPS {
        let (code, secret) = slip(number);
        text.push_str(&format!(
            "{code},{secret},phuong-hai-chau,phuong-hai-chau-01:desk phuong-hai-chau-02:settle,ho-tich,Khai sinh,2026-11-11,2026-11-16,2026-11-15,returned\n"
        ));
    }
    text
}
