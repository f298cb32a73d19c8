//! Embedded engines with nothing else running on them: every call to a handler is one of ours, and each is metered.

use std::collections::HashMap;
use std::path::Path;

use aws_lambda_events::dynamodb::Event;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, SharedHttpClient};
use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_http_client::Builder;
use jiff::Timestamp;
use lambda_http::{Body, Response};
use local::dispatch::Functions;
use local::dynamo::{Door, Dynamo, IN_PROCESS, RATINGS_TABLE, Socket, TALLY_TABLE, create_tables};
use local::gateway::Function;
use local::objects::Objects;
use local::s3::{self, DROP_BUCKET, SITE_BUCKET};
use serde_json::{Value, json};
use thuocdo::challenge::Difficulty;
use thuocdo::domain::catalog::Catalog;
use thuocdo::handlers::import_files;
use thuocdo::keyring::Keyring;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;

use crate::Fault;
use crate::meter::{Bill, Meter};
use crate::records::{image, inserted};
use crate::world::World;

/// An item as the SDK gives it.
pub type Item = HashMap<String, AttributeValue>;

/// Engines, keys, and the handlers on them.
pub struct Stage {
    /// What went to the tables and buckets through `store`, `site` and `functions`.
    pub meter: Meter,
    /// The tables.
    pub store: Store,
    /// The bucket of the site.
    pub site: Bucket,
    /// The keys.
    pub keyring: Keyring,
    /// The published objects, without HTTP between.
    pub objects: Objects,
    /// The tables as they are, not metered.
    pub tables: aws_sdk_dynamodb::Client,
    /// What another process needs to reach the engines.
    pub environment: Vec<(&'static str, String)>,
    /// What importing the dossiers consumed.
    pub dossiers_bill: Bill,
    functions: Functions,
    drop: Bucket,
    _engine: Dynamo,
    _door: Door,
    _endpoint: s3::Endpoint,
}

impl Stage {
    /// Engines in `folder`, with the catalog and dossiers of `world`.
    ///
    /// # Errors
    /// When the engines do not start, or refuse the world.
    pub async fn open(folder: &Path, world: &World) -> Result<Self, Fault> {
        std::fs::create_dir_all(folder)?;
        let engine = Dynamo::start(Some(&folder.join("tables.sqlite")))?;
        let objects = Objects::open(Some(&folder.join("objects.sqlite")))?;
        let credentials = s3::Credentials::draw()?;
        let endpoint = s3::Endpoint::start(objects.clone(), &credentials).await?;
        let master = data_encoding::HEXLOWER.encode(&rand::random::<[u8; 32]>());
        let keyring = Keyring::from_hex(&master)?;

        let short_cut = SharedHttpClient::new(engine.short_cut.clone());
        // A socket and not a port: the meter changes what was signed, and the port checks signatures.
        let door = Door::on_socket(engine.short_cut.clone(), &folder.join("tables.socket"))?;
        let keys = credentials.of_sdk();
        let tables = dynamodb(IN_PROCESS, keys.clone(), short_cut.clone());
        create_tables(&tables).await?;
        let meter = Meter::default();
        let metered = dynamodb(IN_PROCESS, keys.clone(), meter.on(short_cut));
        let store = Store::new(metered, RATINGS_TABLE, TALLY_TABLE);
        let buckets = s3(&endpoint.endpoint, keys, meter.on(http()));
        let site = Bucket::new(buckets.clone(), SITE_BUCKET);
        let drop = Bucket::new(buckets, DROP_BUCKET);
        let functions = Functions::new(
            store.clone(),
            site.clone(),
            drop.clone(),
            keyring.clone(),
            Difficulty::default(),
        );
        let environment = vec![
            (TABLES_AT, door.endpoint.clone()),
            (BUCKETS_AT, endpoint.endpoint.clone()),
            (ACCESS_KEY, credentials.access_key.clone()),
            (SECRET_KEY, credentials.secret_key.clone()),
            (MASTER_KEY, master),
        ];
        let mut stage = Self {
            meter,
            store,
            site,
            keyring,
            objects,
            tables,
            environment,
            dossiers_bill: Bill::new(),
            functions,
            drop,
            _engine: engine,
            _door: door,
            _endpoint: endpoint,
        };
        stage.dossiers_bill = stage.import(world).await?;
        stage.open_for_good().await?;
        Ok(stage)
    }

    /// The answer of a function behind the API to `body`, posted to `path`, or to a GET of it.
    ///
    /// # Errors
    /// When `path` is none.
    pub async fn answer(
        &self,
        function: Function,
        path: &str,
        body: Option<String>,
    ) -> Result<Response<Body>, Fault> {
        let request = http::Request::builder().uri(path);
        let request = match body {
            Some(body) => request
                .method("POST")
                .header("content-type", "application/json")
                .body(Body::Text(body)),
            None => request.body(Body::Empty),
        };
        let now = Timestamp::now();
        Ok(self.functions.answer(function, request?, now).await)
    }

    /// Has `event` counted by the handler of the stream.
    ///
    /// # Errors
    /// When a record of it was not counted.
    pub async fn count(&self, event: Event) -> Result<(), Fault> {
        let response = self.functions.aggregate_ratings(event).await?;
        match response.batch_item_failures.first() {
            Some(failure) => Err(format!("not counted from {failure:?} on").into()),
            None => Ok(()),
        }
    }

