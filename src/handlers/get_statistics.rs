//! `GET /api/statistics?unit_id=&period=`: the figures last published, read from the site's files and never from the
//! tables.

use data_encoding::BASE64URL_NOPAD;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use lambda_http::{Body, Request, Response};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::domain::form::{Fault, FieldError, FormField};
use crate::domain::id::UnitId;
use crate::domain::period::Period;
use crate::http::reply;
use crate::http::request::language;
use crate::http::{Problem, ProblemKind};
use crate::site::bucket::{Bounded, Bucket};
use crate::site::{Cache, results};

const ROUTE: &str = "get-statistics";

/// Below what a function may answer with, 6 MB.
const MAX_DOCUMENT: u64 = 5 * 1024 * 1024;

/// Answers one request: `unit_id` alone gives every period of the unit, `period` alone every unit, neither all time.
///
/// 404 for a unit or period nothing is published of, 405 for another method than GET or HEAD, 422 for a value that is
/// no unit id or period and for a name that is neither, 503 when the files cannot be read.
pub async fn handle(bucket: &Bucket, request: Request) -> Response<Body> {
    let lang = language(&request, None);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return reply::method_not_allowed("GET, HEAD", lang);
    }
    let document = match Selection::read(&request) {
        Ok(selection) => find(bucket, &selection).await,
        Err(errors) => Err(Problem::invalid(errors)),
    };
    match document {
        Ok(document) => answer(&request, document),
        Err(problem) => problem.into_json_response(lang),
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Selection {
    unit_id: Option<UnitId>,
    period: Option<Period>,
}

impl Selection {
    /// Reads the query. An empty value counts as absent; a name that is no parameter is refused, because the answer would
    /// be about something else than was meant.
    fn read(request: &Request) -> Result<Self, Vec<FieldError>> {
        let query = request.uri().query().unwrap_or_default();
        let mut errors = Vec::new();
        let is_known = |name: &str| {
            [FormField::UnitId, FormField::Period]
                .map(FormField::code)
                .contains(&name)
        };
        if form_urlencoded::parse(query.as_bytes()).any(|(name, _)| !is_known(&name)) {
            errors.push(FieldError {
                field: FormField::Query,
                fault: Fault::UnknownName,
            });
        }
        let unit_id = single(query, FormField::UnitId, &mut errors, |id| {
            UnitId::parse(id).ok()
        });
        let period = single(query, FormField::Period, &mut errors, Period::parse);
        if errors.is_empty() {
            Ok(Self { unit_id, period })
        } else {
            Err(errors)
        }
    }

    /// Key of the file the answer is in.
    fn key(&self) -> String {
        let stem = match &self.unit_id {
            Some(unit) => results::unit_stem(unit),
            None => results::period_stem(self.period.unwrap_or(Period::All)),
        };
        format!("{}.json", stem.trim_start_matches('/'))
    }

    /// The part of a file that was asked for; `Ok(None)` where it has no such period.
    fn select(&self, document: Vec<u8>) -> serde_json::Result<Option<Vec<u8>>> {
        let (Some(_), Some(period)) = (&self.unit_id, self.period) else {
            return Ok(Some(document));
        };
        let mut document: Value = serde_json::from_slice(&document)?;
        let Some(periods) = document.get_mut("periods").and_then(Value::as_object_mut) else {
            return Ok(None);
        };
        let code = period.to_string();
        periods.retain(|key, _| *key == code);
        if periods.is_empty() {
            return Ok(None);
        }
        serde_json::to_vec(&document).map(Some)
    }
}

fn single<T>(
    query: &str,
    field: FormField,
    errors: &mut Vec<FieldError>,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let mut values = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, value)| key == field.code() && !value.is_empty());
    let value = values.next().map(|(_, value)| value)?;
    let parsed = parse(&value).filter(|_| values.next().is_none());
    if parsed.is_none() {
        errors.push(FieldError {
            field,
            fault: Fault::Malformed,
        });
    }
    parsed
}

async fn find(bucket: &Bucket, selection: &Selection) -> Result<Vec<u8>, Problem> {
    let key = selection.key();
    let document = match bucket.get_at_most(&key, MAX_DOCUMENT).await {
        Ok(Bounded::Whole { bytes, .. }) => bytes,
        Ok(Bounded::Absent) => return Err(ProblemKind::NotFound.into()),
        Ok(Bounded::TooLarge) => {
            tracing::error!(route = ROUTE, "`{key}` is too large to be answered with");
            return Err(ProblemKind::Unavailable.into());
        }
        Err(error) => {
            tracing::error!(
                route = ROUTE,
                error = crate::log::chain(&error),
                "could not read `{key}`"
            );
            return Err(ProblemKind::Unavailable.into());
        }
    };
    match selection.select(document) {
        Ok(Some(document)) => Ok(document),
        Ok(None) => Err(ProblemKind::NotFound.into()),
        Err(error) => {
            tracing::error!(
                route = ROUTE,
                error = crate::log::chain(&error),
                "`{key}` is no JSON"
            );
            Err(ProblemKind::Unavailable.into())
        }
    }
}

