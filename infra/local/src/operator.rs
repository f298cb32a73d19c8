//! The operator's commands on tables: forgetting a person, sealing a month again.

use std::path::Path;

use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use jiff::Timestamp;
use thuocdo::config;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::phone::Phone;
use thuocdo::intake::person;
use thuocdo::keyring::Keyring;
use thuocdo::store::Store;
use thuocdo::store::guard::Erased;
use thuocdo::store::month_seal::SealedAgain;

use crate::data::{TABLES, TABLES_SOCKET};
use crate::dynamo::{self, IN_PROCESS, RATINGS_TABLE, REGION, Socket, TALLY_TABLE};
use crate::error::BoxError;

/// Erases what the guards hold of `phone`; in the system that runs on `data`, or else in the tables that the environment
/// names as it does for a function: `RATINGS_TABLE`, `TALLY_TABLE`, `MASTER_KEY`, `AWS_*`.
///
/// On `data` it also removes the guards from the stream's log, which would keep them for a day.
///
/// # Errors
/// For text that is no phone number, settings that are missing, and tables that cannot be reached.
pub async fn erase_phone(data: Option<&Path>, phone: &str) -> Result<Erased, BoxError> {
    let phone = Phone::parse(phone)?;
    let now = Timestamp::now();
    let Some(data) = data else {
        let store = Store::from_env(&config::aws_of_operator().await)?;
        let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?;
        return Ok(person::erase(&store, &keyring, &phone, now).await?);
    };
    let store = running_on(data)?;
    let key = std::fs::read_to_string(data.join("master.key"))?;
    let erased = person::erase(&store, &Keyring::from_hex(&key)?, &phone, now).await?;
    let tables = data.join(TABLES);
    tokio::task::spawn_blocking(move || dynamo::forget_guards_of_the_stream(&tables)).await??;
    Ok(erased)
}

/// Seals a month of a unit again, on `data` or in the tables that the environment names; what came of it, in a line.
///
/// # Errors
/// For a unit or month that is none, and tables that cannot be reached.
pub async fn seal_again(data: Option<&Path>, unit: &str, month: &str) -> Result<String, BoxError> {
    let unit = UnitId::parse(unit)?;
    let month = Month::parse(month).ok_or("a month is written as 202612")?;
    let store = match data {
        Some(data) => running_on(data)?,
        None => Store::from_env(&config::aws_of_operator().await)?,
    };
    let today = local_date(Timestamp::now());
    let sealed = store.seal_month_again(&unit, month, today).await?;
    Ok(match sealed {
        SealedAgain::Sealed { before, now } => format!(
            "sealed {unit} {month} again: {} ratings, {} satisfied; before {} and {}; both seals are kept",
            now.rated, now.satisfied, before.rated, before.satisfied
        ),
        SealedAgain::Unchanged => format!("the seal of {unit} {month} holds; nothing was done"),
        SealedAgain::NotSealed => format!("{unit} {month} is not sealed; nothing was done"),
        SealedAgain::Busy => format!("{unit} {month} was sealed again by another command just now"),
    })
}

/// Tables of the system that runs on `data`.
///
/// # Errors
/// When no system runs there.
pub(crate) fn running_on(data: &Path) -> Result<Store, BoxError> {
    let socket = data.join(TABLES_SOCKET);
    if !socket.exists() {
        return Err(format!("no system runs on {}", data.display()).into());
    }
    let client = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(Socket::at(&socket))
        .region(Region::new(REGION))
        .allow_no_auth()
        .endpoint_url(IN_PROCESS)
        .timeout_config(config::timeouts())
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(client);
    Ok(Store::new(client, RATINGS_TABLE, TALLY_TABLE))
}
