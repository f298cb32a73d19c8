//! Forgetting a person: the operator's command, on any table the SDK reaches.

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_http_client::Builder;
use jiff::Timestamp;
use thuocdo::config;
use thuocdo::domain::phone::Phone;
use thuocdo::intake::person;
use thuocdo::keyring::Keyring;
use thuocdo::store::Store;
use thuocdo::store::guard::Erased;

use crate::error::BoxError;

/// Erases what the guards hold of `phone`; in the system that runs on `data`, or else in the tables that the environment
/// names as it does for a function: `RATINGS_TABLE`, `TALLY_TABLE`, `MASTER_KEY`, `AWS_*`.
///
/// # Errors
/// For text that is no phone number, settings that are missing, and tables that cannot be reached.
pub async fn erase_phone(data: Option<&Path>, phone: &str) -> Result<Erased, BoxError> {
    let phone = Phone::parse(phone)?;
    let (store, keyring) = match data {
        Some(data) => running_on(data)?,
        None => (
            Store::from_env(&config::aws_of_operator().await)?,
            Keyring::from_hex(&config::required("MASTER_KEY")?)?,
        ),
    };
    Ok(person::erase(&store, &keyring, &phone, Timestamp::now()).await?)
}

fn running_on(data: &Path) -> Result<(Store, Keyring), BoxError> {
    let engines = std::fs::read_to_string(data.join("engines.env"))
        .map_err(|error| format!("no system runs on {}: {error}", data.display()))?;
    let settings: BTreeMap<&str, &str> = engines
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let setting = |name: &'static str| -> Result<String, BoxError> {
        let value = settings.get(name);
        let value = value.ok_or_else(|| format!("{} lacks {name}", data.display()))?;
        Ok((*value).to_owned())
    };
    let credentials = Credentials::new(
        setting("AWS_ACCESS_KEY_ID")?,
        setting("AWS_SECRET_ACCESS_KEY")?,
        None,
        None,
        "engines.env",
    );
    let client = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(Builder::new().build_http())
        .region(Region::new(setting("AWS_REGION")?))
        .credentials_provider(credentials)
        .endpoint_url(setting("AWS_ENDPOINT_URL_DYNAMODB")?)
        .timeout_config(config::timeouts())
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(client);
    let store = Store::new(client, setting("RATINGS_TABLE")?, setting("TALLY_TABLE")?);
    let key = std::fs::read_to_string(data.join("master.key"))?;
    Ok((store, Keyring::from_hex(&key)?))
}
