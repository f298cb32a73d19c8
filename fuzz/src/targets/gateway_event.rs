//! Any JSON as an API Gateway event: a documented answer below 500.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::LambdaEvent;
use lambda_runtime::Context;
use serde_json::Value;
use thuocdo::handlers::{get_statistics, issue_challenge, submit_rating, validate_receipt};
use thuocdo::http::gateway;

use crate::world::{World, now};
use crate::{documented, html};

pub(crate) fn run(input: &[u8]) {
    if let Ok(event) = serde_json::from_slice(input) {
        World::with(|world| answer(world, &event));
    }
}

/// The answer to `event` of the function its address belongs to, checked; of every function where it is of none.
pub(crate) fn answer(world: &World, event: &Value) -> Vec<Value> {
    let path = event["rawPath"].as_str().unwrap_or_default();
    let of = |function: &str| {
        path == function
            || path
                .strip_prefix(function)
                .is_some_and(|rest| rest.starts_with('/'))
    };
    let (rate, validate, challenge, statistics) = (
        of("/api/ratings"),
        of("/api/receipts"),
        of("/api/challenge"),
        of("/api/statistics"),
    );
    let nobodys = !(rate || validate || challenge || statistics);
    let mut replies = Vec::new();
    macro_rules! ask {
        ($chosen:expr, $handler:expr) => {
            if $chosen || nobodys {
                let event = LambdaEvent::new(event.clone(), Context::default());
                let handler = $handler;
                let Ok(reply) = world.block_on(gateway::answer(&handler, event));
                let reply = serde_json::to_value(reply).expect("a reply is JSON");
                check(path, &reply);
                replies.push(reply);
            }
        };
    }
    ask!(rate, |request| submit_rating::handle(
        &world.intake,
        request,
        now()
    ));
    ask!(validate, |request| validate_receipt::handle(
        &world.intake,
        request,
        now()
    ));
    ask!(challenge, |request| issue_challenge::handle(
        &world.intake.challenges,
        request,
        now()
    ));
    ask!(statistics, |request| get_statistics::handle(
        &world.site,
        request
    ));
    replies
}

fn check(path: &str, reply: &Value) {
    let status = reply["statusCode"].as_u64().expect("a reply has a status");
    assert!(status < 500, "{status} at {path}: {reply}");
    // A function is only asked for its own addresses; at another it answers as if it were there.
    let known = [
        "/api/ratings",
        "/api/receipts/validate",
        "/api/challenge",
        "/api/challenge/image",
        "/api/challenge/audio",
        "/api/statistics",
    ];
    if known.contains(&path) {
        assert!(
            documented::allows(path, status),
            "{status} at {path} is not documented: {reply}"
        );
    }
    let headers = [&reply["headers"], &reply["multiValueHeaders"]];
    let content_type = headers.iter().find_map(|headers| {
        headers["content-type"]
            .as_str()
            .or(headers["content-type"][0].as_str())
    });
    let body = reply["body"].as_str().unwrap_or_default();
    let body = match reply["isBase64Encoded"] == true {
        true => BASE64_STANDARD
            .decode(body)
            .expect("a binary body is base64"),
        false => body.as_bytes().to_vec(),
    };
    match content_type {
        Some("application/json" | "application/problem+json") => {
            // To HEAD there is no body.
            let read = serde_json::from_slice::<Value>(&body);
            assert!(
                body.is_empty() || read.is_ok(),
                "no JSON at {path}: {reply}"
            );
            if let (Ok(problem), true) = (read, content_type == Some("application/problem+json")) {
                assert_eq!(problem["status"], status, "{reply}");
            }
        }
        Some("text/html; charset=utf-8") => {
            html::check(std::str::from_utf8(&body).expect("a page is UTF-8"))
        }
        Some("image/png" | "audio/wav") => {}
        None => assert!(body.is_empty(), "a body of no type at {path}: {reply}"),
        Some(other) => panic!("{other} at {path}"),
    }
}
