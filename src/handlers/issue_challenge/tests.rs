use http::Method;
use lambda_http::{Body, Request, Response};
use proptest::prelude::*;

use super::*;
use crate::challenge::client::Attempt;
use crate::challenge::{Difficulty, Proof, Purpose, Scope};
use crate::keyring::Keyring;

const SCOPE: Scope<'_> = Scope {
    purpose: Purpose::Rate,
    subject: "48-1/an",
    receipt_code: "H17.48-261121-0001",
    receipt_secret: "",
    phone: "",
};

fn now() -> Timestamp {
    "2026-11-21T02:00:00Z".parse().unwrap()
}

fn challenges() -> Challenges {
    let keyring = Keyring::from_hex(&"5a".repeat(32)).unwrap();
    Challenges::new(&keyring, Difficulty::for_tests())
}

async fn get(address: &str) -> Response<Body> {
    send(http::Request::builder().uri(address)).await
}

async fn send(request: http::request::Builder) -> Response<Body> {
    let request: Request = request.body(Body::Empty).unwrap();
    handle(&challenges(), request, now()).await
}

fn header(response: &Response<Body>, name: http::HeaderName) -> &str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

fn json(response: &Response<Body>) -> serde_json::Value {
    serde_json::from_slice(response.body()).unwrap()
}

#[tokio::test]
async fn a_challenge_from_the_address_can_be_solved_and_is_not_stored() {
    let attempt = Attempt::new(&SCOPE);

    let response = get(&format!("/api/challenge?scope={}", attempt.commitment())).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, CONTENT_TYPE), "application/json");
    assert_eq!(header(&response, CACHE_CONTROL), "no-store");
    let solved = attempt
        .solve(std::str::from_utf8(response.body()).unwrap())
        .unwrap();
    let proof = Proof {
        altcha: Some(&solved.altcha),
        salt: Some(&solved.salt),
        ..Proof::default()
    };
    assert!(challenges().check(&proof, &SCOPE, now()).is_ok());
}

#[tokio::test]
async fn a_scope_that_is_no_commitment_is_a_field_error() {
    let attempt = Attempt::new(&SCOPE);
    let twice = format!("scope={0}&scope={0}", attempt.commitment());
    for query in [
        "",
        "?",
        "?scope=",
        "?scope=abc",
        &format!("?{twice}"),
        "?scope=%ff%ff",
    ] {
        let response = get(&format!("/api/challenge{query}")).await;

        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{query}"
        );
        assert_eq!(header(&response, CONTENT_TYPE), "application/problem+json");
        assert_eq!(header(&response, CACHE_CONTROL), "no-store");
        assert_eq!(json(&response)["errors"][0]["field"], "security_code");
        assert_eq!(json(&response)["errors"][0]["code"], "malformed");
    }
}

#[tokio::test]
async fn picture_and_recording_come_as_bytes_from_the_token_alone() {
    let token = challenges().issue_typed(&SCOPE, now()).token;

    let picture = get(&format!("/api/challenge/image?token={token}")).await;
    let recording = get(&format!("/api/challenge/audio?token={token}&lang=en")).await;

    assert_eq!(header(&picture, CONTENT_TYPE), "image/png");
    assert_eq!(header(&picture, CACHE_CONTROL), "no-store");
    assert!(matches!(picture.body(), Body::Binary(png) if png.starts_with(b"\x89PNG\r\n\x1a\n")));
    assert_eq!(header(&recording, CONTENT_TYPE), "audio/wav");
    assert!(matches!(recording.body(), Body::Binary(wav) if wav.starts_with(b"RIFF")));
    assert_eq!(
        recording.body(),
        &Body::Binary(challenges().audio(&token, Lang::En, now()).unwrap())
    );
}

