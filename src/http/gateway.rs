//! The door of a function behind the HTTP API: events that the library below would panic on get an answer like any other
//! bad request.

use std::convert::Infallible;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use http::header::SET_COOKIE;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Error, LambdaEvent, Request, Response, service_fn};
use serde::Serialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::request::language;
use super::{Problem, ProblemKind};
use crate::config::optional;

/// What the CDN sends the setting `ORIGIN_SECRET` in.
const ORIGIN_SECRET_HEADER: &str = "x-origin-secret";

/// Serves `handler` until the runtime ends.
///
/// Where `ORIGIN_SECRET` is set, whoever does not bring it has gone past the CDN and its web ACL, and is refused.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn run<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Request) -> F,
    F: Future<Output = Response<Body>> + Send,
{
    let secret = optional("ORIGIN_SECRET");
    let through = |event: LambdaEvent<Value>| {
        let passes = passes(secret.as_deref(), &event.payload);
        let answer = passes.then(|| answer(&handler, event));
        async move {
            Ok::<_, Infallible>(match answer {
                Some(answer) => Reply::Handled(answer.await?),
                None => Reply::Refused(json!({ "statusCode": 403, "headers": {}, "body": "" })),
            })
        }
    };
    lambda_runtime::run(service_fn(through)).await
}

#[derive(Serialize)]
#[serde(untagged)]
enum Reply<R> {
    Handled(R),
    Refused(Value),
}

/// Whether an event came through the CDN; always where there is no secret to show.
fn passes(secret: Option<&str>, event: &Value) -> bool {
    let Some(secret) = secret else {
        return true;
    };
    let shown = event["headers"][ORIGIN_SECRET_HEADER].as_str();
    shown.is_some_and(|shown| shown.as_bytes().ct_eq(secret.as_bytes()).into())
}

/// What `handler` answers to an event of API Gateway's payload format 2.0; 400 for a body that is not the base64 it is
/// said to be, an address that is none, or anything else that is no such event.
///
/// # Errors
/// Never.
pub async fn answer<H, F>(
    handler: &H,
    event: LambdaEvent<Value>,
) -> Result<impl Serialize, Infallible>
where
    H: Fn(Request) -> F,
    F: Future<Output = Response<Body>> + Send,
{
    let (payload, refused) = match read(event.payload) {
        Some(payload) => (payload, false),
        None => (blank(), true),
    };
    let request = Request::from(payload);
    let response = if refused {
        let language = language(&request, None);
        Problem::from(ProblemKind::MalformedBody).into_json_response(language)
    } else {
        handler(request).await
    };
    Ok(reply(response))
}

/// The response in payload format 2.0.
///
/// The library would look at each body's type to tell text from bytes, with the tables of every charset there is; here
/// whoever made the body has said which it is.
fn reply(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| Some(cookie.to_str().ok()?.to_owned()));
    let mut reply = ApiGatewayV2httpResponse::default();
    reply.cookies = cookies.collect();
    parts.headers.remove(SET_COOKIE);
    reply.status_code = parts.status.as_u16().into();
    reply.headers = parts.headers;
    reply.is_base64_encoded = matches!(body, Body::Binary(_));
    reply.body = Some(match body {
        Body::Empty => Body::Text(String::new()),
        body => body,
    });
    reply
}

/// The event, if the library can take it without a panic.
///
/// It builds an address out of headers the caller may set; no handler looks at the host, so none is handed over.
fn read(mut event: Value) -> Option<LambdaRequest> {
    if event["isBase64Encoded"] == true
        && let Some(body) = event["body"].as_str()
    {
        BASE64_STANDARD.decode(body).ok()?;
    }
    let path = event["rawPath"].as_str()?;
    let query = event["rawQueryString"].as_str().unwrap_or_default();
    // Path characters may each become three; the library's limit on an address is 64 KB.
    let fits = path.starts_with('/') && path.len() * 3 + query.len() < 60_000;
    if !fits || format!("/?{query}").parse::<Uri>().is_err() {
        return None;
    }
    if let Some(headers) = event["headers"].as_object_mut() {
        headers.retain(|name, _| {
            !["host", "x-forwarded-proto"].contains(&name.to_ascii_lowercase().as_str())
        });
    }
    if let Some(context) = event["requestContext"].as_object_mut() {
        context.remove("domainName");
        // The library would put any other stage before the path.
        context.insert("stage".to_owned(), "$default".into());
    }
    serde_json::from_value(event).ok()
}

/// An event of nobody, for an answer that no handler gives.
fn blank() -> LambdaRequest {
    let event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {},
        "requestContext": { "stage": "$default", "http": { "method": "GET", "path": "/" } },
        "isBase64Encoded": false,
    });
    serde_json::from_value(event).expect("a blank event has the shape of payload format 2.0")
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use proptest::prelude::*;

    use super::*;

    fn post(body: &str, base64: bool, path: &str, query: &str) -> Value {
        json!({
            "version": "2.0", "routeKey": "POST /api/ratings", "rawPath": path, "rawQueryString": query,
            "headers": { "content-type": "application/json", "host": "api.example" }, "body": body, "isBase64Encoded": base64,
            "requestContext": { "stage": "$default", "http": { "method": "POST", "path": path } },
        })
    }

    fn answered(event: Value) -> Value {
        let handler = |request: Request| async move {
            let Body::Text(text) = request.into_body() else {
                return Response::new(Body::Empty);
            };
            Response::new(Body::Text(text))
        };
        let event = LambdaEvent::new(event, Context::default());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let answer = runtime.block_on(answer(&handler, event)).unwrap();
        serde_json::to_value(answer).unwrap()
    }

    #[test]
    fn a_good_event_reaches_the_handler() {
        let answer = answered(post("{}", false, "/api/ratings", "a=1"));

        assert_eq!(
            (&answer["statusCode"], &answer["body"]),
            (&json!(200), &json!("{}"))
        );
    }

    #[test]
    fn who_goes_past_the_cdn_does_not_pass() {
        let through = |headers: Value| json!({ "headers": headers });
        let secret = Some("s3cret");

        assert!(passes(
            secret,
            &through(json!({ "x-origin-secret": "s3cret" }))
        ));
        assert!(passes(None, &through(json!({}))));
        for other in [
            json!({}),
            json!(null),
            json!({ "x-origin-secret": "s3cre" }),
            json!({ "x-origin-secret": "" }),
        ] {
            assert!(!passes(secret, &through(other.clone())), "{other}");
        }
        assert!(!passes(secret, &json!([1])));
    }

    #[test]
    fn an_event_that_is_none_is_a_bad_request() {
        let events = [
            post("no base64!", true, "/api/ratings", ""),
            post("{}", false, "/api/ratings", "a=\u{7f} \""),
            post("{}", false, "api ratings", ""),
            json!({}),
            json!(null),
            json!([1]),
        ];
        for event in events {
            let answer = answered(event.clone());
            assert_eq!(answer["statusCode"], 400, "{event}");
            assert!(
                answer["body"]
                    .as_str()
                    .unwrap()
                    .contains("/problems/malformed-body")
            );
        }
    }

    proptest! {
        #[test]
        fn no_event_makes_it_panic(body in ".*", base64: bool, path in ".*", query in ".*", host in ".*") {
            let mut event = post(&body, base64, &path, &query);
            event["headers"]["host"] = json!(host);
            answered(event);
        }
    }
}
