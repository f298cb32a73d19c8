//! The line between a function and its tables, with faults on it: an HTTP client of the SDK around another one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::{Builder, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use local::dynamo::ShortCut;
use serde_json::{Value, json};

use super::plan::{Fault, Operation, Plan};

/// What a crash unwinds with; not a panic, so nothing is printed.
pub(crate) struct Crash;

/// A client that loses, delays and refuses what `plan` says.
#[derive(Debug)]
pub(crate) struct FaultyClient {
    inner: SharedHttpClient,
    plan: Plan,
}

impl FaultyClient {
    pub(crate) fn new(inner: SharedHttpClient, plan: Plan) -> Self {
        Self { inner, plan }
    }
}

/// Puts faults on the `line` of a client; retries stay the SDK's own, with pauses that tests can bear.
pub(crate) fn on_the_line(config: Builder, line: ShortCut, plan: &Plan) -> Builder {
    let line = SharedHttpClient::new(line);
    retrying(config.http_client(FaultyClient::new(line, plan.clone())))
}

/// Three attempts, as in the cloud, and next to no pauses.
pub(crate) fn retrying(config: Builder) -> Builder {
    // Retries are rationed by partition for the whole process; one test must not use up another's.
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let partition = format!("test-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let retries = RetryConfig::standard()
        .with_initial_backoff(Duration::from_millis(1))
        .with_max_backoff(Duration::from_millis(4));
    config
        .retry_config(retries)
        .retry_partition(RetryPartition::new(partition))
}

impl HttpClient for FaultyClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(FaultyConnector {
            inner: self.inner.http_connector(settings, components),
            plan: self.plan.clone(),
        })
    }
}

#[derive(Debug)]
struct FaultyConnector {
    inner: SharedHttpConnector,
    plan: Plan,
}

impl HttpConnector for FaultyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = Operation::of(request.headers().get("x-amz-target").unwrap_or_default());
        let Some(fault) = self.plan.draw(operation, is_last(&request)) else {
            return self.inner.call(request);
        };
        let (inner, plan) = (self.inner.clone(), self.plan.clone());
        HttpConnectorFuture::new(
            async move { strike(fault, operation, &inner, request, &plan).await },
        )
    }
}

/// Whether the SDK says that it tries no more: `amz-sdk-request: attempt=3; max=3`.
fn is_last(request: &HttpRequest) -> bool {
    let header = request.headers().get("amz-sdk-request").unwrap_or_default();
    let value = |name: &str| {
        header
            .split("; ")
            .find_map(|part| part.strip_prefix(name))
            .map(str::to_owned)
    };
    value("max=").is_some_and(|most| value("attempt=") == Some(most))
}

async fn strike(
    fault: Fault,
    operation: Operation,
    inner: &SharedHttpConnector,
    request: HttpRequest,
    plan: &Plan,
) -> Result<HttpResponse, ConnectorError> {
    match fault {
        Fault::Conflict => Ok(cancelled(&request, "TransactionConflict", plan)),
        Fault::Throttle if operation == Operation::Transaction && plan.below(2) == 0 => {
            Ok(cancelled(&request, "ThrottlingError", plan))
        }
        Fault::Throttle => Ok(refused("ProvisionedThroughputExceededException")),
        Fault::ServerError => Ok(server_error()),
        Fault::ServerErrorAfter => inner.call(request).await.map(|_| server_error()),
        Fault::RequestLost => Err(broken()),
        Fault::ReplyLost => {
            let _ = inner.call(request).await;
            Err(broken())
        }
        Fault::LateCommit => {
            let call = inner.call(request);
            let delay = Duration::from_millis(plan.below(30));
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                let _ = call.await;
            });
            Err(ConnectorError::timeout("no reply in time".into()))
        }
        Fault::CrashBefore => std::panic::resume_unwind(Box::new(Crash)),
        Fault::CrashDuring => {
            tokio::spawn(inner.call(request));
            std::panic::resume_unwind(Box::new(Crash))
        }
        Fault::CrashAfter => {
            let _ = inner.call(request).await;
            std::panic::resume_unwind(Box::new(Crash))
        }
    }
}

fn broken() -> ConnectorError {
    ConnectorError::io("connection closed before message completed".into())
}

fn server_error() -> HttpResponse {
    let mut reply = reply(
        json!({ "__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "Internal server error" }),
    );
    *reply.status_mut() = 500_u16.try_into().expect("a status");
    reply
}

fn refused(code: &str) -> HttpResponse {
    reply(
        json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "on purpose" }),
    )
}

/// A cancellation whose reasons stand where the actions of `request` stand; at least one is `code`.
fn cancelled(request: &HttpRequest, code: &str, plan: &Plan) -> HttpResponse {
    let body: Value =
        serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
    let actions = body["TransactItems"].as_array().map_or(1, Vec::len) as u64;
    let struck = plan.below(actions);
    let reasons: Vec<&str> = (0..actions)
        .map(|place| {
            if place == struck || plan.below(8) == 0 {
                code
            } else {
                "None"
            }
        })
        .collect();
    cancellation(&reasons)
}

/// The reply to a cancelled transaction.
pub(crate) fn cancellation(reasons: &[&str]) -> HttpResponse {
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        reasons.join(", ")
    );
    let reasons: Vec<Value> = reasons.iter().map(|code| json!({ "Code": code })).collect();
    reply(json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": message,
        "CancellationReasons": reasons,
    }))
}

/// A reply with status 400 where it names an exception, 200 otherwise.
pub(crate) fn reply(body: Value) -> HttpResponse {
    let status: u16 = if body.get("__type").is_some() {
        400
    } else {
        200
    };
    let mut response = HttpResponse::new(
        status.try_into().expect("a status"),
        SdkBody::from(body.to_string()),
    );
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0");
    response
}
