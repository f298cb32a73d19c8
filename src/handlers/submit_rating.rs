//! `POST /api/ratings`: a filled form becomes one rating, or a clear answer why not.

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use lambda_http::{Body, Request, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Posted;
use crate::challenge::Proof;
use crate::domain::rating::Channel;
use crate::http::request::language;
use crate::http::{Form, reply};
use crate::intake::Intake;
use crate::intake::rating::Attempt;
use crate::intake::rating::form::RatingForm;
use crate::intake::security_code::Presence;

const ROUTE: &str = "submit-rating";
const ADDRESS: &str = "/api/ratings";

/// A filled rating form, as sent. Names are the same in JSON and in a native form, where lists repeat their name and
/// answers are sent as `answers.<question>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SubmitRating {
    /// Whom: `unit` or `unit/official`.
    #[schema(example = "48-20242/48-20242-01")]
    pub subject: Option<String>,
    /// `participant` (with a receipt code) or `non_participant` (with name and phone).
    #[schema(example = "participant")]
    pub rater_kind: Option<String>,
    /// Field of transaction; participants only. The dossier's own field is what counts.
    pub field_id: Option<String>,
    /// Receipt code (mã biên nhận); participants only.
    #[schema(example = "000.00.20.H17-261012-0007")]
    pub receipt_code: Option<String>,
    /// Secret part of the slip, where it carries one; participants only.
    pub receipt_secret: Option<String>,
    /// Full name; non-participants only. Kept sealed, apart from the rating.
    pub full_name: Option<String>,
    /// Vietnamese telephone number; non-participants only. Kept sealed, apart from the rating.
    pub phone: Option<String>,
    /// `yes`: consents to name and phone being kept; non-participants only.
    pub consent: Option<String>,
    /// `satisfied` or `not_satisfied`.
    #[schema(example = "satisfied")]
    pub satisfaction: Option<String>,
    /// Codes of the catalog's reasons: at least one when not satisfied.
    pub reasons: Vec<String>,
    /// Option by question of the questionnaire; questions may stay open.
    pub answers: BTreeMap<String, String>,
    /// The questionnaire answered, `id@version`; the current one when absent.
    pub questionnaire: Option<String>,
    /// Free suggestion, at most 1,000 characters; never published.
    pub suggestion: Option<String>,
    /// 22 base64url characters (128 random bits) drawn once by the rater's page and sent again with every retry: a repeat
    /// of the same rating from the same attempt gets the same success.
    pub attempt: Option<String>,
    /// What the form of a receipt offers to rate, each `subject:role`, so that the form can be shown again when none was
    /// chosen.
    pub offered: Option<String>,
    /// Language of the answer: `vi` or `en`.
    pub lang: Option<String>,
    /// Security code: ALTCHA payload, base64.
    pub altcha: Option<String>,
    /// Security code: the salt of the commitment the challenge was asked for with.
    pub salt: Option<String>,
    /// Security code, typed way: the image's token.
    pub typed_token: Option<String>,
    /// Security code, typed way: the digits.
    pub typed_answer: Option<String>,
}

impl SubmitRating {
    /// What the rater filled in.
    #[must_use]
    pub fn form(&self) -> RatingForm<'_> {
        RatingForm {
            subject: self.subject.as_deref(),
            rater_kind: self.rater_kind.as_deref(),
            field_id: self.field_id.as_deref(),
            receipt_code: self.receipt_code.as_deref(),
            receipt_secret: self.receipt_secret.as_deref(),
            full_name: self.full_name.as_deref(),
            phone: self.phone.as_deref(),
            consents: self.consent.as_deref() == Some("yes"),
            satisfaction: self.satisfaction.as_deref(),
            reasons: &self.reasons,
            answers: &self.answers,
            questionnaire: self.questionnaire.as_deref(),
            suggestion: self.suggestion.as_deref(),
            attempt: self.attempt.as_deref(),
        }
    }

    fn proof(&self) -> Proof<'_> {
        Proof {
            altcha: self.altcha.as_deref(),
            salt: self.salt.as_deref(),
            typed_token: self.typed_token.as_deref(),
            typed_answer: self.typed_answer.as_deref(),
        }
    }
}

/// Answers a request: 201 once the rating is durably saved, 200 for a retry of the same, else a problem.
pub async fn handle(intake: &Intake, request: Request, now: Timestamp) -> Response<Body> {
    if request.method() != Method::POST {
        return reply::method_not_allowed("POST", language(&request, None));
    }
    let (form, body) = Form::read_as::<SubmitRating>(&request);
    let posted = Posted {
        intake,
        route: ROUTE,
        address: ADDRESS,
        form: &form,
        lang: language(&request, Some(&form)),
        now,
    };
    let body = match body {
        Ok(body) => body,
        Err(kind) => return posted.unread_rating(kind).await,
    };
    let attempt = Attempt {
        form: body.form(),
        channel: Channel::Web,
        presence: Presence::SecurityCode(body.proof()),
        now,
    };
    let outcome = intake.take_rating(&attempt).await;
    posted.rated(outcome, &attempt.form.scope()).await
}
