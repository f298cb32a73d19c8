//! The import function's surroundings: an embedded DynamoDB, and a bucket that holds what was put in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use axum::body::Bytes;
use axum::http::{Method, StatusCode, Uri};
use dynoxide::Database;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thuocdo::handlers::import_files::{self, ImportReport};
use thuocdo::keyring::Keyring;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;
use tokio::net::TcpListener;

mod faults;

type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// One import function, alone with its table and bucket.
pub(crate) struct Bench {
    pub(crate) client: aws_sdk_dynamodb::Client,
    pub(crate) store: Store,
    pub(crate) drop_bucket: Bucket,
    pub(crate) keyring: Keyring,
    pub(crate) now: Timestamp,
    objects: Objects,
}

impl Bench {
    pub(crate) async fn start() -> Self {
        Self::on(serve_table().await).await
    }

    /// The same on a table that is busy, slow and loses answers; see [`faults`].
    pub(crate) async fn start_with_faults() -> Self {
        Self::on(faults::serve(serve_table().await).await).await
    }

    async fn on(table: String) -> Self {
        let credentials = || Credentials::new("bench", "bench", None, None, "bench");
        let http = || aws_smithy_http_client::Builder::new().build_http();
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .credentials_provider(credentials())
            .endpoint_url(table)
            .http_client(http())
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        create_table(&client).await;
        let objects = Objects::default();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("local"))
            .credentials_provider(credentials())
            .endpoint_url(serve_bucket(objects.clone()).await)
            .http_client(http())
            .force_path_style(true)
            .build();
        Self {
            store: Store::new(client.clone(), "ratings", "tally"),
            client,
            drop_bucket: Bucket::new(aws_sdk_s3::Client::from_conf(config), "drop"),
            keyring: Keyring::from_hex(&"5a".repeat(32)).unwrap(),
            now: "2026-11-20T20:00:00+07:00".parse().unwrap(),
            objects,
        }
    }

    /// Puts an object in the bucket; nobody is told.
    pub(crate) fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let mut objects = self.objects.lock().unwrap();
        objects.insert(key.to_owned(), bytes.into());
    }

    /// The text of an object.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let objects = self.objects.lock().unwrap();
        let bytes = objects.get(key)?.clone();
        Some(String::from_utf8(bytes).unwrap())
    }

    pub(crate) async fn handle(&self, event: S3Event) -> Vec<ImportReport> {
        let Self {
            store,
            drop_bucket,
            keyring,
            ..
        } = self;
        let reports = import_files::handle(store, drop_bucket, keyring, event, self.now);
        reports.await.unwrap()
    }

    /// Puts an object and hands over the event S3 would send.
    pub(crate) async fn drop_file(&self, key: &str, bytes: impl Into<Vec<u8>>) -> ImportReport {
        self.put(key, bytes);
        let mut reports = self.handle(created(&[key])).await;
        assert_eq!(reports.len(), 1, "{key}");
        reports.remove(0)
    }
}

/// The event for new objects under `keys`.
pub(crate) fn created(keys: &[&str]) -> S3Event {
    let mut event = S3Event::default();
    for key in keys {
        let mut record = S3EventRecord::default();
        record.event_name = Some("ObjectCreated:Put".to_owned());
        record.s3.object.key = Some(utf8_percent_encode(key, NON_ALPHANUMERIC).to_string());
        event.records.push(record);
    }
    event
}

/// Serves an empty database from its own thread, whose worker it blocks while it works.
async fn serve_table() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            let database = Database::memory().unwrap();
            let never = std::future::pending();
            dynoxide::server::serve_with_shutdown(listener, database, never)
                .await
                .unwrap();
        });
    });
    format!("http://{address}")
}

async fn create_table(client: &aws_sdk_dynamodb::Client) {
    let mut table = client
        .create_table()
        .table_name("ratings")
        .billing_mode(BillingMode::PayPerRequest);
    for (name, role) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(role);
        table = table
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(key.build().unwrap());
    }
    table.send().await.unwrap();
}

/// Serves `PUT`, `GET` and `DELETE` of whole objects, which is all an import asks of S3.
async fn serve_bucket(objects: Objects) -> String {
    let serve = move |method: Method, uri: Uri, body: Bytes| {
        let key = uri.path().strip_prefix("/drop/").unwrap().to_owned();
        let key = percent_decode_str(&key).decode_utf8().unwrap().into_owned();
        let mut objects = objects.lock().unwrap();
        let answer = match method {
            Method::PUT => {
                objects.insert(key, body.to_vec());
                (StatusCode::OK, Vec::new())
            }
            Method::DELETE => {
                objects.remove(&key);
                (StatusCode::NO_CONTENT, Vec::new())
            }
            _ => match objects.get(&key) {
                Some(bytes) => (StatusCode::OK, bytes.clone()),
                None => {
                    let error = "<Error><Code>NoSuchKey</Code><Message>none</Message></Error>";
                    (StatusCode::NOT_FOUND, error.as_bytes().to_vec())
                }
            },
        };
        let (status, bytes) = answer;
        async move { (status, [("etag", "\"1\"")], bytes) }
    };
    let router = axum::Router::new()
        .fallback(serve)
        .layer(axum::extract::DefaultBodyLimit::disable());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}
