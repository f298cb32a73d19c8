//! Events from stream records, and what a function's answer says about them.

use std::collections::HashMap;

use aws_lambda_events::dynamodb::Event;
use aws_lambda_events::streams::DynamoDbEventResponse;
use aws_sdk_dynamodbstreams::types::{AttributeValue, OperationType, Record, StreamViewType};
use serde_json::{Value, json};

use super::sequence_number;

/// How an invocation ended for the records of its batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// For all of them well.
    Done,
    /// Well for that many, at least one; the next failed.
    DoneUntil(usize),
    /// The first failed, or the function did.
    Failed(String),
}

/// The filter of the mapping: `dynamodb.NewImage.pend` exists.
pub(super) fn is_due(record: &Record) -> bool {
    record
        .dynamodb()
        .and_then(|change| change.new_image())
        .is_some_and(|image| image.contains_key("pend"))
}

/// The event as Lambda delivers it, read by the types a function reads it with.
pub(super) fn event(arn: &str, records: &[Record]) -> Result<Event, serde_json::Error> {
    let records: Vec<_> = records.iter().map(|record| entry(arn, record)).collect();
    serde_json::from_value(json!({ "Records": records }))
}

/// The keys of the record's item, in DynamoDB's JSON.
pub(super) fn keys(record: &Record) -> Value {
    let keys = record.dynamodb().and_then(|change| change.keys());
    keys.map(item).unwrap_or_default()
}

/// Reads `ReportBatchItemFailures`: the lowest sequence number named fails, and all behind it are tried again.
///
/// A number that is missing or not in the batch fails all of it.
pub(super) fn verdict(records: &[Record], response: &DynamoDbEventResponse) -> Delivery {
    let mut first = records.len();
    for failure in &response.batch_item_failures {
        let named = failure.item_identifier.as_deref();
        let place = records
            .iter()
            .position(|record| named.is_some() && sequence_number(record) == named);
        match place {
            Some(place) => first = first.min(place),
            None => {
                return Delivery::Failed("the function named no record of its batch".to_owned());
            }
        }
    }
    match first {
        0 if !records.is_empty() => Delivery::Failed("the function reported the record".to_owned()),
        _ if first == records.len() => Delivery::Done,
        _ => Delivery::DoneUntil(first),
    }
}

fn entry(arn: &str, record: &Record) -> Value {
    let mut change = json!({});
    if let Some(stream) = record.dynamodb() {
        change = json!({
            "Keys": keys(record),
            "SequenceNumber": stream.sequence_number(),
            "SizeBytes": stream.size_bytes(),
            "StreamViewType": stream.stream_view_type().map(StreamViewType::as_str),
        });
        if let Some(time) = stream.approximate_creation_date_time() {
            change["ApproximateCreationDateTime"] = time.as_secs_f64().into();
        }
        if let Some(image) = stream.new_image() {
            change["NewImage"] = item(image);
        }
    }
    json!({
        "eventID": record.event_id(),
        "eventName": record.event_name().map(OperationType::as_str),
        "eventVersion": record.event_version(),
        "eventSource": record.event_source(),
        "awsRegion": record.aws_region(),
        "dynamodb": change,
        "eventSourceARN": arn,
    })
}

fn item(attributes: &HashMap<String, AttributeValue>) -> Value {
    let attributes = attributes.iter().map(|(name, value)| {
        let value = serde_dynamo::AttributeValue::from(value.clone());
        (
            name.clone(),
            serde_json::to_value(value).unwrap_or_default(),
        )
    });
    Value::Object(attributes.collect())
}

#[cfg(test)]
mod tests {
    use aws_lambda_events::streams::DynamoDbBatchItemFailure;
    use aws_sdk_dynamodbstreams::primitives::DateTime;
    use aws_sdk_dynamodbstreams::types::StreamRecord;

    use super::*;

    fn record(sequence_number: &str) -> Record {
        let change = StreamRecord::builder()
            .sequence_number(sequence_number)
            .approximate_creation_date_time(DateTime::from_secs(1_795_219_200))
            .keys("PK", AttributeValue::S("U#48-1#202611".into()))
            .keys("SK", AttributeValue::S("R#a".into()))
            .new_image("pend", AttributeValue::S("1".into()))
            .new_image("days", AttributeValue::N("21".into()))
            .stream_view_type(StreamViewType::NewImage)
            .size_bytes(42);
        Record::builder()
            .event_id("e")
            .event_name(OperationType::Insert)
            .aws_region("local")
            .dynamodb(change.build())
            .build()
    }

    fn failing(identifiers: &[Option<&str>]) -> DynamoDbEventResponse {
        let mut response = DynamoDbEventResponse::default();
        for identifier in identifiers {
            let mut failure = DynamoDbBatchItemFailure::default();
            failure.item_identifier = identifier.map(str::to_owned);
            response.batch_item_failures.push(failure);
        }
        response
    }

    #[test]
    fn the_lowest_number_named_is_where_delivery_goes_on() {
        let records = [record("1"), record("2"), record("3")];

        for (identifiers, expected) in [
            (&[][..], Delivery::Done),
            (&[Some("3"), Some("2")], Delivery::DoneUntil(1)),
            (&[Some("3")], Delivery::DoneUntil(2)),
        ] {
            assert_eq!(verdict(&records, &failing(identifiers)), expected);
        }
        for identifiers in [[Some("1")], [Some("9")], [Some("")], [None]] {
            let outcome = verdict(&records, &failing(&identifiers));
            assert!(matches!(outcome, Delivery::Failed(_)), "{identifiers:?}");
        }
    }

    #[test]
    fn an_event_carries_keys_image_and_numbers() {
        let event = event("arn:aws:dynamodb:local", &[record("7")]).unwrap();

        let record = &event.records[0];
        assert_eq!(record.event_name, "INSERT");
        assert_eq!(
            record.event_source_arn.as_deref(),
            Some("arn:aws:dynamodb:local")
        );
        assert_eq!(record.change.sequence_number.as_deref(), Some("7"));
        assert_eq!(record.change.new_image.len(), 2);
        assert_eq!(record.change.keys.len(), 2);
        assert_eq!(
            record.change.approximate_creation_date_time.timestamp(),
            1_795_219_200
        );
    }

    #[test]
    fn only_images_with_a_pending_mark_are_delivered() {
        let counted = StreamRecord::builder().new_image("n", AttributeValue::N("1".into()));
        let counted = Record::builder().dynamodb(counted.build()).build();
        let removed = Record::builder()
            .event_name(OperationType::Remove)
            .dynamodb(StreamRecord::builder().build())
            .build();

        assert!(is_due(&record("1")));
        assert!(!is_due(&counted));
        assert!(!is_due(&removed));
    }
}
