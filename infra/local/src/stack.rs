//! All parts of the system, started together and stopped in order.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use aws_smithy_http_client::Builder;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use lambda_http::{Body, Request};
use thuocdo::challenge::Difficulty;
use thuocdo::config;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::http::request::language;
use thuocdo::http::{Problem, ProblemKind};
use thuocdo::keyring::Keyring;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

use crate::clock::Clock;
use crate::data::{DataDir, draw_master_key, write_private};
use crate::dispatch::{Functions, ImportReport, noon};
use crate::dynamo::{self, Door, Dynamo, IN_PROCESS, RATINGS_TABLE, REGION, ShortCut, TALLY_TABLE};
use crate::error::{BoxError, StartError, chain};
use crate::gateway::Gateway;
use crate::import::{Kind, entries, import};
use crate::inbox::Inbox;
use crate::objects::Objects;
use crate::s3::{self, DROP_BUCKET, SITE_BUCKET};
use crate::sample::{SampleRating, read_ratings};
use crate::schedules::{Pace, Publisher, Schedules};
use crate::server;
use crate::stream::{Consumer, Ledger, Mapping, Poller};

/// Ratings of the sample stored at once.
const SAMPLE_CONCURRENCY: usize = 16;
/// Ratings of the sample between two lines of progress.
const SAMPLE_PROGRESS: usize = 1_000;

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the data is kept; in memory where there is none.
    pub data: Option<PathBuf>,
    /// Where people reach it; port 0 takes a free one.
    pub addr: SocketAddr,
    /// A folder with `catalog/`, `dossiers/` and `ratings.csv`, loaded when there is no catalog yet.
    pub sample: Option<PathBuf>,
    /// Shortest time between two publications; without, an hour, and some seconds for a catalog that is a sample.
    pub publish_every: Option<Duration>,
    /// Time between two reconciliations.
    pub reconcile_every: Duration,
    /// A loopback port that answers requests for the tables signed with the key of `engines.env`, 0 for a free one;
    /// without, other processes reach the tables through the socket in the data directory alone.
    pub tables_port: Option<u16>,
    /// Connections that one address may have open to `addr`.
    pub connections_per_address: usize,
    /// Addresses of proxies in front, which bring more people than one address may.
    pub proxies: Vec<IpAddr>,
    /// How the stream is delivered.
    pub mapping: Mapping,
    /// How much work a security code is.
    pub difficulty: Difficulty,
    /// What tests change about the functions' client of the tables; nothing otherwise.
    pub functions_tables: Option<Rewire>,
}

/// Changes the configuration of a client before it is built, given its way to the tables: faults are put on its line
/// this way.
#[derive(Clone)]
pub struct Rewire(Arc<dyn Fn(TablesConfig, ShortCut) -> TablesConfig + Send + Sync>);

/// A client's configuration in the making.
pub type TablesConfig = aws_sdk_dynamodb::config::Builder;

impl Rewire {
    /// Changes it as `change` does.
    pub fn new(
        change: impl Fn(TablesConfig, ShortCut) -> TablesConfig + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(change))
    }
}

impl std::fmt::Debug for Rewire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rewire(..)")
    }
}

impl Default for Options {
    /// In memory, on a free loopback port, without a sample.
    fn default() -> Self {
        Self {
            data: None,
            addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            sample: None,
            publish_every: None,
            reconcile_every: Duration::from_secs(60),
            tables_port: None,
            connections_per_address: 128,
            proxies: vec![
                IpAddr::V4(Ipv4Addr::LOCALHOST),
                IpAddr::V6(Ipv6Addr::LOCALHOST),
            ],
            mapping: Mapping::default(),
            difficulty: Difficulty::default(),
            functions_tables: None,
        }
    }
}

impl Options {
    /// In memory, with security codes that cost next to nothing, counting at once, publishing only when told to.
    #[must_use]
    pub fn for_tests() -> Self {
        let never = Duration::from_secs(24 * 60 * 60);
        Self {
            publish_every: Some(never),
            reconcile_every: never,
            difficulty: Difficulty::for_tests(),
            mapping: Mapping {
                window: Duration::ZERO,
                ..Mapping::default()
            },
            ..Self::default()
        }
    }
}

