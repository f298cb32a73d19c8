//! The short way to the embedded DynamoDB: requests of the ordinary SDK, answered without a socket between.
//!
//! The bytes of request and reply are those of the wire, and the functions meet the same SDK as in the cloud. Left out is
//! what only a stranger needs: the connection, the signature, and the check of each value's JSON type. Other processes
//! come through a [`Door`](super::Door), which hands their requests on to here.

use std::sync::mpsc;
use std::thread::JoinHandle;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::disk::Log;
use crate::error::BoxError;

/// Has the engine do something.
type Job = Box<dyn FnOnce(&Database) -> Done + Send>;

/// What the engine did, before anybody knows.
struct Done {
    /// Whether it may have changed a table.
    wrote: bool,
    /// Answers who asked; an error, where the change did not reach the disk.
    answer: Box<dyn FnOnce(bool) + Send>,
}

/// An HTTP client of the SDK that hands requests to the engine in this process.
#[derive(Debug, Clone)]
pub struct ShortCut {
    jobs: mpsc::Sender<Option<Job>>,
}

impl ShortCut {
    /// Starts the thread that works on `database`; it ends when [`ShortCut::stop`] says so, or when `log` cannot be
    /// written to the disk.
    ///
    /// One thread is enough: the engine does one thing at a time. What is done before and after, reading and writing
    /// JSON, is done by whoever asks.
    pub(super) fn start(
        database: Database,
        log: Option<Log>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel::<Option<Job>>();
        let thread = std::thread::Builder::new()
            .name("tables".into())
            .spawn(move || work(&database, log.as_ref(), &queue))?;
        Ok((Self { jobs }, thread))
    }

    /// Has the thread end after what was asked before; later requests fail.
    pub(super) fn stop(&self) {
        let _ = self.jobs.send(None);
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.into_body();
        let body = body
            .bytes()
            .ok_or_else(|| fault("the request is a stream"))?;
        let (status, text) = self.perform(&operation, body).await;
        let status = status.try_into().map_err(|_| fault("no status"))?;
        let mut response = HttpResponse::new(status, SdkBody::from(text));
        response
            .headers_mut()
            .insert("content-type", "application/x-amz-json-1.0");
        Ok(response)
    }

    /// Status and body of the reply to an operation of DynamoDB, or of its streams.
    pub(super) async fn perform(&self, operation: &str, body: &[u8]) -> (u16, String) {
        let answer = match operation {
            "TransactWriteItems" => self.write(body, transact).await,
            "GetItem" => self.read(body, Database::get_item).await,
            "Query" => self.read(body, Database::query).await,
            "PutItem" => self.write(body, Database::put_item).await,
            "UpdateItem" => self.write(body, Database::update_item).await,
            // No function may; tests stand in for whoever can.
            "DeleteItem" => self.write(body, Database::delete_item).await,
            "Scan" => self.read(body, Database::scan).await,
            "BatchGetItem" => self.read(body, Database::batch_get_item).await,
            "BatchWriteItem" => self.write(body, Database::batch_write_item).await,
            "TransactGetItems" => self.read(body, Database::transact_get_items).await,
            "GetRecords" => self.read(body, Database::get_records).await,
            "GetShardIterator" => self.read(body, Database::get_shard_iterator).await,
            "DescribeStream" => self.read(body, Database::describe_stream).await,
            "DescribeTable" => self.read(body, Database::describe_table).await,
            "CreateTable" => self.write(body, Database::create_table).await,
            "DescribeTimeToLive" => self.read(body, Database::describe_time_to_live).await,
            "UpdateTimeToLive" => self.write(body, Database::update_time_to_live).await,
            other => Err(DynoxideError::ValidationException(format!(
                "the embedded tables do not offer {other}"
            ))),
        };
        match answer {
            Ok(text) => (200, text),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }

    async fn read<Q, R>(
        &self,
        body: &[u8],
        operation: fn(&Database, Q) -> dynoxide::Result<R>,
    ) -> dynoxide::Result<String>
    where
        Q: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        self.run(body, false, operation).await
    }

