//! The tables of a running process, read through the address it tells its operator.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use jiff::Timestamp;
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::{Month, local_date};
use thuocdo::store::Store;

use crate::Fault;

/// The tables of the process whose data is in `data`.
///
/// # Errors
/// When it is not running.
pub fn store(data: &Path) -> Result<Store, Fault> {
    let text = std::fs::read_to_string(data.join("engines.env"))?;
    let engines: HashMap<_, _> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let of = |name: &'static str| {
        let value = engines.get(name).copied();
        value.ok_or_else(|| format!("engines.env does not name {name}"))
    };
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("local"))
        .endpoint_url(of("AWS_ENDPOINT_URL_DYNAMODB")?)
        .credentials_provider(Credentials::new(
            of("AWS_ACCESS_KEY_ID")?,
            of("AWS_SECRET_ACCESS_KEY")?,
            None,
            None,
            "engines.env",
        ))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let client = aws_sdk_dynamodb::Client::from_conf(config);
    Ok(Store::new(client, RATINGS_TABLE, TALLY_TABLE))
}

/// Ratings of this month in the cells of `units`.
///
/// # Errors
/// When the tables cannot be read.
pub async fn counted(store: &Store, units: &BTreeSet<String>) -> Result<u64, Fault> {
    let month = Month::of(local_date(Timestamp::now()));
    let mut counted = 0;
    for unit in units {
        let cells = store.cells(&UnitId::parse(unit)?, month).await?;
        counted += cells.values().map(|cell| cell.rated()).sum::<u64>();
    }
    Ok(counted)
}
