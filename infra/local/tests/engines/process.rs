//! The runner as people start it: a process with a data directory.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::primitives::ByteStream;
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use local::s3::DROP_BUCKET;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::keyring::Keyring;
use thuocdo::seal;

use crate::clients;

struct Runner {
    child: Child,
    address: String,
    engines: HashMap<String, String>,
}

fn command(data: &Path, address: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.arg("--data").arg(data).args(["--addr", address]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn start(data: &Path) -> Runner {
    let mut command = command(data, "127.0.0.1:0");
    command.args(["--tables-port", "0"]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("ready ").unwrap().to_owned();
    let engines = std::fs::read_to_string(data.join("engines.env")).unwrap();
    let engines = engines.lines().map(|line| line.split_once('=').unwrap());
    let engines = engines.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Runner {
        child,
        address,
        engines: engines.collect(),
    }
}

impl Runner {
    fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        clients::dynamodb_at(
            &self.engines["AWS_ENDPOINT_URL_DYNAMODB"],
            &self.engines["AWS_ACCESS_KEY_ID"],
            &self.engines["AWS_SECRET_ACCESS_KEY"],
        )
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        clients::s3(
            &self.engines["AWS_ENDPOINT_URL_S3"],
            &self.engines["AWS_ACCESS_KEY_ID"],
            &self.engines["AWS_SECRET_ACCESS_KEY"],
        )
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let status = kill
            .arg(format!("-{name}"))
            .arg(self.child.id().to_string())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let mut runner = start(directory.path());
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let mut writers = Vec::new();
    for writer in 0..8 {
        let (dynamodb, s3) = (runner.dynamodb(), runner.s3());
        let acknowledged = Arc::clone(&acknowledged);
        writers.push(tokio::spawn(async move {
            for count in 0.. {
                let name = format!("{writer}-{count}");
                let item = dynamodb
                    .put_item()
                    .table_name(RATINGS_TABLE)
                    .item("PK", AttributeValue::S("U#48-1#202611".into()))
                    .item("SK", AttributeValue::S(name.clone()));
                let body = ByteStream::from(name.clone().into_bytes());
                let object = s3.put_object().bucket(DROP_BUCKET).key(&name).body(body);
                if item.send().await.is_err() || object.send().await.is_err() {
                    return;
                }
                acknowledged.lock().unwrap().push(name);
            }
        }));
    }
    while acknowledged.lock().unwrap().len() < 200 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    runner.child.kill().unwrap();
    runner.child.wait().unwrap();
    for writer in writers {
        writer.abort();
        let _ = writer.await;
    }
    let again = start(directory.path());

    let (dynamodb, s3) = (again.dynamodb(), again.s3());
    let acknowledged = acknowledged.lock().unwrap().clone();
    for name in &acknowledged {
        let item = dynamodb
            .get_item()
            .table_name(RATINGS_TABLE)
            .key("PK", AttributeValue::S("U#48-1#202611".into()))
            .key("SK", AttributeValue::S(name.clone()));
        assert!(item.send().await.unwrap().item.is_some(), "{name}");
        let object = s3
            .get_object()
            .bucket(DROP_BUCKET)
            .key(name)
            .send()
            .await
            .unwrap();
        assert_eq!(
            object.body.collect().await.unwrap().to_vec(),
            name.as_bytes()
        );
    }
}

#[test]
fn a_signal_stops_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let directory = tempfile::tempdir().unwrap();
        let mut runner = start(directory.path());

        runner.signal(signal);
        let status = runner.child.wait().unwrap();

        assert_eq!(status.code(), Some(0), "{signal}");
        assert!(!directory.path().join("engines.env").exists());
        assert!(!directory.path().join("tables.socket").exists());
        assert!(!directory.path().join("tables.sqlite-wal").exists());
    }
}

#[test]
fn what_keeps_it_from_starting_is_said_in_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let file = other.path().join("file");
    std::fs::write(&file, "").unwrap();
    let runner = start(directory.path());
    let taken = runner.address.strip_prefix("http://").unwrap();
    let run = |mut command: Command| refusal(&command.output().unwrap());

    let in_use = run(command(directory.path(), "127.0.0.1:0"));
    let port = run(command(&other.path().join("data"), taken));
    let no_directory = run(command(&file, "127.0.0.1:0"));
    let mut no_sample = command(&other.path().join("new"), "127.0.0.1:0");
    no_sample.args(["--sample", "--sample-dir", "/nonexistent"]);
    let no_sample = run(no_sample);
    let begun = other.path().join("begun");
    std::fs::create_dir(&begun).unwrap();
    std::fs::write(begun.join("sample.begun"), "").unwrap();
    let mut broken_off = command(&begun, "127.0.0.1:0");
    broken_off.arg("--sample");
    let broken_off = run(broken_off);

    assert!(in_use.contains("in use by another process"), "{in_use}");
    assert!(port.contains("cannot listen on"), "{port}");
    assert!(
        no_directory.contains("cannot use the data directory"),
        "{no_directory}"
    );
    assert!(
        no_sample.contains("cannot load the sample from /nonexistent"),
        "{no_sample}"
    );
    assert!(broken_off.contains("broken off before"), "{broken_off}");
}

