//! The embedded DynamoDB behind the SDK's client, without a socket between them.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::Database;
use serde_json::{Value, json};

/// Name of the table of ratings.
pub(crate) const RATINGS_TABLE: &str = "ratings";
/// Name of the table of cells.
pub(crate) const TALLY_TABLE: &str = "tally";

/// Fresh tables in memory.
#[derive(Clone)]
pub(crate) struct Tables(Database);

impl Tables {
    pub(crate) fn open() -> Self {
        let database = Database::memory().expect("SQLite opens a database in memory");
        let tables = Self(database);
        for name in [RATINGS_TABLE, TALLY_TABLE] {
            let table = json!({
                "TableName": name,
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [
                    { "AttributeName": "PK", "KeyType": "HASH" }, { "AttributeName": "SK", "KeyType": "RANGE" },
                ],
                "AttributeDefinitions": [
                    { "AttributeName": "PK", "AttributeType": "S" }, { "AttributeName": "SK", "AttributeType": "S" },
                ],
            });
            tables
                .ask("CreateTable", &table.to_string())
                .expect("a fresh database takes a table");
        }
        tables
    }

    /// A client whose line leads here.
    pub(crate) fn client(&self) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new("fuzz"))
            .credentials_provider(Credentials::new("fuzz", "fuzz", None, None, "fuzz"))
            .http_client(self.clone())
            .build();
        Client::from_conf(config)
    }

    /// The item at a key, as the engine writes it; null where there is none.
    pub(crate) fn item(&self, table: &str, pk: &str, sk: &str) -> Value {
        let request =
            json!({ "TableName": table, "Key": { "PK": { "S": pk }, "SK": { "S": sk } } });
        let answer = self
            .ask("GetItem", &request.to_string())
            .expect("a key is read");
        let mut answer: Value = serde_json::from_str(&answer).expect("the engine answers in JSON");
        answer["Item"].take()
    }

    fn ask(&self, operation: &str, body: &str) -> dynoxide::Result<String> {
        macro_rules! forward {
            ($($operation:literal => $method:ident),*) => {
                match operation {
                    $($operation => {
                        let request = serde_json::from_str(body).expect("the SDK writes requests of this shape");
                        let answer = self.0.$method(request)?;
                        Ok(serde_json::to_string(&answer).expect("an answer is JSON"))
                    })*
                    _ => panic!("the product never asks for {operation}"),
                }
            };
        }
        forward!(
            "BatchGetItem" => batch_get_item,
            "BatchWriteItem" => batch_write_item,
            "CreateTable" => create_table,
            "GetItem" => get_item,
            "PutItem" => put_item,
            "Query" => query,
            "TransactWriteItems" => transact_write_items,
            "UpdateItem" => update_item
        )
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tables(..)")
    }
}

impl HttpClient for Tables {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Tables {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let body = std::str::from_utf8(body).expect("the SDK writes UTF-8");
        let (status, text) = match self.ask(operation, body) {
            Ok(text) => (200, text),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let status = status
            .try_into()
            .expect("the engine answers with a status of HTTP");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(text))))
    }
}
