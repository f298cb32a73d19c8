//! `POST /api/receipts/validate`: what a receipt code lets its holder rate.

use http::Method;
use jiff::Timestamp;
use lambda_http::{Body, Request, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Posted;
use crate::challenge::Proof;
use crate::http::request::language;
use crate::http::{Form, reply};
use crate::intake::Intake;
use crate::intake::receipt::ReceiptQuery;
use crate::intake::security_code::Presence;
use crate::keyring::ReceiptKey;

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

/// Answers a request; unknown, expired and wrong look the same from outside, and so do rated and not rated.
pub async fn handle<K: AsRef<ReceiptKey>>(
    intake: &Intake<K>,
    request: Request,
    now: Timestamp,
) -> Response<Body> {
    if request.method() != Method::POST {
        return reply::method_not_allowed("POST", language(&request, None));
    }
    let (form, body) = Form::read_as::<ValidateReceipt>(&request);
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
        Err(kind) => return posted.unread_look_up(kind),
    };
    let query = ReceiptQuery {
        code: body.receipt_code.as_deref(),
        secret: body.receipt_secret.as_deref(),
        presence: Presence::SecurityCode(Proof {
            altcha: body.altcha.as_deref(),
            salt: body.salt.as_deref(),
            typed_token: body.typed_token.as_deref(),
            typed_answer: body.typed_answer.as_deref(),
        }),
        now,
    };
    posted.looked_up(intake.look_up_receipt(&query).await, &query.scope())
}