    /// Every item of a partition.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn partition(&self, table: &str, partition: String) -> Result<Vec<Item>, Fault> {
        let mut pages = self
            .tables
            .query()
            .table_name(table)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition))
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item?);
        }
        Ok(items)
    }

    /// Puts the files of `world` where an administrator drops them, and has them imported; what the last took.
    async fn import(&self, world: &World) -> Result<Bill, Fault> {
        let catalog = world.folder.join("catalog/da-nang");
        for sheet in std::fs::read_dir(&catalog)? {
            let sheet = sheet?;
            let key = format!("catalog/da-nang/{}", sheet.file_name().to_string_lossy());
            self.put(&key, std::fs::read(sheet.path())?).await?;
        }
        self.put("catalog/da-nang/ready", Vec::new()).await?;
        let dossiers = std::fs::read(world.folder.join("dossiers/bench.csv"))?;
        self.put("dossiers/bench.csv", dossiers).await?;
        for key in ["catalog/da-nang/ready", "dossiers/bench.csv"] {
            let _ = self.meter.take();
            let event = serde_json::from_value(dropped(key))?;
            let now = Timestamp::now();
            let reports =
                import_files::handle(&self.store, &self.drop, &self.keyring, event, now).await?;
            if let Some(refused) = reports.iter().find(|report| !report.accepted()) {
                return Err(format!("{} was refused", refused.key).into());
            }
        }
        Ok(self.meter.take())
    }

    /// Gives the sample's catalog the thresholds of a real one: lists of counted ratings grow once a day, and figures wait
    /// for company.
    async fn open_for_good(&self) -> Result<(), Fault> {
        let mut catalog = self.catalog().await?;
        let settings = &mut catalog.head.settings;
        (
            settings.min_new_ratings,
            settings.min_official_ratings,
            settings.sample,
        ) = (5, 10, false);
        self.store.put_catalog(&catalog, Timestamp::now()).await?;
        Ok(())
    }

    /// The catalog in force.
    ///
    /// # Errors
    /// When there is none.
    pub async fn catalog(&self) -> Result<Catalog, Fault> {
        let version = self.store.catalog_version().await?.ok_or("no catalog")?;
        let head = self.store.catalog_head(&version).await?;
        Ok(Catalog {
            head: head.ok_or("no catalog")?,
            units: self.store.catalog_units(&version).await?,
        })
    }

    async fn put(&self, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        let kind = "application/octet-stream";
        Ok(self.drop.put(key, kind, "no-store", bytes).await?)
    }
}

/// Names of [`Stage::environment`].
const TABLES_AT: &str = "BENCH_TABLES";
const BUCKETS_AT: &str = "BENCH_BUCKETS";
const ACCESS_KEY: &str = "BENCH_ACCESS_KEY";
const SECRET_KEY: &str = "BENCH_SECRET_KEY";
const MASTER_KEY: &str = "BENCH_MASTER_KEY";

/// The engines of another process's [`Stage`].
pub struct Visitor {
    /// What went to tables and buckets.
    pub meter: Meter,
    /// The tables.
    pub store: Store,
    /// The bucket of the site.
    pub site: Bucket,
    /// The keys.
    pub keyring: Keyring,
}

impl Visitor {
    /// As the environment says.
    ///
    /// # Errors
    /// When it does not.
    pub fn from_environment() -> Result<Self, Fault> {
        let of = |name: &str| {
            std::env::var(name).map_err(|error| Fault::from(format!("{name}: {error}")))
        };
        let meter = Meter::default();
        let (access_key, secret_key) = (of(ACCESS_KEY)?, of(SECRET_KEY)?);
        let keys = Credentials::new(access_key, secret_key, None, None, "bench");
        let socket = SharedHttpClient::new(Socket::at(Path::new(&of(TABLES_AT)?)));
        let tables = dynamodb(IN_PROCESS, keys.clone(), meter.on(socket));
        let buckets = s3(&of(BUCKETS_AT)?, keys, meter.on(http()));
        Ok(Self {
            meter,
            store: Store::new(tables, RATINGS_TABLE, TALLY_TABLE),
            site: Bucket::new(buckets, SITE_BUCKET),
            keyring: Keyring::from_hex(&of(MASTER_KEY)?)?,
        })
    }
}

/// The stream's event for these items, `image`s of ratings just saved.
///
/// # Errors
/// Never, as long as the events' crate reads what AWS sends.
pub fn stream_event(items: &[Item]) -> Result<Event, Fault> {
    let items = items.iter().enumerate();
    let records: Vec<_> = items
        .map(|(index, item)| inserted(index, &image(item)))
        .collect();
    Ok(serde_json::from_value(json!({ "Records": records }))?)
}

fn dynamodb(endpoint: &str, keys: Credentials, http: SharedHttpClient) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .endpoint_url(endpoint)
        .credentials_provider(keys)
        .http_client(http);
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

fn s3(endpoint: &str, keys: Credentials, http: SharedHttpClient) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(keys)
        .http_client(http);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Without the functions' time-outs: a disk that others keep busy may hold the embedded buckets up for seconds.
fn http() -> SharedHttpClient {
    Builder::new().build_http()
}

fn dropped(key: &str) -> Value {
    json!({
        "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "local",
            "eventTime": Timestamp::now().to_string(),
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": "bench" },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "dropped",
                "bucket": { "name": DROP_BUCKET, "ownerIdentity": { "principalId": "bench" }, "arn": "arn:aws:s3:::drop" },
                "object": { "key": key, "sequencer": "0055AED6DCD90281E6" },
            },
        }],
    })
}
