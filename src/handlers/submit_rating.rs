//! `POST /api/ratings`: a filled form becomes one rating, or a clear answer why not.

pub mod check;

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Request, Response};
use subtle::ConstantTimeEq;

use self::check::{Checked, Rater, SubmitRating};
use crate::app::{App, refused_code, typed_code_page};
use crate::challenge::{Nonce, Proof, Purpose, Scope};
use crate::domain::catalog::{CatalogHead, UnitEntry};
use crate::domain::dossier::{OfficialRole, Receipt, Timeliness};
use crate::domain::lang::Lang;
use crate::domain::period::{Month, local_date};
use crate::domain::phone::Phone;
use crate::domain::proof::Tracker;
use crate::domain::rating::{
    Answer, Attestation, Channel, RaterKind, Rating, SUGGESTION_DAYS, Subject,
};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};
use crate::http::reply;
use crate::http::request::{Wire, language};
use crate::http::{FieldError, Form, Problem, ProblemKind, RequestError};
use crate::metric;
use crate::person;
use crate::site::context::SiteContext;
use crate::site::rating_form::{ProblemPage, RatingForm, ReceiptForm, ThanksPage, TypedValues};
use crate::store::StoreError;
use crate::store::receipt::{LookUp, SUSPICIOUS_TRIES};
use crate::store::submit::{Claim, Submission, Submitted};

const SUGGESTION_KEPT: SignedDuration = SignedDuration::from_hours(24 * SUGGESTION_DAYS);

const ROUTE: &str = "submit-rating";
const ADDRESS: &str = "/api/ratings";

/// Answers a request: 201 once the rating is durably saved, 200 for a retry of the same, else a problem.
///
/// A native form gets the thank-you page itself and not its address: the tracker on it is for nobody's log or history,
/// and posting it again is a retry.
pub async fn handle(app: &App, request: Request, now: Timestamp) -> Response<Body> {
    if request.method() != Method::POST {
        return reply::method_not_allowed("POST", language(&request, None));
    }
    let form = match Form::read(&request) {
        Ok(form) => form,
        Err(error) => return refuse_unread(app, &error, language(&request, None), now),
    };
    let lang = language(&request, Some(&form));
    match submit(app, &form, now).await {
        Ok(done) => {
            tracing::info!(route = ROUTE, status = done.status().as_u16(), unit = %done.subject.unit_id,
                outcome = if done.again { "saved_before" } else { "saved" }, write_units = done.write_units, "rating saved");
            saved(app, &done, form.wire, lang, now)
        }
        Err(refusal) => {
            if let Some(fault) = &refusal.fault {
                tracing::error!(route = ROUTE, error = %reply::chain(fault), "rating not saved");
            }
            let kind = refusal.problem.kind;
            tracing::info!(
                route = ROUTE,
                status = kind.status().as_u16(),
                outcome = kind.code(),
                "rating refused"
            );
            refused(app, *refusal, &form, lang, now)
        }
    }
}

struct Done {
    subject: Subject,
    tracker: Tracker,
    again: bool,
    write_units: f64,
}

impl Done {
    fn status(&self) -> StatusCode {
        match self.again {
            true => StatusCode::OK,
            false => StatusCode::CREATED,
        }
    }
}

/// Why nothing was saved, and what a page needs to show the form again.
struct Refusal {
    problem: Problem,
    fault: Option<StoreError>,
    shown: Option<Shown>,
    /// A native form that came without a security code: the next page asks for one.
    typed_token: Option<String>,
}

struct Shown {
    head: std::sync::Arc<CatalogHead>,
    entry: std::sync::Arc<UnitEntry>,
    subjects: Vec<(Subject, Option<OfficialRole>)>,
}

impl From<Problem> for Box<Refusal> {
    fn from(problem: Problem) -> Self {
        Box::new(Refusal {
            problem,
            fault: None,
            shown: None,
            typed_token: None,
        })
    }
}

impl From<StoreError> for Box<Refusal> {
    fn from(fault: StoreError) -> Self {
        Box::new(Refusal {
            problem: ProblemKind::Unavailable.into(),
            fault: Some(fault),
            shown: None,
            typed_token: None,
        })
    }
}

