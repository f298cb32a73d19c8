use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use local::dynamo::{Dynamo, RATINGS_TABLE, TALLY_TABLE, create_tables};

use crate::clients;

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

async fn put(client: &Client, sort_key: &str, expires: Option<i64>) {
    let mut put = client
        .put_item()
        .table_name(RATINGS_TABLE)
        .item("PK", text("U#48-1#202611"))
        .item("SK", text(sort_key));
    if let Some(expires) = expires {
        put = put.item("exp", AttributeValue::N(expires.to_string()));
    }
    put.send().await.unwrap();
}

async fn count(client: &Client) -> i32 {
    let scan = client.scan().table_name(RATINGS_TABLE).send().await;
    scan.unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_and_stream_outlive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tables.sqlite");
    let engine = Dynamo::start(Some(&path)).unwrap();
    let client = clients::dynamodb(&engine.short_cut);
    let first = create_tables(&client).await.unwrap();
    put(&client, "R#a", None).await;
    engine.stop().await;

    let engine = Dynamo::start(Some(&path)).unwrap();
    let client = clients::dynamodb(&engine.short_cut);
    let second = create_tables(&client).await.unwrap();

    assert_eq!(first, second);
    assert_eq!(count(&client).await, 1);
    let tally = client
        .describe_table()
        .table_name(TALLY_TABLE)
        .send()
        .await
        .unwrap();
    assert!(tally.table().unwrap().latest_stream_arn().is_none());
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_items_go_and_others_stay() {
    let engine = Dynamo::start(None).unwrap();
    let client = clients::dynamodb(&engine.short_cut);
    create_tables(&client).await.unwrap();
    let now = jiff::Timestamp::now().as_second();
    put(&client, "R#past", Some(now - 60)).await;
    put(&client, "R#future", Some(now + 3_600)).await;
    put(&client, "R#ever", None).await;

    let removed = engine.sweep().await.unwrap();

    assert_eq!(removed, 1);
    assert_eq!(count(&client).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_delivered_records_of_the_past_are_trimmed() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Dynamo::start(Some(&directory.path().join("tables.sqlite"))).unwrap();
    let client = clients::dynamodb(&engine.short_cut);
    let arn = create_tables(&client).await.unwrap();
    for name in ["a", "b", "c"] {
        put(&client, name, None).await;
    }
    let streams = clients::streams(&engine.short_cut);
    let numbers = || async {
        let stream = streams
            .describe_stream()
            .stream_arn(&arn)
            .send()
            .await
            .unwrap();
        let shard = stream.stream_description().unwrap().shards()[0]
            .shard_id()
            .unwrap()
            .to_owned();
        let iterator = streams
            .get_shard_iterator()
            .stream_arn(&arn)
            .shard_id(shard);
        let iterator = iterator
            .shard_iterator_type("TRIM_HORIZON".into())
            .send()
            .await
            .unwrap();
        let read = streams
            .get_records()
            .set_shard_iterator(iterator.shard_iterator);
        let records = read.send().await.unwrap().records.unwrap();
        let numbers = records
            .into_iter()
            .map(|record| record.dynamodb.unwrap().sequence_number.unwrap());
        numbers.collect::<Vec<_>>()
    };
    let before = numbers().await;
    let now = jiff::Timestamp::now();

    let none = engine
        .trim_stream(now - jiff::SignedDuration::from_hours(1), &before[2])
        .await;
    let two = engine
        .trim_stream(now + jiff::SignedDuration::from_hours(1), &before[1])
        .await;

    assert_eq!(none.unwrap(), 0);
    assert_eq!(two.unwrap(), 2);
    assert_eq!(numbers().await, before[2..]);
    engine.stop().await;
}
