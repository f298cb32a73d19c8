//! The embedded DynamoDB: both tables and the stream, for the SDK of this process and, through a [`Door`], of others.

mod disk;
mod door;
mod short_cut;
mod socket;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType, TimeToLiveSpecification, TimeToLiveStatus,
};
use dynoxide::Database;
use jiff::Timestamp;
use rusqlite::Connection;

pub use disk::Disk;
pub use door::Door;
pub use short_cut::ShortCut;
pub use socket::Socket;

use crate::error::BoxError;

/// Name of the table of ratings.
pub const RATINGS_TABLE: &str = "thuocdo-ratings";
/// Name of the table of cells.
pub const TALLY_TABLE: &str = "thuocdo-tally";

/// Key attributes of both tables, both strings.
const KEYS: [(&str, KeyType); 2] = [("PK", KeyType::Hash), ("SK", KeyType::Range)];
/// Epoch seconds after which an item of `Ratings` may go.
const EXPIRY: &str = "exp";

/// What the engine adds to the number it stores for a stream record to make the one it shows.
const SEQUENCE_OFFSET: u128 = 100_000_000_000_000_000_000;
/// Stream records deleted in one transaction; writers wait for it.
const TRIM_CHUNK: i64 = 500;

/// What the SDK is told the engines' region is.
pub const REGION: &str = "local";

/// The address a client of this process is configured with; nothing listens there.
pub const IN_PROCESS: &str = "http://tables.invalid";

/// The running engine.
pub struct Dynamo {
    /// Its HTTP client for an SDK in this process, without a socket.
    pub short_cut: ShortCut,
    database: Database,
    file: Option<PathBuf>,
    worker: JoinHandle<()>,
}

impl Dynamo {
    /// Starts the engine on the file at `path`, or in memory. What it answers is on the disk.
    ///
    /// # Errors
    /// When the file is no database of the engine.
    pub fn start(path: Option<&Path>) -> Result<Self, BoxError> {
        Self::start_on(path, Disk::default())
    }

    /// The same with answers that wait for the disk in another way.
    ///
    /// # Errors
    /// When the file is no database of the engine.
    pub fn start_on(path: Option<&Path>, disk: Disk) -> Result<Self, BoxError> {
        let uri = match path {
            Some(path) => path
                .to_str()
                .ok_or("the path of the data directory is not UTF-8")?
                .to_owned(),
            None => memory_uri(),
        };
        // As `.cargo/config.toml` has SQLite built; `disable_bulk_loading` would shrink its cache to 2 MB.
        let database = Database::new(&uri)?;
        index_stream(&uri)?;
        let log = path.map(|path| disk.log_of(path)).transpose()?;
        let (short_cut, worker) = ShortCut::start(database.clone(), log)?;
        Ok(Self {
            short_cut,
            database,
            file: path.map(Path::to_owned),
            worker,
        })
    }

    /// Deletes items whose time has passed, as DynamoDB does on its own; returns how many.
    ///
    /// # Errors
    /// When the engine cannot read its file.
    pub async fn sweep(&self) -> Result<usize, BoxError> {
        let database = self.database.clone();
        Ok(tokio::task::spawn_blocking(move || database.sweep_ttl()).await??)
    }

    /// Forgets stream records written before `before` that were delivered (up to and with `delivered`); returns how many.
    ///
    /// Only on a file: in memory, a second connection would lock the engine out of its tables.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn trim_stream(&self, before: Timestamp, delivered: &str) -> Result<usize, BoxError> {
        let Some(file) = self.file.clone() else {
            return Ok(0);
        };
        let delivered = delivered.parse::<u128>()?.saturating_sub(SEQUENCE_OFFSET);
        // The engine never numbers a record below the microseconds of its clock.
        let bound = i64::try_from(delivered)?.min(before.as_microsecond());
        tokio::task::spawn_blocking(move || trim(&file, bound)).await?
    }

    /// Lets requests under way finish and closes the file.
    pub async fn stop(self) {
        self.short_cut.stop();
        let worker = self.worker;
        let _ = tokio::task::spawn_blocking(move || worker.join()).await;
    }
}

/// Makes both tables where they are missing; returns the ARN of the stream of `Ratings`.
///
/// # Errors
/// When the engine refuses.
pub async fn create_tables(client: &Client) -> Result<String, BoxError> {
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewImage)
        .build()?;
    create_table(client, RATINGS_TABLE, Some(stream)).await?;
    create_table(client, TALLY_TABLE, None).await?;
    expire_items(client, RATINGS_TABLE).await?;
    let described = client
        .describe_table()
        .table_name(RATINGS_TABLE)
        .send()
        .await?;
    let arn = described
        .table()
        .and_then(|table| table.latest_stream_arn());
    Ok(arn.ok_or("the table of ratings has no stream")?.to_owned())
}

async fn create_table(
    client: &Client,
    name: &str,
    stream: Option<StreamSpecification>,
) -> Result<(), BoxError> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_stream_specification(stream);
    for (attribute, role) in KEYS {
        request = request
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(attribute)
                    .key_type(role)
                    .build()?,
            )
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(attribute)
                    .attribute_type(ScalarAttributeType::S)
                    .build()?,
            );
    }
    match request.send().await {
        Ok(_) => Ok(()),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(|cause| cause.is_resource_in_use_exception()) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn expire_items(client: &Client, table: &str) -> Result<(), BoxError> {
    let described = client
        .describe_time_to_live()
        .table_name(table)
        .send()
        .await?;
    let status = described
        .time_to_live_description()
        .and_then(|ttl| ttl.time_to_live_status());
    if status == Some(&TimeToLiveStatus::Enabled) {
        return Ok(());
    }
    let ttl = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(EXPIRY)
        .build()?;
    client
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(ttl)
        .send()
        .await?;
    Ok(())
}

/// A name for a database in memory that a second connection of this process can reach too.
fn memory_uri() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("file:thuocdo-{count}?mode=memory&cache=shared")
}

/// Without an index the engine scans its whole stream log at every write.
fn index_stream(uri: &str) -> rusqlite::Result<()> {
    let connection = Connection::open(uri)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "CREATE INDEX IF NOT EXISTS stream_records_by_sequence
         ON _stream_records(table_name, CAST(sequence_number AS INTEGER))",
    )
}

/// Removes from the stream's log what it holds of guards, sealed names and phones among it; returns how many records.
///
/// Nothing reads these records: the stream delivers ratings.
pub(crate) fn forget_guards_of_the_stream(file: &Path) -> Result<usize, BoxError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    let mut forgotten = 0;
    loop {
        let deleted = connection.execute(
            "DELETE FROM _stream_records WHERE id IN (
                SELECT id FROM _stream_records
                WHERE table_name = ?1 AND json_extract(keys_json, '$.PK.S') LIKE 'P#%'
                LIMIT ?2)",
            (RATINGS_TABLE, TRIM_CHUNK),
        )?;
        forgotten += deleted;
        if deleted == 0 {
            break;
        }
    }
    // The write-ahead log held them too; readers may keep it for a moment, and then it is folded back later.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(forgotten)
}

fn trim(file: &Path, bound: i64) -> Result<usize, BoxError> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let mut trimmed = 0;
    loop {
        let deleted = connection.execute(
            "DELETE FROM _stream_records WHERE id IN (
                SELECT id FROM _stream_records
                WHERE table_name = ?1 AND CAST(sequence_number AS INTEGER) <= ?2
                LIMIT ?3)",
            (RATINGS_TABLE, bound, TRIM_CHUNK),
        )?;
        trimmed += deleted;
        if deleted == 0 {
            return Ok(trimmed);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