async fn submit(app: &App, form: &Form, now: Timestamp) -> Result<Done, Box<Refusal>> {
    let body: SubmitRating = form.parse().map_err(|error| Problem::from(error.kind))?;
    let today = local_date(now);
    let invalid = |field, code| Problem::invalid(vec![FieldError { field, code }]);
    let offered = body
        .offered
        .as_deref()
        .map(parse_offered)
        .unwrap_or_default();
    let chosen = match body.subject.as_deref().map(Subject::parse) {
        Some(Ok(subject)) => Ok(subject),
        None => Err(invalid("subject", "missing")),
        Some(Err(_)) => Err(invalid("subject", "malformed")),
    };
    let head = app.catalog_head(now).await?;
    let (subject, problem) = match (chosen, offered.first()) {
        (Ok(subject), _) => (subject, None),
        (Err(problem), Some((offered, _))) => (offered.clone(), Some(problem)),
        (Err(problem), None) => return Err(problem.into()),
    };
    let entry = app.unit(&subject.unit_id, now).await?;
    if let Err(error) = check::check_subject(&subject, entry.as_deref(), &head, today) {
        let kind = match error.code {
            "unknown" => ProblemKind::NotFound,
            _ => ProblemKind::Invalid,
        };
        let errors = vec![error];
        return Err(Problem { kind, errors }.into());
    }
    let Some(entry) = entry else {
        return Err(Problem::from(ProblemKind::NotFound).into());
    };
    let outcome = match problem {
        Some(problem) => {
            let mut errors = problem.errors;
            errors.extend(
                check::check(&body, &head, Channel::Web, today)
                    .err()
                    .unwrap_or_default(),
            );
            Err(Problem::invalid(errors).into())
        }
        None => save(app, form, &body, &subject, &head, now).await,
    };
    outcome.map_err(|mut refusal: Box<Refusal>| {
        let of_unit = |(other, _): &(Subject, _)| other.unit_id == subject.unit_id;
        let subjects = match offered.is_empty() || !offered.iter().all(of_unit) {
            true => vec![(subject, None)],
            false => offered,
        };
        refusal.shown = Some(Shown {
            head,
            entry,
            subjects,
        });
        refusal
    })
}

/// Reads `subject:role subject:role …`; what is none of it is left out, and so are more than a receipt can name.
fn parse_offered(text: &str) -> Vec<(Subject, Option<OfficialRole>)> {
    let offered = text.split(' ').filter_map(|pair| {
        let (subject, role) = pair.split_once(':')?;
        Some((Subject::parse(subject).ok()?, OfficialRole::parse(role)))
    });
    offered.take(20).collect()
}

/// From a form with a known subject to a saved rating.
async fn save(
    app: &App,
    form: &Form,
    body: &SubmitRating,
    subject: &Subject,
    head: &CatalogHead,
    now: Timestamp,
) -> Result<Done, Box<Refusal>> {
    let today = local_date(now);
    let checked = check::check(body, head, Channel::Web, today).map_err(Problem::invalid)?;
    let nonce = check_challenge(app, form.wire, body, now).await?;
    match &checked.rater {
        Rater::Participant { code, secret } => {
            let hash = app.keyring.receipt_hash(code);
            let claim = Claim::Receipt { hash: &hash };
            let id = app.keyring.receipt_rating_id(code, subject);
            let rating = |attestation, receipt: Option<&Receipt>| Rating {
                id,
                ..rating_of(subject, attestation, receipt, &checked, now)
            };
            let nonce = nonce.as_ref();
            let found = app.store.look_up(&hash, today).await?;
            let Some((receipt, attestation)) =
                usable(app, &found, code, secret.as_ref(), subject, now)
            else {
                let rating = rating(Attestation::DossierClaimed, None);
                report_guessing(found.tries);
                return refuse_receipt(app, &rating, &hash, &checked, nonce, now).await;
            };
            let rating = rating(attestation, Some(receipt));
            commit(app, &rating, claim, &checked, nonce, now).await
        }
        Rater::NonParticipant { full_name, phone } => {
            let quarter = Month::of(today).quarter();
            let hash = app.keyring.phone_hash(phone.as_str(), subject, quarter);
            let sealed = seal_person(app, full_name, phone, &hash, now)?;
            let expires =
                now + SignedDuration::from_hours(24 * i64::from(head.settings.retention_days));
            let id = app
                .keyring
                .phone_rating_id(phone.as_str(), subject, quarter);
            let rating = Rating {
                id,
                ..rating_of(subject, Attestation::PhoneDeclared, None, &checked, now)
            };
            let claim = Claim::Guard {
                hash: &hash,
                sealed: &sealed,
                expires,
            };
            commit(app, &rating, claim, &checked, nonce.as_ref(), now).await
        }
    }
}

