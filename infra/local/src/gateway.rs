//! What API Gateway does between a request and a function: routes, limits, the event, and the reply.
//!
//! The event is JSON in payload format 2.0, and goes through [`thuocdo::http::gateway`] as it does in a function, so that
//! a handler meets here exactly what it meets there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use data_encoding::BASE64URL_NOPAD;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST, SET_COOKIE, TE,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::Timestamp;
use lambda_http::{LambdaEvent, Request};
use lambda_runtime::Context;
use serde_json::{Map, Value, json};
use thuocdo::http::gateway;

use crate::BoxFuture;
use crate::error::BoxError;

/// The function a route belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Function {
    /// Takes ratings.
    SubmitRating,
    /// Looks receipts up.
    ValidateReceipt,
    /// Hands out security codes, the typed one's image and sound included.
    IssueChallenge,
    /// Gives published figures as JSON.
    GetStatistics,
}

/// Every route; another method or path is answered 404, as the HTTP API does.
pub const ROUTES: [(&str, Function); 6] = [
    ("POST /api/ratings", Function::SubmitRating),
    ("POST /api/receipts/validate", Function::ValidateReceipt),
    ("GET /api/challenge", Function::IssueChallenge),
    ("GET /api/challenge/image", Function::IssueChallenge),
    ("GET /api/challenge/audio", Function::IssueChallenge),
    ("GET /api/statistics", Function::GetStatistics),
];

/// Answers a request as the handler of a function does.
pub type Handler =
    Arc<dyn Fn(Function, Request) -> BoxFuture<Response<lambda_http::Body>> + Send + Sync>;

/// Largest body API Gateway takes.
const MAX_BODY: usize = 10 * 1024 * 1024;
/// Bytes of a body that are kept. No function reads more than 64 KB: of what is longer it gets so much as to refuse it.
const KEPT_BODY: usize = 64 * 1024;
/// Largest event, and largest reply, of a function.
const MAX_PAYLOAD: usize = 6 * 1024 * 1024;
/// Most bytes of request line and headers together.
const MAX_HEAD: usize = 10_240;
/// How long a function may take.
const INTEGRATION_TIMEOUT: Duration = Duration::from_secs(29);
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The name the functions see as host: behind the CDN it is the API's own, never what a browser sent.
const DOMAIN: &str = "api.localhost";

/// Headers that end at the gateway: about the connection, or set by the gateway itself.
const OWN_HEADERS: [HeaderName; 7] = [
    CONNECTION,
    COOKIE,
    EXPECT,
    HOST,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// The API in front of the functions.
#[derive(Clone)]
pub struct Gateway {
    handler: Handler,
}

/// An answer the gateway gives itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    NotFound,
    BodyTimeout,
    BodyBroken,
    BodyTooLarge,
    EventTooLarge,
    HeadTooLarge,
    FunctionFault,
    FunctionTimeout,
}

