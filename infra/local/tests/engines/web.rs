use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use local::{Options, Stack};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

const PAGE: &str = "text/html; charset=utf-8";

async fn start() -> Stack {
    let stack = Stack::start(Options::default()).await.unwrap();
    let long = format!("<p>{}</p>", "Hài lòng. ".repeat(200));
    for (key, text) in [
        ("index.html", "home"),
        ("ket-qua/index.html", long.as_str()),
        ("loi/404/index.html", "không có"),
        ("en/loi/404/index.html", "not there"),
    ] {
        let put = stack.site.put(key, PAGE, "public, max-age=60", text.into());
        put.await.unwrap();
    }
    let sound = stack
        .site
        .put("static/a.wav", "audio/wav", "public", b"0123456789".into());
    sound.await.unwrap();
    stack
}

fn browser() -> Client {
    let client = Client::builder()
        .redirect(Policy::none())
        .no_brotli()
        .no_gzip();
    client.build().unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

/// The status line a raw request is answered with.
fn raw(stack: &Stack, request: &[u8]) -> String {
    let address = stack.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.write_all(request).unwrap();
    let mut answer = [0; 64];
    let read = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]);
    answer.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_found_with_a_slash_and_sent_there_without() {
    let stack = start().await;
    let get = |path: &str| browser().get(format!("{}{path}", stack.address)).send();

    let home = get("/").await.unwrap();
    let page = get("/ket-qua/").await.unwrap();
    let bare = get("/ket-qua?lang=vi").await.unwrap();

    assert_eq!(header(&home, "content-type"), PAGE);
    assert_eq!(header(&home, "cache-control"), "public, max-age=60");
    assert_eq!(home.text().await.unwrap(), "home");
    assert_eq!(page.status(), 200);
    assert_eq!(bare.status(), 308);
    assert_eq!(header(&bare, "location"), "/ket-qua/?lang=vi");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_in_the_language_of_its_tree() {
    let stack = start().await;
    let get = |path: &str| browser().get(format!("{}{path}", stack.address)).send();

    for (path, text) in [
        ("/none", "không có"),
        ("/none/", "không có"),
        ("/en/none/", "not there"),
        ("/api", "không có"),
        ("/a//b", "không có"),
    ] {
        let response = get(path).await.unwrap();
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(header(&response, "content-type"), PAGE);
        assert_eq!(response.text().await.unwrap(), text, "{path}");
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_headers_of_the_cdn() {
    let stack = start().await;

    for path in ["/", "/none", "/ket-qua", "/api/none", "/a%00b"] {
        let response = browser()
            .get(format!("{}{path}", stack.address))
            .send()
            .await
            .unwrap();
        assert_eq!(
            header(&response, "content-security-policy"),
            local::headers::CONTENT_SECURITY
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            (
                "permissions-policy",
                "camera=(), geolocation=(), microphone=()",
            ),
        ] {
            assert_eq!(header(&response, name), value, "{path}");
        }
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_known_version_is_not_sent_again() {
    let stack = start().await;
    let address = format!("{}/", stack.address);
    let first = browser().get(&address).send().await.unwrap();
    let etag = header(&first, "etag").to_owned();

    for (tags, status) in [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"other\", {etag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
    ] {
        let request = browser().get(&address).header("if-none-match", &tags);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{tags}");
        assert_eq!(header(&response, "etag"), etag);
    }
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_is_compressed_as_the_browser_likes() {
    let stack = start().await;
    let address = format!("{}/ket-qua/", stack.address);
    let plain = browser().get(&address).send().await.unwrap();
    let etag = header(&plain, "etag").to_owned();
    let plain = plain.text().await.unwrap();

    for (accept, encoding) in [("br, gzip", "br"), ("gzip", "gzip"), ("identity", "")] {
        let request = browser().get(&address).header("accept-encoding", accept);
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "content-encoding"), encoding);
        let weak = if encoding.is_empty() { "" } else { "W/" };
        assert_eq!(header(&response, "etag"), format!("{weak}{etag}"));
        let sent = response.bytes().await.unwrap();
        assert_eq!(sent.len() < plain.len(), !encoding.is_empty());
    }
    let decoded = Client::new().get(&address).send().await.unwrap();
    assert_eq!(decoded.text().await.unwrap(), plain);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_ranges_and_other_methods_are_answered() {
    let stack = start().await;
    let sound = format!("{}/static/a.wav", stack.address);

    let head = browser().head(&sound).send().await.unwrap();
    let part = browser()
        .get(&sound)
        .header("range", "bytes=2-")
        .send()
        .await
        .unwrap();
    let beyond = browser()
        .get(&sound)
        .header("range", "bytes=10-")
        .send()
        .await
        .unwrap();
    let post = browser().post(&sound).body("x").send().await.unwrap();

    assert_eq!(head.status(), 200);
    assert_eq!(header(&head, "content-length"), "10");
    assert_eq!(header(&head, "accept-ranges"), "bytes");
    assert_eq!(part.status(), 206);
    assert_eq!(header(&part, "content-range"), "bytes 2-9/10");
    assert_eq!(part.text().await.unwrap(), "23456789");
    assert_eq!(beyond.status(), 416);
    assert_eq!(header(&beyond, "content-range"), "bytes */10");
    assert_eq!(post.status(), 405);
    assert_eq!(header(&post, "allow"), "GET, HEAD");
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_gets_out_of_the_bucket_or_brings_the_server_down() {
    let stack = start().await;
    let long = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(4_000));
    let huge = format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(100_000));
    let heads = format!("GET / HTTP/1.1\r\n{}\r\n", "x-a: b\r\n".repeat(1_000));

    for (request, status) in [
        (
            &b"GET /../../etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n"[..],
            "404",
        ),
        (
            b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n",
            "404",
        ),
        (b"GET /..%5c..%5cx HTTP/1.1\r\nhost: a\r\n\r\n", "404"),
        (b"GET //evil.example/ HTTP/1.1\r\nhost: a\r\n\r\n", "404"),
        (b"GET /a%00b HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
        (b"GET /%ff HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
        (b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
        (b"GET http://elsewhere/ HTTP/1.1\r\nhost: a\r\n\r\n", "200"),
        (b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "405"),
        (
            b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n",
            "400",
        ),
        (long.as_bytes(), "414"),
        (heads.as_bytes(), "431"),
    ] {
        let line = raw(&stack, request);
        assert!(
            line.starts_with(&format!("HTTP/1.1 {status}")),
            "{line} for {request:?}"
        );
    }
    let line = raw(&stack, huge.as_bytes());
    assert!(line.contains(" 414 ") || line.contains(" 431 "), "{line}");
    let home = browser().get(&stack.address).send().await.unwrap();
    assert_eq!(home.status(), 200);
    stack.stop().await;
}
