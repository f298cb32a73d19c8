//! A whole office on embedded engines, and a citizen with an HTTP client.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use local::Stack;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use thuocdo::challenge::client::Attempt;
use thuocdo::challenge::{Purpose, Scope};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::Rating;
use thuocdo::handlers::publish_pages::{self, PublishError, PublishReport};

use crate::faults::plan::{Plan, Rates, number, seed_or};
use crate::faults::wire::on_the_line;
use crate::fixture::{self, Slip};

/// Calls of the functions to the tables that fail, among a thousand.
const FAULTS_PERMILLE: u32 = 30;

/// The whole system with the small province of [`fixture`], and a client that follows no redirect.
pub(crate) struct Office {
    pub(crate) stack: Stack,
    pub(crate) http: reqwest::Client,
    serial: AtomicU32,
    /// The faults between the functions and the tables; none when the office is calm.
    pub(crate) faults: Plan,
}

/// An answer, read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }

    /// The last segment of the problem's type.
    pub(crate) fn problem(&self) -> String {
        assert_eq!(
            self.content_type, "application/problem+json",
            "{}",
            self.body
        );
        self.json()["type"]
            .as_str()
            .unwrap()
            .trim_start_matches("/problems/")
            .to_owned()
    }

    /// The problem's fields with their codes, `field:code`.
    pub(crate) fn errors(&self) -> Vec<String> {
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        errors
            .iter()
            .map(|e| {
                format!(
                    "{}:{}",
                    e["field"].as_str().unwrap(),
                    e["code"].as_str().unwrap()
                )
            })
            .collect()
    }
}

impl Office {
    /// With thresholds of 1: everything counted is shown.
    pub(crate) async fn open() -> Self {
        Self::with_thresholds(1, 1).await
    }

    pub(crate) async fn with_thresholds(k: u32, n: u32) -> Self {
        let permille = number("FAULTS").map_or(FAULTS_PERMILLE, |permille| permille as u32);
        Self::with(k, n, Rates::that_retries_hide(permille)).await
    }

    pub(crate) async fn with(k: u32, n: u32, rates: Rates) -> Self {
        let faults = Plan::new(seed_or(20_261_121), rates);
        let plan = faults.clone();
        let options = local::Options {
            functions_tables: Some(local::Rewire::new(move |config, tables| {
                on_the_line(config, tables, &plan)
            })),
            ..local::Options::for_tests()
        };
        let stack = Stack::start(options).await.unwrap();
        stack
            .store
            .put_catalog(&fixture::catalog(k, n), Timestamp::now())
            .await
            .unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Sooner than the server gives an idle line up, which reqwest does not try again.
            .pool_idle_timeout(Duration::from_secs(5))
            .build()
            .unwrap();
        Self {
            stack,
            http,
            serial: AtomicU32::new(1),
            faults,
        }
    }

    /// A fresh dossier whose slip carries a secret part.
    pub(crate) async fn slip(&self) -> Slip {
        self.dossier(true).await
    }

    /// A fresh dossier whose slip carries none.
    pub(crate) async fn bare_slip(&self) -> Slip {
        self.dossier(false).await
    }

    async fn dossier(&self, with_secret: bool) -> Slip {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        let (slip, receipt) =
            fixture::dossier(&self.stack.keyring, serial, with_secret, Timestamp::now());
        self.stack.store.put_dossiers(&[receipt]).await.unwrap();
        slip
    }

    /// Posts a rating with a solved security code.
    pub(crate) async fn rate(&self, rating: &Value) -> Answer {
        let rating = self.solved(Purpose::Rate, rating).await;
        self.post_json("/api/ratings", &rating).await
    }

    /// Looks a receipt up with a solved security code.
    pub(crate) async fn validate(&self, slip: &Value) -> Answer {
        let slip = self.solved(Purpose::Validate, slip).await;
        self.post_json("/api/receipts/validate", &slip).await
    }

