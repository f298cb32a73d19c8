//! Objects of the buckets in one SQLite table: whole objects, one lock, conditions decided under it.

use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::Stream;
use futures::stream::try_unfold;
use md5::{Digest, Md5};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::BoxError;
use crate::sqlite;

/// Largest object, in bytes.
pub const MAX_OBJECT: usize = 64 * 1024 * 1024;

/// What is known of an object beside its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// MD5 of the bytes in hexadecimal, without quotes.
    pub etag: String,
    /// `Content-Type` as it was put.
    pub content_type: Option<String>,
    /// `Cache-Control` as it was put.
    pub cache_control: Option<String>,
    /// When it was put, to the millisecond.
    pub last_modified: SystemTime,
    /// Length in bytes.
    pub size: u64,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// What is known of it.
    pub head: Head,
    /// The bytes.
    pub bytes: Bytes,
}

/// An object that is read piece by piece.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    /// What is known of it.
    pub(crate) head: Head,
    row: i64,
    /// The bytes from the beginning: all, or one piece.
    start: Bytes,
}

impl Opened {
    /// The bytes of `span`, where the whole object is in memory.
    pub(crate) fn whole(&self, span: &Range<u64>) -> Option<Bytes> {
        let start = usize::try_from(span.start).ok()?;
        let end = usize::try_from(span.end).ok()?;
        (self.start.len() as u64 == self.head.size).then(|| self.start.slice(start..end))
    }
}

/// Bytes that are read at once; objects of this size are read whole.
const PIECE: u64 = 256 * 1024;
/// Pieces an object is read in at most: SQLite goes through all of it for each.
const PIECES: u64 = 16;

/// An object to be put.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    /// The bytes.
    pub bytes: Bytes,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
}

/// What must hold of the object there is before it is replaced or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Always,
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// It has this tag.
    Tag(String),
    /// It has another tag, or there is none.
    NotTag(String),
}

impl Condition {
    fn holds(&self, etag: Option<&str>) -> bool {
        match self {
            Self::Always => true,
            Self::Absent => etag.is_none(),
            Self::Present => etag.is_some(),
            Self::Tag(expected) => etag == Some(expected),
            Self::NotTag(refused) => etag != Some(refused),
        }
    }
}

/// The outcome of a conditional change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Done; the object's tag now, where it was put.
    Done(String),
    /// The condition did not hold.
    Refused {
        /// Whether there is an object at all.
        exists: bool,
    },
}

/// All objects of all buckets.
#[derive(Debug, Clone)]
pub struct Objects {
    connection: Arc<Mutex<Connection>>,
}