impl Refusal {
    fn response(self) -> Response<Body> {
        let (status, message) = match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Self::BodyTimeout => (StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Self::BodyBroken => (StatusCode::BAD_REQUEST, "Bad Request"),
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::EventTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Too Long"),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "Request Header Fields Too Large",
            ),
            Self::FunctionFault => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Self::FunctionTimeout => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let mut response = Response::new(Body::from(json!({ "message": message }).to_string()));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl Gateway {
    /// An API whose functions `handler` answers for.
    #[must_use]
    pub fn new(handler: Handler) -> Self {
        Self { handler }
    }

    /// Answers one request from `peer`.
    pub async fn answer(&self, request: http::Request<Body>, peer: SocketAddr) -> Response<Body> {
        let started = Instant::now();
        let id = request_id();
        let asked = (request.method().as_str(), request.uri().path());
        let route = ROUTES
            .iter()
            .find(|(key, _)| key.split_once(' ') == Some(asked));
        let mut response = match route {
            None => Refusal::NotFound.response(),
            Some((key, function)) => self
                .invoke(request, peer, key, *function, &id)
                .await
                .unwrap_or_else(Refusal::response),
        };
        tracing::info!(
            route = route.map_or("none", |(key, _)| key),
            status = response.status().as_u16(),
            duration_ms = started.elapsed().as_millis(),
            request_id = id,
            "answered"
        );
        if let Ok(id) = HeaderValue::from_str(&id) {
            let name = HeaderName::from_static("apigw-requestid");
            response.headers_mut().insert(name, id);
        }
        response
    }

    async fn invoke(
        &self,
        request: http::Request<Body>,
        peer: SocketAddr,
        route: &str,
        function: Function,
        id: &str,
    ) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        if head_bytes(&parts) > MAX_HEAD {
            return Err(Refusal::HeadTooLarge);
        }
        let body = collect(&parts.headers, body).await?;
        let event = event(&parts, &body.start, peer, route, id);
        // Bytes that are not kept would take a third more as base64.
        if event.to_string().len() + body.left_out / 3 * 4 > MAX_PAYLOAD {
            return Err(Refusal::EventTooLarge);
        }
        // In a task of its own, so that a panic ends this invocation only, as the Lambda runtime has it.
        let run = tokio::spawn(run(
            Arc::clone(&self.handler),
            function,
            event,
            id.to_owned(),
        ));
        let reply = match tokio::time::timeout(INTEGRATION_TIMEOUT, run).await {
            Ok(Ok(Ok(reply))) => reply,
            Ok(Ok(Err(error))) => {
                tracing::error!(cause = crate::error::chain(&*error), "a function failed");
                return Err(Refusal::FunctionFault);
            }
            Ok(Err(_)) => {
                tracing::error!(?function, "a function panicked");
                return Err(Refusal::FunctionFault);
            }
            Err(_) => return Err(Refusal::FunctionTimeout),
        };
        if reply.to_string().len() > MAX_PAYLOAD {
            tracing::error!(?function, "a function's reply is too large");
            return Err(Refusal::FunctionFault);
        }
        response(&reply).ok_or(Refusal::FunctionFault)
    }
}

/// What a function does with an event, without the Runtime API around it.
async fn run(
    handler: Handler,
    function: Function,
    event: Value,
    id: String,
) -> Result<Value, BoxError> {
    let mut context = Context::default();
    context.request_id = id;
    let handler = |request: Request| handler(function, request);
    let reply = gateway::answer(&handler, LambdaEvent::new(event, context)).await?;
    Ok(serde_json::to_value(reply)?)
}

/// A random name. A counter would show a stranger when other people send something.
fn request_id() -> String {
    let mut bytes = [0; 12];
    // Without randomness the name is no longer unique, which only the log would mind.
    let _ = getrandom::fill(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}

/// The event of payload format 2.0.
fn event(parts: &Parts, body: &Bytes, peer: SocketAddr, route: &str, id: &str) -> Value {
    let now = Timestamp::now();
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    let mut parameters = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        parameters.entry(name).or_default().push(value);
    }
    let parameters: Map<_, _> = parameters
        .into_iter()
        .map(|(name, values)| (name.into_owned(), Value::from(values.join(","))))
        .collect();
    let cookies: Vec<_> = texts(&parts.headers, &COOKIE)
        .flat_map(|line| line.split("; "))
        .collect();
    let mut event = json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers(&parts.headers, peer),
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": DOMAIN,
            "domainPrefix": "api",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": peer.ip().to_string(),
                "userAgent": texts(&parts.headers, &USER_AGENT).next().unwrap_or_default(),
            },
            "requestId": id,
            "routeKey": route,
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.as_millisecond(),
        },
        "isBase64Encoded": false,
    });
    if !parameters.is_empty() {
        event["queryStringParameters"] = Value::Object(parameters);
    }
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    if !body.is_empty() {
        match std::str::from_utf8(body) {
            Ok(text) if is_text(&parts.headers) => event["body"] = text.into(),
            _ => {
                event["body"] = BASE64_STANDARD.encode(body).into();
                event["isBase64Encoded"] = true.into();
            }
        }
    }
    event
}

/// Headers as the event has them: names in lower case, repeated ones joined by commas, cookies apart.
///
/// Values that are not ASCII are left out: the Lambda runtime refuses a whole event for one of them.
fn headers(sent: &HeaderMap, peer: SocketAddr) -> Map<String, Value> {
    let mut headers = Map::new();
    for name in sent.keys() {
        if OWN_HEADERS.contains(name) || name.as_str().starts_with("x-forwarded-") {
            continue;
        }
        let values: Vec<_> = texts(sent, name).collect();
        if !values.is_empty() {
            headers.insert(name.to_string(), values.join(",").into());
        }
    }
    headers.insert("host".to_owned(), DOMAIN.into());
    headers.insert("x-forwarded-for".to_owned(), peer.ip().to_string().into());
    headers.insert("x-forwarded-port".to_owned(), "443".into());
    headers.insert("x-forwarded-proto".to_owned(), "https".into());
    headers
}

fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    values.filter_map(|value| value.to_str().ok())
}

/// Whether API Gateway passes a body of this content type as text; native forms are not among them.
fn is_text(headers: &HeaderMap) -> bool {
    let content_type = texts(headers, &CONTENT_TYPE).next().unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let media_type = media_type.to_ascii_lowercase();
    media_type.starts_with("text/")
        || matches!(
            media_type.as_str(),
            "application/json" | "application/javascript" | "application/xml"
        )
}

fn head_bytes(parts: &Parts) -> usize {
    let line = parts.method.as_str().len() + parts.uri.to_string().len();
    let headers = parts.headers.iter();
    line + headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum::<usize>()
}

