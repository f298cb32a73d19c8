//! The outcomes of a posted form as JSON or as pages: nothing else writes either.

use std::sync::Arc;

use http::StatusCode;
use jiff::Timestamp;
use lambda_http::{Body, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::challenge::Scope;
use crate::domain::catalog::UnitEntry;
use crate::domain::dossier::OfficialRole;
use crate::domain::form::{Fault, FieldError, FormField};
use crate::domain::id::UnitId;
use crate::domain::lang::Lang;
use crate::domain::period::local_date;
use crate::domain::rating::{RaterKind, Subject};
use crate::http::request::Wire;
use crate::http::{Form, Problem, ProblemKind, reply};
use crate::intake::Intake;
use crate::intake::rating::form::new_attempt;
use crate::intake::rating::{RatingOutcome, RatingRefused, Saved};
use crate::intake::receipt::{FoundReceipt, ReceiptOutcome, ReceiptRefused};
use crate::intake::security_code::CodeRefused;
use crate::site::context::SiteContext;
use crate::site::rating_form::{
    ProblemPage, RatingForm, ReceiptForm, ThanksPage, TypedCodePage, TypedValues,
};
use crate::store::StoreError;

/// Most subjects read back from a form: more than a receipt can name.
const MAX_OFFERED: usize = 20;

/// What a receipt lets its holder rate.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ValidReceipt {
    /// The unit that received the dossier.
    pub unit_id: String,
    /// The dossier's field.
    pub field_id: String,
    /// Whom the dossier is about, `unit` or `unit/official`, as far as they are in the catalog; rated or not.
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

/// A posted form that waits for its answer.
pub(super) struct Posted<'a, K> {
    /// What knows the catalog and the security codes.
    pub(super) intake: &'a Intake<K>,
    /// The function's name, for the log.
    pub(super) route: &'static str,
    /// The address it was posted to.
    pub(super) address: &'static str,
    /// What was posted.
    pub(super) form: &'a Form,
    /// The language of the answer.
    pub(super) lang: Lang,
    /// When it arrived.
    pub(super) now: Timestamp,
}

