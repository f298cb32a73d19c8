//! The functions, wired to the embedded engines: what `functions/*.rs` wires to the cloud.

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::s3::S3Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use http::{Response, StatusCode};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use lambda_http::{Body, Request};
use serde_json::Value;
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{Challenges, Difficulty, Purpose, Scope};
pub use thuocdo::handlers::import_files::ImportReport;
use thuocdo::handlers::{
    aggregate_ratings, get_statistics, import_files, issue_challenge, publish_pages,
    reconcile_tallies, submit_rating, validate_receipt,
};
use thuocdo::intake::Intake;
use thuocdo::keyring::Keyring;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;

use crate::error::BoxError;
use crate::gateway::Function;
use crate::sample::SampleRating;

/// Everything the functions work with.
pub struct Functions {
    intake: Intake,
    /// The same with security codes that cost next to nothing: the sample is rated through the front door too.
    sample: Intake,
    store: Store,
    site: Bucket,
    dropped: Bucket,
    keyring: Keyring,
}

impl Functions {
    /// Functions on these tables, buckets and keys.
    #[must_use]
    pub fn new(
        store: Store,
        site: Bucket,
        dropped: Bucket,
        keyring: Keyring,
        difficulty: Difficulty,
    ) -> Self {
        let intake = |difficulty| {
            let challenges = Challenges::new(&keyring, difficulty);
            Intake::new(store.clone(), keyring.clone(), challenges)
        };
        Self {
            intake: intake(difficulty),
            sample: intake(Difficulty::for_tests()),
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
        match function {
            Function::SubmitRating => submit_rating::handle(&self.intake, request, now).await,
            Function::ValidateReceipt => validate_receipt::handle(&self.intake, request, now).await,
            Function::IssueChallenge => {
                issue_challenge::handle(&self.intake.challenges, request, now).await
            }
            Function::GetStatistics => get_statistics::handle(&self.site, request).await,
        }
    }

    /// Counts what the stream delivers.
    ///
    /// # Errors
    /// Never of its own: failed records are in the answer.
    pub async fn aggregate_ratings(&self, event: Event) -> Result<DynamoDbEventResponse, BoxError> {
        Ok(aggregate_ratings::handle(&self.store, event).await)
    }

    /// Compares cells with ratings and counts what the stream lost; whether anything was counted.
    ///
    /// # Errors
    /// When the tables fail.
    pub async fn reconcile_tallies(&self, now: Timestamp) -> Result<bool, BoxError> {
        let report = reconcile_tallies::handle(&self.store, now, || true).await?;
        Ok(report.swept > 0)
    }

    /// Publishes what changed; returns how many objects were written.
    ///
    /// # Errors
    /// When tables or bucket fail.
    pub async fn publish_pages(&self, now: Timestamp) -> Result<usize, BoxError> {
        let report =
            publish_pages::handle(&self.store, &self.site, &self.keyring.proof_key(), now).await?;
        Ok(report.written)
    }

    /// Imports the files an event names.
    ///
    /// # Errors
    /// When tables or bucket fail; bad rows are in the reports.
    pub async fn import_files(
        &self,
        event: S3Event,
        now: Timestamp,
    ) -> Result<Vec<ImportReport>, BoxError> {
        import_files::handle(&self.store, &self.dropped, &self.keyring, event, now).await
    }

    /// Whether a catalog is in force.
    ///
    /// # Errors
    /// When the tables fail.
    pub async fn has_catalog(&self) -> Result<bool, BoxError> {
        Ok(self.store.catalog_version().await?.is_some())
    }

    /// Whether the catalog in force holds invented people and ratings; false where that cannot be read.
    pub(crate) async fn is_sample(&self) -> bool {
        let Ok(Some(version)) = self.store.catalog_version().await else {
            return false;
        };
        let head = self.store.catalog_head(&version).await;
        head.is_ok_and(|head| head.is_some_and(|head| head.settings.sample))
    }

    /// Stores a rating of the sample as if it had been sent at noon of its day.
    ///
    /// # Errors
    /// When it is refused, or the tables fail.
    pub async fn submit_sample(&self, rating: SampleRating) -> Result<(), BoxError> {
        let now = noon(rating.date)?;
        let text = |name: &str| {
            rating
                .values
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let attempt = Attempt::new(&Scope {
            purpose: Purpose::Rate,
            subject: text("subject"),
            receipt_code: text("receipt_code"),
            receipt_secret: text("receipt_secret"),
            phone: text("phone"),
        });
        let solved = attempt.solve(&self.sample.challenges.issue(attempt.commitment(), now))?;
        let mut values = rating.values;
        values.insert("altcha".to_owned(), solved.altcha.into());
        values.insert("salt".to_owned(), solved.salt.into());
        let body = Body::Text(Value::Object(values).to_string());
        let request =
            http::Request::post("/api/ratings").header("content-type", "application/json");
        let response = submit_rating::handle(&self.sample, request.body(body)?, now).await;
        match response.status() {
            StatusCode::CREATED | StatusCode::OK => Ok(()),
            status => Err(format!(
                "a rating of the sample was refused with {status}: {:?}",
                response.body()
            )
            .into()),
        }
    }
}

/// Noon of `date` in Asia/Ho_Chi_Minh.
pub(crate) fn noon(date: Date) -> Result<Timestamp, jiff::Error> {
    Offset::constant(7).to_timestamp(date.at(12, 0, 0, 0))
}
