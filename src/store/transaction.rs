//! What a transaction's outcome means, read from its cancellation reasons by position.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, TransactWriteItem};

use super::{Store, StoreError, backoff};

/// Times a transaction in conflict with another is tried before giving up.
const ATTEMPTS: u32 = 6;

/// How a transaction ended; a fault is an error instead.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Every write was made.
    Committed {
        /// Write units consumed, where the table reports them.
        write_units: f64,
    },
    /// Nothing was written; by position, whether that action's condition failed.
    Refused(Vec<bool>),
}

/// What the reasons of one cancellation say together.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    Refused(Vec<bool>),
    Conflict,
    Throttled,
    /// No reply: the SDK has tried again itself, and the caller's time is limited.
    Lost,
    Fault,
}

impl Store {
    /// Runs `actions` as one transaction, waiting out conflicts with jitter.
    ///
    /// # Errors
    /// [`StoreError`], transient for conflicts that last, throttles and time-outs. After a lost reply the writes may
    /// have been made: conditions must make a retry harmless.
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        actions: &[TransactWriteItem],
    ) -> Result<Outcome, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let request = self
                .client
                .transact_write_items()
                .set_transact_items(Some(actions.to_vec()));
            let error = match request
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await
            {
                Ok(output) => {
                    let tables = output.consumed_capacity.unwrap_or_default();
                    let write_units = tables
                        .iter()
                        .filter_map(|table| table.write_capacity_units.or(table.capacity_units))
                        .sum();
                    return Ok(Outcome::Committed { write_units });
                }
                Err(error) => error,
            };
            match verdict(&error) {
                Verdict::Refused(failed) => return Ok(Outcome::Refused(failed)),
                Verdict::Conflict | Verdict::Throttled if attempt < ATTEMPTS => {
                    backoff::pause(attempt).await
                }
                Verdict::Conflict | Verdict::Throttled => {
                    return Err(StoreError::transient(operation)(Box::new(error)));
                }
                Verdict::Lost => return Err(StoreError::transient(operation)(Box::new(error))),
                Verdict::Fault => return Err(StoreError::during(operation)(Box::new(error))),
            }
        }
    }
}

fn verdict(error: &SdkError<TransactWriteItemsError>) -> Verdict {
    match error {
        // Whatever its body says, a 5xx leaves open what was written; the conditions make trying again harmless.
        SdkError::ServiceError(service) if service.raw().status().is_server_error() => {
            Verdict::Throttled
        }
        SdkError::ServiceError(service) => match service.err() {
            TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                let reasons = cancelled.cancellation_reasons();
                let codes: Vec<&str> = reasons
                    .iter()
                    .map(|reason| reason.code().unwrap_or("None"))
                    .collect();
                read_reasons(&codes)
            }
            TransactWriteItemsError::TransactionInProgressException(_) => Verdict::Conflict,
            TransactWriteItemsError::ProvisionedThroughputExceededException(_)
            | TransactWriteItemsError::RequestLimitExceeded(_) => Verdict::Throttled,
            other if other.meta().code() == Some("ThrottlingException") => Verdict::Throttled,
            _ => Verdict::Fault,
        },
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Verdict::Lost
        }
        _ => Verdict::Fault,
    }
}

/// Any fault outweighs a throttle, a throttle a conflict, a conflict a failed condition.
fn read_reasons(codes: &[&str]) -> Verdict {
    let known = [
        "None",
        "ConditionalCheckFailed",
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ];
    if codes.is_empty() || codes.iter().any(|code| !known.contains(code)) {
        return Verdict::Fault;
    }
    if codes
        .iter()
        .any(|code| *code == "ThrottlingError" || *code == "ProvisionedThroughputExceeded")
    {
        return Verdict::Throttled;
    }
    if codes.contains(&"TransactionConflict") {
        return Verdict::Conflict;
    }
    let failed: Vec<bool> = codes
        .iter()
        .map(|code| *code == "ConditionalCheckFailed")
        .collect();
    if failed.contains(&true) {
        Verdict::Refused(failed)
    } else {
        Verdict::Fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failed_conditions_alone_are_a_refusal() {
        assert_eq!(
            read_reasons(&["None", "ConditionalCheckFailed"]),
            Verdict::Refused(vec![false, true])
        );
        assert_eq!(
            read_reasons(&["TransactionConflict", "ConditionalCheckFailed"]),
            Verdict::Conflict
        );
        assert_eq!(
            read_reasons(&["ThrottlingError", "ConditionalCheckFailed"]),
            Verdict::Throttled
        );
        assert_eq!(
            read_reasons(&["ItemCollectionSizeLimitExceeded", "None"]),
            Verdict::Fault
        );
        assert_eq!(
            read_reasons(&["ItemCollectionSizeLimitExceeded", "ConditionalCheckFailed"]),
            Verdict::Fault
        );
        assert_eq!(read_reasons(&["None", "None"]), Verdict::Fault);
        assert_eq!(read_reasons(&[]), Verdict::Fault);
    }
}
