//! Records of the stream, as it carries ratings just saved.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// An item as a record carries it.
#[must_use]
pub fn image(item: &HashMap<String, AttributeValue>) -> Map<String, Value> {
    item.iter()
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

/// The `index`-th record of an event, of a new item with this image.
#[must_use]
pub fn inserted(index: usize, image: &Map<String, Value>) -> Value {
    json!({
        "eventID": format!("{index:032x}"),
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "eventSourceARN": "arn:aws:dynamodb:local:000000000000:table/ratings/stream/now",
        "dynamodb": {
            "ApproximateCreationDateTime": Timestamp::now().as_second(),
            "Keys": { "PK": image["PK"], "SK": image["SK"] },
            "NewImage": image,
            "SequenceNumber": format!("{:021}", index + 1),
            "SizeBytes": 500,
            "StreamViewType": "NEW_IMAGE",
        },
    })
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Ss(texts) => json!({ "SS": texts }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": image(map) }),
        _ => json!({ "NULL": true }),
    }
}
