//! Settings from the environment, read once at start, and the one SDK configuration every client shares.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

/// A setting is missing or not readable.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {name} is missing or unreadable")]
pub struct ConfigError {
    name: &'static str,
}

/// The value of environment variable `name`.
///
/// # Errors
/// [`ConfigError`] when it is unset, empty or not Unicode.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError { name })
}

/// The value of environment variable `name`, if it is set, not empty and Unicode.
#[must_use]
pub fn optional(name: &'static str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Connections, credentials, retries and timeouts; reads `AWS_*`, `AWS_ENDPOINT_URL_*` among them.
///
/// The SDK has no read or operation timeout of its own; a function's timeout must be longer than [`OPERATION_TIMEOUT`].
pub async fn aws() -> SdkConfig {
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(client)
        .timeout_config(timeouts())
        .retry_config(RetryConfig::standard().with_max_attempts(3))
        .load()
        .await
}

/// A client of buckets; of a cluster that `AWS_ENDPOINT_URL*` names, buckets are folders, because few such clusters have a
/// host name for each.
#[must_use]
pub fn s3(aws: &SdkConfig) -> aws_sdk_s3::Client {
    let own = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].map(optional);
    let config = aws_sdk_s3::config::Builder::from(aws);
    let config = config.force_path_style(own.iter().any(Option::is_some));
    aws_sdk_s3::Client::from_conf(config.build())
}

/// The longest one store or bucket operation may take, retries included.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// Timeouts of every client.
#[must_use]
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(3))
        .operation_attempt_timeout(Duration::from_secs(4))
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}
