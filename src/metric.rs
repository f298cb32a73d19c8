//! Metrics in CloudWatch's embedded metric format: a log line that becomes a number to alarm on.

use serde_json::json;

use crate::config::optional;

/// Namespace of every metric of ours.
pub const NAMESPACE: &str = "ThuocDo";

/// The one dimension of every metric, of the setting `STACK`: two stacks of an account do not share alarms.
pub const DIMENSION: &str = "Stack";

/// Counts `amount` under `name`, in the dimension of this stack; on Lambda only, where standard output is read for metrics.
pub fn count(name: &'static str, amount: u64) {
    if std::env::var_os("AWS_LAMBDA_FUNCTION_NAME").is_none() {
        tracing::debug!(name, amount, "metric");
        return;
    }
    let stack = optional("STACK").unwrap_or_default();
    let line = line(name, amount, &stack, jiff::Timestamp::now());
    {
        println!("{line}");
    }
}

/// CloudWatch's embedded metric format, specification version 1; a dimension without a value would be refused.
fn line(name: &str, amount: u64, stack: &str, now: jiff::Timestamp) -> serde_json::Value {
    let dimensions = if stack.is_empty() {
        json!([[]])
    } else {
        json!([[DIMENSION]])
    };
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{ "Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": [{ "Name": name, "Unit": "Count" }] }],
        },
        name: amount,
    });
    if !stack.is_empty() {
        line[DIMENSION] = stack.into();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_told_of_its_stack() {
        let now = jiff::Timestamp::UNIX_EPOCH;

        let named = line("Swept", 3, "thuocdo", now);
        let nameless = line("Swept", 3, "", now);

        let of =
            |line: &serde_json::Value| line["_aws"]["CloudWatchMetrics"][0]["Dimensions"].clone();
        assert_eq!(
            (of(&named), &named["Stack"]),
            (json!([["Stack"]]), &json!("thuocdo"))
        );
        assert_eq!((of(&nameless), nameless.get("Stack")), (json!([[]]), None));
        assert_eq!(named["Swept"], 3);
    }
}
