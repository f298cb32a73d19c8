//! Waiting before trying again: longer each time, never in step with others.

use std::time::Duration;

use super::StoreError;

/// Attempts at one operation, with a pause after each that failed.
pub(crate) struct Attempts {
    operation: &'static str,
    /// Why it is given up after the last.
    cause: &'static str,
    most: u32,
    failed: u32,
}

impl Attempts {
    pub(crate) fn new(operation: &'static str, most: u32, cause: &'static str) -> Self {
        Self {
            operation,
            cause,
            most,
            failed: 0,
        }
    }

    /// Waits before the next attempt.
    ///
    /// # Errors
    /// A transient [`StoreError`] where no attempt is left.
    pub(crate) async fn again(&mut self) -> Result<(), StoreError> {
        pause(self.failed).await;
        self.failed += 1;
        if self.failed >= self.most {
            return Err(StoreError::transient(self.operation)(self.cause.into()));
        }
        Ok(())
    }
}

/// Waits before attempt `attempt` (0 for the first retry): a random part of 50 ms doubled each time, at most 3.2 s.
pub(crate) async fn pause(attempt: u32) {
    let most = 50_u64 << attempt.min(6);
    // Without randomness the full wait is still a wait.
    let random = getrandom::u64().unwrap_or(u64::MAX);
    tokio::time::sleep(Duration::from_millis(random % most + 1)).await;
}
