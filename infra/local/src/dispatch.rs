//! The functions, wired to the embedded engines: what `functions/*.rs` wires to the cloud.

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use http::{Response, StatusCode};
use jiff::Timestamp;
use lambda_http::{Body, Request};
use thuocdo::keyring::Keyring;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;

use crate::error::BoxError;
use crate::gateway::Function;
use crate::sample::SampleRating;

/// What an import says of one file.
#[derive(Debug)]
pub struct ImportReport;

/// Everything the functions work with.
pub struct Functions {
    store: Store,
    site: Bucket,
    dropped: Bucket,
    keyring: Keyring,
}

impl Functions {
    /// Functions on these tables, buckets and keys.
    #[must_use]
    pub fn new(store: Store, site: Bucket, dropped: Bucket, keyring: Keyring) -> Self {
        Self {
            store,
            site,
            dropped,
            keyring,
        }
    }

    /// The answer of a function behind the API.
    pub async fn answer(
        &self,
        function: Function,
        request: Request,
        now: Timestamp,
    ) -> Response<Body> {
        let _ = (&self.keyring, function, request, now);
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
        response
    }

    /// Counts what the stream delivers.
    ///
    /// # Errors
    /// Never of its own: failed records are in the answer.
    pub async fn aggregate_ratings(&self, event: Event) -> Result<DynamoDbEventResponse, BoxError> {
        let _ = (&self.store, event);
        Ok(DynamoDbEventResponse::default())
    }

    /// Compares cells with ratings and counts what the stream lost; whether anything was counted.
    ///
    /// # Errors
    /// When the tables fail.
    pub async fn reconcile_tallies(&self, now: Timestamp) -> Result<bool, BoxError> {
        let _ = now;
        Ok(false)
    }

    /// Publishes what changed; returns how many objects were written.
    ///
    /// # Errors
    /// When tables or bucket fail.
    pub async fn publish_pages(&self, now: Timestamp) -> Result<usize, BoxError> {
        let _ = (&self.site, now);
        Ok(0)
    }

    /// Imports the files an event names.
    ///
    /// # Errors
    /// When tables or bucket fail; bad rows are in the reports.
    pub async fn import_catalog(
        &self,
        event: S3Event,
        now: Timestamp,
    ) -> Result<Vec<ImportReport>, BoxError> {
        let _ = (&self.dropped, event, now);
        Ok(Vec::new())
    }

    /// Whether a catalog is in force.
    ///
    /// # Errors
    /// When the tables fail.
    pub async fn has_catalog(&self) -> Result<bool, BoxError> {
        Ok(false)
    }

    /// Stores a rating of the sample as if it had been sent on its day.
    ///
    /// # Errors
    /// When it is refused, or the tables fail.
    pub async fn submit_sample(&self, rating: SampleRating) -> Result<(), BoxError> {
        let _ = rating;
        Ok(())
    }
}
