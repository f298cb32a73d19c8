//! `POST /api/receipts/validate`: what a receipt code lets its holder rate.

use http::{Method, StatusCode};
use jiff::Timestamp;
use lambda_http::{Body, Request, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::submit_rating::{attest, check, report_guessing};
use crate::app::{App, refused_code, typed_code_page};
use crate::challenge::{Nonce, Proof, Purpose, Scope};
use crate::domain::lang::Lang;
use crate::domain::period::local_date;
use crate::domain::rating::{Attestation, RaterKind, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};
use crate::http::reply;
use crate::http::request::{Wire, language};
use crate::http::{Form, Problem, ProblemKind};
use crate::site::context::SiteContext;
use crate::site::rating_form::{RatingForm, ReceiptForm, TypedValues};
use crate::store::StoreError;
use crate::store::receipt::{Spent, StoredReceipt};

const ROUTE: &str = "validate-receipt";
const ADDRESS: &str = "/api/receipts/validate";

/// A receipt to look up, as sent.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ValidateReceipt {
    /// Receipt code (mã biên nhận).
    #[schema(example = "000.00.20.H17-261012-0007")]
    pub receipt_code: Option<String>,
    /// Secret part of the slip, where it carries one.
    pub receipt_secret: Option<String>,
    /// Language of the answer: `vi` or `en`.
    pub lang: Option<String>,
    /// Random value of the page, passed on to the rating form.
    pub attempt: Option<String>,
    /// Security code: ALTCHA payload, base64.
    pub altcha: Option<String>,
    /// Security code: the salt of the commitment the challenge was asked for with.
    pub salt: Option<String>,
    /// Security code, typed way: the image's token.
    pub typed_token: Option<String>,
    /// Security code, typed way: the digits.
    pub typed_answer: Option<String>,
}

/// What a receipt lets its holder rate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValidReceipt {
    /// The unit that received the dossier.
    pub unit_id: String,
    /// The dossier's field.
    pub field_id: String,
    /// Whom it can still rate, `unit` or `unit/official`.
    pub subjects: Vec<String>,
    /// Those who handled the dossier.
    pub officials: Vec<HandlingOfficial>,
}

/// An official and their part in a dossier.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HandlingOfficial {
    /// The official.
    pub official_id: String,
    /// `guide`, `receive`, `settle`, `return` or `desk`.
    pub role: String,
}

/// Answers a request; unknown, used, expired and wrong look the same from outside.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Response<Body> {
    if request.method() != Method::POST {
        return reply::method_not_allowed("POST", language(&request, None));
    }
    let (form, lang) = match Form::read(&request) {
        Ok(form) => {
            let lang = language(&request, Some(&form));
            (form, lang)
        }
        Err(error) => {
            let form = Form {
                wire: error.wire,
                values: serde_json::Map::new(),
            };
            return refused(
                app,
                Refusal::from(Problem::from(error.kind)),
                &form,
                language(&request, None),
                now,
            );
        }
    };
    match look_up(app, &form, now).await {
        Ok(stored) => {
            tracing::info!(route = ROUTE, status = 200, unit = %stored.receipt.unit_id, outcome = "valid", "receipt looked up");
            match answer(app, &stored, &form, lang, now).await {
                Ok(response) => response,
                Err(refusal) => refused(app, refusal, &form, lang, now),
            }
        }
        Err(refusal) => refused(app, refusal, &form, lang, now),
    }
}

struct Refusal {
    problem: Problem,
    fault: Option<StoreError>,
    typed_token: Option<String>,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            fault: None,
            typed_token: None,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(fault: StoreError) -> Self {
        Self {
            problem: ProblemKind::Unavailable.into(),
            fault: Some(fault),
            typed_token: None,
        }
    }
}

async fn look_up(app: &App, form: &Form, now: Timestamp) -> Result<StoredReceipt, Refusal> {
    let body: ValidateReceipt = form.parse().map_err(|error| Problem::from(error.kind))?;
    let (code, secret) =
        check::check_receipt(body.receipt_code.as_deref(), body.receipt_secret.as_deref())
            .map_err(Problem::invalid)?;
    let nonce = check_challenge(app, form.wire, &body, now).await?;
    let today = local_date(now);
    let hash = app.keyring.receipt_hash(&code);
    let found = app.store.look_up(&hash, today).await?;
    match valid(app, found.receipt, &code, secret.as_ref(), now) {
        Ok(stored) => match app.store.spend(&nonce).await? {
            Spent::Now => Ok(stored),
            Spent::Before => Err(refused_code("wrong").into()),
        },
        Err(kind) => match app.store.count_try(&hash, today, Some(&nonce), now).await? {
            Spent::Now => {
                report_guessing(found.tries);
                Err(Problem::from(kind).into())
            }
            Spent::Before => Err(refused_code("wrong").into()),
        },
    }
}