/// Puts a guard as earlier versions did, with a name and a phone sealed in it.
async fn guard(runner: &Runner, data: &Path, hash: &str, phone: &str) {
    let key = std::fs::read_to_string(data.join("master.key")).unwrap();
    let quarter = Month::of(local_date(jiff::Timestamp::now())).quarter();
    let keyring = Keyring::from_hex(&key).unwrap();
    let key = keyring.sealing_key(quarter);
    let person = format!("Nguyễn Thị Không Có\n{phone}");
    let sealed = seal::seal(&key, hash.as_bytes(), person.as_bytes()).unwrap();
    runner
        .dynamodb()
        .put_item()
        .table_name(RATINGS_TABLE)
        .item("PK", AttributeValue::S(format!("P#{hash}")))
        .item("SK", AttributeValue::S("G".to_owned()))
        .item("sealed", AttributeValue::B(sealed.into()))
        .send()
        .await
        .unwrap();
}

/// Records of the stream's log that hold a sealed name and phone.
fn sealed_in_the_stream(data: &Path) -> usize {
    let tables = rusqlite::Connection::open(data.join("tables.sqlite")).unwrap();
    let count = "SELECT count(*) FROM _stream_records
                 WHERE new_image LIKE '%\"sealed\"%' OR old_image LIKE '%\"sealed\"%'";
    tables.query_row(count, [], |row| row.get(0)).unwrap()
}

/// What `local erase-phone` answers to `phone`, standing in for a shell.
fn erase(phone: &str, change: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
    command.arg("erase-phone");
    change(&mut command);
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{phone}").unwrap();
    child.wait_with_output().unwrap()
}