impl Objects {
    /// Opens the file at `path`, or a store in memory.
    ///
    /// # Errors
    /// When the file is no database.
    pub fn open(path: Option<&Path>) -> Result<Self, BoxError> {
        let connection = sqlite::open(path)?;
        // A deleted object may hold slips' secrets: its pages are overwritten, not only given back.
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS objects (
                bucket TEXT NOT NULL,
                key TEXT NOT NULL,
                etag TEXT NOT NULL,
                content_type TEXT,
                cache_control TEXT,
                last_modified_ms INTEGER NOT NULL,
                bytes BLOB NOT NULL,
                PRIMARY KEY (bucket, key)
             )",
        )?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Writes an object whole, if `condition` holds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn put(
        &self,
        bucket: &str,
        key: &str,
        upload: Upload,
        condition: Condition,
    ) -> Result<Change, BoxError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.blocking(move |connection| {
            let etag = HEXLOWER.encode(&Md5::digest(&upload.bytes));
            let transaction = connection.transaction()?;
            let current = etag_of(&transaction, &bucket, &key)?;
            if !condition.holds(current.as_deref()) {
                return Ok(Change::Refused {
                    exists: current.is_some(),
                });
            }
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO objects
                     (bucket, key, etag, content_type, cache_control, last_modified_ms, bytes)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    bucket,
                    key,
                    etag,
                    upload.content_type,
                    upload.cache_control,
                    milliseconds(SystemTime::now()),
                    &upload.bytes[..],
                ])?;
            transaction.commit()?;
            Ok(Change::Done(etag))
        })
        .await
    }

    /// Deletes an object, if `condition` holds; deleting none is done too.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn delete(
        &self,
        bucket: &str,
        key: &str,
        condition: Condition,
    ) -> Result<Change, BoxError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.blocking(move |connection| {
            let transaction = connection.transaction()?;
            let current = etag_of(&transaction, &bucket, &key)?;
            if !condition.holds(current.as_deref()) {
                return Ok(Change::Refused {
                    exists: current.is_some(),
                });
            }
            transaction.execute(
                "DELETE FROM objects WHERE bucket = ?1 AND key = ?2",
                (&bucket, &key),
            )?;
            transaction.commit()?;
            Ok(Change::Done(current.unwrap_or_default()))
        })
        .await
    }

    /// Deletes an object, and what the write-ahead log still holds of it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) async fn forget(&self, bucket: &str, key: &str) -> Result<(), BoxError> {
        self.delete(bucket, key, Condition::Always).await?;
        self.blocking(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
        .await
    }

    /// The object, where there is one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Option<Object>, BoxError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.blocking(move |connection| {
            connection
                .prepare_cached(
                    "SELECT etag, content_type, cache_control, last_modified_ms, length(bytes), bytes
                     FROM objects WHERE bucket = ?1 AND key = ?2",
                )?
                .query_row((&bucket, &key), |row| {
                    Ok(Object {
                        head: head(row)?,
                        bytes: Bytes::from(row.get::<_, Vec<u8>>(5)?),
                    })
                })
                .optional()
        })
        .await
    }

    /// The object, where there is one, for reading piece by piece.
    pub(crate) async fn open_object(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<Option<Opened>, BoxError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.blocking(move |connection| {
            connection
                .prepare_cached(
                    "SELECT etag, content_type, cache_control, last_modified_ms, length(bytes), rowid,
                            substr(bytes, 1, ?3)
                     FROM objects WHERE bucket = ?1 AND key = ?2",
                )?
                .query_row((&bucket, &key, PIECE), |row| {
                    // Of no bytes SQLite makes NULL.
                    let start: Option<Vec<u8>> = row.get(6)?;
                    Ok(Opened {
                        head: head(row)?,
                        row: row.get(5)?,
                        start: Bytes::from(start.unwrap_or_default()),
                    })
                })
                .optional()
        })
        .await
    }

    /// The bytes of `object` in `span`, which lies within it; they are read as they are wanted.
    ///
    /// The stream ends with an error when the object is replaced before its last piece was read: two versions must not
    /// be mixed.
    pub(crate) fn stream(
        &self,
        object: Opened,
        span: Range<u64>,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
        let objects = self.clone();
        try_unfold(span, move |mut span| {
            let (objects, object) = (objects.clone(), object.clone());
            async move {
                if span.is_empty() {
                    return Ok(None);
                }
                let piece = objects.piece(&object, &span).await?;
                span.start += piece.len() as u64;
                Ok::<_, BoxError>(Some((piece, span)))
            }
        })
    }

    async fn piece(&self, object: &Opened, span: &Range<u64>) -> Result<Bytes, BoxError> {
        let at_start = usize::try_from(span.start)
            .ok()
            .filter(|start| *start < object.start.len());
        if let Some(start) = at_start {
            let end = usize::try_from(span.end).unwrap_or(usize::MAX);
            return Ok(object.start.slice(start..end.min(object.start.len())));
        }
        let length = PIECE.max(object.head.size / PIECES);
        let length = length.min(span.end - span.start);
        let (row, etag, first) = (object.row, object.head.etag.clone(), span.start + 1);
        let piece = self
            .blocking(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT substr(bytes, ?3, ?4) FROM objects WHERE rowid = ?1 AND etag = ?2",
                    )?
                    .query_row((row, &etag, first, length), |row| row.get::<_, Vec<u8>>(0))
                    .optional()
            })
            .await?;
        let piece = piece.filter(|piece| !piece.is_empty());
        Ok(Bytes::from(
            piece.ok_or("the object was replaced while it was read")?,
        ))
    }

    /// What is known of the object, where there is one.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn head(&self, bucket: &str, key: &str) -> Result<Option<Head>, BoxError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.blocking(move |connection| {
            connection
                .prepare_cached(
                    "SELECT etag, content_type, cache_control, last_modified_ms, length(bytes)
                     FROM objects WHERE bucket = ?1 AND key = ?2",
                )?
                .query_row((&bucket, &key), head)
                .optional()
        })
        .await
    }

    /// Up to `limit` keys that start with `prefix` and come after `after`, in byte order, each with its head.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Head)>, BoxError> {
        let (bucket, prefix, after) = (bucket.to_owned(), prefix.to_owned(), after.to_owned());
        self.blocking(move |connection| {
            let end = last_with(&prefix);
            let mut statement = connection.prepare_cached(
                "SELECT etag, content_type, cache_control, last_modified_ms, length(bytes), key
                 FROM objects
                 WHERE bucket = ?1 AND key >= ?2 AND key < ?3 AND key > ?4
                 ORDER BY key LIMIT ?5",
            )?;
            statement
                .query_map(
                    params![
                        bucket,
                        prefix,
                        end,
                        after,
                        i64::try_from(limit).unwrap_or(i64::MAX)
                    ],
                    |row| Ok((row.get(5)?, head(row)?)),
                )?
                .collect()
        })
        .await
    }

    async fn blocking<T, F>(&self, work: F) -> Result<T, BoxError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = Arc::clone(&self.connection);
        let worked = tokio::task::spawn_blocking(move || work(&mut sqlite::lock(&connection)));
        Ok(worked.await??)
    }
}