/// The running system.
pub struct Stack {
    /// Where it is served: `http://127.0.0.1:PORT`.
    pub address: String,
    /// The tables.
    pub store: Store,
    /// The published site.
    pub site: Bucket,
    /// Where files for import are dropped.
    pub drop: Bucket,
    /// The keys.
    pub keyring: Keyring,
    /// A client of the embedded DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// A client of the embedded S3.
    pub s3: aws_sdk_s3::Client,
    /// How far the stream is delivered, and what was given up.
    pub ledger: Ledger,
    /// The objects of both buckets, without HTTP between.
    pub objects: Objects,
    pub(crate) functions: Arc<Functions>,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) clock: Arc<Clock>,
    poller: Poller,
    schedules: Schedules,
    inbox: Option<Inbox>,
    server: JoinHandle<()>,
    stop_server: oneshot::Sender<()>,
    endpoint: s3::Endpoint,
    doors: Vec<Door>,
    dynamo: Arc<Dynamo>,
    data: Option<DataDir>,
}

impl Stack {
    /// Starts everything; returns when the sample, if one was asked for, is loaded and published.
    ///
    /// # Errors
    /// [`StartError`] when a part cannot start; no part is left running then.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let data = options.data.as_deref().map(DataDir::open).transpose()?;
        let refused = |source| StartError::Address {
            address: options.addr,
            source,
        };
        let listener = TcpListener::bind(options.addr).await.map_err(refused)?;
        let local = listener.local_addr().map_err(refused)?;
        let keyring = match &data {
            Some(data) => data.keyring()?,
            None => fleeting_keyring()?,
        };
        if let Some(data) = &data {
            data.make_private()?;
        }
        let clock = Clock::open(data.as_ref().map(DataDir::last_seen).as_deref())?;
        let clock = Arc::new(clock);
        if let Err(error) = clock.now_kept() {
            tracing::error!(
                cause = chain(&*error),
                "nothing is taken, reconciled or published"
            );
        }

        let dynamo = Dynamo::start(data.as_ref().map(DataDir::tables).as_deref())
            .map_err(StartError::engine("tables"))?;
        let dynamo = Arc::new(dynamo);
        let objects = Objects::open(data.as_ref().map(DataDir::objects).as_deref())
            .map_err(StartError::engine("buckets"))?;
        let ledger = Ledger::open(data.as_ref().map(DataDir::ledger).as_deref())
            .map_err(StartError::engine("stream"))?;
        let credentials = s3::Credentials::draw().map_err(StartError::engine("buckets"))?;
        let endpoint = s3::Endpoint::start(objects.clone(), &credentials)
            .await
            .map_err(StartError::engine("buckets"))?;
        let socket = data.as_ref().and_then(|data| {
            let opened = Door::on_socket(dynamo.short_cut.clone(), &data.tables_socket());
            // Some file systems hold no sockets; everything but the operator's commands works without.
            let refused = |error: &BoxError| {
                tracing::warn!(cause = chain(&**error), "commands cannot reach the tables");
            };
            opened.inspect_err(refused).ok()
        });
        let port = match options.tables_port {
            Some(port) => Some(
                Door::on_port(dynamo.short_cut.clone(), port, &credentials)
                    .await
                    .map_err(StartError::engine("tables"))?,
            ),
            None => None,
        };
        if let Some(data) = &data {
            let path = data.engines();
            let text = environment(port.as_ref(), &endpoint, &credentials);
            write_private(&path, &text).map_err(|source| StartError::Directory { path, source })?;
        }

