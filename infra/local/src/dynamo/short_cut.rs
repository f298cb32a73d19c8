//! The short way to the embedded DynamoDB: requests of the ordinary SDK, answered without a socket between.
//!
//! The bytes of request and reply are those of the wire, and the functions meet the same SDK as in the cloud. Left out is
//! what only a stranger needs: the connection, the signature, and the check of each value's JSON type. The loopback
//! endpoint stays for strangers.

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

use crate::error::BoxError;

type Job = Box<dyn FnOnce(&Database) + Send>;

/// An HTTP client of the SDK that hands requests to the engine in this process.
#[derive(Debug, Clone)]
pub struct ShortCut {
    jobs: mpsc::Sender<Option<Job>>,
}

impl ShortCut {
    /// Starts the thread that works on `database`; it ends when [`ShortCut::stop`] says so.
    ///
    /// One thread is enough: the engine does one thing at a time. What is done before and after, reading and writing
    /// JSON, is done by whoever asks.
    pub(super) fn start(database: Database) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, queue) = mpsc::channel::<Option<Job>>();
        let thread = std::thread::Builder::new()
            .name("tables".into())
            .spawn(move || {
                while let Ok(Some(job)) = queue.recv() {
                    job(&database);
                }
            })?;
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
        let answer = match operation.as_str() {
            "TransactWriteItems" => self.run(body, transact).await,
            "GetItem" => self.run(body, Database::get_item).await,
            "Query" => self.run(body, Database::query).await,
            "PutItem" => self.run(body, Database::put_item).await,
            "UpdateItem" => self.run(body, Database::update_item).await,
            // No function may; tests stand in for whoever can.
            "DeleteItem" => self.run(body, Database::delete_item).await,
            "Scan" => self.run(body, Database::scan).await,
            "BatchGetItem" => self.run(body, Database::batch_get_item).await,
            "BatchWriteItem" => self.run(body, Database::batch_write_item).await,
            "TransactGetItems" => self.run(body, Database::transact_get_items).await,
            "GetRecords" => self.run(body, Database::get_records).await,
            "GetShardIterator" => self.run(body, Database::get_shard_iterator).await,
            "DescribeStream" => self.run(body, Database::describe_stream).await,
            "DescribeTable" => self.run(body, Database::describe_table).await,
            "CreateTable" => self.run(body, Database::create_table).await,
            "DescribeTimeToLive" => self.run(body, Database::describe_time_to_live).await,
            "UpdateTimeToLive" => self.run(body, Database::update_time_to_live).await,
            other => Err(DynoxideError::ValidationException(format!(
                "{other} has no short cut; use the endpoint"
            ))),
        };
        let (status, text) = match answer {
            Ok(text) => (200, text),
            Err(error) => (error.status_code(), error.to_json()),
        };
        let status = status.try_into().map_err(|_| fault("no status"))?;
        let mut response = HttpResponse::new(status, SdkBody::from(text));
        response
            .headers_mut()
            .insert("content-type", "application/x-amz-json-1.0");
        Ok(response)
    }

    /// Reads the request, has the engine do `operation`, writes the reply.
    async fn run<Q, R>(
        &self,
        body: &[u8],
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
            let _ = reply.send(operation(database, request));
        });
        let gone = || DynoxideError::InternalServerError("the engine has stopped".to_owned());
        self.jobs.send(Some(job)).map_err(|_| gone())?;
        let outcome = replied.await.map_err(|_| gone())??;
        serde_json::to_string(&outcome)
            .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
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
