//! The CDN's function on addresses, run in Node as it is deployed, over everything that is published.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use thuocdo::site::package::SUMS_PATH;

use crate::fixture::UNIT;
use crate::support::{Office, satisfied};
use crate::template::repository;

/// What the CDN does with each address: `key KEY` or `redirect ADDRESS`.
fn led(addresses: &[String]) -> BTreeMap<String, String> {
    let mut node = Command::new("node")
        .arg(repository("tests/js/site-index.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("node: {error}; run `make tools`"));
    let mut input = node.stdin.take().unwrap();
    let text = addresses.join("\n");
    // Written beside the reading: both pipes are shorter than all addresses.
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = node.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).unwrap();
    assert_eq!(answers.lines().count(), addresses.len());
    let answers = answers.lines().map(str::to_owned);
    addresses.iter().cloned().zip(answers).collect()
}

/// Keys of every published object: those whose digests are published, and the file that lists them.
async fn published(office: &Office) -> Vec<String> {
    let sums = office.get(SUMS_PATH).await;
    assert_eq!(sums.status, 200);
    let listed = sums
        .body
        .lines()
        .map(|line| line.split_once("  ").unwrap().1.to_owned());
    let sums_key = SUMS_PATH.trim_start_matches('/').to_owned();
    listed.chain([sums_key]).collect()
}

#[tokio::test]
async fn every_published_object_has_an_address_that_the_cdn_leads_to_it() {
    let office = Office::open().await;
    for _ in 0..2 {
        let slip = office.slip().await;
        assert_eq!(office.rate(&satisfied(UNIT, &slip)).await.status, 201);
    }
    office.stack.settle().await;
    let keys = published(&office).await;

    let address = |key: &String| match key.strip_suffix("index.html") {
        Some(folder) => format!("/{folder}"),
        None => format!("/{key}"),
    };
    let addresses: Vec<String> = keys.iter().map(address).collect();
    let answers = led(&addresses);

    assert!(keys.len() > 100, "{}", keys.len());
    for (key, address) in keys.iter().zip(&addresses) {
        assert_eq!(answers[address], format!("key {key}"), "{address}");
    }

    let folders = keys
        .iter()
        .filter_map(|key| key.strip_suffix("/index.html"));
    let bare: Vec<String> = folders.map(|folder| format!("/{folder}")).collect();
    assert!(!bare.is_empty());
    for (address, answer) in led(&bare) {
        assert_eq!(answer, format!("redirect {address}/"), "without its slash");
    }
}