/// Whether a dossier is about `subject`.
fn may_rate(receipt: &Receipt, subject: &Subject) -> bool {
    let official = subject.official_id.as_ref();
    receipt.unit_id == subject.unit_id
        && official.is_none_or(|official| receipt.role(official).is_some())
}

async fn check_challenge(
    app: &App,
    wire: Wire,
    body: &SubmitRating,
    now: Timestamp,
) -> Result<Option<Nonce>, Box<Refusal>> {
    let scope = Scope {
        purpose: Purpose::Rate,
        subject: body.subject.as_deref().unwrap_or_default(),
        receipt_code: body.receipt_code.as_deref().unwrap_or_default(),
        receipt_secret: body.receipt_secret.as_deref().unwrap_or_default(),
        phone: body.phone.as_deref().unwrap_or_default(),
    };
    let proof = Proof {
        altcha: body.altcha.as_deref(),
        salt: body.salt.as_deref(),
        typed_token: body.typed_token.as_deref(),
        typed_answer: body.typed_answer.as_deref(),
    };
    app.check_code(wire, &proof, &scope, now)
        .await?
        .map_err(|refused| {
            Box::new(Refusal {
                problem: refused.problem,
                fault: None,
                shown: None,
                typed_token: refused.typed_token,
            })
        })
}

/// Tells the operator, once per try, that somebody is trying secret parts.
pub(super) fn report_guessing(tries: u32) {
    if tries >= SUSPICIOUS_TRIES {
        metric::count("GuessedReceipts", 1);
    }
}

/// Answers for a receipt that is unknown, expired, used or wrong: the same reads, the same writes, the same bytes.
///
/// A bare code whose rating came from this very attempt is the one exception: that is its rater, asking again.
async fn refuse_receipt(
    app: &App,
    rating: &Rating,
    hash: &str,
    checked: &Checked,
    nonce: Option<&Nonce>,
    now: Timestamp,
) -> Result<Done, Box<Refusal>> {
    let saved = app.store.saved_digest(rating).await?;
    let digest = content_digest(app, rating, checked);
    app.store.count_try(hash, rating.date, nonce, now).await?;
    if saved.is_some_and(|saved| saved == digest) {
        return Ok(done(app, rating, true, 0.0));
    }
    Err(Problem::from(ProblemKind::ReceiptRefused).into())
}

/// The receipt and how sure it makes us, if it can be used at all; one answer for every reason it cannot.
///
/// A receipt that carries a secret part is never claimed by its bare code: codes can be counted through, and whoever did
/// would use up other people's receipts.
fn usable<'a>(
    app: &App,
    found: &'a LookUp,
    code: &ReceiptCode,
    secret: Option<&ReceiptSecret>,
    subject: &Subject,
    now: Timestamp,
) -> Option<(&'a Receipt, Attestation)> {
    let stored = found.receipt.as_ref();
    let attestation = attest(
        app,
        stored.and_then(|stored| stored.secret_hash.as_deref()),
        code,
        secret,
    );
    let stored = stored.filter(|stored| stored.expires > now.as_second())?;
    // Behind a right secret, the transaction tells a retry from a second opinion.
    let attestation = attestation.filter(|attestation| {
        *attestation == Attestation::DossierVerified || stored.is_free(subject, now)
    })?;
    may_rate(&stored.receipt, subject).then_some((&stored.receipt, attestation))
}