#[tokio::test]
async fn a_person_is_forgotten_on_a_running_system_and_through_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let runner = start(&data);
    guard(&runner, &data, "one", "0905123456").await;
    guard(&runner, &data, "two", "0905123456").await;
    guard(&runner, &data, "three", "0905123457").await;
    assert_eq!(sealed_in_the_stream(&data), 3);

    let named = erase("0905 123 456", |command| {
        command.arg("--data").arg(&data);
    });
    let in_the_log = sealed_in_the_stream(&data);
    let key = std::fs::read_to_string(data.join("master.key")).unwrap();
    let environment = erase("0905123457", |command| {
        command.envs(&runner.engines).env("MASTER_KEY", key.trim());
    });
    let nobody = erase("12", |command| {
        command.arg("--data").arg(&data);
    });
    let nowhere = erase("0905123457", |command| {
        command.arg("--data").arg(folder.path().join("none"));
    });

    let said = |output: &Output| String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(said(&named), "erased 2 of 3 guards\n", "{named:?}");
    assert_eq!(in_the_log, 0);
    assert_eq!(
        said(&environment),
        "erased 1 of 1 guards\n",
        "{environment:?}"
    );
    for refused in [&nobody, &nowhere] {
        assert!(
            !refused.status.success() && !refused.stderr.is_empty(),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn tables_have_no_port_unless_asked_for_and_a_socket_for_their_owner() {
    let folder = tempfile::tempdir().unwrap();
    // Longer than the system lets the path of a socket be.
    let data = folder.path().join("d".repeat(120));
    let mut command = command(&data, "127.0.0.1:0");
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();

    let engines = std::fs::read_to_string(data.join("engines.env")).unwrap();
    let socket = std::fs::metadata(data.join("tables.socket")).unwrap();
    let erased = erase("0905123456", |command| {
        command.arg("--data").arg(&data);
    });
    let _ = child.kill();
    let _ = child.wait();

    assert!(!engines.contains("DYNAMODB"), "{engines}");
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        String::from_utf8_lossy(&erased.stdout),
        "erased 0 of 0 guards\n",
        "{erased:?}"
    );
}

/// Answer of `local`'s API to an empty rating.
async fn rate(runner: &Runner, accept: &str) -> (u16, String) {
    let post = reqwest::Client::new()
        .post(format!("{}/api/ratings", runner.address))
        .header("content-type", "application/json")
        .header("accept", accept)
        .header("accept-language", "vi")
        .body("{}");
    let answer = post.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_clock_that_went_back_takes_nothing_until_it_is_set_or_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = data.join("last-seen");
    let mut runner = start(&data);
    let (right, _) = rate(&runner, "application/json").await;
    runner.signal("TERM");
    runner.child.wait().unwrap();
    let now: jiff::Timestamp = std::fs::read_to_string(&file)
        .unwrap()
        .trim()
        .parse()
        .unwrap();

    let tomorrow = now + jiff::SignedDuration::from_hours(24);
    std::fs::write(&file, tomorrow.to_string()).unwrap();
    let mut runner = start(&data);
    let (status, problem) = rate(&runner, "application/json").await;
    let (_, page) = rate(&runner, "text/html").await;
    runner.signal("TERM");
    runner.child.wait().unwrap();
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let runner = start(&data);
    let (again, _) = rate(&runner, "application/json").await;

    assert!((400..500).contains(&right), "{right}");
    assert_eq!(status, 503);
    assert!(problem.contains("/problems/wrong-clock"), "{problem}");
    assert!(page.starts_with("Đồng hồ của máy chủ đang sai"), "{page}");
    assert_eq!(kept, tomorrow.to_string());
    assert_eq!(again, right);
}

#[tokio::test]
async fn a_month_is_sealed_again_beside_the_seal_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let runner = start(&data);
    let key = ("C#48-1#202512", "#SEAL");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let number = |number: &str| AttributeValue::N(number.to_owned());
    let tables = runner.dynamodb();
    let put = tables.put_item().table_name(TALLY_TABLE);
    // A seal of seven ratings that are not there.
    let put = put.item("PK", text(key.0)).item("SK", text(key.1));
    let put = put
        .item("rated", number("7"))
        .item("satisfied", number("5"));
    let put = put
        .item("fingerprint", text("00"))
        .item("day", text("2026-01-04"));
    put.send().await.unwrap();
    let seal_again = |unit: &str, month: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
        command.arg("seal-again").arg("--data").arg(&data);
        let output = command.args(["--unit", unit, "--month", month]).output();
        let output = output.unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };

    let first = seal_again("48-1", "202512");
    let second = seal_again("48-1", "202512");
    let never = seal_again("48-1", "202511");
    let wrong = seal_again("48-1", "2025-12");

    assert!(first.0 && first.1.contains("before 7 and 5"), "{first:?}");
    assert!(second.1.contains("holds"), "{second:?}");
    assert!(never.1.contains("is not sealed"), "{never:?}");
    assert!(!wrong.0, "{wrong:?}");
    let seals = tables
        .query()
        .table_name(TALLY_TABLE)
        .key_condition_expression("PK = :pk AND begins_with(SK, :seal)")
        .expression_attribute_values(":pk", text(key.0))
        .expression_attribute_values(":seal", text("#SEAL"))
        .send()
        .await
        .unwrap();
    let rated = |index: usize| seals.items()[index]["rated"].as_n().unwrap().clone();
    assert_eq!(
        (seals.count(), rated(0), rated(1)),
        (2, "7".into(), "0".into())
    );
}