/// A bound just above every key that starts with `prefix`: the highest character behind it.
pub(crate) fn last_with(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

fn etag_of(connection: &Connection, bucket: &str, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT etag FROM objects WHERE bucket = ?1 AND key = ?2")?
        .query_row((bucket, key), |row| row.get(0))
        .optional()
}

fn head(row: &Row) -> rusqlite::Result<Head> {
    let milliseconds: u64 = row.get(3)?;
    Ok(Head {
        etag: row.get(0)?,
        content_type: row.get(1)?,
        cache_control: row.get(2)?,
        last_modified: UNIX_EPOCH + Duration::from_millis(milliseconds),
        size: row.get(4)?,
    })
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, TryStreamExt};

    use super::*;

    async fn put(objects: &Objects, bytes: &[u8]) {
        let upload = Upload {
            bytes: Bytes::copy_from_slice(bytes),
            ..Upload::default()
        };
        let put = objects.put("site", "a.json", upload, Condition::Always);
        put.await.unwrap();
    }

    #[tokio::test]
    async fn a_large_object_comes_in_pieces_and_is_the_same() {
        let objects = Objects::open(None).unwrap();
        for size in [0, 1, PIECE as usize, PIECE as usize + 1, 6_000_001] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            put(&objects, &bytes).await;
            for span in [0..size, 1.min(size)..size, size / 2..size - size / 4] {
                let opened = objects.open_object("site", "a.json").await.unwrap();
                let stream = objects.stream(opened.unwrap(), span.start as u64..span.end as u64);
                let pieces: Vec<Bytes> = stream.try_collect().await.unwrap();

                assert_eq!(pieces.concat(), bytes[span.clone()], "{size} {span:?}");
                assert!(pieces.iter().all(|piece| piece.len() as u64 <= 2 * PIECE));
            }
        }
    }

    #[tokio::test]
    async fn two_versions_of_an_object_are_not_mixed() {
        let objects = Objects::open(None).unwrap();
        let size = 3 * PIECE;
        put(&objects, &vec![b'a'; size as usize]).await;
        let opened = objects.open_object("site", "a.json").await.unwrap();
        let mut stream = std::pin::pin!(objects.stream(opened.unwrap(), 0..size));
        let first = stream.next().await.unwrap().unwrap();

        put(&objects, &vec![b'b'; size as usize]).await;
        let second = stream.next().await.unwrap();

        assert_eq!(first, vec![b'a'; PIECE as usize]);
        assert!(second.is_err());
    }
}
