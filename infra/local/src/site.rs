//! The site bucket as a web site: directory indexes, revalidation, byte ranges, and the page for what is not there.

use axum::body::Body;
use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG,
    HeaderMap, IF_NONE_MATCH, IF_RANGE, LOCATION, RANGE,
};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use s3s::dto::Range;
use thuocdo::domain::lang::Lang;

use crate::error::{BoxError, chain};
use crate::objects::{Objects, Opened};
use crate::s3::SITE_BUCKET;

/// Longest path of a request, in bytes.
const MAX_PATH: usize = 2_048;

/// What a path asks for.
#[derive(Debug, PartialEq, Eq)]
enum Target {
    /// A key of the bucket.
    Key(String),
    /// Nothing the bucket could ever hold.
    Nothing,
    /// No path: not UTF-8, or with control characters.
    Malformed,
    TooLong,
}

/// Answers a request for anything but the API.
pub(crate) async fn answer(objects: &Objects, request: &Parts) -> Response<Body> {
    if !matches!(request.method, Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
        insert(&mut response, ALLOW, "GET, HEAD");
        return response;
    }
    let path = request.uri.path();
    let found = match target(path) {
        Target::Key(key) => match objects.open_object(SITE_BUCKET, &key).await {
            Ok(Some(object)) => Ok(found(objects, object, &request.headers)),
            Ok(None) => missing(objects, request, &key).await,
            Err(error) => Err(error),
        },
        Target::Nothing => not_found(objects, path).await,
        Target::Malformed => Ok(plain(StatusCode::BAD_REQUEST)),
        Target::TooLong => Ok(plain(StatusCode::URI_TOO_LONG)),
    };
    found.unwrap_or_else(|error| {
        tracing::error!(cause = chain(&*error), "the site cannot be read");
        plain(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

fn target(path: &str) -> Target {
    if path.len() > MAX_PATH {
        return Target::TooLong;
    }
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return Target::Malformed;
    };
    if path.chars().any(char::is_control) {
        return Target::Malformed;
    }
    let Some(path) = path.strip_prefix('/') else {
        return Target::Malformed;
    };
    let directory = path.strip_suffix('/');
    let names = directory.unwrap_or(path);
    let odd = |name: &str| matches!(name, "" | "." | "..") || name.contains('\\');
    if !path.is_empty() && names.split('/').any(odd) {
        return Target::Nothing;
    }
    if path.is_empty() || directory.is_some() {
        Target::Key(format!("{path}index.html"))
    } else {
        Target::Key(path.to_owned())
    }
}

fn found(objects: &Objects, object: Opened, headers: &HeaderMap) -> Response<Body> {
    let head = object.head.clone();
    let etag = format!("\"{}\"", head.etag);
    let unchanged = headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == etag);
    let mut response = if unchanged {
        with_status(StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        part(objects, object, headers)
    };
    if !unchanged && let Some(content_type) = &head.content_type {
        insert(&mut response, CONTENT_TYPE, content_type);
    }
    if let Some(cache_control) = &head.cache_control {
        insert(&mut response, CACHE_CONTROL, cache_control);
    }
    insert(&mut response, ETAG, &etag);
    response
}

/// The object, or the one span of it asked for: some players of sound and video take nothing else.
fn part(objects: &Objects, object: Opened, headers: &HeaderMap) -> Response<Body> {
    let size = object.head.size;
    let range = headers
        .get(RANGE)
        .filter(|_| !headers.contains_key(IF_RANGE))
        .and_then(|value| Range::parse(value.to_str().ok()?).ok());
    let mut response = match range.map(|range| range.check(size)) {
        None => streamed(StatusCode::OK, objects, object, 0..size),
        Some(Err(_)) => {
            let mut response = plain(StatusCode::RANGE_NOT_SATISFIABLE);
            insert(&mut response, CONTENT_RANGE, &format!("bytes */{size}"));
            response
        }
        Some(Ok(span)) => {
            let content_range = format!("bytes {}-{}/{size}", span.start, span.end - 1);
            let mut response = streamed(StatusCode::PARTIAL_CONTENT, objects, object, span);
            insert(&mut response, CONTENT_RANGE, &content_range);
            response
        }
    };
    insert(&mut response, ACCEPT_RANGES, "bytes");
    response
}

fn streamed(
    status: StatusCode,
    objects: &Objects,
    object: Opened,
    span: std::ops::Range<u64>,
) -> Response<Body> {
    let length = span.end - span.start;
    let body = match object.whole(&span) {
        Some(bytes) => Body::from(bytes),
        None => Body::from_stream(objects.stream(object, span)),
    };
    let mut response = with_status(status, body);
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, HeaderValue::from(length));
    response
}

/// The address with a slash, where a directory was asked for without one; else the page for what is not there.
async fn missing(
    objects: &Objects,
    request: &Parts,
    key: &str,
) -> Result<Response<Body>, BoxError> {
    let path = request.uri.path();
    let index = format!("{key}/index.html");
    if path.ends_with('/') || objects.head(SITE_BUCKET, &index).await?.is_none() {
        return not_found(objects, path).await;
    }
    let mut location = format!("{path}/");
    if let Some(query) = request.uri.query() {
        location.push('?');
        location.push_str(query);
    }
    let mut response = plain(StatusCode::PERMANENT_REDIRECT);
    insert(&mut response, LOCATION, &location);
    Ok(response)
}

async fn not_found(objects: &Objects, path: &str) -> Result<Response<Body>, BoxError> {
    let lang = if path.starts_with("/en/") {
        Lang::En
    } else {
        Lang::Vi
    };
    let key = format!("{}/loi/404/index.html", lang.prefix());
    let page = objects
        .get(SITE_BUCKET, key.trim_start_matches('/'))
        .await?;
    let Some(page) = page else {
        return Ok(plain(StatusCode::NOT_FOUND));
    };
    let mut response = with_status(StatusCode::NOT_FOUND, Body::from(page.bytes));
    if let Some(content_type) = &page.head.content_type {
        insert(&mut response, CONTENT_TYPE, content_type);
    }
    insert(&mut response, CACHE_CONTROL, "no-cache");
    Ok(response)
}

/// The status in words.
fn plain(status: StatusCode) -> Response<Body> {
    let mut response = with_status(status, Body::from(format!("{status}\n")));
    insert(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}

fn with_status(status: StatusCode, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

fn insert(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_key_or_nothing() {
        let key = |text: &str| Target::Key(text.to_owned());
        for (path, expected) in [
            ("/", key("index.html")),
            ("/ket-qua/", key("ket-qua/index.html")),
            ("/ket-qua", key("ket-qua")),
            ("/static/site.1a2b.css", key("static/site.1a2b.css")),
            ("/k%E1%BA%BFt", key("kết")),
            ("/../../etc/passwd", Target::Nothing),
            ("/%2e%2e/%2e%2e/etc/passwd", Target::Nothing),
            ("/a/..%2f..%2fb", Target::Nothing),
            ("/a\\..\\b", Target::Nothing),
            ("//evil.example/x", Target::Nothing),
            ("/a//b", Target::Nothing),
            ("/a//", Target::Nothing),
            ("/a%00b", Target::Malformed),
            ("/a%0d%0ab", Target::Malformed),
            ("/%ff", Target::Malformed),
            ("*", Target::Malformed),
        ] {
            assert_eq!(target(path), expected, "{path}");
        }
        assert_eq!(
            target(&format!("/{}", "a".repeat(MAX_PATH))),
            Target::TooLong
        );
    }
}
