//! Settings from the environment, read once at start, and the one SDK configuration every client shares.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

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

/// What a function gets from the environment Lambda makes for it: region, credentials, and `AWS_ENDPOINT_URL*` where an
/// operator points it at a cluster of their own.
///
/// Profiles, single sign-on and instance metadata are left out: they would be a megabyte of every function, and used in none.
/// The SDK has no read or operation timeout of its own; a function's timeout must be longer than [`OPERATION_TIMEOUT`].
#[must_use]
pub fn aws() -> SdkConfig {
    let credentials = EnvironmentVariableCredentialsProvider::new();
    let region = optional("AWS_REGION").or_else(|| optional("AWS_DEFAULT_REGION"));
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints)
        .http_client(https())
        .timeout_config(timeouts())
        .retry_config(retries())
        .build()
}

/// The same for a person at a command line, whose credentials may be in a profile or come from single sign-on.
pub async fn aws_of_operator() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https())
        .timeout_config(timeouts())
        .retry_config(retries())
        .load()
        .await
}

fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// `AWS_ENDPOINT_URL_<SERVICE>`, or else `AWS_ENDPOINT_URL`.
#[derive(Debug)]
struct Endpoints;

impl LoadServiceConfig for Endpoints {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_ascii_uppercase().replace(' ', "_");
        let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        value(&format!("{}_{service}", key.env())).or_else(|| value(key.env()))
    }
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