/// Compares a secret part in constant time, also where there is nothing to compare with.
pub(super) fn attest(
    app: &App,
    secret_hash: Option<&str>,
    code: &ReceiptCode,
    secret: Option<&ReceiptSecret>,
) -> Option<Attestation> {
    let given = secret.map(|secret| app.keyring.secret_hash(code, secret));
    let expected = secret_hash.unwrap_or_default();
    let equal: bool = given
        .as_deref()
        .unwrap_or_default()
        .as_bytes()
        .ct_eq(expected.as_bytes())
        .into();
    match (secret_hash, given) {
        (Some(_), Some(_)) if equal => Some(Attestation::DossierVerified),
        (None, None) => Some(Attestation::DossierClaimed),
        _ => None,
    }
}

fn rating_of(
    subject: &Subject,
    attestation: Attestation,
    receipt: Option<&Receipt>,
    checked: &Checked,
    now: Timestamp,
) -> Rating {
    let today = local_date(now);
    let official = subject.official_id.as_ref();
    Rating {
        id: crate::domain::rating::RatingId(String::new()),
        subject: subject.clone(),
        role: receipt
            .zip(official)
            .and_then(|(receipt, official)| receipt.role(official)),
        attestation,
        channel: Channel::Web,
        field_id: receipt.map(|receipt| receipt.field_id.clone()),
        satisfaction: checked.satisfaction,
        reasons: checked.reasons.clone(),
        questionnaire: checked.questionnaire.clone(),
        answers: checked.answers.clone(),
        date: today,
        late: receipt
            .and_then(|receipt| receipt.timeliness(today))
            .map(|timeliness| timeliness == Timeliness::Overdue),
    }
}

fn submission<'a>(
    rating: &'a Rating,
    digest: &'a str,
    claim: Claim<'a>,
    checked: &'a Checked,
    nonce: Option<&'a Nonce>,
    now: Timestamp,
) -> Submission<'a> {
    let suggestion = checked.suggestion.as_deref();
    Submission {
        rating,
        digest,
        claim,
        suggestion: suggestion.map(|suggestion| (suggestion, now + SUGGESTION_KEPT)),
        nonce,
    }
}

fn done(app: &App, rating: &Rating, again: bool, write_units: f64) -> Done {
    Done {
        subject: rating.subject.clone(),
        tracker: app.keyring.proof_key().tracker(&rating.id),
        again,
        write_units,
    }
}

async fn commit(
    app: &App,
    rating: &Rating,
    claim: Claim<'_>,
    checked: &Checked,
    nonce: Option<&Nonce>,
    now: Timestamp,
) -> Result<Done, Box<Refusal>> {
    let digest = content_digest(app, rating, checked);
    let submission = submission(rating, &digest, claim, checked, nonce, now);
    let kind = match app.store.submit(&submission, now).await? {
        Submitted::Saved { write_units } => return Ok(done(app, rating, false, write_units)),
        Submitted::SavedBefore => return Ok(done(app, rating, true, 0.0)),
        // Whoever holds only a bare code is not told that it was used.
        Submitted::AlreadyRated if rating.attestation == Attestation::DossierClaimed => {
            ProblemKind::ReceiptRefused
        }
        Submitted::AlreadyRated if rating.attestation == Attestation::PhoneDeclared => {
            ProblemKind::PhoneUsed
        }
        Submitted::AlreadyRated => ProblemKind::AlreadyRated,
        Submitted::Unclaimable => ProblemKind::ReceiptRefused,
        Submitted::NonceSpent => ProblemKind::ChallengeRefused,
    };
    if kind == ProblemKind::ReceiptRefused
        && let Claim::Receipt { hash } = submission.claim
    {
        app.store.count_try(hash, rating.date, None, now).await?;
    }
    Err(match kind {
        ProblemKind::ChallengeRefused => refused_code("wrong").into(),
        kind => Problem::from(kind).into(),
    })
}