#[tokio::test]
async fn a_recording_is_also_served_in_ranges() {
    let token = challenges().issue_typed(&SCOPE, now()).token;
    let address = format!("/api/challenge/audio?token={token}");
    let whole = get(&address).await;
    let length = whole.body().len();
    assert_eq!(header(&whole, ACCEPT_RANGES), "bytes");

    for (range, from, to) in [
        ("bytes=0-1", 0, 1),
        ("bytes=2-", 2, length - 1),
        ("bytes=-5", length - 5, length - 1),
        ("bytes=9-99999999", 9, length - 1),
    ] {
        let part = send(http::Request::builder().uri(&address).header(RANGE, range)).await;

        assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            header(&part, CONTENT_RANGE),
            format!("bytes {from}-{to}/{length}")
        );
        assert_eq!(&part.body()[..], &whole.body()[from..=to]);
    }
    for ignored in [
        "bytes=1-0",
        "bytes=-0",
        "bytes=0-1,4-5",
        "bytes=99999999-",
        "lines=1-2",
        "bytes=--1",
        "bytes=-",
    ] {
        let response = send(
            http::Request::builder()
                .uri(&address)
                .header(RANGE, ignored),
        )
        .await;
        assert_eq!(response.status(), StatusCode::OK, "{ignored}");
    }
}

#[tokio::test]
async fn tokens_that_are_strange_or_old_are_told_apart() {
    let long_ago = now() - jiff::SignedDuration::from_mins(5);
    let old = challenges().issue_typed(&SCOPE, long_ago).token;
    for kind in ["image", "audio"] {
        let strange = get(&format!("/api/challenge/{kind}?token=abc")).await;
        let none = get(&format!("/api/challenge/{kind}")).await;
        let old = get(&format!("/api/challenge/{kind}?token={old}")).await;

        assert_eq!(strange.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(json(&strange)["errors"][0]["code"], "malformed");
        assert_eq!(json(&none)["errors"][0]["code"], "malformed");
        assert_eq!(json(&old)["errors"][0]["code"], "expired");
    }
}

#[tokio::test]
async fn other_methods_and_addresses_are_refused() {
    for path in [
        "/api/challenge",
        "/api/challenge/image",
        "/api/challenge/audio",
    ] {
        let builder = http::Request::builder().method(Method::POST).uri(path);
        let response = send(builder).await;

        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(header(&response, ALLOW), "GET");
    }
    for path in [
        "/",
        "/api/challenges",
        "/api/challenge/video",
        "/api/challenge/",
    ] {
        assert_eq!(get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

proptest! {
    #[test]
    fn no_query_or_range_makes_it_panic(
        path in prop::sample::select(vec!["/api/challenge", "/api/challenge/image", "/api/challenge/audio"]),
        query in "[ -~]{0,80}",
        range in "(bytes=)?[-0-9,]{0,24}",
    ) {
        let uri = format!("{path}?{query}");
        let Ok(request) = http::Request::builder().uri(uri).header(RANGE, &range).body(Body::Empty) else {
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let response = runtime.block_on(handle(&challenges(), request, now()));
        prop_assert!(response.status().is_client_error() || response.status().is_success());
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, range.parse().unwrap());
        if let Some((from, to)) = byte_range(&headers, 50) {
            prop_assert!(from <= to && to < 50);
        }
    }
}

#[tokio::test]
async fn the_sample_events_are_answered_as_their_names_say() {
    let keyring = Keyring::from_hex(&"0123456789abcdef".repeat(4)).unwrap();
    let challenges = Challenges::new(&keyring, Difficulty::for_tests());
    let events = [
        (
            include_str!("../../../events/issue-challenge.json"),
            StatusCode::OK,
            "application/json",
        ),
        (
            include_str!("../../../events/issue-challenge-image.json"),
            StatusCode::OK,
            "image/png",
        ),
        (
            include_str!("../../../events/issue-challenge-audio.json"),
            StatusCode::PARTIAL_CONTENT,
            "audio/wav",
        ),
        (
            include_str!("../../../events/issue-challenge-without-scope.json"),
            StatusCode::UNPROCESSABLE_ENTITY,
            "application/problem+json",
        ),
    ];

    for (event, status, content_type) in events {
        let request = lambda_http::request::from_str(event).unwrap();
        let response = handle(&challenges, request, now()).await;

        assert_eq!(response.status(), status);
        assert_eq!(header(&response, CONTENT_TYPE), content_type);
    }
}
