use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use local::dynamo::{Dynamo, RATINGS_TABLE, create_tables};
use local::stream::{Consumer, Ledger, Mapping, Poller};

use crate::clients;

/// What a function saw: for every invocation, the sort keys of its records.
type Seen = Arc<Mutex<Vec<Vec<String>>>>;

struct Running {
    engine: Dynamo,
    client: Client,
    arn: String,
    ledger: Ledger,
}

impl Running {
    async fn start(directory: Option<&Path>) -> Self {
        let file = |name: &str| directory.map(|directory| directory.join(name));
        let engine = Dynamo::start(file("tables").as_deref()).unwrap();
        let client = clients::dynamodb(&engine.short_cut);
        let arn = create_tables(&client).await.unwrap();
        let ledger = Ledger::open(file("stream").as_deref()).unwrap();
        Self {
            engine,
            client,
            arn,
            ledger,
        }
    }

    fn poll(&self, consumer: Consumer) -> Poller {
        self.poll_within(Duration::ZERO, consumer)
    }

    fn poll_within(&self, window: Duration, consumer: Consumer) -> Poller {
        let mapping = Mapping {
            batch_size: 10,
            retries: 2,
            pause: Duration::from_millis(1),
            idle: Duration::from_millis(5),
            window,
            ..Mapping::default()
        };
        Poller::start(
            clients::streams(&self.engine.short_cut),
            self.arn.clone(),
            self.ledger.clone(),
            consumer,
            mapping,
        )
    }

    async fn put(&self, names: &[&str]) {
        for name in names {
            let put = self.client.put_item().table_name(RATINGS_TABLE);
            let put = put
                .item("PK", AttributeValue::S("U#48-1#202611".into()))
                .item("SK", AttributeValue::S((*name).into()))
                .item("pend", AttributeValue::S("1".into()));
            put.send().await.unwrap();
        }
    }
}

fn names(event: &Event) -> Vec<String> {
    let records = event.records.iter();
    records
        .map(|record| match record.change.keys.get("SK") {
            Some(serde_dynamo::AttributeValue::S(name)) => name.clone(),
            other => panic!("{other:?}"),
        })
        .collect()
}

/// A function that remembers what it saw and answers what `answer` makes of it.
fn function<F>(seen: &Seen, answer: F) -> Consumer
where
    F: Fn(usize, &Event) -> Result<DynamoDbEventResponse, local::error::BoxError>
        + Send
        + Sync
        + 'static,
{
    let seen = Arc::clone(seen);
    Arc::new(move |event| {
        let count = {
            let mut seen = seen.lock().unwrap();
            seen.push(names(&event));
            seen.len()
        };
        let answered = answer(count, &event);
        Box::pin(async move { answered })
    })
}

fn all_well(_: usize, _: &Event) -> Result<DynamoDbEventResponse, local::error::BoxError> {
    Ok(DynamoDbEventResponse::default())
}

fn failed(event: &Event, place: usize) -> DynamoDbEventResponse {
    let mut failure = DynamoDbBatchItemFailure::default();
    failure.item_identifier = event.records[place].change.sequence_number.clone();
    let mut response = DynamoDbEventResponse::default();
    response.batch_item_failures.push(failure);
    response
}