/// A body, or the start of it.
struct Collected {
    start: Bytes,
    /// Bytes that came after the start and were not kept.
    left_out: usize,
}

async fn collect(headers: &HeaderMap, body: Body) -> Result<Collected, Refusal> {
    let length = texts(headers, &CONTENT_LENGTH).next();
    if length.is_some_and(|text| text.parse().is_ok_and(|length: usize| length > MAX_BODY)) {
        return Err(Refusal::BodyTooLarge);
    }
    match tokio::time::timeout(BODY_TIMEOUT, read(body)).await {
        Ok(collected) => collected,
        Err(_) => Err(Refusal::BodyTimeout),
    }
}

async fn read(mut body: Body) -> Result<Collected, Refusal> {
    let (mut start, mut left_out) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyBroken)?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        let kept = bytes.len().min(KEPT_BODY - start.len());
        start.extend_from_slice(&bytes[..kept]);
        left_out += bytes.len() - kept;
        if start.len() + left_out > MAX_BODY {
            return Err(Refusal::BodyTooLarge);
        }
    }
    Ok(Collected {
        start: start.freeze(),
        left_out,
    })
}

/// The answer a function's reply asks for; `None` when the reply is malformed.
fn response(reply: &Value) -> Option<Response<Body>> {
    let status = u16::try_from(reply["statusCode"].as_u64()?).ok()?;
    let body = reply["body"].as_str().unwrap_or_default();
    let bytes = if reply["isBase64Encoded"].as_bool() == Some(true) {
        BASE64_STANDARD.decode(body).ok()?
    } else {
        body.as_bytes().to_vec()
    };
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain;charset=utf-8"),
    );
    for (name, value) in reply["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if matches!(name, CONNECTION | CONTENT_LENGTH | TRANSFER_ENCODING) {
            continue;
        }
        headers.insert(name, HeaderValue::from_str(value.as_str()?).ok()?);
    }
    for cookie in reply["cookies"].as_array().into_iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_str(cookie.as_str()?).ok()?);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use lambda_http::{Body as LambdaBody, RequestExt};

    use super::*;

    /// A gateway whose every function tells what it was given.
    fn telling() -> Gateway {
        Gateway::new(Arc::new(|function, request| {
            Box::pin(async move {
                let (kind, bytes) = match request.body() {
                    LambdaBody::Empty => ("empty", Vec::new()),
                    LambdaBody::Text(text) => ("text", text.clone().into_bytes()),
                    LambdaBody::Binary(bytes) => ("binary", bytes.clone()),
                    _ => ("other", Vec::new()),
                };
                let headers: BTreeMap<_, _> = request
                    .headers()
                    .iter()
                    .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                    .collect();
                let told = json!({
                    "function": format!("{function:?}"),
                    "uri": request.uri().to_string(),
                    "scope": request.query_string_parameters().all("scope"),
                    "headers": headers,
                    "kind": kind,
                    "body": String::from_utf8_lossy(&bytes),
                });
                Response::builder()
                    .header("set-cookie", "a=1")
                    .header("set-cookie", "b=2")
                    .header("content-type", "application/json")
                    .body(LambdaBody::Text(told.to_string()))
                    .unwrap()
            })
        }))
    }

    async fn ask(gateway: &Gateway, request: http::Request<Body>) -> (Response<()>, Vec<u8>) {
        let peer = SocketAddr::from(([192, 0, 2, 1], 4711));
        let (parts, body) = gateway.answer(request, peer).await.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), bytes.to_vec())
    }

    async fn told(request: http::Request<Body>) -> Value {
        let (_, body) = ask(&telling(), request).await;
        serde_json::from_slice(&body).unwrap()
    }

    #[tokio::test]
    async fn a_native_form_arrives_as_bytes_and_json_as_text() {
        let post = |content_type: &str| {
            http::Request::post("/api/ratings")
                .header("content-type", content_type)
                .body(Body::from("subject=48-1"))
                .unwrap()
        };

        let form = told(post("application/x-www-form-urlencoded")).await;
        let json = told(post("application/json; charset=utf-8")).await;

        assert_eq!(form["kind"], "binary");
        assert_eq!(form["body"], "subject=48-1");
        assert_eq!(json["kind"], "text");
        assert_eq!(json["function"], "SubmitRating");
    }

    #[tokio::test]
    async fn headers_and_queries_arrive_joined_and_cookies_together() {
        let request = http::Request::get("/api/challenge?scope=a&scope=b%20c")
            .header("Accept-Language", "vi")
            .header("Accept-Language", "en")
            .header("Cookie", "x=1; y=2")
            .header("X-Forwarded-Proto", "not a scheme")
            .header("Host", "weird host")
            .body(Body::empty())
            .unwrap();

        let told = told(request).await;

        assert_eq!(told["headers"]["accept-language"], "vi,en");
        assert_eq!(told["headers"]["cookie"], "x=1; y=2");
        assert_eq!(told["headers"]["host"], Value::Null);
        assert_eq!(told["headers"]["x-forwarded-for"], "192.0.2.1");
        assert_eq!(told["scope"], json!(["a", "b c"]));
        assert_eq!(told["kind"], "empty");
    }

    #[tokio::test]
    async fn every_cookie_of_a_reply_is_set() {
        let request = http::Request::get("/api/statistics")
            .body(Body::empty())
            .unwrap();

        let (response, _) = ask(&telling(), request).await;

        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[tokio::test]
    async fn what_no_route_names_is_not_found() {
        for (method, path) in [
            ("GET", "/api/ratings"),
            ("HEAD", "/api/statistics"),
            ("POST", "/api/ratings/"),
            ("GET", "/api/%00"),
            ("GET", "/api/challenge/../statistics"),
        ] {
            let request = http::Request::builder().method(method).uri(path);

            let (response, _) = ask(&telling(), request.body(Body::empty()).unwrap()).await;

            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{method} {path}");
        }
    }

    #[tokio::test]
    async fn a_request_is_named_without_a_counter() {
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..8 {
            let get = http::Request::get("/api/statistics");
            let (response, _) = ask(&telling(), get.body(Body::empty()).unwrap()).await;
            let name = response.headers()["apigw-requestid"].to_str().unwrap();
            assert_eq!(name.len(), 16, "{name}");
            names.insert(name.split_at(3).0.to_owned());
        }
        // Eight names with the same three characters in front: one in 64 to the 21st.
        assert!(names.len() > 1, "{names:?}");
    }

    #[tokio::test]
    async fn of_a_long_body_a_function_gets_what_it_needs_to_refuse_it() {
        let post = |bytes: usize| {
            http::Request::post("/api/ratings")
                .header("content-type", "application/json")
                .body(Body::from("a".repeat(bytes)))
                .unwrap()
        };

        let whole = told(post(KEPT_BODY)).await;
        let cut = told(post(KEPT_BODY + 1)).await;

        for told in [whole, cut] {
            assert_eq!(told["body"].as_str().unwrap().len(), KEPT_BODY);
        }
        const { assert!(KEPT_BODY > thuocdo::http::request::MAX_BODY) };
    }

    #[tokio::test]
    async fn what_is_too_large_never_reaches_the_function() {
        let post = |bytes: usize| {
            http::Request::post("/api/ratings")
                .header("content-type", "application/octet-stream")
                .body(Body::from("a".repeat(bytes)))
                .unwrap()
        };
        let long_head = http::Request::get("/api/statistics")
            .header("x-long", "a".repeat(MAX_HEAD))
            .body(Body::empty())
            .unwrap();

        for (request, status) in [
            (post(MAX_BODY + 1), StatusCode::PAYLOAD_TOO_LARGE),
            (post(5 * 1024 * 1024), StatusCode::PAYLOAD_TOO_LARGE),
            (long_head, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
            (post(4 * 1024 * 1024), StatusCode::OK),
        ] {
            let (response, _) = ask(&telling(), request).await;

            assert_eq!(response.status(), status);
        }
    }

    #[tokio::test]
    async fn a_panic_or_an_oversized_reply_ends_one_invocation_only() {
        let gateway = Gateway::new(Arc::new(|function, _| {
            Box::pin(async move {
                assert_ne!(function, Function::GetStatistics, "on purpose");
                Response::new(LambdaBody::Text("a".repeat(MAX_PAYLOAD)))
            })
        }));
        let get = |path: &str| http::Request::get(path).body(Body::empty()).unwrap();

        for path in ["/api/statistics", "/api/challenge"] {
            let (response, body) = ask(&gateway, get(path)).await;

            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(body, br#"{"message":"Internal Server Error"}"#);
        }
    }

    #[tokio::test]
    async fn odd_bytes_in_headers_and_queries_do_not_break_the_event() {
        for query in [
            "",
            "%",
            "%zz",
            "%ff%fe",
            "a=b&&=&a",
            "scope=%00",
            "\u{7f}",
            "é=ü",
            "[]{}|^`\\",
        ] {
            let Ok(uri) = format!("/api/challenge?{query}").parse::<http::Uri>() else {
                continue;
            };
            let request = http::Request::get(uri)
                .header(
                    "user-agent",
                    HeaderValue::from_bytes(b"\xc3\xa9\xff").unwrap(),
                )
                .header("x-odd", HeaderValue::from_bytes(b"\xe1\xba\xbf").unwrap());

            let (response, _) = ask(&telling(), request.body(Body::empty()).unwrap()).await;

            assert_eq!(response.status(), StatusCode::OK, "{query}");
        }
    }
}