fn valid(
    app: &App,
    stored: Option<StoredReceipt>,
    code: &ReceiptCode,
    secret: Option<&ReceiptSecret>,
    now: Timestamp,
) -> Result<StoredReceipt, ProblemKind> {
    let secret_hash = stored
        .as_ref()
        .and_then(|stored| stored.secret_hash.as_deref());
    let attestation = attest(app, secret_hash, code, secret);
    let (Some(stored), Some(attestation)) = (stored, attestation) else {
        return Err(ProblemKind::ReceiptRefused);
    };
    if stored.expires <= now.as_second() {
        return Err(ProblemKind::ReceiptRefused);
    }
    if subjects(&stored)
        .iter()
        .any(|subject| stored.is_free(subject, now))
    {
        return Ok(stored);
    }
    match attestation {
        Attestation::DossierVerified => Err(ProblemKind::AlreadyRated),
        _ => Err(ProblemKind::ReceiptRefused),
    }
}

fn subjects(stored: &StoredReceipt) -> Vec<Subject> {
    let unit_id = &stored.receipt.unit_id;
    let officials = stored
        .receipt
        .officials
        .iter()
        .map(|(official, _)| Subject {
            unit_id: unit_id.clone(),
            official_id: Some(official.clone()),
        });
    officials
        .chain([Subject {
            unit_id: unit_id.clone(),
            official_id: None,
        }])
        .collect()
}

async fn check_challenge(
    app: &App,
    wire: Wire,
    body: &ValidateReceipt,
    now: Timestamp,
) -> Result<Nonce, Refusal> {
    let scope = Scope {
        purpose: Purpose::Validate,
        subject: "",
        receipt_code: body.receipt_code.as_deref().unwrap_or_default(),
        receipt_secret: body.receipt_secret.as_deref().unwrap_or_default(),
        phone: "",
    };
    let proof = Proof {
        altcha: body.altcha.as_deref(),
        salt: body.salt.as_deref(),
        typed_token: body.typed_token.as_deref(),
        typed_answer: body.typed_answer.as_deref(),
    };
    match app.check_code(wire, &proof, &scope, now).await? {
        Ok(Some(nonce)) => Ok(nonce),
        Ok(None) => Err(refused_code("malformed").into()),
        Err(refused) => Err(Refusal {
            problem: refused.problem,
            fault: None,
            typed_token: refused.typed_token,
        }),
    }
}

async fn answer(
    app: &App,
    stored: &StoredReceipt,
    form: &Form,
    lang: Lang,
    now: Timestamp,
) -> Result<Response<Body>, Refusal> {
    let receipt = &stored.receipt;
    let free: Vec<Subject> = subjects(stored)
        .into_iter()
        .filter(|subject| stored.is_free(subject, now))
        .collect();
    let today = local_date(now);
    let head = app.catalog_head(now).await?;
    let Some(entry) = app.unit(&receipt.unit_id, now).await? else {
        return Err(Problem::from(ProblemKind::ReceiptRefused).into());
    };
    // An official who has left since is no longer in the catalog in force, and cannot be rated.
    let open = |subject: &&Subject| {
        subject
            .official_id
            .as_ref()
            .is_none_or(|official| entry.official(official, today).is_some())
    };
    let free: Vec<Subject> = free.iter().filter(open).cloned().collect();
    if form.wire == Wire::Json {
        let officials = receipt
            .officials
            .iter()
            .map(|(official, role)| HandlingOfficial {
                official_id: official.to_string(),
                role: role.code().to_owned(),
            });
        let body = ValidReceipt {
            unit_id: receipt.unit_id.to_string(),
            field_id: receipt.field_id.to_string(),
            subjects: free.iter().map(ToString::to_string).collect(),
            officials: officials.collect(),
        };
        return Ok(reply::json(StatusCode::OK, &body, lang));
    }
    let role = |subject: &Subject| {
        let official = subject.official_id.as_ref()?;
        receipt.role(official)
    };
    let subjects = free
        .into_iter()
        .map(|subject| (subject.clone(), role(&subject)))
        .collect();
    let values = TypedValues::from_form(form).with("field_id", receipt.field_id.as_str());
    let context = SiteContext {
        head: &head,
        lang,
        today,
    };
    let page = RatingForm {
        context: &context,
        entry: &entry,
        subjects,
        rater_kind: RaterKind::Participant,
        values: &values,
        problem: None,
    };
    Ok(reply::page(StatusCode::OK, page.render(), lang))
}

fn refused(app: &App, refusal: Refusal, form: &Form, lang: Lang, now: Timestamp) -> Response<Body> {
    let problem = refusal.problem;
    if let Some(fault) = &refusal.fault {
        tracing::error!(route = ROUTE, error = %reply::chain(fault), "receipt not looked up");
    }
    tracing::info!(
        route = ROUTE,
        status = problem.kind.status().as_u16(),
        outcome = problem.kind.code(),
        "look-up refused"
    );
    if form.wire == Wire::Json {
        return problem.into_json_response(lang);
    }
    let head = app.last_catalog_head();
    let context = SiteContext {
        head: &head,
        lang,
        today: local_date(now),
    };
    let values = TypedValues::from_form(form);
    if let Some(token) = &refusal.typed_token {
        return typed_code_page(&context, ADDRESS, values, &problem, token);
    }
    let page = ReceiptForm {
        context: &context,
        values: &values,
        problem: Some(&problem),
    }
    .render();
    reply::page(problem.kind.status(), page, lang)
}