fn answer(request: &Request, document: Vec<u8>) -> Response<Body> {
    let tag = format!(
        "\"{}\"",
        BASE64URL_NOPAD.encode(&Sha256::digest(&document)[..12])
    );
    let known = is_known(request, &tag);
    let body = match String::from_utf8(document) {
        Ok(text) if !known && request.method() == Method::GET => Body::Text(text),
        _ => Body::Empty,
    };
    let mut response = Response::new(body);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(
        CACHE_CONTROL,
        HeaderValue::from_static(Cache::Page.header()),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let tag = HeaderValue::try_from(tag).expect("base64url in quotes makes a header");
    headers.insert(ETAG, tag);
    response
}

/// Whether the caller has this version (RFC 9110, section 13.1.2).
fn is_known(request: &Request, tag: &str) -> bool {
    let tags = request.headers().get_all(IF_NONE_MATCH).into_iter();
    let mut tags = tags
        .filter_map(|tags| tags.to_str().ok())
        .flat_map(|tags| tags.split(','));
    tags.any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &str) -> Request {
        let mut request = Request::new(Body::Empty);
        *request.uri_mut() = format!("/api/statistics{query}").parse().unwrap();
        request
    }

    fn key(query: &str) -> String {
        Selection::read(&request(query)).unwrap().key()
    }

    fn malformed(query: &str) -> Vec<&'static str> {
        let errors = Selection::read(&request(query)).unwrap_err();
        errors.iter().map(|error| error.field.code()).collect()
    }

    #[test]
    fn a_selection_names_one_published_file() {
        assert_eq!(key(""), "ket-qua/ket-qua-all.json");
        assert_eq!(key("?period=2026q4"), "ket-qua/ket-qua-2026q4.json");
        assert_eq!(key("?unit_id=48-1"), "ket-qua/don-vi/48-1/ket-qua.json");
        assert_eq!(
            key("?unit_id=48-1&period=2026"),
            "ket-qua/don-vi/48-1/ket-qua.json"
        );
        assert_eq!(key("?unit_id=&period="), "ket-qua/ket-qua-all.json");
    }

    #[test]
    fn what_is_no_id_or_period_is_named() {
        assert_eq!(malformed("?unit_id=..%2F..%2Fsecret"), ["unit_id"]);
        assert_eq!(malformed("?unit_id=a&unit_id=b"), ["unit_id"]);
        assert_eq!(malformed("?unit_id=a,b"), ["unit_id"]);
        assert_eq!(malformed("?period=2026Q4"), ["period"]);
        assert_eq!(malformed("?period=%ff%fe&unit_id=A"), ["unit_id", "period"]);
        assert_eq!(malformed("?unit=48-1"), ["query"]);
        assert_eq!(malformed("?utm=x&period=B"), ["query", "period"]);
        for error in Selection::read(&request("?unit_id=A&period=B")).unwrap_err() {
            for lang in crate::domain::lang::Lang::ALL {
                assert!(
                    crate::http::problem::message(&error, lang).starts_with(error.field.code()),
                    "{}",
                    crate::http::problem::message(&error, lang)
                );
            }
        }
    }

    #[test]
    fn a_period_of_a_unit_comes_without_the_others() {
        let document =
            br#"{"unit":{"unit_id":"48-1"},"periods":{"all":{"total":1},"2026":{"total":2}}}"#;
        let select = |query: &str| {
            let selection = Selection::read(&request(query)).unwrap();
            selection.select(document.to_vec())
        };

        let year = select("?unit_id=48-1&period=2026").unwrap().unwrap();

        let year: Value = serde_json::from_slice(&year).unwrap();
        assert_eq!(year["periods"], serde_json::json!({"2026": {"total": 2}}));
        assert_eq!(year["unit"]["unit_id"], "48-1");
        assert_eq!(select("?unit_id=48-1").unwrap().unwrap(), document);
        assert_eq!(select("?unit_id=48-1&period=2025").unwrap(), None);
        let not_json = Selection::read(&request("?unit_id=48-1&period=2026")).unwrap();
        assert!(not_json.select(b"<html>".to_vec()).is_err());
        assert_eq!(not_json.select(b"[]".to_vec()).unwrap(), None);
    }

    #[test]
    fn who_has_the_version_is_not_sent_it_again() {
        let document = || b"{}".to_vec();
        let first = answer(&request(""), document());
        let tag = first.headers()[ETAG].clone();
        let mut again = request("");
        let listed = format!("\"other\", W/{}", tag.to_str().unwrap());
        again
            .headers_mut()
            .insert(IF_NONE_MATCH, listed.parse().unwrap());

        let again = answer(&again, document());

        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(matches!(again.body(), Body::Empty));
        assert_eq!(again.headers()[ETAG], tag);
    }

    #[test]
    fn a_head_request_gets_the_headers_alone() {
        let mut head = request("");
        *head.method_mut() = Method::HEAD;

        let response = answer(&head, b"{}".to_vec());

        assert_eq!(response.status(), StatusCode::OK);
        assert!(matches!(response.body(), Body::Empty));
        assert!(response.headers().contains_key(ETAG));
    }
}
