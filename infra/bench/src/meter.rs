//! What requests of the SDK consume: units as the tables tell them, calls and bytes of the buckets.
//!
//! The meter is an HTTP client around another one. It asks for `ReturnConsumedCapacity` in every request to the tables,
//! and adds up what the replies say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What requests of one operation consumed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumed {
    /// Requests answered.
    pub requests: u64,
    /// Read units, consistent and transactional ones at their price.
    pub read_units: f64,
    /// Write units, transactional ones at their price.
    pub write_units: f64,
    /// Bytes put into a bucket.
    pub bytes: u64,
}

impl std::iter::Sum for Consumed {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            requests: sum.requests + one.requests,
            read_units: sum.read_units + one.read_units,
            write_units: sum.write_units + one.write_units,
            bytes: sum.bytes + one.bytes,
        })
    }
}

/// What was consumed, by operation.
pub type Bill = BTreeMap<String, Consumed>;

/// Operations of the tables that tell what they consumed, and whether they write.
const TELLING: [(&str, bool); 9] = [
    ("BatchGetItem", false),
    ("BatchWriteItem", true),
    ("GetItem", false),
    ("PutItem", true),
    ("Query", false),
    ("Scan", false),
    ("TransactGetItems", false),
    ("TransactWriteItems", true),
    ("UpdateItem", true),
];

/// Adds up what went through its clients.
#[derive(Debug, Clone, Default)]
pub struct Meter {
    bill: Arc<Mutex<Bill>>,
}

impl Meter {
    /// `client` with this meter on its line.
    #[must_use]
    pub fn on(&self, client: SharedHttpClient) -> SharedHttpClient {
        SharedHttpClient::new(MeteredClient {
            meter: self.clone(),
            client,
        })
    }

    /// What was consumed since the last call.
    #[must_use]
    pub fn take(&self) -> Bill {
        std::mem::take(&mut *self.bill.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, operation: &str, consumed: Consumed) {
        let mut bill = self.bill.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = bill.entry(operation.to_owned()).or_default();
        *entry = [*entry, consumed].into_iter().sum();
    }
}

/// All operations of the tables together.
#[must_use]
pub fn tables(bill: &Bill) -> Consumed {
    let of_tables = bill.iter().filter(|(name, _)| !is_object(name));
    of_tables.map(|(_, consumed)| *consumed).sum()
}

/// Objects put, and their bytes.
#[must_use]
pub fn puts(bill: &Bill) -> Consumed {
    bill.get("PUT object").copied().unwrap_or_default()
}

fn is_object(operation: &str) -> bool {
    operation.ends_with(" object")
}

#[derive(Debug)]
struct MeteredClient {
    meter: Meter,
    client: SharedHttpClient,
}

impl HttpClient for MeteredClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(MeteredConnector {
            meter: self.meter.clone(),
            connector: self.client.http_connector(settings, components),
        })
    }
}

#[derive(Debug, Clone)]
struct MeteredConnector {
    meter: Meter,
    connector: SharedHttpConnector,
}

impl HttpConnector for MeteredConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").map(str::to_owned);
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            match target {
                Some(target) => this.ask_tables(&target, request).await,
                None => this.ask_bucket(request).await,
            }
        })
    }
}

impl MeteredConnector {
    async fn ask_tables(
        self,
        target: &str,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let operation = target.rsplit('.').next().unwrap_or_default();
        let known = TELLING.iter().find(|(name, _)| *name == operation);
        let Some((_, writes)) = known else {
            return self.connector.call(request).await;
        };
        let body = request.body().bytes().unwrap_or_default();
        let mut asked: Value = serde_json::from_slice(body).map_err(fault)?;
        asked["ReturnConsumedCapacity"] = "TOTAL".into();
        let asked = asked.to_string();
        if request.headers().contains_key("content-length") {
            let headers = request.headers_mut();
            headers.insert("content-length", asked.len().to_string());
        }
        *request.body_mut() = SdkBody::from(asked);

        let mut response = self.connector.call(request).await?;
        let body = std::mem::replace(response.body_mut(), SdkBody::taken());
        let bytes = http_body_util::BodyExt::collect(body).await;
        let bytes = bytes.map_err(fault)?.to_bytes();
        let told = serde_json::from_slice(&bytes).map_or(0.0, |reply: Value| units(&reply));
        let (read_units, write_units) = if *writes { (0.0, told) } else { (told, 0.0) };
        self.meter.note(
            operation,
            Consumed {
                requests: 1,
                read_units,
                write_units,
                bytes: 0,
            },
        );
        *response.body_mut() = SdkBody::from(bytes);
        Ok(response)
    }

    async fn ask_bucket(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = format!("{} object", request.method());
        let decoded = request.headers().get("x-amz-decoded-content-length");
        let decoded = decoded.and_then(|length| length.parse().ok());
        let bytes = decoded.or_else(|| request.body().content_length());
        let response = self.connector.call(request).await?;
        self.meter.note(
            &operation,
            Consumed {
                requests: 1,
                bytes: bytes.unwrap_or_default(),
                ..Consumed::default()
            },
        );
        Ok(response)
    }
}

/// The units a reply tells of, of one table or of a list of them.
fn units(reply: &Value) -> f64 {
    let of = |table: &Value| table["CapacityUnits"].as_f64().unwrap_or(0.0);
    match &reply["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(of).sum(),
        table => of(table),
    }
}

fn fault(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> ConnectorError {
    ConnectorError::other(error.into(), None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn units_of_every_table_are_added_up() {
        let one = json!({ "ConsumedCapacity": { "TableName": "a", "CapacityUnits": 0.5 } });
        let two =
            json!({ "ConsumedCapacity": [{ "CapacityUnits": 4.0 }, { "CapacityUnits": 2.0 }] });

        assert!((units(&one) - 0.5).abs() < f64::EPSILON);
        assert!((units(&two) - 6.0).abs() < f64::EPSILON);
        assert!(units(&json!({})).abs() < f64::EPSILON);
    }
}
