//! The API as an OpenAPI 3.1 document, drawn from the types that read and write it.

use utoipa::OpenApi;

use crate::handlers::answer::ValidReceipt;
use crate::handlers::submit_rating::SubmitRating;
use crate::handlers::validate_receipt::ValidateReceipt;
use crate::http::problem::ProblemBody;
use crate::site::results::json::{PeriodDocument, UnitDocument};

/// Where the document is served.
pub const PATH: &str = "/openapi.json";

/// The document as JSON, ending in a line break; the same bytes for the same program.
#[must_use]
pub fn document() -> String {
    let mut text = Api::openapi()
        .to_pretty_json()
        .expect("the document holds only texts, numbers and lists");
    text.push('\n');
    text
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Thước Đo",
        description = "Citizens rate the units and officials who handled their dossiers. Problems are `application/problem+json` \
            (RFC 9457), in Vietnamese unless `Accept-Language` or `lang` asks for English. Native form posts get pages instead."
    ),
    paths(
        submit_rating,
        validate_receipt,
        issue_challenge,
        challenge_image,
        challenge_audio,
        get_statistics
    ),
    components(schemas(
        SubmitRating,
        ValidateReceipt,
        ValidReceipt,
        ProblemBody,
        Saved,
        Challenge,
        Statistics
    ))
)]
struct Api;

/// The rating is durably saved.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes an answer; the handler writes it")]
struct Saved {
    /// Always true.
    saved: bool,
    /// «Đã lưu kết quả đánh giá».
    message: String,
    /// What finds the rating in the published lists of counted ratings; a retry gets the same. Says that it was counted, never how.
    #[schema(example = "7K3M-9QTX-0B2C-V8NR-H5WP")]
    tracker: String,
}

/// An ALTCHA v2 challenge (PBKDF2/SHA-256).
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes an answer; the handler writes it")]
struct Challenge {
    /// Signed as canonical JSON; `data.scope` repeats the commitment.
    #[schema(value_type = Object)]
    parameters: (),
    /// HMAC-SHA-256 of the parameters, hexadecimal.
    signature: String,
}

/// The published figures, never live ones; the same document as the site's data files.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "describes an answer; the handler passes the published file on"
)]
enum Statistics {
    /// With `unit_id`.
    Unit(UnitDocument),
    /// Without.
    Period(PeriodDocument),
}

