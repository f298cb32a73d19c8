//! The stream of `Ratings`: every rating that carries its pending mark moves into its cell.

use std::collections::HashMap;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::{DynamoDbBatchItemFailure, DynamoDbEventResponse};
use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::rating::Rating;
use crate::metric;
use crate::store::Store;
use crate::store::rating::{is_pending, rating_from_image};

/// Counts a batch; reports the first record that must be delivered again.
///
/// A record that is no rating of ours is logged and left to the sweeper, so that it holds nothing up.
pub async fn handle(store: &Store, event: Event) -> DynamoDbEventResponse {
    let records = event.records.len();
    let mut ratings: Vec<Rating> = Vec::with_capacity(records);
    let mut sequence_numbers: Vec<Option<String>> = Vec::with_capacity(records);
    let mut malformed = Vec::new();
    for record in event.records {
        let sequence_number = record.change.sequence_number.clone();
        match pending_rating(record) {
            Some(Ok(rating)) => {
                ratings.push(rating);
                sequence_numbers.push(sequence_number);
            }
            Some(Err(error)) => {
                tracing::error!(route = "aggregate-ratings", %error, "a stream record is no rating; left to the sweeper");
                malformed.push(error);
            }
            None => {}
        }
    }
    if !malformed.is_empty() {
        metric::count("MalformedRecords", malformed.len() as u64);
    }
    let outcome = store.count(&ratings).await;
    for (ids, error) in &outcome.failed {
        tracing::error!(route = "aggregate-ratings", ratings = ids.len(), error = %crate::log::chain(error), "ratings not counted");
    }
    tracing::info!(
        route = "aggregate-ratings",
        records,
        counted = outcome.counted,
        already = outcome.already,
        "ratings counted"
    );
    let failed = |rating: &Rating| {
        outcome
            .failed
            .iter()
            .any(|(ids, _)| ids.contains(&rating.id))
    };
    let first = ratings
        .iter()
        .position(failed)
        .and_then(|index| sequence_numbers[index].clone());
    let mut response = DynamoDbEventResponse::default();
    if let Some(first) = first {
        let mut failure = DynamoDbBatchItemFailure::default();
        failure.item_identifier = Some(first);
        response.batch_item_failures.push(failure);
    }
    response
}

/// The rating of a record that waits to be counted; `None` for anything else the stream carries.
fn pending_rating(
    record: EventRecord,
) -> Option<Result<Rating, crate::store::error::MalformedItem>> {
    if record.event_name == "REMOVE" {
        return None;
    }
    let image: HashMap<String, AttributeValue> = record.change.new_image.into();
    is_pending(&image).then(|| rating_from_image(&image))
}