        let clients = Clients::new(&dynamo, &endpoint, &credentials);
        let stream = dynamo::create_tables(&clients.dynamodb)
            .await
            .map_err(StartError::engine("tables"))?;
        let store = Store::new(clients.dynamodb.clone(), RATINGS_TABLE, TALLY_TABLE);
        let site = Bucket::new(clients.s3.clone(), SITE_BUCKET);
        let dropped = Bucket::new(clients.s3.clone(), DROP_BUCKET);
        let functions_store = match &options.functions_tables {
            Some(Rewire(change)) => {
                let config = clients.dynamodb.config().to_builder();
                let changed = change(config, dynamo.short_cut.clone());
                Store::new(
                    aws_sdk_dynamodb::Client::from_conf(changed.build()),
                    RATINGS_TABLE,
                    TALLY_TABLE,
                )
            }
            None => store.clone(),
        };
        let functions = Arc::new(Functions::new(
            functions_store,
            site.clone(),
            dropped.clone(),
            keyring.clone(),
            options.difficulty,
        ));
        let publisher = Arc::new(Publisher::new(Arc::clone(&functions), Arc::clone(&clock)));

        let poller = Poller::start(
            clients.streams,
            stream.clone(),
            ledger.clone(),
            consumer(&functions, &publisher),
            options.mapping,
        );
        // The data directory is locked, so a lease that was not given back is that of a process that is gone.
        if data.is_some()
            && let Err(error) = store.end_lease().await
        {
            tracing::warn!(error = %error, "a lease is left to run out");
        }
        let pace = Pace {
            publish: options.publish_every,
            reconcile: options.reconcile_every,
        };
        let schedules = Schedules::start(
            Arc::clone(&functions),
            Arc::clone(&publisher),
            Arc::clone(&clock),
            Arc::clone(&dynamo),
            ledger.clone(),
            stream,
            pace,
        );
        let inbox = data.as_ref().map(|data| {
            Inbox::start(
                data.inbox(),
                Arc::clone(&functions),
                dropped.clone(),
                objects.clone(),
                Arc::clone(&publisher),
                Arc::clone(&clock),
            )
        });
        let inbox = inbox.transpose()?;
        let (stop_server, stopped) = oneshot::channel();
        let server = tokio::spawn(server::serve(
            listener,
            server::Crowd {
                connections_per_address: options.connections_per_address,
                proxies: options.proxies,
            },
            objects.clone(),
            gateway(&functions, &clock),
            async {
                let _ = stopped.await;
            },
        ));

