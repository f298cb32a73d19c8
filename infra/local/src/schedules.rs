//! What the cloud runs on a schedule: publication, reconciliation, and the housekeeping DynamoDB does by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Mutex, MutexGuard, Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use crate::clock::Clock;
use crate::dispatch::Functions;
use crate::dynamo::Dynamo;
use crate::error::{BoxError, chain};
use crate::stream::Ledger;

/// Publication runs this often even when nothing is known to have changed: days pass, and questionnaires open.
const PUBLISH_ANYWAY: Duration = Duration::from_secs(600);
/// Shortest time between two publications of real ratings. Figures that move seconds after a rating tell whose it was.
const HOURLY: Duration = Duration::from_secs(3_600);
/// Shortest time between two publications of invented ratings, for people who try the system.
const SAMPLE: Duration = Duration::from_secs(3);
/// How long a burst of ratings may gather before the first publication after a quiet time.
const GATHER: Duration = Duration::from_millis(300);
/// How often expired items and old stream records are removed.
const HOUSEKEEPING: Duration = Duration::from_secs(3_600);
/// How long DynamoDB keeps stream records.
const STREAM_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// Publishes, one run at a time, when something changed.
pub(crate) struct Publisher {
    functions: Arc<Functions>,
    clock: Arc<Clock>,
    running: Mutex<()>,
    due: AtomicBool,
    changed: Notify,
    wanted: Notify,
}

impl Publisher {
    pub(crate) fn new(functions: Arc<Functions>, clock: Arc<Clock>) -> Self {
        Self {
            functions,
            clock,
            running: Mutex::new(()),
            due: AtomicBool::new(true),
            changed: Notify::new(),
            wanted: Notify::new(),
        }
    }

    /// Asks for a publication at once: an operator changed the catalog and waits to see it.
    pub(crate) fn request_now(&self) {
        self.due.store(true, Ordering::Release);
        self.wanted.notify_one();
    }

    /// Asks for a publication when its time has come.
    pub(crate) fn request(&self) {
        self.due.store(true, Ordering::Release);
        self.changed.notify_one();
    }

    /// Keeps others from publishing until the guard is dropped.
    pub(crate) async fn hold(&self) -> MutexGuard<'_, ()> {
        self.running.lock().await
    }

    /// Publishes now, after a run under way; returns how many objects were written.
    pub(crate) async fn publish(&self) -> Result<usize, BoxError> {
        let _running = self.running.lock().await;
        // Before the run: what changes during it is for the next.
        self.due.store(false, Ordering::Release);
        let published = match self.clock.now() {
            Ok(now) => self.functions.publish_pages(now).await,
            Err(error) => Err(error.into()),
        };
        match &published {
            Ok(0) => {}
            Ok(written) => tracing::info!(written, "published"),
            Err(error) => {
                self.due.store(true, Ordering::Release);
                tracing::error!(cause = chain(&**error), "publishing failed");
            }
        }
        published
    }

    async fn run(self: Arc<Self>, every: Option<Duration>) {
        let mut last = None::<Instant>;
        loop {
            if let Some(last) = last {
                let every = match every {
                    Some(every) => every,
                    None => pace_of(self.functions.is_sample().await),
                };
                tokio::select! {
                    () = self.wanted.notified() => {}
                    () = self.due_since(last + every) => {}
                    () = tokio::time::sleep_until(last + every.max(PUBLISH_ANYWAY)) => {
                        self.due.store(true, Ordering::Release);
                    }
                }
            }
            if self.due.load(Ordering::Acquire) {
                // A failure is in the log; it leaves the publication due.
                let _ = self.publish().await;
                last = Some(Instant::now());
            }
            last.get_or_insert_with(Instant::now);
        }
    }

    /// Returns when something has changed and `earliest` is over.
    async fn due_since(&self, earliest: Instant) {
        if !self.due.load(Ordering::Acquire) {
            self.changed.notified().await;
            tokio::time::sleep(GATHER).await;
        }
        tokio::time::sleep_until(earliest).await;
    }
}

/// Shortest time between two publications of a catalog that is a sample, or is none.
fn pace_of(is_sample: bool) -> Duration {
    if is_sample { SAMPLE } else { HOURLY }
}

/// How often the schedules run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Shortest time between two publications; by the kind of catalog where it is not given.
    pub(crate) publish: Option<Duration>,
    pub(crate) reconcile: Duration,
}

