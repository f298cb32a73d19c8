//! Metrics in CloudWatch's embedded metric format: a log line that becomes a number to alarm on.

use serde_json::json;

/// Namespace of every metric of ours.
pub const NAMESPACE: &str = "ThuocDo";

/// Counts `amount` under `name`, without dimensions; on Lambda only, where standard output is read for metrics.
pub fn count(name: &'static str, amount: u64) {
    if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_none() {
        tracing::debug!(name, amount, "metric");
        return;
    }
    let line = json!({
        "_aws": {
            "Timestamp": jiff::Timestamp::now().as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": [[]], "Metrics": [{ "Name": name, "Unit": "Count" }] }],
        },
        name: amount,
    });
    #[expect(
        clippy::print_stdout,
        reason = "the embedded metric format is read from standard output"
    )]
    {
        println!("{line}");
    }
}