impl<K> Posted<'_, K> {
    /// The answer to a rating; `scope` is what its security code is bound to.
    pub(super) async fn rated(
        &self,
        outcome: Result<RatingOutcome, StoreError>,
        scope: &Scope<'_>,
    ) -> Response<Body> {
        let refused = match outcome {
            Ok(RatingOutcome::Saved(saved)) => return self.saved(&saved),
            Ok(RatingOutcome::Refused(refused)) => refused,
            Err(fault) => {
                self.log_fault(&fault);
                return self.refuse_rating(&ProblemKind::Unavailable.into()).await;
            }
        };
        let problem = rating_problem(&refused);
        if let RatingRefused::SecurityCode(code) = refused
            && let Some(page) = self.typed_code_page(code, &problem, scope)
        {
            return page;
        }
        self.refuse_rating(&problem).await
    }

    /// The answer to a rating whose body could not be read.
    pub(super) async fn unread_rating(&self, kind: ProblemKind) -> Response<Body> {
        self.refuse_rating(&kind.into()).await
    }

    /// The answer to a look-up; `scope` is what its security code is bound to.
    pub(super) fn looked_up(
        &self,
        outcome: Result<ReceiptOutcome, StoreError>,
        scope: &Scope<'_>,
    ) -> Response<Body> {
        let refused = match outcome {
            Ok(ReceiptOutcome::Found(found)) => return self.found(&found),
            Ok(ReceiptOutcome::Refused(refused)) => refused,
            Err(fault) => {
                self.log_fault(&fault);
                return self.refuse_look_up(&ProblemKind::Unavailable.into());
            }
        };
        let problem = receipt_problem(&refused);
        match refused {
            ReceiptRefused::SecurityCode(code) => self
                .typed_code_page(code, &problem, scope)
                .unwrap_or_else(|| self.refuse_look_up(&problem)),
            _ => self.refuse_look_up(&problem),
        }
    }

    /// The answer to a look-up whose body could not be read.
    pub(super) fn unread_look_up(&self, kind: ProblemKind) -> Response<Body> {
        self.refuse_look_up(&kind.into())
    }

    /// A problem as JSON, or as the form it was posted from with what was typed in it.
    async fn refuse_rating(&self, problem: &Problem) -> Response<Body> {
        self.log_refusal(problem);
        if self.form.wire == Wire::Json {
            return problem.clone().into_json_response(self.lang);
        }
        let subjects = self.subjects();
        let entry = match subjects.first() {
            Some((subject, _)) => self.unit(&subject.unit_id, problem).await,
            None => None,
        };
        let chosen = problem
            .errors
            .iter()
            .find(|error| error.field == FormField::Subject);
        let chosen = chosen.map(|error| error.fault);
        match entry {
            Some(entry) if chosen != Some(Fault::Closed) => {
                let subjects = match chosen {
                    Some(Fault::Unknown) => self.remaining(&entry),
                    _ => subjects,
                };
                let values = TypedValues::from_form(self.form);
                let kind = RaterKind::parse(self.text("rater_kind"));
                self.rating_form(&entry, subjects, kind, &values, Some(problem))
            }
            _ if chosen.is_some() && self.form.values.contains_key("receipt_code") => {
                self.receipt_form(problem)
            }
            _ => self.page(|context| {
                let page = ProblemPage { context, problem };
                (problem.kind.status(), page.render())
            }),
        }
    }

    fn refuse_look_up(&self, problem: &Problem) -> Response<Body> {
        self.log_refusal(problem);
        match self.form.wire {
            Wire::Json => problem.clone().into_json_response(self.lang),
            Wire::Form => self.receipt_form(problem),
        }
    }

    /// A native form gets the thank-you page itself and not its address: the tracker on it belongs in no log and no history,
    /// and posting it again is a retry.
    fn saved(&self, saved: &Saved) -> Response<Body> {
        let status = match saved.again {
            true => StatusCode::OK,
            false => StatusCode::CREATED,
        };
        tracing::info!(route = self.route, status = status.as_u16(), unit = %saved.subject.unit_id,
            outcome = if saved.again { "saved_before" } else { "saved" }, write_units = saved.write_units, "rating saved");
        match self.form.wire {
            Wire::Form => self.page(|context| {
                let page = ThanksPage {
                    context,
                    unit_id: &saved.subject.unit_id,
                    tracker: &saved.tracker,
                };
                (status, page.render())
            }),
            Wire::Json => {
                let body = serde_json::json!({
                    "saved": true,
                    "message": rust_i18n::t!("thanks.title", locale = self.lang.code()),
                    "tracker": saved.tracker.to_string(),
                });
                reply::json(status, &body, self.lang)
            }
        }
    }

    fn found(&self, found: &FoundReceipt) -> Response<Body> {
        let receipt = &found.receipt;
        tracing::info!(route = self.route, status = 200, unit = %receipt.unit_id, outcome = "valid", "receipt looked up");
        if self.form.wire == Wire::Json {
            let officials = receipt.officials.iter();
            let officials = officials.map(|(official, role)| HandlingOfficial {
                official_id: official.to_string(),
                role: role.code().to_owned(),
            });
            let body = ValidReceipt {
                unit_id: receipt.unit_id.to_string(),
                field_id: receipt.field_id.to_string(),
                subjects: found.subjects.iter().map(ToString::to_string).collect(),
                officials: officials.collect(),
            };
            return reply::json(StatusCode::OK, &body, self.lang);
        }
        let subjects = found.subjects.iter().map(|subject| {
            let official = subject.official_id.as_ref();
            let role = official.and_then(|official| receipt.role(official));
            (subject.clone(), role)
        });
        let values = TypedValues::from_form(self.form).with("field_id", receipt.field_id.as_str());
        self.rating_form(&found.entry, subjects.collect(), None, &values, None)
    }

    fn rating_form(
        &self,
        entry: &UnitEntry,
        subjects: Vec<(Subject, Option<OfficialRole>)>,
        kind: Option<RaterKind>,
        values: &TypedValues,
        problem: Option<&Problem>,
    ) -> Response<Body> {
        self.page(|context| {
            let page = RatingForm {
                context,
                entry,
                subjects,
                rater_kind: kind.unwrap_or(RaterKind::Participant),
                values,
                problem,
            };
            let status = problem.map_or(StatusCode::OK, |problem| problem.kind.status());
            (status, page.render())
        })
    }

    fn receipt_form(&self, problem: &Problem) -> Response<Body> {
        let values = TypedValues::from_form(self.form);
        self.page(|context| {
            let page = ReceiptForm {
                context,
                values: &values,
                problem: Some(problem),
            };
            (problem.kind.status(), page.render())
        })
    }

    /// The page that asks a native form for a typed code, 200 where none was given yet; `None` where scripts have worked.
    fn typed_code_page(
        &self,
        code: CodeRefused,
        problem: &Problem,
        scope: &Scope<'_>,
    ) -> Option<Response<Body>> {
        if self.form.wire == Wire::Json || !self.text("altcha").is_empty() {
            return None;
        }
        self.log_refusal(problem);
        let wrong = code != CodeRefused::Missing;
        let status = match wrong {
            true => problem.kind.status(),
            false => StatusCode::OK,
        };
        let values = TypedValues::from_form(self.form);
        let values = match values.first("attempt") {
            "" => values.with("attempt", &new_attempt()),
            _ => values,
        };
        let token = self.intake.challenges.issue_typed(scope, self.now).token;
        Some(self.page(|context| {
            let page = TypedCodePage {
                context,
                action: self.address,
                values: &values,
                token: &token,
                wrong,
            };
            (status, page.render())
        }))
    }

    /// The subjects the form was about: those it offered, where all are of one unit, else the one it names.
    fn subjects(&self) -> Vec<(Subject, Option<OfficialRole>)> {
        let offered = parse_offered(self.text("offered"));
        let chosen = Subject::parse(self.text("subject")).ok();
        let unit = chosen.as_ref().or(offered.first().map(|(first, _)| first));
        let unit = unit.map(|subject| subject.unit_id.clone());
        let alike = |(subject, _): &(Subject, _)| Some(&subject.unit_id) == unit.as_ref();
        if !offered.is_empty() && offered.iter().all(alike) {
            return offered;
        }
        let first = offered.into_iter().next();
        chosen
            .map(|chosen| (chosen, None))
            .or(first)
            .into_iter()
            .collect()
    }

    /// The unit a form was about; the table is asked only where it is not what failed.
    async fn unit(&self, id: &UnitId, problem: &Problem) -> Option<Arc<UnitEntry>> {
        let catalog = &self.intake.catalog;
        if let Some(entry) = catalog.last_unit(id) {
            return Some(entry);
        }
        match problem.kind {
            ProblemKind::Unavailable => None,
            _ => catalog.unit(id, self.now).await.ok().flatten(),
        }
    }

    /// Whom the form may be about when the official it names has left: the others it offered, else all of the unit.
    fn remaining(&self, entry: &UnitEntry) -> Vec<(Subject, Option<OfficialRole>)> {
        let today = local_date(self.now);
        let subject = |official_id| Subject {
            unit_id: entry.unit.id.clone(),
            official_id,
        };
        let can_be_rated = |subject: &Subject| {
            let official = subject.official_id.as_ref();
            subject.unit_id == entry.unit.id
                && official.is_none_or(|official| entry.official(official, today).is_some())
        };
        let mut offered = parse_offered(self.text("offered"));
        offered.retain(|(subject, _)| can_be_rated(subject));
        if !offered.is_empty() {
            return offered;
        }
        let officials = entry
            .officials
            .iter()
            .map(|official| Some(official.id.clone()));
        let everybody = [None].into_iter().chain(officials).map(subject);
        let everybody = everybody.filter(can_be_rated);
        everybody.map(|subject| (subject, None)).collect()
    }

    /// A value of the form as it was typed, empty where there is none.
    fn text(&self, name: &str) -> &str {
        let value = self.form.values.get(name);
        value.and_then(|value| value.as_str()).unwrap_or_default()
    }

    /// A page, drawn with the catalog last read: it must come when the table does not.
    fn page(&self, draw: impl FnOnce(&SiteContext<'_>) -> (StatusCode, String)) -> Response<Body> {
        let head = self.intake.catalog.last_head();
        let context = SiteContext {
            head: &head,
            lang: self.lang,
            today: local_date(self.now),
        };
        let (status, html) = draw(&context);
        reply::page(status, html, self.lang)
    }

    fn log_fault(&self, fault: &StoreError) {
        tracing::error!(route = self.route, error = %crate::log::chain(fault), "the tables failed");
    }

    fn log_refusal(&self, problem: &Problem) {
        let (status, outcome) = (problem.kind.status().as_u16(), problem.kind.code());
        tracing::info!(route = self.route, status, outcome, "request refused");
    }
}

