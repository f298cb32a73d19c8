//! How far each stream was delivered, and the on-failure queue.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, OptionalExtension};

use crate::error::BoxError;
use crate::sqlite;

/// A record that failed too often; its rating stays marked as pending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    /// Its sequence number in the stream.
    pub sequence_number: String,
    /// The keys of its item, in DynamoDB's JSON.
    pub keys: String,
    /// Why the last try failed.
    pub cause: String,
    /// How often it was tried alone.
    pub tries: u32,
}

/// The memory of the mapping; survives restarts when it has a file.
#[derive(Debug, Clone)]
pub struct Ledger {
    connection: Arc<Mutex<Connection>>,
}

impl Ledger {
    /// Opens the file at `path`, or a ledger in memory.
    ///
    /// # Errors
    /// When the file is no database.
    pub fn open(path: Option<&Path>) -> Result<Self, BoxError> {
        let connection = sqlite::open(path)?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS checkpoints (
                stream TEXT PRIMARY KEY,
                sequence_number TEXT NOT NULL
             );
             CREATE TABLE IF NOT EXISTS given_up (
                id INTEGER PRIMARY KEY,
                stream TEXT NOT NULL,
                sequence_number TEXT NOT NULL,
                keys TEXT NOT NULL,
                cause TEXT NOT NULL,
                tries INTEGER NOT NULL,
                at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
             );",
        )?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// The last sequence number of `stream` that was delivered; `None` before the first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn checkpoint(&self, stream: &str) -> Result<Option<String>, BoxError> {
        let connection = sqlite::lock(&self.connection);
        let checkpoint = connection
            .prepare_cached("SELECT sequence_number FROM checkpoints WHERE stream = ?1")?
            .query_row([stream], |row| row.get(0))
            .optional()?;
        Ok(checkpoint)
    }

    /// Everything given up, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn given_up(&self) -> Result<Vec<GivenUp>, BoxError> {
        let connection = sqlite::lock(&self.connection);
        let mut statement = connection
            .prepare("SELECT sequence_number, keys, cause, tries FROM given_up ORDER BY id")?;
        let rows = statement.query_map([], |row| {
            Ok(GivenUp {
                sequence_number: row.get(0)?,
                keys: row.get(1)?,
                cause: row.get(2)?,
                tries: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn advance(&self, stream: &str, sequence_number: &str) -> Result<(), BoxError> {
        let connection = sqlite::lock(&self.connection);
        connection
            .prepare_cached("INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2)")?
            .execute((stream, sequence_number))?;
        Ok(())
    }

    pub(super) fn give_up(&self, stream: &str, given_up: &GivenUp) -> Result<(), BoxError> {
        let connection = sqlite::lock(&self.connection);
        connection.execute(
            "INSERT INTO given_up (stream, sequence_number, keys, cause, tries)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                stream,
                &given_up.sequence_number,
                &given_up.keys,
                &given_up.cause,
                given_up.tries,
            ),
        )?;
        Ok(())
    }
}