fn flat(seen: &Seen) -> Vec<String> {
    seen.lock().unwrap().concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn pending_ratings_are_delivered_once_in_order_and_in_batches() {
    let running = Running::start(None).await;
    let all: Vec<_> = (10..35).map(|number| number.to_string()).collect();
    running
        .put(&all.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    let counted = running.client.put_item().table_name(RATINGS_TABLE);
    let counted = counted.item("PK", AttributeValue::S("U#48-1#202611".into()));
    counted
        .item("SK", AttributeValue::S("counted".into()))
        .send()
        .await
        .unwrap();
    let removed = running.client.delete_item().table_name(RATINGS_TABLE);
    let removed = removed.key("PK", AttributeValue::S("U#48-1#202611".into()));
    removed
        .key("SK", AttributeValue::S("10".into()))
        .send()
        .await
        .unwrap();
    let seen = Seen::default();

    let poller = running.poll(function(&seen, all_well));
    poller.drain().await;
    poller.stop().await;

    assert_eq!(flat(&seen), all);
    let sizes: Vec<_> = seen.lock().unwrap().iter().map(Vec::len).collect();
    assert_eq!(sizes, [10, 10, 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_is_not_full_waits_for_more_and_a_full_one_for_nothing() {
    let running = Running::start(None).await;
    running.put(&["a", "b"]).await;
    let seen = Seen::default();
    let longer_than_the_test = Duration::from_secs(600);

    let poller = running.poll_within(longer_than_the_test, function(&seen, all_well));
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.put(&["c"]).await;
    let while_it_waits = seen.lock().unwrap().clone();
    poller.drain().await;
    let after_somebody_asked = seen.lock().unwrap().clone();
    let full: Vec<_> = (10..20).map(|number| number.to_string()).collect();
    running
        .put(&full.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    while seen.lock().unwrap().len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    poller.stop().await;

    assert_eq!(while_it_waits, Vec::<Vec<String>>::new());
    assert_eq!(after_somebody_asked, [["a", "b", "c"]]);
    assert_eq!(seen.lock().unwrap()[1], full);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_function_reports_is_where_delivery_goes_on() {
    let running = Running::start(None).await;
    running.put(&["a", "b", "c", "d"]).await;
    let seen = Seen::default();

    let poller = running.poll(function(&seen, |count, event| match count {
        1 => Ok(failed(event, 2)),
        _ => Ok(DynamoDbEventResponse::default()),
    }));
    poller.drain().await;
    poller.stop().await;

    let seen = seen.lock().unwrap().clone();
    assert_eq!(seen, [vec!["a", "b", "c", "d"], vec!["c", "d"]]);
    assert_eq!(running.ledger.given_up().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_always_fails_is_isolated_and_given_up() {
    let running = Running::start(None).await;
    running.put(&["a", "b", "poison", "c", "d", "e"]).await;
    let seen = Seen::default();

    let poller = running.poll(function(&seen, |_, event| {
        assert!(!names(event).contains(&"panics".to_owned()));
        if names(event).contains(&"poison".to_owned()) {
            return Err("malformed".into());
        }
        Ok(DynamoDbEventResponse::default())
    }));
    poller.drain().await;
    poller.stop().await;

    let mut delivered = BTreeMap::<String, u32>::new();
    for names in seen
        .lock()
        .unwrap()
        .iter()
        .filter(|names| !names.contains(&"poison".to_owned()))
    {
        for name in names {
            *delivered.entry(name.clone()).or_default() += 1;
        }
    }
    let others = ["a", "b", "c", "d", "e"].map(|name| (name.to_owned(), 1));
    assert_eq!(delivered, BTreeMap::from(others));
    let given_up = running.ledger.given_up().unwrap();
    assert_eq!(given_up.len(), 1);
    assert_eq!(given_up[0].tries, 3);
    assert_eq!(given_up[0].cause, "malformed");
    assert!(given_up[0].keys.contains("poison"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_fails_its_event_and_not_the_mapping() {
    let running = Running::start(None).await;
    running.put(&["a", "b"]).await;
    let seen = Seen::default();

    let poller = running.poll(function(&seen, |count, _| {
        assert!(count > 1, "on purpose");
        Ok(DynamoDbEventResponse::default())
    }));
    poller.drain().await;
    poller.stop().await;

    assert_eq!(seen.lock().unwrap()[1..].concat(), ["a", "b"]);
    assert_eq!(running.ledger.given_up().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_passing_fault_is_outlived() {
    let running = Running::start(None).await;
    running.put(&["a", "b", "c"]).await;
    let seen = Seen::default();

    let poller = running.poll(function(&seen, |count, event| match count {
        1 => Err("throttled".into()),
        2 => Ok(failed(event, 0)),
        _ => Ok(DynamoDbEventResponse::default()),
    }));
    poller.drain().await;
    poller.stop().await;

    assert_eq!(seen.lock().unwrap()[2..].concat(), ["a", "b", "c"]);
    assert_eq!(running.ledger.given_up().unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_goes_on_after_a_restart_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let running = Running::start(Some(directory.path())).await;
    running.put(&["a", "b"]).await;
    let first = Seen::default();
    let poller = running.poll(function(&first, all_well));
    poller.drain().await;
    poller.stop().await;
    running.put(&["c"]).await;
    running.engine.stop().await;

    let running = Running::start(Some(directory.path())).await;
    running.put(&["d"]).await;
    let second = Seen::default();
    let poller = running.poll(function(&second, all_well));
    poller.drain().await;
    poller.stop().await;

    assert_eq!(flat(&first), ["a", "b"]);
    assert_eq!(flat(&second), ["c", "d"]);
    running.engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_finished_when_it_stopped_comes_again() {
    let running = Running::start(None).await;
    running.put(&["a", "b"]).await;
    let first = Seen::default();
    let poller = running.poll(function(&first, |_, event| Ok(failed(event, 1))));
    while first.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    poller.stop().await;
    let second = Seen::default();

    let poller = running.poll(function(&second, all_well));
    poller.drain().await;
    poller.stop().await;

    let again = flat(&second);
    let given_up = running.ledger.given_up().unwrap();
    assert!(
        again == ["b"] || given_up.len() == 1,
        "{again:?} {given_up:?}"
    );
}
