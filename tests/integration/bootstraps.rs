//! The functions' binaries as Lambda runs them, on the embedded engines.
//!
//! `BOOTSTRAPS` names the folder of `sam build`, `cargo lambda build` or `cargo build` to take them from, `WRAPPER` a
//! command to run them under, and `FUNCTIONS` those to run; without, they are all the unoptimised ones beside this test.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use invoke::{Bootstrap, InvokeError, Options};
use serde_json::{Value, json};

use crate::events::expected_status;
use crate::template;
use crate::trial::Trial;

/// The executable of a function.
fn executable(function: &str) -> PathBuf {
    let Some(folder) = std::env::var_os("BOOTSTRAPS") else {
        let one = Path::new(env!("CARGO_BIN_EXE_submit-rating"));
        return one.with_file_name(function);
    };
    let folder = Path::new(&folder);
    let of_sam = folder.join(template::logical_name(function));
    let of_cargo = folder.join(function);
    let paths = [
        of_sam.join("bootstrap"),
        of_cargo.join("bootstrap"),
        of_cargo,
    ];
    let found = paths.into_iter().find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("{function} is not built in {}", folder.display()))
}

fn options(function: &str) -> Options {
    let wrapper = std::env::var("WRAPPER").unwrap_or_default();
    Options {
        wrapper: wrapper.split_whitespace().map(OsString::from).collect(),
        // More than what reconcile-tallies wants to have left.
        timeout: Duration::from_secs(120),
        ..Options::new(executable(function))
    }
}

/// A function with no tables, bucket or key behind it.
async fn alone(function: &str) -> Result<Bootstrap, InvokeError> {
    Bootstrap::start(options(function)).await
}

/// A function that reaches the trial's engines as an operator's cluster would be reached: through `AWS_ENDPOINT_URL_*`.
pub(crate) async fn start(function: &str, environment: &BTreeMap<String, String>) -> Bootstrap {
    let options = Options {
        environment: environment.clone(),
        ..options(function)
    };
    Bootstrap::start(options)
        .await
        .unwrap_or_else(|error| panic!("{function}: {error}"))
}

/// The sample events by function.
fn events() -> BTreeMap<String, Vec<(String, String)>> {
    let names = template::function_names();
    let mut events: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("events");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let function = template::function_of(&name, &names).unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        events.entry(function).or_default().push((name, text));
    }
    events
}

/// The functions to run: all, or those `FUNCTIONS` names.
fn chosen() -> Vec<String> {
    let chosen = std::env::var("FUNCTIONS").unwrap_or_default();
    let chosen: Vec<String> = chosen.split_whitespace().map(str::to_owned).collect();
    if chosen.is_empty() {
        template::function_names().into_iter().collect()
    } else {
        chosen
    }
}

#[tokio::test]
async fn every_sample_event_is_answered_by_the_binary_it_is_for() {
    let (trial, environment) = Trial::with_engines_for_others().await;
    let events = events();

    for function in chosen() {
        let mut bootstrap = start(&function, &environment).await;
        let mut answered = 0;
        for (name, text) in &events[&function] {
            let invocation = bootstrap
                .invoke(text.clone())
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let answer = invocation.answer.unwrap_or_else(|error| {
                panic!("{name}: {error:?}\n{}", bootstrap.log());
            });
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            if let Some(status) = answer["statusCode"].as_u64() {
                let expected = expected_status(name);
                assert!(status < 500, "{name}: {answer}");
                assert!(
                    expected.is_none_or(|expected| status == expected),
                    "{name}: {answer}"
                );
            }
            if function == "aggregate-ratings" {
                assert_eq!(answer["batchItemFailures"], json!([]), "{name}: {answer}");
            }
            answered += 1;
        }
        let usage = bootstrap.usage().unwrap();
        let init = bootstrap.init();
        println!(
            "{function}: {answered} events, init {:?} CPU, {} KiB at most",
            init.cpu,
            usage.peak / 1024
        );
        let log = bootstrap.stop().await;
        assert!(answered > 0);
        for line in log.lines() {
            let read = serde_json::from_str::<Value>(line);
            assert!(
                read.is_ok_and(|line| line.is_object()),
                "{function} logs no JSON: {line}"
            );
        }
    }
    trial.stack.stop().await;
}

