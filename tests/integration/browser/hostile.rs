//! A page of a stranger, opened in a browser of the machine that runs everything: it must not reach the tables.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Html;
use axum::routing::get;
use local::dynamo::RATINGS_TABLE;
use serde_json::json;

use super::{Size, visit};
use crate::trial::Trial;

/// Tries everything a page can on the tables' port and, last, on the public one, and says what came of it.
///
/// The signature is made up: when the embedded engine answered the port itself, any would do.
const PAGE: &str = r#"<!doctype html><html lang="en"><head><title>Evil</title></head><body><main><h1>Evil</h1>
<p></p></main><script>
const tables = "TABLES", site = "SITE", table = "TABLE";
const forged = "AWS4-HMAC-SHA256 Credential=x/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=00";
let read = 0, opaque = 0, failed = 0;
async function attempt(url, options) {
    try {
        const answer = await fetch(url, options);
        if (answer.type === "opaque") { opaque += 1; return null; }
        read += 1;
        return await answer.json();
    } catch { failed += 1; return null; }
}
const call = (operation, body, headers) => attempt(tables, {
    method: "POST", body: JSON.stringify(body),
    headers: { "x-amz-target": `DynamoDB_20120810.${operation}`, "content-type": "application/x-amz-json-1.0", ...headers },
});
(async () => {
    for (const headers of [{ authorization: forged, "x-amz-date": "20260101T000000Z" }, {}]) {
        const found = await call("Scan", { TableName: table }, headers);
        for (const item of found?.Items ?? []) {
            await call("DeleteItem", { TableName: table, Key: { PK: item.PK, SK: item.SK } }, headers);
        }
        await call("DeleteItem", { TableName: table, Key: KEY }, headers);
    }
    for (const type of ["text/plain", "application/x-www-form-urlencoded"]) {
        const body = JSON.stringify({ TableName: table, Key: KEY });
        await attempt(tables, { method: "POST", mode: "no-cors", headers: { "content-type": type }, body });
        await attempt(`${tables}/?Action=DeleteItem`, { method: "POST", mode: "no-cors", headers: { "content-type": type }, body });
    }
    await attempt(tables, { mode: "no-cors" });
    await attempt(`${site}/api/statistics`, {});
    document.querySelector("p").append(`read ${read}, opaque ${opaque}, failed ${failed}`);
})();
</script></body></html>"#;

#[tokio::test]
async fn a_page_of_a_stranger_reads_and_deletes_nothing() {
    let (trial, environment) = Trial::with_engines_for_others().await;
    let key = json!({ "PK": { "S": "U#phuong-hai-chau#202611" }, "SK": { "S": "R#victim" } });
    let text = |name: &str| key[name]["S"].as_str().unwrap().to_owned();
    let item = |name: &str| aws_sdk_dynamodb::types::AttributeValue::S(text(name));
    trial
        .stack
        .dynamodb
        .put_item()
        .table_name(RATINGS_TABLE)
        .item("PK", item("PK"))
        .item("SK", item("SK"))
        .send()
        .await
        .unwrap();
    let items = async || {
        let scan = trial.stack.dynamodb.scan().table_name(RATINGS_TABLE);
        scan.send().await.unwrap().count()
    };
    let before = items().await;
    // The engine is held to it where it is open widest: with a port.
    let page = PAGE
        .replace("TABLES", &environment["AWS_ENDPOINT_URL_DYNAMODB"])
        .replace("TABLE\"", &format!("{RATINGS_TABLE}\""))
        .replace("SITE", trial.address())
        .replace("KEY", &key.to_string());
    let router = Router::new()
        .route("/", get(move || async move { Html(page) }))
        .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    visit("hostile", &site, Size::Desktop, async move |browser| {
        browser.open("/").await;
        browser.see("read 0, opaque 5, failed 5").await;
        // The browser complains about each request it did not let the page read.
        assert!(!browser.complaints().await.is_empty());
    })
    .await;

    assert!(before > 0);
    assert_eq!(items().await, before);
    trial.stack.stop().await;
}
