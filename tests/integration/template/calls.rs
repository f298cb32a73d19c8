//! What a function asks of its tables and buckets, seen on the line, and whether its role allows it.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One action that IAM decides on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Call {
    /// `dynamodb:PutItem`.
    pub(crate) action: String,
    /// Name of the table, or bucket and key.
    pub(crate) resource: String,
    /// Partition keys.
    pub(crate) keys: BTreeSet<String>,
    /// Attributes named; none where whole items are read.
    pub(crate) attributes: Option<BTreeSet<String>>,
    /// Whether it is part of a `TransactWriteItems`.
    pub(crate) in_transaction: bool,
}

/// Stands between a function and an engine, and writes down what passes.
pub(crate) struct Recorder {
    pub(crate) address: String,
    calls: Arc<Mutex<Vec<Call>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Line {
    engine: String,
    http: reqwest::Client,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Recorder {
    /// Before an engine at `engine`, reached through `socket` where it has one: no signature but the caller's is needed
    /// there, and that names the recorder as its host.
    pub(crate) async fn before(engine: &str, socket: Option<&Path>) -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(loopback).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::default();
        let line = Line {
            engine: engine.trim_end_matches('/').to_owned(),
            http: match socket {
                Some(socket) => reqwest::Client::builder().unix_socket(socket),
                None => reqwest::Client::builder(),
            }
            .build()
            .unwrap(),
            calls: Arc::clone(&calls),
        };
        let router = Router::new().fallback(pass).with_state(line);
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            calls,
            task,
        }
    }

    /// What passed, each once.
    pub(crate) fn calls(&self) -> BTreeSet<Call> {
        self.calls.lock().unwrap().iter().cloned().collect()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Hands a request on as it came, signed host and all.
async fn pass(State(line): State<Line>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.headers.get("x-amz-target");
    let target = target.map(|target| target.to_str().unwrap().to_owned());
    let found = match target.as_deref().and_then(|target| target.rsplit_once('.')) {
        Some((_, operation)) => {
            let body: Value = serde_json::from_slice(&body).unwrap();
            dynamodb_calls(operation, &body)
        }
        None => vec![s3_call(parts.method.as_str(), parts.uri.path())],
    };
    line.calls.lock().unwrap().extend(found);
    let url = format!("{}{}", line.engine, parts.uri);
    let request = line.http.request(parts.method, url).headers(parts.headers);
    let answer = request.body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    response
        .body(Body::from(answer.bytes().await.unwrap()))
        .unwrap()
}

fn s3_call(method: &str, path: &str) -> Call {
    let path = path.trim_start_matches('/');
    let action = match (method, path.split_once('/')) {
        ("GET" | "HEAD", Some((_, key))) if !key.is_empty() => "s3:GetObject",
        ("PUT", Some((_, key))) if !key.is_empty() => "s3:PutObject",
        ("DELETE", Some((_, key))) if !key.is_empty() => "s3:DeleteObject",
        ("GET", _) => "s3:ListBucket",
        _ => panic!("{method} {path}"),
    };
    Call {
        action: action.to_owned(),
        resource: path.to_owned(),
        keys: BTreeSet::new(),
        attributes: None,
        in_transaction: false,
    }
}

fn dynamodb_calls(operation: &str, body: &Value) -> Vec<Call> {
    match operation {
        "TransactWriteItems" => body["TransactItems"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| {
                let (kind, body) = item.as_object().unwrap().iter().next().unwrap();
                let operation = match kind.as_str() {
                    "Put" => "PutItem",
                    "Update" => "UpdateItem",
                    "Delete" => "DeleteItem",
                    "ConditionCheck" => "ConditionCheckItem",
                    other => panic!("{other}"),
                };
                Call {
                    in_transaction: true,
                    ..one(operation, body)
                }
            })
            .collect(),
        "BatchGetItem" => batches(operation, body, |request| {
            request["Keys"].as_array().unwrap()
        }),
        "BatchWriteItem" => batches(operation, body, |request| request.as_array().unwrap()),
        _ => vec![one(operation, body)],
    }
}

fn batches<'a>(
    operation: &str,
    body: &'a Value,
    items: impl Fn(&'a Value) -> &'a Vec<Value>,
) -> Vec<Call> {
    let requests = body["RequestItems"].as_object().unwrap().iter();
    requests
        .map(|(table, request)| {
            let key = |item: &Value| {
                let put = &item["PutRequest"]["Item"];
                let item = if put.is_object() { put } else { item };
                assert!(item.get("DeleteRequest").is_none(), "{item}");
                item["PK"]["S"].as_str().unwrap().to_owned()
            };
            Call {
                action: format!("dynamodb:{operation}"),
                resource: table.clone(),
                keys: items(request).iter().map(key).collect(),
                attributes: None,
                in_transaction: false,
            }
        })
        .collect()
}

fn one(operation: &str, body: &Value) -> Call {
    let value_of_pk = || {
        let condition = body["KeyConditionExpression"].as_str().unwrap();
        let name = condition.split_whitespace().nth(2).unwrap();
        assert!(condition.starts_with("PK = :"), "{condition}");
        &body["ExpressionAttributeValues"][name]["S"]
    };
    let key = match operation {
        "PutItem" => &body["Item"]["PK"]["S"],
        "Query" => value_of_pk(),
        _ => &body["Key"]["PK"]["S"],
    };
    let named = match operation {
        "GetItem" | "Query" => None,
        _ => Some(attributes(body)),
    };
    Call {
        action: format!("dynamodb:{operation}"),
        resource: body["TableName"].as_str().unwrap().to_owned(),
        keys: BTreeSet::from([key.as_str().unwrap().to_owned()]),
        attributes: named,
        in_transaction: false,
    }
}

/// Names in the item or key and in both expressions.
fn attributes(body: &Value) -> BTreeSet<String> {
    const WORDS: [&str; 12] = [
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "attribute_exists",
        "attribute_not_exists",
        "contains",
        "begins_with",
        "if_not_exists",
    ];
    let mut found = BTreeSet::new();
    for part in ["Item", "Key"] {
        let names = body[part]
            .as_object()
            .into_iter()
            .flat_map(|map| map.keys());
        found.extend(names.cloned());
    }
    for expression in ["UpdateExpression", "ConditionExpression"] {
        let text = body[expression].as_str().unwrap_or_default();
        let word = |c: char| c.is_alphanumeric() || "_#:".contains(c);
        for name in text.split(|c| !word(c)).filter(|name| !name.is_empty()) {
            if name.starts_with(':') || WORDS.contains(&name) {
                continue;
            }
            let name = match name.starts_with('#') {
                true => body["ExpressionAttributeNames"][name].as_str().unwrap(),
                false => name,
            };
            found.insert(name.to_owned());
        }
    }
    found
}