fn rating_problem(refused: &RatingRefused) -> Problem {
    let subject = |fault| {
        vec![FieldError {
            field: FormField::Subject,
            fault,
        }]
    };
    match refused {
        RatingRefused::UnknownUnit => Problem {
            kind: ProblemKind::NotFound,
            errors: subject(Fault::Unknown),
        },
        RatingRefused::UnknownOfficial => Problem::invalid(subject(Fault::Unknown)),
        RatingRefused::ClosedSubject => Problem::invalid(subject(Fault::Closed)),
        RatingRefused::Invalid(errors) => Problem::invalid(errors.clone()),
        RatingRefused::SecurityCode(code) => code_problem(*code),
        RatingRefused::Receipt => ProblemKind::ReceiptRefused.into(),
        RatingRefused::AlreadyRated => ProblemKind::AlreadyRated.into(),
        RatingRefused::PhoneUsed => ProblemKind::PhoneUsed.into(),
    }
}

fn receipt_problem(refused: &ReceiptRefused) -> Problem {
    match refused {
        ReceiptRefused::Invalid(errors) => Problem::invalid(errors.clone()),
        ReceiptRefused::SecurityCode(code) => code_problem(*code),
        ReceiptRefused::Receipt => ProblemKind::ReceiptRefused.into(),
    }
}

fn code_problem(refused: CodeRefused) -> Problem {
    let fault = match refused {
        CodeRefused::Missing => Fault::Missing,
        CodeRefused::Malformed => Fault::Malformed,
        CodeRefused::Expired => Fault::Expired,
        CodeRefused::Wrong => Fault::Wrong,
    };
    Problem {
        kind: ProblemKind::ChallengeRefused,
        errors: vec![FieldError {
            field: FormField::SecurityCode,
            fault,
        }],
    }
}

/// Reads `subject:role subject:role …`; what is none of it is left out, and so are more than [`MAX_OFFERED`].
fn parse_offered(text: &str) -> Vec<(Subject, Option<OfficialRole>)> {
    let offered = text.split(' ').filter_map(|pair| {
        let (subject, role) = pair.split_once(':')?;
        Some((Subject::parse(subject).ok()?, OfficialRole::parse(role)))
    });
    offered.take(MAX_OFFERED).collect()
}
