//! Clients: so many at once, or so many a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Fault;

/// Longest latency told apart.
const LONGEST_MICROSECONDS: u64 = 60_000_000;
/// What is left to the busy loop, because the timer wakes at whole milliseconds.
const TIMER: Duration = Duration::from_millis(2);

/// One request, sent once.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its path and query.
    pub path: String,
    /// Posted as JSON; a GET without.
    pub body: Option<Bytes>,
}

impl Call {
    /// Posts `body` to `path`.
    #[must_use]
    pub fn post(path: &str, body: String) -> Self {
        Self {
            path: path.to_owned(),
            body: Some(body.into()),
        }
    }

    /// Gets `path`.
    #[must_use]
    pub fn get(path: String) -> Self {
        Self { path, body: None }
    }
}

/// What came of a load.
#[derive(Debug)]
pub struct Outcome {
    /// From the first request to the last answer.
    pub took: Duration,
    /// Answers by status.
    pub statuses: BTreeMap<u16, usize>,
    /// Microseconds until the answer; of an open load from the time the request was meant to be sent.
    pub latency: Histogram<u64>,
}

impl Outcome {
    fn new() -> Result<Self, Fault> {
        Ok(Self {
            took: Duration::ZERO,
            statuses: BTreeMap::new(),
            latency: Histogram::new_with_max(LONGEST_MICROSECONDS, 3)?,
        })
    }

    fn note(&mut self, status: u16, latency: Duration) -> Result<(), Fault> {
        *self.statuses.entry(status).or_default() += 1;
        let microseconds = u64::try_from(latency.as_micros())?;
        self.latency
            .record(microseconds.min(LONGEST_MICROSECONDS))?;
        Ok(())
    }

    fn add(&mut self, other: &Self) -> Result<(), Fault> {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        self.latency.add(&other.latency)?;
        Ok(())
    }

    /// Answers with `status`.
    #[must_use]
    pub fn count(&self, status: u16) -> usize {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Answers a second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.latency.len() as f64 / self.took.as_secs_f64()
    }

    /// The latency below which `quantile` of the answers came, in milliseconds.
    #[must_use]
    pub fn milliseconds(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1_000.0
    }

    /// This outcome, if every answer had `status`.
    ///
    /// # Errors
    /// When one had another.
    pub fn all(self, status: u16) -> Result<Self, Fault> {
        if self.statuses.keys().any(|other| *other != status) {
            return Err(format!("expected only {status}, got {:?}", self.statuses).into());
        }
        Ok(self)
    }
}

/// `clients` connections, each sending the next call as soon as its last was answered.
///
/// # Errors
/// When the server hangs up.
pub async fn closed(address: &str, clients: usize, calls: Vec<Call>) -> Result<Outcome, Fault> {
    let calls = Arc::new(calls);
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(Connection::open(address).await?);
    }
    let begun = Instant::now();
    let mut clients = JoinSet::new();
    for mut connection in connections {
        let (calls, next) = (Arc::clone(&calls), Arc::clone(&next));
        clients.spawn(async move {
            let mut outcome = Outcome::new()?;
            while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let status = connection.send(call).await?;
                outcome.note(status, sent.elapsed())?;
            }
            Ok::<_, Fault>(outcome)
        });
    }
    gather(clients, begun).await
}

/// Calls at `rate` a second over `connections` connections, whatever the answers; latency counts from the time a call was
/// meant to be sent, so that a server that stalls is charged for every call it holds up.
///
/// # Errors
/// When the server hangs up.
pub async fn open(
    address: &str,
    connections: usize,
    rate: f64,
    calls: Vec<Call>,
) -> Result<Outcome, Fault> {
    let calls = Arc::new(calls);
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(Connection::open(address).await?);
    }
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now() + Duration::from_millis(50);
    let mut clients = JoinSet::new();
    for mut connection in opened {
        let (calls, next) = (Arc::clone(&calls), Arc::clone(&next));
        clients.spawn(async move {
            let mut outcome = Outcome::new()?;
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(call) = calls.get(index) else {
                    return Ok::<_, Fault>(outcome);
                };
                let due = begun + Duration::from_secs_f64(index as f64 / rate);
                until(due).await;
                let status = connection.send(call).await?;
                outcome.note(status, due.elapsed())?;
            }
        });
    }
    gather(clients, begun).await
}

/// Sleeps until `due`, the last two milliseconds awake.
async fn until(due: Instant) {
    if let Some(rest) = due
        .checked_duration_since(Instant::now())
        .and_then(|left| left.checked_sub(TIMER))
    {
        tokio::time::sleep(rest).await;
    }
    while Instant::now() < due {
        tokio::task::yield_now().await;
    }
}

async fn gather(
    mut clients: JoinSet<Result<Outcome, Fault>>,
    begun: Instant,
) -> Result<Outcome, Fault> {
    let mut all = Outcome::new()?;
    while let Some(outcome) = clients.join_next().await {
        all.add(&outcome??)?;
    }
    all.took = begun.elapsed();
    Ok(all)
}

/// One kept-alive HTTP/1.1 connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    /// Connects to `address`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: &str) -> Result<Self, Fault> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host: address.to_owned(),
        })
    }

    /// Sends `call`; returns the status once the whole answer is read.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, call: &Call) -> Result<u16, Fault> {
        let (status, _) = self.fetch(call, "").await?;
        Ok(status)
    }

    /// Sends `call` and accepts the encodings `accept`; returns status and body as it came over the wire.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn fetch(&mut self, call: &Call, accept: &str) -> Result<(u16, Bytes), Fault> {
        self.sender.ready().await?;
        let mut request = Request::builder()
            .uri(&call.path)
            .header("host", &self.host);
        if !accept.is_empty() {
            request = request.header("accept-encoding", accept);
        }
        let request = match &call.body {
            Some(body) => request
                .method(Method::POST)
                .header("content-type", "application/json")
                .body(Full::new(body.clone())),
            None => request.body(Full::default()),
        };
        let response = self.sender.send_request(request?).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, body))
    }
}