#[tokio::test]
async fn an_event_that_is_none_is_an_answer_and_the_function_lives() {
    let key = "0f".repeat(32);
    let options = options("issue-challenge").with("CHALLENGE_KEY", key);
    let mut bootstrap = Bootstrap::start(options).await.unwrap();

    let garbage = bootstrap.invoke("[1]").await.unwrap();
    let event = std::fs::read(template::repository("events/issue-challenge.json")).unwrap();
    let good = bootstrap.invoke(event).await.unwrap();

    let status =
        |answer: &[u8]| serde_json::from_slice::<Value>(answer).unwrap()["statusCode"].clone();
    assert_eq!(status(&garbage.answer.unwrap()), 400);
    assert_eq!(status(&good.answer.unwrap()), 200);
    let usage = bootstrap.usage().unwrap();
    assert!(usage.peak >= usage.resident && usage.resident > usage.anonymous);
    assert!(usage.cpu >= bootstrap.init().cpu + garbage.cost.cpu + good.cost.cpu);
    assert!(good.cost.cpu.as_nanos() > 0 && good.cost.wall.as_nanos() > 0);
}

#[tokio::test]
async fn a_function_without_its_settings_says_which_one_is_missing() {
    let error = alone("issue-challenge").await.unwrap_err();

    let InvokeError::Ended { status, log } = error else {
        panic!("{error}");
    };
    assert!(!status.success());
    assert!(log.contains("CHALLENGE_KEY"), "{log}");
}

#[tokio::test]
async fn a_function_with_a_malformed_key_names_it_in_a_line_of_json_and_never_shows_it() {
    let good = "0f".repeat(32);
    let settings = [
        ("issue-challenge", "CHALLENGE_KEY"),
        ("publish-pages", "PROOF_KEY"),
        ("submit-rating", "MASTER_KEY"),
        ("submit-rating", "PROOF_KEY"),
        ("submit-rating", "CHALLENGE_KEY"),
        ("validate-receipt", "RECEIPT_KEY"),
    ];
    for (function, malformed) in settings {
        let mut options = options(function).with("AWS_LAMBDA_LOG_FORMAT", "JSON");
        for table in ["RATINGS_TABLE", "TALLY_TABLE", "SITE_BUCKET"] {
            options = options.with(table, "none");
        }
        for key in ["CHALLENGE_KEY", "MASTER_KEY", "PROOF_KEY", "RECEIPT_KEY"] {
            let short = &good[..good.len() - 1];
            options = options.with(key, if key == malformed { short } else { &good });
        }

        let error = Bootstrap::start(options).await.unwrap_err();

        let InvokeError::Ended { status, log } = error else {
            panic!("{function}: {error}");
        };
        assert!(!status.success(), "{function}");
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{function}: {line}")))
            .collect();
        let said = lines.last().unwrap()["fields"]["error"].as_str().unwrap();
        assert!(said.contains(malformed), "{function}: {said}");
        assert!(said.contains("64 hexadecimal digits"), "{function}: {said}");
        assert!(!log.contains(&good[..8]), "{function} shows a key");
    }
}

#[tokio::test]
async fn a_fault_of_the_tables_is_a_failed_invocation_and_the_function_lives() {
    // Nobody listens on port 1.
    let options = options("reconcile-tallies")
        .with("AWS_ACCESS_KEY_ID", "none")
        .with("AWS_SECRET_ACCESS_KEY", "none")
        .with("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .with("RATINGS_TABLE", "Ratings")
        .with("TALLY_TABLE", "Tally");
    let mut bootstrap = Bootstrap::start(options).await.unwrap();

    for _ in 0..2 {
        let failed = bootstrap.invoke("{}").await.unwrap().answer.unwrap_err();
        let said: Value = serde_json::from_slice(&failed.body).unwrap();
        assert!(said["errorMessage"].is_string(), "{said}");
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_named() {
    let error = Bootstrap::start(Options::new("/nowhere/bootstrap"))
        .await
        .unwrap_err();

    assert_eq!(error.to_string(), "cannot run /nowhere/bootstrap");
}
