//! Settings from the environment, read once at start, and the one SDK configuration every client shares.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::shared::IntoShared;
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use crate::keyring::MasterKeyError;

/// A setting is missing or not readable; its value is never shown.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Unset, empty or not Unicode.
    #[error("the environment variable {name} is missing or unreadable")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// There, and no key.
    #[error("the environment variable {name} holds no key")]
    MalformedKey {
        /// Its name.
        name: &'static str,
        /// What a key looks like.
        source: MasterKeyError,
    },
}

/// The value of environment variable `name`.
///
/// # Errors
/// [`ConfigError::Missing`] when it is unset, empty or not Unicode.
pub fn required(name: &'static str) -> Result<String, ConfigError> {
    optional(name).ok_or(ConfigError::Missing { name })
}

/// The key in environment variable `name`, as `read` takes it.
///
/// # Errors
/// [`ConfigError`] when it is missing, or not what `read` takes.
pub fn required_key<K>(
    name: &'static str,
    read: impl FnOnce(&str) -> Result<K, MasterKeyError>,
) -> Result<K, ConfigError> {
    read(&required(name)?).map_err(|source| ConfigError::MalformedKey { name, source })
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
    let authorities = authorities(region.as_deref(), optional);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(region.map(Region::new))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Endpoints)
        .http_client(https(authorities))
        .timeout_config(timeouts())
        .retry_config(retries())
        .build()
}

/// The same for a person at a command line, whose credentials may be in a profile or come from single sign-on.
pub async fn aws_of_operator() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https(TrustStore::default()))
        .timeout_config(timeouts())
        .retry_config(retries())
        .load()
        .await
}

fn https(authorities: TrustStore) -> SharedHttpClient {
    let context = TlsContext::builder().with_trust_store(authorities).build();
    let client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(context.expect("a trust store makes a context"))
        .build_https();
    Untried(client).into_shared()
}

/// Spares the start what [`HttpClient::validate_base_client_config`] does in the SDK: reading every certificate for a
/// connector that is dropped again, and built once more for the first request.
#[derive(Debug)]
struct Untried(SharedHttpClient);

impl HttpClient for Untried {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// Amazon Root CA 1 to 4 and Starfield Services G2, as <https://www.amazontrust.com/repository/> publishes them: every
/// endpoint of AWS has its certificate from one of them.
const AMAZON_ROOTS: &str = include_str!("config/amazon-roots.pem");

/// Who may vouch for the endpoints: Amazon, or, where there may be others than AWS's own, whoever the system trusts.
///
/// Reading the system's 140 certificates was four fifths of the work of a cold start.
fn authorities(
    region: Option<&str>,
    setting: impl Fn(&'static str) -> Option<String>,
) -> TrustStore {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
    let endpoints = [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_DYNAMODB",
        "AWS_ENDPOINT_URL_S3",
    ];
    let is_https = |url: String| url.starts_with("https:");
    // Partitions of AWS with authorities of their own.
    let is_apart = |region: &str| region.starts_with("cn-") || region.contains("-iso");
    let others = named.into_iter().any(|name| setting(name).is_some())
        || endpoints
            .into_iter()
            .any(|name| setting(name).is_some_and(is_https))
        || region.is_some_and(is_apart);
    match others {
        true => TrustStore::default(),
        false => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
    }
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

/// The longest all operations of one request of a citizen may take together.
///
/// A function that is ended from outside answers with the CDN's page for faults, and what was typed is lost; one that stops
/// before its timeout answers with the form.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

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

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64, HEXLOWER};
    use sha2::{Digest, Sha256};

    use super::*;

    /// Whether nobody but Amazon is trusted.
    fn is_amazon_alone(region: &str, settings: &[(&str, &str)]) -> bool {
        let setting = |name| {
            let mut settings = settings.iter();
            settings
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let trusted = format!("{:?}", authorities(Some(region), setting));
        assert!(trusted.contains("enable_native_roots"), "{trusted}");
        trusted.contains("enable_native_roots: false")
    }

    #[test]
    fn aws_itself_is_vouched_for_by_amazon_alone() {
        let on_loopback = [("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")];

        assert!(is_amazon_alone("ap-southeast-1", &[]));
        assert!(is_amazon_alone("ap-southeast-1", &on_loopback));
    }

    #[test]
    fn others_are_vouched_for_by_whom_the_system_trusts() {
        for setting in [
            ("SSL_CERT_FILE", "/etc/ssl/own.pem"),
            ("SSL_CERT_DIR", "/etc/ssl/own"),
            ("AWS_ENDPOINT_URL", "https://cluster.example"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "https://tables.example"),
            ("AWS_ENDPOINT_URL_S3", "https://buckets.example"),
        ] {
            assert!(
                !is_amazon_alone("ap-southeast-1", &[setting]),
                "{setting:?}"
            );
        }
        assert!(!is_amazon_alone("cn-north-1", &[]));
        assert!(!is_amazon_alone("us-iso-east-1", &[]));
    }

    /// The fingerprints Amazon publishes.
    #[test]
    fn the_roots_are_amazons() {
        let certificates = AMAZON_ROOTS.split("-----END CERTIFICATE-----").map(|text| {
            let (_, base64) = text.split_once("-----BEGIN CERTIFICATE-----")?;
            let base64: String = base64.split_whitespace().collect();
            let der = BASE64.decode(base64.as_bytes()).unwrap();
            Some(HEXLOWER.encode(&Sha256::digest(der)))
        });

        assert_eq!(
            certificates.flatten().collect::<Vec<_>>(),
            [
                "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
                "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
                "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
                "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
                "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
            ]
        );
    }
}
