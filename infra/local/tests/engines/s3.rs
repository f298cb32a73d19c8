use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use local::objects::Objects;
use local::s3::{Credentials, DROP_BUCKET, Endpoint, SITE_BUCKET};

use crate::clients;

struct Running {
    endpoint: Endpoint,
    credentials: Credentials,
    client: Client,
}

async fn start(path: Option<&Path>) -> Running {
    let credentials = Credentials::draw().unwrap();
    let endpoint = Endpoint::start(Objects::open(path).unwrap(), &credentials)
        .await
        .unwrap();
    let client = clients::s3(
        &endpoint.endpoint,
        &credentials.access_key,
        &credentials.secret_key,
    );
    Running {
        endpoint,
        credentials,
        client,
    }
}

async fn put(client: &Client, key: &str, bytes: impl Into<Vec<u8>>) {
    let body = ByteStream::from(bytes.into());
    let put = client.put_object().bucket(SITE_BUCKET).key(key).body(body);
    put.content_type("text/plain").send().await.unwrap();
}

async fn get(client: &Client, key: &str) -> Option<Vec<u8>> {
    match client
        .get_object()
        .bucket(SITE_BUCKET)
        .key(key)
        .send()
        .await
    {
        Ok(object) => Some(object.body.collect().await.unwrap().to_vec()),
        Err(error) => {
            assert_eq!(error.code(), Some("NoSuchKey"));
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_puts_of_a_new_key_wins() {
    let running = start(None).await;

    let puts = (0..32).map(|writer| {
        let put = running.client.put_object().bucket(SITE_BUCKET).key("page");
        let put = put.if_none_match("*").body(ByteStream::from(vec![writer]));
        tokio::spawn(put.send())
    });
    let mut winners = Vec::new();
    for (writer, put) in puts.collect::<Vec<_>>().into_iter().enumerate() {
        match put.await.unwrap() {
            Ok(_) => winners.push(writer),
            Err(error) => assert_eq!(error.code(), Some("PreconditionFailed")),
        }
    }

    assert_eq!(winners.len(), 1);
    let bytes = get(&running.client, "page").await.unwrap();
    assert_eq!(usize::from(bytes[0]), winners[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_replacements_of_a_known_version_wins() {
    let running = start(None).await;
    put(&running.client, "page", "before").await;
    let head = running.client.head_object().bucket(SITE_BUCKET).key("page");
    let etag = head.send().await.unwrap().e_tag.unwrap();

    let puts = (0..32).map(|writer| {
        let put = running.client.put_object().bucket(SITE_BUCKET).key("page");
        let put = put.if_match(&etag).body(ByteStream::from(vec![writer]));
        tokio::spawn(put.send())
    });
    let mut winners = 0;
    for put in puts.collect::<Vec<_>>() {
        winners += usize::from(put.await.unwrap().is_ok());
    }
    let missing = running.client.put_object().bucket(SITE_BUCKET).key("none");
    let missing = missing.if_match(&etag).send().await.unwrap_err();

    assert_eq!(winners, 1);
    assert_eq!(missing.code(), Some("NoSuchKey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_while_it_is_replaced_is_one_version_whole() {
    let directory = tempfile::tempdir().unwrap();
    let running = start(Some(&directory.path().join("objects"))).await;
    put(&running.client, "page", vec![0; 50_000]).await;

    let writer = running.client.clone();
    let writing = tokio::spawn(async move {
        for version in 1..40_u8 {
            put(
                &writer,
                "page",
                vec![version; 50_000 + usize::from(version)],
            )
            .await;
        }
    });
    let mut reads = 0;
    while !writing.is_finished() {
        let bytes = get(&running.client, "page").await.unwrap();
        let version = bytes[0];
        assert!(bytes.iter().all(|byte| *byte == version));
        assert_eq!(bytes.len(), 50_000 + usize::from(version));
        reads += 1;
    }
    writing.await.unwrap();

    assert!(reads > 0);
}

#[tokio::test]
async fn a_key_and_a_key_under_it_are_two_objects() {
    let running = start(None).await;

    put(&running.client, "d", "file").await;
    put(&running.client, "d/f", "below").await;
    put(&running.client, &"long/".repeat(200), "long").await;
    let delete = running.client.delete_object().bucket(SITE_BUCKET);
    delete.key("d").send().await.unwrap();

    assert_eq!(get(&running.client, "d").await, None);
    assert_eq!(get(&running.client, "d/f").await.unwrap(), b"below");
    assert_eq!(
        get(&running.client, &"long/".repeat(200)).await.unwrap(),
        b"long"
    );
}

#[tokio::test]
async fn objects_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("objects");
    let before = start(Some(&path)).await;
    put(&before.client, "ket-qua/index.html", "kết quả").await;
    before.endpoint.stop().await;

    let after = start(Some(&path)).await;

    let bytes = get(&after.client, "ket-qua/index.html").await.unwrap();
    assert_eq!(bytes, "kết quả".as_bytes());
}

#[tokio::test]
async fn a_range_and_a_known_version_are_answered_as_s3_does() {
    let running = start(None).await;
    put(&running.client, "sound", "0123456789").await;
    let ask = || running.client.get_object().bucket(SITE_BUCKET).key("sound");

    let part = ask().range("bytes=2-4").send().await.unwrap();
    let beyond = ask().range("bytes=10-").send().await.unwrap_err();
    let etag = part.e_tag.clone().unwrap();
    let known = ask().if_none_match(etag).send().await.unwrap_err();

    assert_eq!(part.content_range.as_deref(), Some("bytes 2-4/10"));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), b"234");
    assert_eq!(beyond.code(), Some("InvalidRange"));
    assert_eq!(known.raw_response().unwrap().status().as_u16(), 304);
}

#[tokio::test]
async fn a_listing_is_in_order_grouped_and_in_pages() {
    let running = start(None).await;
    for key in ["a/1", "a/2", "b", "c/d/1", "c/d/2", "c/e", "đ"] {
        put(&running.client, key, "").await;
    }
    let list = || running.client.list_objects_v2().bucket(SITE_BUCKET);

    let mut keys = Vec::new();
    let mut pages = list().max_keys(2).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert!(page.contents().len() <= 2);
        keys.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    let mut groups = Vec::new();
    let mut pages = list().delimiter("/").max_keys(1).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        groups.extend(
            page.common_prefixes()
                .iter()
                .map(|group| group.prefix().unwrap().to_owned()),
        );
        groups.extend(
            page.contents()
                .iter()
                .map(|object| object.key().unwrap().to_owned()),
        );
    }
    let below = list().prefix("c/d/").send().await.unwrap();

    assert_eq!(keys, ["a/1", "a/2", "b", "c/d/1", "c/d/2", "c/e", "đ"]);
    assert_eq!(groups, ["a/", "b", "c/", "đ"]);
    assert_eq!(below.contents().len(), 2);
}

#[tokio::test]
async fn strangers_read_the_site_and_nothing_else() {
    let running = start(None).await;
    put(&running.client, "index.html", "home").await;
    let endpoint = &running.endpoint.endpoint;
    let http = reqwest::Client::new();
    let site = format!("{endpoint}/{SITE_BUCKET}");

    let read = http.get(format!("{site}/index.html")).send().await.unwrap();
    let head = http
        .head(format!("{site}/index.html"))
        .send()
        .await
        .unwrap();
    let refused = [
        http.put(format!("{site}/index.html")).body("x"),
        http.delete(format!("{site}/index.html")),
        http.get(format!("{site}?list-type=2")),
        http.get(format!("{endpoint}/")),
        http.get(format!("{endpoint}/{DROP_BUCKET}/dossiers/d.csv")),
        http.put(format!("{endpoint}/{DROP_BUCKET}/dossiers/d.csv"))
            .body("x"),
    ];

    assert_eq!(read.text().await.unwrap(), "home");
    assert_eq!(head.status(), 200);
    for request in refused {
        assert_eq!(request.send().await.unwrap().status(), 403);
    }
    assert_eq!(get(&running.client, "index.html").await.unwrap(), b"home");
}

#[tokio::test]
async fn a_wrong_signature_is_refused() {
    let running = start(None).await;
    let endpoint = &running.endpoint.endpoint;
    let access_key = &running.credentials.access_key;

    for (access_key, code) in [
        (access_key.as_str(), "SignatureDoesNotMatch"),
        ("LOCALNOBODY", "NotSignedUp"),
    ] {
        let client = clients::s3(endpoint, access_key, "guessed");
        let put = client.put_object().bucket(SITE_BUCKET).key("index.html");
        let put = put.body(ByteStream::from_static(b"x")).send().await;
        let get = client.get_object().bucket(SITE_BUCKET).key("index.html");

        assert_eq!(put.unwrap_err().code(), Some(code));
        assert_eq!(get.send().await.unwrap_err().code(), Some(code));
    }
}

#[tokio::test]
async fn unknown_buckets_and_oversized_objects_are_refused() {
    let running = start(None).await;
    let client = &running.client;

    let elsewhere = client
        .put_object()
        .bucket("elsewhere")
        .key("k")
        .send()
        .await;
    let large = vec![0; local::objects::MAX_OBJECT + 1];
    let large = client
        .put_object()
        .bucket(DROP_BUCKET)
        .key("k")
        .body(large.into());
    let large = large.send().await;

    assert_eq!(elsewhere.unwrap_err().code(), Some("NoSuchBucket"));
    assert_eq!(large.unwrap_err().code(), Some("EntityTooLarge"));
}