    async fn write<Q, R>(
        &self,
        body: &[u8],
        operation: fn(&Database, Q) -> dynoxide::Result<R>,
    ) -> dynoxide::Result<String>
    where
        Q: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        self.run(body, true, operation).await
    }

    /// Reads the request, has the engine do `operation`, writes the reply.
    async fn run<Q, R>(
        &self,
        body: &[u8],
        writes: bool,
        operation: fn(&Database, Q) -> dynoxide::Result<R>,
    ) -> dynoxide::Result<String>
    where
        Q: DeserializeOwned + Send + 'static,
        R: Serialize + Send + 'static,
    {
        let request: Q = serde_json::from_slice(body)
            .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
        let (reply, replied) = oneshot::channel();
        let job: Job = Box::new(move |database| {
            let outcome = operation(database, request);
            Done {
                wrote: writes && outcome.is_ok(),
                answer: Box::new(move |is_durable| {
                    let outcome = if is_durable { outcome } else { Err(lost()) };
                    let _ = reply.send(outcome);
                }),
            }
        });
        let gone = || DynoxideError::InternalServerError("the engine has stopped".to_owned());
        self.jobs.send(Some(job)).map_err(|_| gone())?;
        let outcome = replied.await.map_err(|_| gone())??;
        serde_json::to_string(&outcome)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
}

/// Does what is asked until it is to stop: what waits already is done together, written to the disk once, and answered.
///
/// A log that cannot be written ends it, because what the disk took of it is not known: answering on would promise what
/// may be gone after a restart.
fn work(database: &Database, log: Option<&Log>, queue: &mpsc::Receiver<Option<Job>>) {
    let together = log.map_or(1, Log::together);
    let mut stopped = false;
    while !stopped && let Ok(Some(job)) = queue.recv() {
        let mut unwritten = Vec::new();
        let mut next = Some(job);
        while let Some(job) = next.take() {
            let done = job(database);
            // Nothing a reader saw is at stake before the first change.
            if log.is_none() || (unwritten.is_empty() && !done.wrote) {
                (done.answer)(true);
                break;
            }
            unwritten.push(done);
            if unwritten.len() < together {
                match queue.try_recv() {
                    Ok(Some(job)) => next = Some(job),
                    Ok(None) => stopped = true,
                    Err(_) => {}
                }
            }
        }
        if unwritten.is_empty() {
            continue;
        }
        let written = log.map_or(Ok(()), Log::sync);
        if let Err(error) = &written {
            tracing::error!(cause = %error, "the disk did not take what was written; the tables stop");
            stopped = true;
        }
        for done in unwritten {
            (done.answer)(written.is_ok());
        }
    }
}

fn lost() -> DynoxideError {
    DynoxideError::InternalServerError("the disk did not take what was written".to_owned())
}

/// A transaction without the SDK's token.
///
/// The engine keeps the tokens of ten minutes in memory and goes through all of them at every transaction. They spare a
/// client that lost a reply from writing twice; here no reply is lost, and our transactions bear being sent twice.
fn transact(
    database: &Database,
    mut request: TransactWriteItemsRequest,
) -> dynoxide::Result<dynoxide::actions::transact_write_items::TransactWriteItemsResponse> {
    request.client_request_token = None;
    database.transact_write_items(request)
}

fn fault(cause: &str) -> ConnectorError {
    ConnectorError::other(BoxError::from(cause), None)
}

impl HttpConnector for ShortCut {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

impl HttpClient for ShortCut {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Condvar, Mutex};
    use std::time::Duration;

    use super::super::{Disk, Dynamo};

