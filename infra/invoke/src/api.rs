//! The Runtime API's four calls, version 2018-06-01.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::FunctionError;
use crate::process::cpu;

/// What the function says.
#[derive(Debug)]
pub(crate) enum Message {
    /// It waits for an event.
    Next {
        give: oneshot::Sender<Event>,
        /// Its CPU time when it asked.
        cpu: Duration,
        at: Instant,
    },
    /// It has dealt with one.
    Report(Report),
    /// It cannot start.
    Init(FunctionError),
}

/// The outcome of an event.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) id: String,
    pub(crate) answer: Result<Bytes, FunctionError>,
    pub(crate) at: Instant,
}

/// An event to hand over.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) body: Bytes,
    pub(crate) timeout: Duration,
    pub(crate) function: String,
}

#[derive(Clone)]
struct Shared {
    pid: u32,
    messages: mpsc::UnboundedSender<Message>,
}

/// Largest answer Lambda takes, in bytes.
const ANSWER_LIMIT: usize = 6 * 1024 * 1024;

/// Serves until it is aborted.
pub(crate) async fn serve(
    listener: TcpListener,
    pid: u32,
    messages: mpsc::UnboundedSender<Message>,
) {
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .layer(DefaultBodyLimit::max(ANSWER_LIMIT))
        .with_state(Shared { pid, messages });
    // It never returns; it ends with the task.
    let _ = axum::serve(listener, router).await;
}

async fn next(State(shared): State<Shared>) -> Response<Body> {
    let at = Instant::now();
    let cpu = cpu(shared.pid).unwrap_or_default();
    let (give, given) = oneshot::channel();
    let asked = shared.messages.send(Message::Next { give, cpu, at });
    match (asked, given.await) {
        (Ok(()), Ok(event)) => hand_over(event),
        _ => plain(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn hand_over(event: Event) -> Response<Body> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default();
    let (deadline, seconds) = (now + event.timeout, now.as_secs());
    let arn = format!(
        "arn:aws:lambda:local:000000000000:function:{}",
        event.function
    );
    let trace =
        format!("Root=1-{seconds:08x}-000000000000000000000001;Parent=0000000000000001;Sampled=0");
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", event.id)
        .header(
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        )
        .header("lambda-runtime-invoked-function-arn", arn)
        .header("lambda-runtime-trace-id", trace)
        .body(Body::from(event.body))
        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn response(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    // A streamed answer tells of its failure in a trailer's stead.
    let answer = match kind(&headers) {
        Some(kind) => Err(FunctionError { kind, body }),
        None => Ok(body),
    };
    report(&shared, id, answer)
}

async fn error(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let kind = kind(&headers).unwrap_or_default();
    report(&shared, id, Err(FunctionError { kind, body }))
}

fn report(shared: &Shared, id: String, answer: Result<Bytes, FunctionError>) -> Response<Body> {
    let at = Instant::now();
    let report = Report { id, answer, at };
    accepted(shared, Message::Report(report))
}

async fn init_error(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let kind = kind(&headers).unwrap_or_default();
    accepted(&shared, Message::Init(FunctionError { kind, body }))
}

fn accepted(shared: &Shared, message: Message) -> Response<Body> {
    match shared.messages.send(message) {
        Ok(()) => plain(StatusCode::ACCEPTED),
        Err(_) => plain(StatusCode::GONE),
    }
}

fn kind(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("lambda-runtime-function-error-type")?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(r#"{"status":"OK"}"#));
    *response.status_mut() = status;
    response
}
