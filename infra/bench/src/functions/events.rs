//! Events as AWS sends them: the samples of `events/`, with what this run asks for in their place.

use std::path::Path;

use invoke::Invocation;
use local::s3::DROP_BUCKET;
use serde_json::{Map, Value, json};

use crate::Fault;
use crate::records::inserted as record;

/// The sample `name` of `events/`.
///
/// # Errors
/// When it is not where the source code is.
pub(super) fn sample(name: &str) -> Result<Value, Fault> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events");
    let path = folder.join(name).with_extension("json");
    let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}

/// The request of `sample`, asking for `name=value` instead.
pub(super) fn asking(sample: &Value, name: &str, value: &str) -> String {
    let mut event = sample.clone();
    event["rawQueryString"] = format!("{name}={value}").into();
    event["queryStringParameters"] = json!({ name: value });
    event.to_string()
}

/// The request of `sample`, with another body.
pub(super) fn posting(sample: &Value, body: &str) -> String {
    let mut event = sample.clone();
    event["body"] = body.into();
    event["isBase64Encoded"] = false.into();
    event["headers"]["content-length"] = body.len().to_string().into();
    event.to_string()
}

/// The event of `sample`, for the file `key`.
pub(super) fn dropped(sample: &Value, key: &str) -> String {
    let mut event = sample.clone();
    event["Records"][0]["s3"]["bucket"]["name"] = DROP_BUCKET.into();
    event["Records"][0]["s3"]["object"]["key"] = key.into();
    event.to_string()
}

/// The stream's events for `items` put, `batch` records in each.
pub(super) fn inserted<'a>(
    items: impl IntoIterator<Item = &'a Map<String, Value>>,
    batch: usize,
) -> Vec<String> {
    let items = items.into_iter().enumerate();
    let records: Vec<_> = items.map(|(index, image)| record(index, image)).collect();
    let events = records.chunks(batch);
    events
        .map(|records| json!({ "Records": records }).to_string())
        .collect()
}

/// What tells a good answer from another.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expected {
    /// The status of an answer to a request.
    Status(u64),
    /// No record of the stream has to come again.
    AllCounted,
    /// This very answer.
    Exactly(u64),
    /// Any but a failure.
    Anything,
}

impl Expected {
    /// # Errors
    /// When the answer is another.
    pub(super) fn check(self, invocation: &Invocation) -> Result<(), Fault> {
        let body = invocation
            .answer
            .as_ref()
            .map_err(|error| format!("{}: {}", error.kind, String::from_utf8_lossy(&error.body)))?;
        let answer: Value = serde_json::from_slice(body)?;
        let good = match self {
            Self::Status(status) => answer["statusCode"] == status,
            Self::AllCounted => answer["batchItemFailures"] == json!([]),
            Self::Exactly(number) => answer == number,
            Self::Anything => true,
        };
        match good {
            true => Ok(()),
            false => Err(format!("expected {self:?}, but the answer is {answer}").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_asked_for_something_else() {
        let sample = sample("get-statistics").unwrap();

        let event: Value = serde_json::from_str(&asking(&sample, "unit_id", "so-y-te")).unwrap();

        assert_eq!(
            event["queryStringParameters"],
            json!({ "unit_id": "so-y-te" })
        );
        assert_eq!(event["rawPath"], sample["rawPath"]);
    }

    #[test]
    fn records_come_in_batches() {
        let item = Map::from_iter(["PK", "SK"].map(|name| (name.to_owned(), json!({ "S": "x" }))));

        let events = inserted([&item, &item, &item], 2);

        let sizes = events.iter().map(|event| {
            let event: Value = serde_json::from_str(event).unwrap();
            event["Records"].as_array().unwrap().len()
        });
        assert_eq!(sizes.collect::<Vec<_>>(), [2, 1]);
    }
}