    /// `body` with the security code that belongs to it.
    pub(crate) async fn solved(&self, purpose: Purpose, body: &Value) -> Value {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let subject = if purpose == Purpose::Rate {
            text("subject")
        } else {
            ""
        };
        let scope = Scope {
            purpose,
            subject,
            receipt_code: text("receipt_code"),
            receipt_secret: text("receipt_secret"),
            phone: text("phone"),
        };
        let attempt = Attempt::new(&scope);
        let challenge = self
            .get(&format!("/api/challenge?scope={}", attempt.commitment()))
            .await;
        assert_eq!(challenge.status, 200, "{}", challenge.body);
        let solved = attempt.solve(&challenge.body).unwrap();
        let mut body = body.clone();
        body["altcha"] = json!(solved.altcha);
        body["salt"] = json!(solved.salt);
        body
    }

    pub(crate) async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, "application/json", body.to_string().into_bytes())
            .await
    }

    /// Posts as a native form does.
    pub(crate) async fn post_form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let body = reqwest::Url::parse_with_params("http://x/", pairs)
            .unwrap()
            .query()
            .unwrap_or_default()
            .to_owned();
        self.post(path, "application/x-www-form-urlencoded", body.into_bytes())
            .await
    }

    pub(crate) async fn post(&self, path: &str, content_type: &str, body: Vec<u8>) -> Answer {
        let accept = if content_type == "application/json" {
            "application/json"
        } else {
            "text/html"
        };
        let request = self
            .http
            .post(format!("{}{path}", self.stack.address))
            .header(CONTENT_TYPE, content_type)
            .header(ACCEPT, accept);
        read(request.body(body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        read(
            self.http
                .get(format!("{}{path}", self.stack.address))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    /// Publishes once.
    pub(crate) async fn publish(&self) -> Result<PublishReport, PublishError> {
        self.publish_at(Timestamp::now()).await
    }

    /// Publishes once, as if it were `now`.
    pub(crate) async fn publish_at(&self, now: Timestamp) -> Result<PublishReport, PublishError> {
        let stack = &self.stack;
        publish_pages::handle(&stack.store, &stack.site, &stack.keyring.proof_key(), now).await
    }

    /// Counts what came in, and publishes as on the first of the month, when no ratings are kept back for a quarter's close.
    pub(crate) async fn settle_at_month_start(&self) {
        self.stack.settle().await;
        let today = local_date(Timestamp::now());
        let first = today.first_of_month().at(12, 0, 0, 0);
        let first = first.to_zoned(TimeZone::UTC).unwrap().timestamp();
        self.publish_at(first).await.unwrap();
    }

    /// Ratings of the fixture's unit in this month: stored, and still waiting to be counted.
    pub(crate) async fn stored(&self) -> usize {
        self.stored_ratings().await.len()
    }

    /// The same, themselves.
    pub(crate) async fn stored_ratings(&self) -> Vec<Rating> {
        let unit = UnitId::parse(fixture::UNIT).unwrap();
        let month = Month::of(local_date(Timestamp::now()));
        let stored = self.stack.store.ratings(&unit, month).await.unwrap();
        stored.into_iter().map(|stored| stored.rating).collect()
    }
}

/// A satisfied participant's rating of `subject`.
pub(crate) fn satisfied(subject: &str, slip: &Slip) -> Value {
    json!({
        "subject": subject, "rater_kind": "participant", "field_id": "dat-dai", "satisfaction": "satisfied",
        "receipt_code": slip.code, "receipt_secret": slip.secret.clone().unwrap_or_default(),
    })
}

/// A satisfied non-participant's rating of `subject`.
pub(crate) fn passer_by(subject: &str, phone: &str) -> Value {
    json!({
        "subject": subject, "rater_kind": "non_participant", "satisfaction": "satisfied",
        "full_name": "Nguyễn Thị Người Qua Đường", "phone": phone, "consent": "yes",
    })
}

/// The fixture's unit with its official.
pub(crate) fn official() -> String {
    format!("{}/{}", fixture::UNIT, fixture::OFFICIAL)
}

async fn read(response: reqwest::Response) -> Answer {
    let header = |name| {
        response
            .headers()
            .get(name)
            .and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let (status, content_type, location) = (
        response.status().as_u16(),
        header(CONTENT_TYPE).unwrap_or_default(),
        header(LOCATION),
    );
    Answer {
        status,
        content_type,
        location,
        body: String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned(),
    }
}

impl Drop for Office {
    /// Shown when the test fails: the seed gives the same faults to the same calls.
    fn drop(&mut self) {
        println!("{}", self.faults.injected());
    }
}
