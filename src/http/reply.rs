//! Answers as API Gateway takes them.

use http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use serde::Serialize;

use crate::domain::lang::Lang;
use crate::http::{Problem, ProblemKind};

/// A page, never kept by anyone.
pub(crate) fn page(status: StatusCode, html: String, lang: Lang) -> Response<Body> {
    answer(status, "text/html; charset=utf-8", html, lang)
}

/// A JSON document, never kept by anyone.
pub(crate) fn json(status: StatusCode, body: &impl Serialize, lang: Lang) -> Response<Body> {
    let text = serde_json::to_string(body).expect("an answer holds only texts, numbers and lists");
    answer(status, "application/json", text, lang)
}

/// 405 with the methods the address takes.
pub(crate) fn method_not_allowed(allow: &'static str, lang: Lang) -> Response<Body> {
    let mut response = Problem::from(ProblemKind::MethodNotAllowed).into_json_response(lang);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(allow));
    response
}

fn answer(
    status: StatusCode,
    content_type: &'static str,
    text: String,
    lang: Lang,
) -> Response<Body> {
    let mut response = Response::new(Body::Text(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CONTENT_LANGUAGE,
        HeaderValue::from_static(lang.code()),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