        let stack = Self {
            address: format!("http://{}", reachable(local)),
            store,
            site,
            drop: dropped,
            keyring,
            dynamodb: clients.dynamodb,
            s3: clients.s3,
            ledger,
            objects,
            functions,
            publisher,
            clock,
            poller,
            schedules,
            inbox,
            server,
            stop_server,
            endpoint,
            doors: socket.into_iter().chain(port).collect(),
            dynamo,
            data,
        };
        if let Some(sample) = &options.sample
            && let Err(source) = stack.load_sample(sample).await
        {
            stack.stop().await;
            let path = sample.clone();
            return Err(StartError::Sample { path, source });
        }
        Ok(stack)
    }

    /// Returns when the stream has delivered every rating saved before.
    pub async fn drain(&self) {
        self.poller.drain().await;
    }

    /// The way to the tables inside this process.
    #[must_use]
    pub fn tables(&self) -> ShortCut {
        self.dynamo.short_cut.clone()
    }

    /// Returns when every rating saved before is counted and the site was published once.
    pub async fn settle(&self) {
        self.poller.drain().await;
        if let Err(error) = self.functions.reconcile_tallies(Timestamp::now()).await {
            tracing::error!(cause = chain(&*error), "reconciling failed");
        }
        self.poller.drain().await;
        // A failure is in the log, and the schedule tries again.
        let _ = self.publisher.publish().await;
    }

    /// Imports every entry of `dir/catalog`, then of `dir/dossiers` and `dir/voids`.
    ///
    /// What cannot be read or imported for a fault of ours is in the log, not in the reports.
    pub async fn import_dir(&self, dir: &Path) -> Vec<ImportReport> {
        let mut reports = Vec::new();
        for kind in Kind::ALL {
            for path in entries(&dir.join(kind.folder())).unwrap_or_default() {
                tracing::info!(file = %path.display(), "importing");
                match import(&self.functions, &self.drop, &self.objects, kind, &path).await {
                    Ok(imported) => reports.extend(imported.reports),
                    Err(error) => tracing::error!(
                        file = %path.display(),
                        cause = chain(&*error),
                        "importing failed"
                    ),
                }
            }
        }
        self.publisher.request();
        reports
    }

    /// Stops taking requests, finishes what is under way, and closes the files.
    pub async fn stop(self) {
        let _ = self.stop_server.send(());
        let _ = self.server.await;
        if let Some(inbox) = self.inbox {
            inbox.stop().await;
        }
        self.schedules.stop().await;
        self.poller.stop().await;
        self.endpoint.stop().await;
        for door in self.doors {
            door.stop().await;
        }
        if let Some(dynamo) = Arc::into_inner(self.dynamo) {
            dynamo.stop().await;
        }
        if let Some(data) = &self.data {
            let _ = std::fs::remove_file(data.engines());
        }
    }

    async fn load_sample(&self, sample: &Path) -> Result<(), BoxError> {
        if self
            .data
            .as_ref()
            .is_some_and(|data| data.sample_begun().exists())
        {
            return Err("loading was broken off before; remove the data directory".into());
        }
        if self.functions.has_catalog().await? {
            return Ok(());
        }
        if !sample.is_dir() {
            return Err("there is no such folder".into());
        }
        self.clock.now()?;
        // No page of today between those of past quarters.
        let hold = self.publisher.hold().await;
        let begun = self.data.as_ref().map(DataDir::sample_begun);
        if let Some(begun) = &begun {
            std::fs::write(begun, "")?;
        }
        let reports = self.import_dir(sample).await;
        if let Some(refused) = reports.iter().find(|report| !report.accepted()) {
            return Err(format!(
                "{} was refused; see the report in the drop bucket",
                refused.key
            )
            .into());
        }
        let ratings = sample.join("ratings.csv");
        if ratings.exists() {
            let ratings = read_ratings(&ratings)?;
            let days: BTreeSet<Date> = ratings.iter().map(|rating| last_day(rating.date)).collect();
            self.submit_sample(ratings).await?;
            tracing::info!("counting");
            self.poller.drain().await;
            // Each quarter was published while it was open: a later run looks at the open ones only.
            for day in days
                .into_iter()
                .filter(|day| *day < local_date(Timestamp::now()))
            {
                tracing::info!(%day, "publishing a past quarter");
                self.functions.publish_pages(noon(day)?).await?;
            }
        }
        drop(hold);
        tracing::info!("publishing");
        self.settle().await;
        if let Some(begun) = &begun {
            std::fs::remove_file(begun)?;
        }
        Ok(())
    }

    async fn submit_sample(&self, ratings: Vec<SampleRating>) -> Result<(), BoxError> {
        let all = ratings.len();
        let mut stored = 0;
        let mut tasks = JoinSet::new();
        let mut left = ratings.into_iter();
        loop {
            while tasks.len() < SAMPLE_CONCURRENCY
                && let Some(rating) = left.next()
            {
                let functions = Arc::clone(&self.functions);
                // Two thousand lines of the same would hide the progress.
                let quiet = async move { functions.submit_sample(rating).await };
                tasks.spawn(quiet.with_subscriber(NoSubscriber::default()));
            }
            let Some(outcome) = tasks.join_next().await else {
                return Ok(());
            };
            outcome??;
            stored += 1;
            if stored % SAMPLE_PROGRESS == 0 || stored == all {
                tracing::info!(stored, all, "storing the ratings of the sample");
            }
        }
    }
}

/// The last day of the quarter that holds `day`.
fn last_day(day: Date) -> Date {
    let [_, _, last] = Month::of(day).quarter().months();
    let first = Date::new(last.year, last.month, 1).unwrap_or(day);
    first.last_of_month()
}

/// Clients of the engines, with the timeouts and retries of the cloud.
struct Clients {
    dynamodb: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    s3: aws_sdk_s3::Client,
}