/// Rate a unit or an official.
///
/// Sending the same rating of the same attempt again gets the same success and is counted once.
#[utoipa::path(
    post, path = "/api/ratings",
    request_body(content((SubmitRating = "application/json"), (SubmitRating = "application/x-www-form-urlencoded"))),
    responses(
        (status = 201, description = "Saved now; to a native form, the thank-you page", content((Saved = "application/json"), (String = "text/html"))),
        (status = 200, description = "Saved before by this attempt; to a native form, the thank-you page, or without a security code the page that asks for one", content((Saved = "application/json"), (String = "text/html"))),
        (status = 400, description = "No JSON object or form, an unknown name, or a value of the wrong type", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 404, description = "No such unit", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 405, description = "Another method than POST", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 409, description = "`already-rated`, said to who holds the receipt's secret part; `phone-used`, once a quarter", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 413, description = "Above 24 KB", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 415, description = "Neither JSON nor a form", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 422, description = "`invalid`: values missing or wrong; `receipt-refused`: unknown, expired, used or wrong; `challenge-refused`: the security code", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 429, description = "Too many requests", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 503, description = "Not known to be saved; sent again, it counts once", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
#[expect(dead_code, reason = "carries the documentation of a route")]
fn submit_rating() {}

/// Whom the dossier of a receipt is about.
///
/// The answer comes from the dossier alone: it is the same before and after a rating.
#[utoipa::path(
    post, path = "/api/receipts/validate",
    request_body(content((ValidateReceipt = "application/json"), (ValidateReceipt = "application/x-www-form-urlencoded"))),
    responses(
        (status = 200, description = "The receipt is known; to a native form, the form that rates, or the page that asks for a security code", content((ValidReceipt = "application/json"), (String = "text/html"))),
        (status = 400, description = "No JSON object or form, an unknown name, or a value of the wrong type", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 405, description = "Another method than POST", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 413, description = "Above 24 KB", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 415, description = "Neither JSON nor a form", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 422, description = "`invalid`, `receipt-refused` (unknown, expired and wrong alike) or `challenge-refused`", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 429, description = "Too many requests", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
        (status = 503, description = "Try again", content((ProblemBody = "application/problem+json"), (String = "text/html"))),
    )
)]
#[expect(dead_code, reason = "carries the documentation of a route")]
fn validate_receipt() {}

/// A challenge for one rating or look-up.
///
/// `scope` is base64url(SHA-256(LP("thuocdo-scope/1") ‖ LP(salt) ‖ LP(purpose) ‖ LP(subject) ‖ LP(receipt_code) ‖
/// LP(receipt_secret) ‖ LP(phone))), LP being the 4-byte big-endian length of the UTF-8 bytes, then the bytes; values as
/// they will be posted, `""` where absent; purpose `rate` or `validate` (subject `""`).
#[utoipa::path(
    get, path = "/api/challenge",
    params(("scope" = String, Query, description = "Commitment, 43 base64url characters", min_length = 43, max_length = 43)),
    responses(
        (status = 200, description = "Solve it within five minutes", body = Challenge),
        (status = 400, description = "The query is no part of an address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 405, description = "Another method than GET", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The scope is no commitment", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "carries the documentation of a route")]
fn issue_challenge() {}

/// The picture of a typed security code.
#[utoipa::path(
    get, path = "/api/challenge/image",
    params(("token" = String, Query, description = "Token of the page that shows it")),
    responses(
        (status = 200, description = "Six digits", content_type = "image/png", body = Vec<u8>),
        (status = 400, description = "The query is no part of an address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 405, description = "Another method than GET", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The token is none of ours or has expired", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "carries the documentation of a route")]
fn challenge_image() {}

/// A typed security code, spoken.
#[utoipa::path(
    get, path = "/api/challenge/audio",
    params(("token" = String, Query, description = "Token of the page that plays it"), ("lang" = Option<String>, Query, description = "`vi` or `en`")),
    responses(
        (status = 200, description = "Six digits", content_type = "audio/wav", body = Vec<u8>),
        (status = 206, description = "The part that `Range` asks for", content_type = "audio/wav", body = Vec<u8>),
        (status = 400, description = "The query is no part of an address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 405, description = "Another method than GET", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "The token is none of ours or has expired", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "carries the documentation of a route")]
fn challenge_audio() {}

/// Published results, of one unit or of all units for a period.
#[utoipa::path(
    get, path = "/api/statistics",
    params(
        ("unit_id" = Option<String>, Query, description = "One unit; all units when absent"),
        ("period" = Option<String>, Query, description = "`all`, `2026`, `2026q4` or `202611`"),
    ),
    responses(
        (status = 200, description = "The figures last published", body = Statistics),
        (status = 304, description = "The figures that `If-None-Match` names are still the last"),
        (status = 400, description = "The query is no part of an address", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "No such unit, or nothing published for the period", body = ProblemBody, content_type = "application/problem+json"),
        (status = 405, description = "Another method than GET or HEAD", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "No unit id or period, or a name in the query that is neither", body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Try again", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[expect(dead_code, reason = "carries the documentation of a route")]
fn get_statistics() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_the_one_the_code_gives() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            std::fs::write(path, document()).unwrap();
        }

        let committed = std::fs::read_to_string(path).unwrap_or_default();

        assert_eq!(
            committed,
            document(),
            "run `make openapi` and commit docs/openapi.json"
        );
    }
}
