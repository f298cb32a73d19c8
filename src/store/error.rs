//! Faults of the store; expected outcomes are enums of the methods that have them.

/// The cause under a [`StoreError`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A store operation failed: nothing is known to be written.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed")]
pub struct StoreError {
    operation: &'static str,
    /// Whether trying again soon may help: throttled, in conflict, or timed out.
    pub transient: bool,
    source: BoxError,
}

impl StoreError {
    /// Wraps a cause as a fault of `operation`.
    pub fn during(operation: &'static str) -> impl FnOnce(BoxError) -> Self {
        move |source| Self {
            operation,
            transient: false,
            source,
        }
    }

    /// Wraps a cause that may pass as a fault of `operation`.
    pub fn transient(operation: &'static str) -> impl FnOnce(BoxError) -> Self {
        move |source| Self {
            operation,
            transient: true,
            source,
        }
    }
}

/// A stored item does not have the shape this version writes.
#[derive(Debug, thiserror::Error)]
#[error("attribute `{attribute}` of a stored item is missing or malformed")]
pub struct MalformedItem {
    /// The attribute at fault.
    pub attribute: &'static str,
}

impl StoreError {
    /// A failed read; transient unless the service refused it for good.
    pub(crate) fn read<E, R>(
        operation: &'static str,
        error: aws_sdk_dynamodb::error::SdkError<E, R>,
    ) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
        R: std::fmt::Debug + Send + Sync + 'static,
    {
        Self {
            operation,
            transient: true,
            source: Box::new(error),
        }
    }
}