/// The running schedules.
pub(crate) struct Schedules {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Schedules {
    pub(crate) fn start(
        functions: Arc<Functions>,
        publisher: Arc<Publisher>,
        clock: Arc<Clock>,
        dynamo: Arc<Dynamo>,
        ledger: Ledger,
        stream: String,
        pace: Pace,
    ) -> Self {
        let (stop, _) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let reconciler = Arc::clone(&publisher);
        tasks.spawn(until(&stop, publisher.run(pace.publish)));
        tasks.spawn(until(
            &stop,
            reconcile(functions, reconciler, clock, pace.reconcile),
        ));
        tasks.spawn(until(&stop, keep_house(dynamo, ledger, stream)));
        Self { stop, tasks }
    }

    /// Ends them; a run under way is broken off, which each of them bears.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

async fn reconcile(
    functions: Arc<Functions>,
    publisher: Arc<Publisher>,
    clock: Arc<Clock>,
    every: Duration,
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once; the stream has first go at what is pending.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // On the disk before a month is sealed: after a power cut nothing can be dated into it.
        let swept = match clock.now_kept() {
            Ok(now) => functions.reconcile_tallies(now).await,
            Err(error) => Err(error),
        };
        match swept {
            Ok(true) => publisher.request(),
            Ok(false) => {}
            Err(error) => tracing::error!(cause = chain(&*error), "reconciling failed"),
        }
    }
}

async fn keep_house(dynamo: Arc<Dynamo>, ledger: Ledger, stream: String) {
    let mut ticks = tokio::time::interval(HOUSEKEEPING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match dynamo.sweep().await {
            Ok(0) => {}
            Ok(items) => tracing::info!(items, "removed expired items"),
            Err(error) => tracing::error!(cause = chain(&*error), "cannot remove expired items"),
        }
        if let Err(error) = trim(&dynamo, &ledger, &stream).await {
            tracing::error!(cause = chain(&*error), "cannot trim the stream");
        }
    }
}

async fn trim(dynamo: &Dynamo, ledger: &Ledger, stream: &str) -> Result<(), BoxError> {
    let Some(delivered) = ledger.checkpoint(stream)? else {
        return Ok(());
    };
    let before = Timestamp::now() - STREAM_RETENTION;
    let records = dynamo.trim_stream(before, &delivered).await?;
    if records > 0 {
        tracing::info!(records, "trimmed the stream");
    }
    Ok(())
}

/// `work` until `stop` says so.
fn until(
    stop: &watch::Sender<bool>,
    work: impl Future<Output = ()> + Send + 'static,
) -> impl Future<Output = ()> + Send + 'static {
    let mut stopped = stop.subscribe();
    async move {
        tokio::select! {
            () = work => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::{Options, Stack};

    /// The catalog of the fuzzers' seeds in a folder for import, with `sample` as its setting.
    fn catalog(folder: &Path, sample: &str) {
        let seeds = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/catalog");
        let to = folder.join("catalog/seed");
        std::fs::create_dir_all(&to).unwrap();
        for sheet in std::fs::read_dir(seeds).unwrap() {
            let sheet = sheet.unwrap().path();
            let text = std::fs::read_to_string(&sheet).unwrap();
            let text = text
                .replace("\nsample,có,", &format!("\nsample,{sample},"))
                .replace("\nthreshold_k,1,", "\nthreshold_k,5,")
                .replace("\nthreshold_n,1,", "\nthreshold_n,10,");
            std::fs::write(to.join(sheet.file_name().unwrap()), text).unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn real_ratings_are_published_hourly_and_those_of_a_sample_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let stack = Stack::start(Options::for_tests()).await.unwrap();
        assert!(!stack.functions.is_sample().await);

        for (sample, pace) in [("có", SAMPLE), ("không", HOURLY)] {
            catalog(folder.path(), sample);
            let reports = stack.import_dir(folder.path()).await;
            assert!(
                reports.iter().all(|report| report.accepted()),
                "{reports:?}"
            );

            assert_eq!(pace_of(stack.functions.is_sample().await), pace, "{sample}");
        }
        stack.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_catalog_does_not_wait_for_the_hour_and_ratings_do() {
        let stack = Stack::start(Options::for_tests()).await.unwrap();
        let publisher = Publisher::new(Arc::clone(&stack.functions), Arc::clone(&stack.clock));
        let publisher = Arc::new(publisher);
        let running = tokio::spawn(Arc::clone(&publisher).run(Some(HOURLY)));
        let published = async || {
            while publisher.due.load(Ordering::Acquire) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        published().await;

        publisher.request();
        let soon = tokio::time::timeout(GATHER * 3, published()).await;
        publisher.request_now();
        published().await;

        assert!(soon.is_err(), "ratings were published at once");
        running.abort();
        stack.stop().await;
    }
}
