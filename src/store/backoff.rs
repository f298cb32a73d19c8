//! Waiting before trying again: longer each time, never in step with others.

use std::time::Duration;

/// Waits before attempt `attempt` (0 for the first retry): a random part of 50 ms doubled each time, at most 3.2 s.
pub(crate) async fn pause(attempt: u32) {
    let most = 50_u64 << attempt.min(6);
    // Without randomness the full wait is still a wait.
    let random = getrandom::u64().unwrap_or(u64::MAX);
    tokio::time::sleep(Duration::from_millis(random % most + 1)).await;
}
