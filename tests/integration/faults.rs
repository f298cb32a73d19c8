//! A store that fails in the middle: the citizen is told the truth, and sending again counts once.

pub(crate) mod plan;
pub(crate) mod wire;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::{Credentials, Region};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use lambda_http::{Body, Request};
use local::dynamo::{Door, RATINGS_TABLE, TALLY_TABLE};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use tempfile::TempDir;
use thuocdo::challenge::{Challenges, Difficulty, Purpose};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::tally::fold;
use thuocdo::handlers::submit_rating;
use thuocdo::intake::Intake;
use thuocdo::store::Store;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::faults::plan::Rates;
use crate::fixture::UNIT;
use crate::support::{Office, satisfied};

/// A line to a server that loses things.
pub(crate) struct Line {
    pub(crate) address: String,
    losses: Arc<Losses>,
}

/// What a line loses.
struct Losses {
    /// What is in a message that may be lost.
    mark: &'static str,
    /// Messages whose reply is cut after the server has done its work.
    replies_to_cut: AtomicUsize,
    /// Messages cut before they reach the server.
    requests_to_cut: AtomicUsize,
    /// Decides over every second reply, where half of them are cut.
    half: Option<Mutex<Xoshiro256PlusPlus>>,
    cut: AtomicUsize,
}

impl Line {
    /// A line to the store of `office` that loses transactions when told to.
    async fn to(office: &Office) -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let socket = folder.path().join("tables.socket");
        let door = Door::on_socket(office.stack.tables(), &socket).unwrap();
        let server = Server::Socket(Arc::new((socket, door, folder)));
        Self::with(server, "TransactWriteItems", None).await
    }

    /// A line that cuts half of the replies to messages with `mark`.
    pub(crate) async fn cutting_half(server: &str, mark: &'static str, seed: u64) -> Self {
        let server = Server::Port(server.trim_start_matches("http://").to_owned());
        Self::with(server, mark, Some(seed)).await
    }

    /// Messages cut so far.
    pub(crate) fn cut(&self) -> usize {
        self.losses.cut.load(Ordering::SeqCst)
    }

    async fn with(server: Server, mark: &'static str, half: Option<u64>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let losses = Arc::new(Losses {
            mark,
            replies_to_cut: AtomicUsize::new(0),
            requests_to_cut: AtomicUsize::new(0),
            half: half.map(|seed| Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed))),
            cut: AtomicUsize::new(0),
        });
        let line = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            losses: Arc::clone(&losses),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                match &server {
                    Server::Port(address) => {
                        let server = TcpStream::connect(address).await.unwrap();
                        tokio::spawn(carry(client, server, Arc::clone(&losses)));
                    }
                    Server::Socket(end) => {
                        let server = UnixStream::connect(&end.0).await.unwrap();
                        tokio::spawn(carry(client, server, Arc::clone(&losses)));
                    }
                }
            }
        });
        line
    }
}

/// What is at the end of a line.
enum Server {
    Port(String),
    /// The socket's path, what serves it, and the folder it is in.
    Socket(Arc<(PathBuf, Door, TempDir)>),
}

impl Losses {
    /// Whether to lose one of those that are left to lose.
    fn take(&self, left: &AtomicUsize) -> bool {
        let taken = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        });
        taken.is_ok()
    }

    fn is_cut(&self) -> bool {
        let half = self
            .half
            .as_ref()
            .is_some_and(|random| random.lock().unwrap().random());
        half || self.take(&self.replies_to_cut)
    }
}

/// Carries one connection, request by request; a cut closes both ends.
async fn carry(
    mut client: TcpStream,
    mut server: impl AsyncRead + AsyncWrite + Unpin,
    losses: Arc<Losses>,
) {
    while let Some(request) = read_message(&mut client).await {
        let marked = String::from_utf8_lossy(&request).contains(losses.mark);
        if marked && losses.take(&losses.requests_to_cut) {
            losses.cut.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if server.write_all(&request).await.is_err() {
            return;
        }
        let Some(reply) = read_message(&mut server).await else {
            return;
        };
        if marked && losses.is_cut() {
            losses.cut.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if client.write_all(&reply).await.is_err() {
            return;
        }
    }
}

/// One HTTP/1.1 message with a content length.
async fn read_message(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let n = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        message.extend_from_slice(&buffer[..n]);
        let Some(end) = message.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&message[..end]).to_ascii_lowercase();
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok())
            .unwrap_or(0);
        if message.len() >= end + 4 + length {
            return Some(message);
        }
    }
}

/// A store on the tables behind `address`.
fn store_at(address: &str) -> Store {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::v2026_01_12())
        .endpoint_url(address)
        .region(Region::new("local"))
        .credentials_provider(Credentials::for_tests())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .timeout_config(thuocdo::config::timeouts())
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    Store::new(client, RATINGS_TABLE, TALLY_TABLE)
}

/// An intake of its own, whose store is at the end of `line`.
async fn intake(office: &Office, line: &Line) -> Intake {
    let store = store_at(&line.address);
    let challenges = Challenges::new(&office.stack.keyring, Difficulty::for_tests());
    Intake::new(store, office.stack.keyring.clone(), challenges)
}

async fn send(intake: &Intake, rating: &Value) -> (u16, Option<String>, String) {
    let request = http::Request::post("/api/ratings").header("content-type", "application/json");
    let request: Request = request.body(Body::Text(rating.to_string())).unwrap();
    let response = submit_rating::handle(intake, request, Timestamp::now()).await;
    let retry_after = response
        .headers()
        .get("retry-after")
        .map(|value| value.to_str().unwrap().to_owned());
    let Body::Text(text) = response.body() else {
        panic!("no text")
    };
    (response.status().as_u16(), retry_after, text.clone())
}

