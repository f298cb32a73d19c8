//! Stands before a table and does what the embedded one never does.
//!
//! Batches come back half done, transactions are refused as conflicting or throttled, and some are written while the
//! answer is lost for good, the retries of the SDK included.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

type Answer = (StatusCode, String);

#[derive(Default)]
struct Faults {
    batches: AtomicUsize,
    transactions: AtomicUsize,
    /// Tokens of transactions that were written and whose answers are lost.
    lost: Mutex<Vec<String>>,
}

/// Serves `table` with faults; the answer is where.
pub(super) async fn serve(table: String) -> String {
    let faults = Arc::new(Faults::default());
    let serve = move |headers: HeaderMap, body: Bytes| {
        let (faults, table) = (faults.clone(), table.clone());
        async move { faults.answer(&table, headers, body).await }
    };
    let router = axum::Router::new().fallback(serve);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

impl Faults {
    async fn answer(&self, table: &str, headers: HeaderMap, body: Bytes) -> Answer {
        let target = headers["x-amz-target"].to_str().unwrap();
        let operation = target.rsplit('.').next().unwrap();
        let request: Value = serde_json::from_slice(&body).unwrap();
        match operation {
            "BatchWriteItem" => {
                let (now, later) = self.part(&request["RequestItems"]["ratings"]);
                let now = json!({"RequestItems": {"ratings": now}});
                let (status, answer) = forward(table, &headers, &now).await;
                let mut answer: Value = serde_json::from_str(&answer).unwrap();
                if later != json!([]) {
                    answer["UnprocessedItems"] = json!({"ratings": later});
                }
                (status, answer.to_string())
            }
            "BatchGetItem" => {
                let (now, later) = self.part(&request["RequestItems"]["ratings"]["Keys"]);
                let mut first = request.clone();
                first["RequestItems"]["ratings"]["Keys"] = now;
                let (status, answer) = forward(table, &headers, &first).await;
                let mut answer: Value = serde_json::from_str(&answer).unwrap();
                if later != json!([]) {
                    answer["UnprocessedKeys"] =
                        json!({"ratings": {"Keys": later, "ConsistentRead": true}});
                }
                (status, answer.to_string())
            }
            "TransactWriteItems" => self.transaction(table, &headers, &request).await,
            _ => forward(table, &headers, &request).await,
        }
    }

    /// What of a batch is done now and what is left for later: every other time, half of it.
    fn part(&self, list: &Value) -> (Value, Value) {
        let list = list.as_array().unwrap();
        let half = self
            .batches
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(2);
        let now = if half {
            list.len().div_ceil(2)
        } else {
            list.len()
        };
        let (now, later) = list.split_at(now);
        (now.into(), later.into())
    }

    async fn transaction(&self, table: &str, headers: &HeaderMap, request: &Value) -> Answer {
        let error = |kind: &str, reasons: Value| {
            let kind = format!("com.amazonaws.dynamodb.v20120810#{kind}");
            let body = json!({"__type": kind, "Message": "fault", "CancellationReasons": reasons});
            (StatusCode::BAD_REQUEST, body.to_string())
        };
        let lost = (StatusCode::INTERNAL_SERVER_ERROR, "{}".to_owned());
        let token = request["ClientRequestToken"].as_str().unwrap().to_owned();
        if self.lost.lock().unwrap().contains(&token) {
            return lost;
        }
        let actions = request["TransactItems"].as_array().unwrap().len();
        let reasons = |code: &str| {
            let none = json!({"Code": "None"});
            let mut reasons = vec![none; actions];
            reasons[actions / 2] = json!({"Code": code, "Message": "fault"});
            Value::Array(reasons)
        };
        match self.transactions.fetch_add(1, Ordering::Relaxed) % 5 {
            0 => error(
                "TransactionCanceledException",
                reasons("TransactionConflict"),
            ),
            2 => error("TransactionCanceledException", reasons("ThrottlingError")),
            3 => {
                forward(table, headers, request).await;
                self.lost.lock().unwrap().push(token);
                lost
            }
            _ => forward(table, headers, request).await,
        }
    }
}

async fn forward(table: &str, headers: &HeaderMap, request: &Value) -> Answer {
    let mut forwarded = reqwest::Client::new().post(table);
    for name in [
        "x-amz-target",
        "authorization",
        "x-amz-date",
        "content-type",
    ] {
        forwarded = forwarded.header(name, headers[name].to_str().unwrap());
    }
    let answer = forwarded.body(request.to_string()).send().await.unwrap();
    let status = StatusCode::from_u16(answer.status().as_u16()).unwrap();
    (status, answer.text().await.unwrap())
}