/// Fingerprint of all a rater decides, and of the attempt it came in; the day is left out, so that a retry after midnight
/// is still a retry.
///
/// The attempt is known to the rater's page alone. Without it, whoever knows a bare code or a phone could learn how it
/// rated by sending every possible opinion and watching for «saved».
#[must_use]
pub fn content_digest(app: &App, rating: &Rating, checked: &Checked) -> String {
    let mut parts = vec![
        rating.attestation.code().to_owned(),
        rating.satisfaction.code().to_owned(),
    ];
    parts.extend(
        rating
            .reasons
            .iter()
            .map(|reason| format!("reason:{reason}")),
    );
    for (question, answer) in &rating.answers {
        if let Answer::Option(option) = answer {
            parts.push(format!("answer:{question}:{option}"));
        }
    }
    parts.extend(
        checked
            .suggestion
            .iter()
            .map(|suggestion| format!("suggestion:{suggestion}")),
    );
    parts.push(format!("attempt:{}", checked.attempt));
    let parts: Vec<&[u8]> = parts.iter().map(String::as_bytes).collect();
    app.keyring.content_digest(&parts)
}

fn seal_person(
    app: &App,
    full_name: &str,
    phone: &Phone,
    hash: &str,
    now: Timestamp,
) -> Result<Vec<u8>, Box<Refusal>> {
    let quarter = Month::of(local_date(now)).quarter();
    person::seal(&app.keyring, quarter, hash, full_name, phone)
        .map_err(|error| StoreError::during("seal name and phone")(Box::new(error)).into())
}

fn saved(app: &App, done: &Done, wire: Wire, lang: Lang, now: Timestamp) -> Response<Body> {
    match wire {
        Wire::Form => {
            let head = app.last_catalog_head();
            let context = SiteContext {
                head: &head,
                lang,
                today: local_date(now),
            };
            let page = ThanksPage {
                context: &context,
                unit_id: &done.subject.unit_id,
                tracker: &done.tracker,
            };
            reply::page(done.status(), page.render(), lang)
        }
        Wire::Json => {
            let body = serde_json::json!({
                "saved": true,
                "message": rust_i18n::t!("thanks.title", locale = lang.code()),
                "tracker": done.tracker.to_string(),
            });
            reply::json(done.status(), &body, lang)
        }
    }
}

fn refuse_unread(app: &App, error: &RequestError, lang: Lang, now: Timestamp) -> Response<Body> {
    tracing::info!(
        route = ROUTE,
        status = error.kind.status().as_u16(),
        outcome = error.kind.code(),
        "request refused"
    );
    let problem = Problem::from(error.kind);
    match error.wire {
        Wire::Json => problem.into_json_response(lang),
        Wire::Form => {
            let head = app.last_catalog_head();
            let context = SiteContext {
                head: &head,
                lang,
                today: local_date(now),
            };
            let page = ProblemPage {
                context: &context,
                problem: &problem,
            }
            .render();
            reply::page(problem.kind.status(), page, lang)
        }
    }
}

fn refused(app: &App, refusal: Refusal, form: &Form, lang: Lang, now: Timestamp) -> Response<Body> {
    if form.wire == Wire::Json {
        return refusal.problem.into_json_response(lang);
    }
    let problem = refusal.problem;
    let values = TypedValues::from_form(form);
    let Some(shown) = refusal.shown else {
        let head = app.last_catalog_head();
        let context = SiteContext {
            head: &head,
            lang,
            today: local_date(now),
        };
        let begun = problem.errors.iter().any(|error| error.field == "subject")
            && form.values.contains_key("receipt_code");
        let page = match begun {
            true => ReceiptForm {
                context: &context,
                values: &values,
                problem: Some(&problem),
            }
            .render(),
            false => ProblemPage {
                context: &context,
                problem: &problem,
            }
            .render(),
        };
        return reply::page(problem.kind.status(), page, lang);
    };
    let context = SiteContext {
        head: &shown.head,
        lang,
        today: local_date(now),
    };
    if let Some(token) = &refusal.typed_token {
        return typed_code_page(&context, ADDRESS, values, &problem, token);
    }
    let kind = form
        .values
        .get("rater_kind")
        .and_then(|kind| kind.as_str())
        .and_then(RaterKind::parse);
    let page = RatingForm {
        context: &context,
        entry: &shown.entry,
        subjects: shown.subjects,
        rater_kind: kind.unwrap_or(RaterKind::Participant),
        values: &values,
        problem: Some(&problem),
    };
    reply::page(problem.kind.status(), page.render(), lang)
}