#[tokio::test]
async fn a_rating_whose_reply_was_lost_is_unconfirmed_and_counts_once_when_sent_again() {
    let office = Office::open().await;
    let line = Line::to(&office).await;
    let intake = intake(&office, &line).await;
    let slip = office.slip().await;
    let mut rating = satisfied(UNIT, &slip);
    rating["attempt"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    let rating = office.solved(Purpose::Rate, &rating).await;

    line.losses.replies_to_cut.store(100, Ordering::SeqCst);
    let (status, retry_after, body) = send(&intake, &rating).await;
    line.losses.replies_to_cut.store(0, Ordering::SeqCst);
    let (again, _, _) = send(&intake, &rating).await;

    assert_eq!((status, retry_after.as_deref()), (503, Some("5")));
    assert!(
        body.contains("Chúng tôi chưa xác nhận được là đã lưu."),
        "{body}"
    );
    assert_eq!(again, 200);
    assert_eq!(office.stored().await, 1);
}

#[tokio::test]
async fn tables_that_do_not_answer_in_time_give_the_form_back() {
    let office = Office::open().await;
    let line = Line::to(&office).await;
    let mut intake = intake(&office, &line).await;
    let unit = UnitId::parse(UNIT).unwrap();
    let known = intake.catalog.unit(&unit, Timestamp::now()).await;
    assert!(known.unwrap().is_some());
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    intake.store = store_at(&format!("http://{}", silent.local_addr().unwrap()));
    intake.patience = Duration::from_millis(300);
    let mut rating = satisfied(UNIT, &office.slip().await);
    rating["suggestion"] = json!("Cảm ơn chị ở quầy 3");
    let rating = office.solved(Purpose::Rate, &rating).await;
    let pairs = rating.as_object().unwrap().iter();
    let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str().unwrap()));
    let body = reqwest::Url::parse_with_params("http://x/", pairs).unwrap();
    let request = http::Request::post("/api/ratings")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::Text(body.query().unwrap().to_owned()));

    let begun = Instant::now();
    let answer = submit_rating::handle(&intake, request.unwrap(), Timestamp::now()).await;

    assert!(
        begun.elapsed() < Duration::from_secs(2),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(answer.status().as_u16(), 503);
    assert_eq!(answer.headers()["retry-after"], "5");
    let Body::Text(page) = answer.body() else {
        panic!("no text")
    };
    for kept in [
        "Cảm ơn chị ở quầy 3",
        "chưa xác nhận được là đã lưu",
        "name=\"suggestion\"",
    ] {
        assert!(page.contains(kept), "{kept}: {page}");
    }
    assert_eq!(office.stored().await, 0);
}

#[tokio::test]
async fn a_rating_that_never_arrived_is_told_unsaved_and_saved_when_sent_again() {
    let office = Office::open().await;
    let line = Line::to(&office).await;
    let intake = intake(&office, &line).await;
    let slip = office.slip().await;
    let rating = office.solved(Purpose::Rate, &satisfied(UNIT, &slip)).await;

    line.losses.requests_to_cut.store(100, Ordering::SeqCst);
    let (status, _, _) = send(&intake, &rating).await;
    assert_eq!((status, office.stored().await), (503, 0));
    line.losses.requests_to_cut.store(0, Ordering::SeqCst);
    let (again, _, _) = send(&intake, &rating).await;

    assert_eq!((again, office.stored().await), (201, 1));
}

#[tokio::test]
async fn one_lost_reply_goes_unnoticed() {
    let office = Office::open().await;
    let line = Line::to(&office).await;
    let intake = intake(&office, &line).await;
    let slip = office.slip().await;
    let rating = office.solved(Purpose::Rate, &satisfied(UNIT, &slip)).await;

    line.losses.replies_to_cut.store(1, Ordering::SeqCst);
    let (status, _, body) = send(&intake, &rating).await;

    assert!([200, 201].contains(&status), "{status} {body}");
    assert_eq!(office.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_at_once_between_functions_and_tables_loses_and_doubles_nothing() {
    let office = Arc::new(Office::with(1, 1, Rates::everything(150)).await);
    let mut raters = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let office = Arc::clone(&office);
        raters.spawn(async move {
            for _ in 0..40 {
                let mut rating = satisfied(UNIT, &office.slip().await);
                rating["attempt"] = BASE64URL_NOPAD.encode(&rand::random::<[u8; 16]>()).into();
                let rating = office.solved(Purpose::Rate, &rating).await;
                loop {
                    match office.post_json("/api/ratings", &rating).await.status {
                        200 | 201 => break,
                        // A function that dies is a 500 of the gateway's, as in the cloud.
                        500 | 503 => {}
                        status => panic!("{status}"),
                    }
                }
            }
        });
    }
    raters.join_all().await;
    office.stack.drain().await;
    office.faults.set_rates(Rates::default());
    office.stack.settle().await;

    let (unit, month) = (
        UnitId::parse(UNIT).unwrap(),
        Month::of(local_date(Timestamp::now())),
    );
    let stored = office.stack.store.ratings(&unit, month).await.unwrap();
    assert_eq!(stored.len(), 320);
    assert!(stored.iter().all(|stored| !stored.pending));
    let cells = office.stack.store.cells(&unit, month).await.unwrap();
    assert_eq!(cells, fold(stored.iter().map(|stored| &stored.rating)));
    assert!(
        office.faults.injected().total() > 100,
        "{}",
        office.faults.injected()
    );
}
