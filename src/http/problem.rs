//! The documented ways a request can be refused.

use http::StatusCode;
#[cfg(feature = "server")]
use lambda_http::{Body, Response};
use rust_i18n::t;
#[cfg(feature = "server")]
use serde::Serialize;
#[cfg(feature = "server")]
use utoipa::ToSchema;

use crate::domain::form::FieldError;
use crate::domain::lang::Lang;

/// Every kind of refusal; its code is the last segment of the problem's `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// No JSON object or form, an unknown or missing name, a value of the wrong type.
    MalformedBody,
    /// No such address, unit or official.
    NotFound,
    /// The address takes another method.
    MethodNotAllowed,
    /// The dossier was rated already, said only to who holds its secret part.
    AlreadyRated,
    /// The phone rated this subject already in the quarter.
    PhoneUsed,
    /// The body is above its limit.
    TooLarge,
    /// The content type is none we read.
    UnsupportedMediaType,
    /// A value is missing or wrong; `errors` name each.
    Invalid,
    /// Unknown, expired, used or wrong: one answer for all.
    ReceiptRefused,
    /// The security code is missing, wrong, expired or used.
    ChallengeRefused,
    /// Too many requests.
    TooManyRequests,
    /// Not known to be saved, through a fault of ours; sending again is safe.
    Unavailable,
    /// The clock of the machine is known to be wrong, so nothing can be dated.
    WrongClock,
}

impl ProblemKind {
    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::MalformedBody => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::AlreadyRated | Self::PhoneUsed => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid | Self::ReceiptRefused | Self::ChallengeRefused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::WrongClock => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its spelling in `type`, logs and locale files.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MalformedBody => "malformed-body",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::AlreadyRated => "already-rated",
            Self::PhoneUsed => "phone-used",
            Self::TooLarge => "too-large",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::Invalid => "invalid",
            Self::ReceiptRefused => "receipt-refused",
            Self::ChallengeRefused => "challenge-refused",
            Self::TooManyRequests => "too-many-requests",
            Self::Unavailable => "unavailable",
            Self::WrongClock => "wrong-clock",
        }
    }
}

/// The sentence that says what to do about a value at fault.
#[must_use]
pub fn message(error: &FieldError, lang: Lang) -> String {
    let key = format!("error.{}.{}", error.field.code(), error.fault.code());
    t!(key, locale = lang.code()).into_owned()
}

/// A refusal, ready to be written as `application/problem+json` (RFC 9457) or as a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub kind: ProblemKind,
    /// One for each value at fault.
    pub errors: Vec<FieldError>,
}

impl From<ProblemKind> for Problem {
    fn from(kind: ProblemKind) -> Self {
        Self {
            kind,
            errors: Vec::new(),
        }
    }
}

/// A problem as JSON (RFC 9457).
#[cfg(feature = "server")]
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// `/problems/` and the kind.
    r#type: String,
    /// What happened, in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What to do now.
    detail: String,
    /// One for each value at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody>,
}

/// A value at fault.
#[cfg(feature = "server")]
#[derive(Debug, Serialize, ToSchema)]
struct FieldErrorBody {
    /// Name of the value in the body.
    field: &'static str,
    /// What is wrong with it.
    code: &'static str,
    /// The sentence that says what to do.
    message: String,
}

impl Problem {
    /// Values at fault.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            kind: ProblemKind::Invalid,
            errors,
        }
    }

    /// What happened, in a few words.
    #[must_use]
    pub fn title(&self, lang: Lang) -> String {
        t!(
            format!("problem.{}.title", self.kind.code()),
            locale = lang.code()
        )
        .into_owned()
    }

    /// What to do now.
    #[must_use]
    pub fn detail(&self, lang: Lang) -> String {
        t!(
            format!("problem.{}.detail", self.kind.code()),
            locale = lang.code()
        )
        .into_owned()
    }

    /// The answer to a program.
    #[cfg(feature = "server")]
    #[must_use]
    pub fn into_json_response(self, lang: Lang) -> Response<Body> {
        let errors = self.errors.iter();
        let body = ProblemBody {
            r#type: format!("/problems/{}", self.kind.code()),
            title: self.title(lang),
            status: self.kind.status().as_u16(),
            detail: self.detail(lang),
            errors: errors
                .map(|error| FieldErrorBody {
                    field: error.field.code(),
                    code: error.fault.code(),
                    message: message(error, lang),
                })
                .collect(),
        };
        let text = serde_json::to_string(&body).expect("a problem holds only texts and numbers");
        let mut response = Response::new(Body::Text(text));
        *response.status_mut() = self.kind.status();
        let headers = response.headers_mut();
        headers.insert(
            http::header::CONTENT_TYPE,
            http::HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(
            http::header::CACHE_CONTROL,
            http::HeaderValue::from_static("no-store"),
        );
        headers.insert(
            http::header::CONTENT_LANGUAGE,
            http::HeaderValue::from_static(lang.code()),
        );
        if self.kind == ProblemKind::Unavailable {
            headers.insert(
                http::header::RETRY_AFTER,
                http::HeaderValue::from_static("5"),
            );
        }
        response
    }
}