impl Clients {
    fn new(dynamo: &Dynamo, endpoint: &s3::Endpoint, credentials: &s3::Credentials) -> Self {
        // Nobody stands between these clients and the tables, so nothing is signed and nothing stalls on the way.
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(IN_PROCESS)
            .allow_no_auth()
            .http_client(dynamo.short_cut.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(config::timeouts())
            .retry_config(RetryConfig::standard())
            .build();
        let streams = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(IN_PROCESS)
            .allow_no_auth()
            .http_client(dynamo.short_cut.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .timeout_config(config::timeouts())
            .retry_config(RetryConfig::standard())
            .build();
        let s3 = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::new(REGION))
            .endpoint_url(&endpoint.endpoint)
            .credentials_provider(credentials.of_sdk())
            .force_path_style(true)
            .http_client(Builder::new().build_http())
            .timeout_config(config::timeouts())
            .retry_config(RetryConfig::standard())
            .build();
        Self {
            dynamodb: aws_sdk_dynamodb::Client::from_conf(dynamodb),
            streams: aws_sdk_dynamodbstreams::Client::from_conf(streams),
            s3: aws_sdk_s3::Client::from_conf(s3),
        }
    }
}

fn gateway(functions: &Arc<Functions>, clock: &Arc<Clock>) -> Gateway {
    let (functions, clock) = (Arc::clone(functions), Arc::clone(clock));
    Gateway::new(Arc::new(move |function, request| {
        let (functions, clock) = (Arc::clone(&functions), Arc::clone(&clock));
        Box::pin(async move {
            match clock.now() {
                Ok(now) => functions.answer(function, request, now).await,
                Err(error) => {
                    tracing::error!(cause = %error, "a request was refused");
                    wrong_clock(&request)
                }
            }
        })
    }))
}

/// 503 with a text: as JSON for programs, plain for a browser that posted a form.
fn wrong_clock(request: &Request) -> Response<Body> {
    let lang = language(request, None);
    let problem = Problem::from(ProblemKind::WrongClock);
    let is_page = header(request, ACCEPT).contains("text/html");
    let text = format!("{}\n\n{}\n", problem.title(lang), problem.detail(lang));
    let mut response = problem.into_json_response(lang);
    if is_page {
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, plain);
        *response.body_mut() = Body::Text(text);
    }
    response
}

fn header(request: &Request, name: HeaderName) -> &str {
    let value = request.headers().get(name);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn consumer(functions: &Arc<Functions>, publisher: &Arc<Publisher>) -> Consumer {
    let functions = Arc::clone(functions);
    let publisher = Arc::clone(publisher);
    Arc::new(move |event| {
        let functions = Arc::clone(&functions);
        let publisher = Arc::clone(&publisher);
        Box::pin(async move {
            let outcome = functions.aggregate_ratings(event).await;
            publisher.request();
            outcome
        })
    })
}

fn fleeting_keyring() -> Result<Keyring, StartError> {
    let master = draw_master_key().map_err(StartError::engine("master key"))?;
    Keyring::from_hex(&master).map_err(StartError::engine("master key"))
}

/// Where a browser on this machine reaches what listens on `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// What other AWS tools need to look into the running engines, as a file for the shell; the tables where they have a port.
fn environment(
    tables: Option<&Door>,
    endpoint: &s3::Endpoint,
    credentials: &s3::Credentials,
) -> String {
    let s3 = &endpoint.endpoint;
    let s3::Credentials {
        access_key,
        secret_key,
    } = credentials;
    let mut text = format!(
        "AWS_REGION={REGION}\n\
         AWS_ACCESS_KEY_ID={access_key}\n\
         AWS_SECRET_ACCESS_KEY={secret_key}\n\
         AWS_ENDPOINT_URL_S3={s3}\n\
         RATINGS_TABLE={RATINGS_TABLE}\n\
         TALLY_TABLE={TALLY_TABLE}\n\
         SITE_BUCKET={SITE_BUCKET}\n\
         DROP_BUCKET={DROP_BUCKET}\n"
    );
    if let Some(tables) = tables {
        for service in ["DYNAMODB", "DYNAMODB_STREAMS"] {
            let line = format!("AWS_ENDPOINT_URL_{service}={}\n", tables.endpoint);
            text.push_str(&line);
        }
    }
    text
}