    const TABLE: &str = r#"{"TableName":"T00","BillingMode":"PAY_PER_REQUEST",
        "KeySchema":[{"AttributeName":"PK","KeyType":"HASH"}],
        "AttributeDefinitions":[{"AttributeName":"PK","AttributeType":"S"}]}"#;

    fn put(name: usize) -> String {
        format!(r#"{{"TableName":"T00","Item":{{"PK":{{"S":"{name}"}}}}}}"#)
    }

    fn get(name: usize) -> String {
        format!(r#"{{"TableName":"T00","Key":{{"PK":{{"S":"{name}"}}}}}}"#)
    }

    /// What a disk holds for certain: what was in the files at the last sync.
    #[derive(Clone)]
    struct Image {
        folder: PathBuf,
        /// Held while the image changes, and while it is read.
        whole: Arc<Mutex<()>>,
    }

    impl Image {
        fn take(&self, log: &Path) -> io::Result<()> {
            let text = log.to_str().unwrap();
            let database = PathBuf::from(text.strip_suffix("-wal").unwrap());
            let _whole = self.whole.lock().unwrap();
            for file in [database.as_path(), log] {
                std::fs::copy(file, self.folder.join(file.file_name().unwrap()))?;
            }
            Ok(())
        }

        /// Whether an engine that starts on it after a power cut finds `name`.
        async fn holds(&self, name: usize) -> bool {
            let folder = tempfile::tempdir().unwrap();
            {
                let _whole = self.whole.lock().unwrap();
                for file in ["tables.sqlite", "tables.sqlite-wal"] {
                    std::fs::copy(self.folder.join(file), folder.path().join(file)).unwrap();
                }
            }
            let engine = Dynamo::start(Some(&folder.path().join("tables.sqlite"))).unwrap();
            let tables = engine.short_cut.clone();
            let (_, found) = tables.perform("GetItem", get(name).as_bytes()).await;
            engine.stop().await;
            found.contains("PK")
        }
    }

    #[tokio::test]
    async fn what_is_acknowledged_is_there_after_a_power_cut() {
        let folder = tempfile::tempdir().unwrap();
        let image = Image {
            folder: folder.path().join("image"),
            whole: Arc::default(),
        };
        std::fs::create_dir(&image.folder).unwrap();
        let (kept, path) = (image.clone(), folder.path().join("tables.sqlite"));
        let disk = Disk::with(8, move |log| kept.take(log));
        let engine = Dynamo::start_on(Some(&path), disk).unwrap();
        let tables = engine.short_cut.clone();
        assert_eq!(tables.perform("CreateTable", TABLE.as_bytes()).await.0, 200);

        let mut writers = tokio::task::JoinSet::new();
        for name in 0..60 {
            let tables = tables.clone();
            writers.spawn(async move {
                let (status, _) = tables.perform("PutItem", put(name).as_bytes()).await;
                assert_eq!(status, 200);
                name
            });
        }
        // Each is looked for the moment it is acknowledged, while others still write.
        while let Some(acknowledged) = writers.join_next().await {
            let name = acknowledged.unwrap();
            assert!(image.holds(name).await, "{name}");
        }
        engine.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_waits_for_the_disk_and_so_does_one_that_saw_the_change() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new((Mutex::new(true), Condvar::new()));
        let (opened, path) = (Arc::clone(&gate), folder.path().join("tables.sqlite"));
        let disk = Disk::with(8, move |_| {
            let (open, changed) = &*opened;
            let open = open.lock().unwrap();
            drop(changed.wait_while(open, |open| !*open).unwrap());
            Ok(())
        });
        let engine = Dynamo::start_on(Some(&path), disk).unwrap();
        let tables = engine.short_cut.clone();
        tables.perform("CreateTable", TABLE.as_bytes()).await;

        *gate.0.lock().unwrap() = false;
        let (one, other) = (tables.clone(), tables.clone());
        let write = tokio::spawn(async move { one.perform("PutItem", put(1).as_bytes()).await });
        let read = tokio::spawn(async move { other.perform("GetItem", get(1).as_bytes()).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        let answered_early = write.is_finished();
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();

        assert!(!answered_early);
        assert_eq!(write.await.unwrap().0, 200);
        assert_eq!(read.await.unwrap().0, 200);
        engine.stop().await;
    }

    #[tokio::test]
    async fn a_disk_that_fails_is_no_acknowledgement_and_ends_the_engine() {
        let folder = tempfile::tempdir().unwrap();
        let fails = Arc::new(Mutex::new(false));
        let (now, path) = (Arc::clone(&fails), folder.path().join("tables.sqlite"));
        let disk = Disk::with(8, move |_| match *now.lock().unwrap() {
            true => Err(io::Error::other("on purpose")),
            false => Ok(()),
        });
        let engine = Dynamo::start_on(Some(&path), disk).unwrap();
        let tables = engine.short_cut.clone();
        tables.perform("CreateTable", TABLE.as_bytes()).await;
        *fails.lock().unwrap() = true;

        let (failed, _) = tables.perform("PutItem", put(1).as_bytes()).await;
        *fails.lock().unwrap() = false;
        let (after, _) = tables.perform("GetItem", get(1).as_bytes()).await;

        assert_eq!((failed, after), (500, 500));
        engine.stop().await;
    }
}
