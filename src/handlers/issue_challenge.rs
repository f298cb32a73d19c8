//! `GET /api/challenge`, `/api/challenge/image` and `/api/challenge/audio`: security codes and what they are read from.

use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_RANGE, CONTENT_TYPE, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use lambda_http::{Body, Request, Response};

use crate::challenge::{Challenges, Commitment, TokenError};
use crate::domain::form::{Fault, FieldError, FormField};
use crate::domain::lang::Lang;
use crate::http::request::language;
use crate::http::{Problem, ProblemKind};

/// Answers one request.
///
/// - `/api/challenge?scope=<43 base64url characters>`: an ALTCHA v2 challenge as JSON.
/// - `/api/challenge/image?token=<token>`: the typed code's picture, `image/png`.
/// - `/api/challenge/audio?token=<token>&lang=vi|en`: its digits spoken, `audio/wav`; a single byte range is answered
///   206, for some browsers play nothing else.
///
/// 422 for a scope or token that is missing, malformed or expired; 404 and 405 as usual. Nothing may be stored.
pub async fn handle(challenges: &Challenges, request: Request, now: Timestamp) -> Response<Body> {
    let lang = match parameter(&request, "lang").as_deref() {
        Some("en") => Lang::En,
        Some(_) => Lang::Vi,
        None => language(&request, None),
    };
    let answer = match (request.uri().path(), request.method()) {
        ("/api/challenge", &Method::GET) => challenge(challenges, &request, now),
        ("/api/challenge/image", &Method::GET) => image(challenges, &request, now),
        ("/api/challenge/audio", &Method::GET) => audio(challenges, &request, lang, now),
        ("/api/challenge" | "/api/challenge/image" | "/api/challenge/audio", _) => {
            Err(ProblemKind::MethodNotAllowed.into())
        }
        _ => Err(ProblemKind::NotFound.into()),
    };
    answer.unwrap_or_else(|problem: Problem| {
        let not_allowed = problem.kind == ProblemKind::MethodNotAllowed;
        let mut response = problem.into_json_response(lang);
        if not_allowed {
            let headers = response.headers_mut();
            headers.insert(ALLOW, HeaderValue::from_static("GET"));
        }
        response
    })
}

fn challenge(
    challenges: &Challenges,
    request: &Request,
    now: Timestamp,
) -> Result<Response<Body>, Problem> {
    let commitment = parameter(request, "scope")
        .and_then(|scope| Commitment::parse(&scope).ok())
        .ok_or_else(|| refused(Fault::Malformed))?;
    let body = Body::Text(challenges.issue(&commitment, now));
    Ok(fresh(body, "application/json"))
}

fn image(
    challenges: &Challenges,
    request: &Request,
    now: Timestamp,
) -> Result<Response<Body>, Problem> {
    let token = parameter(request, "token").unwrap_or_default();
    let png = challenges.image(&token, now).map_err(token_refused)?;
    Ok(fresh(Body::Binary(png), "image/png"))
}

fn audio(
    challenges: &Challenges,
    request: &Request,
    lang: Lang,
    now: Timestamp,
) -> Result<Response<Body>, Problem> {
    let token = parameter(request, "token").unwrap_or_default();
    let wav = challenges.audio(&token, lang, now).map_err(token_refused)?;
    let range = byte_range(request.headers(), wav.len());
    let length = wav.len();
    let body = match range {
        Some((from, to)) => wav.get(from..=to).unwrap_or_default().to_vec(),
        None => wav,
    };
    let mut response = fresh(Body::Binary(body), "audio/wav");
    let headers = response.headers_mut();
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some((from, to)) = range {
        let range = HeaderValue::try_from(format!("bytes {from}-{to}/{length}"))
            .expect("digits, a dash and a slash make a header");
        headers.insert(CONTENT_RANGE, range);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// An answer that neither browser nor CDN may keep.
fn fresh(body: Body, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// The single value of `name` in the query; a name given twice is as good as none.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let query = request.uri().query()?;
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let (_, value) = values.next()?;
    values.next().is_none().then(|| value.into_owned())
}

/// First and last byte of a single satisfiable `Range` (RFC 9110, section 14.2); any other range may be ignored.
fn byte_range(headers: &HeaderMap, length: usize) -> Option<(usize, usize)> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    let last = length.checked_sub(1)?;
    let (from, to) = match range.strip_prefix("bytes=")?.split_once('-')? {
        ("", suffix) => {
            let suffix: usize = suffix.parse().ok().filter(|suffix| *suffix > 0)?;
            (length.saturating_sub(suffix), last)
        }
        (from, "") => (from.parse().ok()?, last),
        (from, to) => (from.parse().ok()?, to.parse::<usize>().ok()?.min(last)),
    };
    (from <= to).then_some((from, to))
}

fn token_refused(error: TokenError) -> Problem {
    refused(match error {
        TokenError::Malformed => Fault::Malformed,
        TokenError::Expired => Fault::Expired,
    })
}

fn refused(fault: Fault) -> Problem {
    Problem::invalid(vec![FieldError {
        field: FormField::SecurityCode,
        fault,
    }])
}

#[cfg(test)]
mod tests;
