//! The catalog: every version whole and for good, and one pointer to the one in force.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use super::backoff::Attempts;
use super::error::MalformedItem;
use super::item::{Item, is_condition_failed};
use super::key::{Key, PK, SK};
use super::{Store, StoreError};
use crate::domain::catalog::{Catalog, CatalogHead, UnitEntry};
use crate::domain::id::UnitId;

/// Most bytes of JSON the head, or a unit with its officials, may take: DynamoDB's limit is 400 KB for an item, names and
/// keys included.
pub const MAX_ITEM_BYTES: usize = 350 * 1024;
/// Items of one batch: DynamoDB takes no more.
const BATCH: usize = 25;
/// Batches under way at once; a partition takes about 1,000 write units a second anyway.
const CONCURRENCY: usize = 6;
/// Tries of one batch before the import is given up and started again by its event.
const ATTEMPTS: u32 = 14;

const VERSION: &str = "version";
const IMPORTED: &str = "imported";
/// JSON of the head or of a unit with its officials.
const BODY: &str = "body";

/// The catalog in force, as its pointer tells.
#[derive(Debug, Clone)]
pub struct InForce {
    /// Its version.
    pub version: String,
    pointer: Item,
}

impl InForce {
    /// The head, of which the pointer carries a copy.
    ///
    /// # Errors
    /// [`StoreError`] when the copy cannot be read.
    pub fn head(&self) -> Result<CatalogHead, StoreError> {
        head(&self.pointer)
    }
}

/// What came of storing a catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It is now in force.
    Replaced {
        /// Its version.
        version: String,
    },
    /// It was in force already; nothing was written.
    Unchanged {
        /// Its version.
        version: String,
    },
}

/// What a catalog is known by: the first 16 hexadecimal digits of the SHA-256 of its canonical JSON.
///
/// Canonical are the fields in the order of the types, units sorted by identifier, no white space.
#[must_use]
pub fn version(catalog: &Catalog) -> String {
    #[derive(Serialize)]
    struct Canonical<'a> {
        head: &'a CatalogHead,
        units: &'a BTreeMap<UnitId, UnitEntry>,
    }
    let canonical = Canonical {
        head: &catalog.head,
        units: &catalog.units,
    };
    let digest = Sha256::digest(to_json(&canonical));
    data_encoding::HEXLOWER.encode(&digest[..8])
}

impl Store {
    /// Writes every item of the catalog under its version, then turns the pointer to it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written, or when another import turned the pointer meanwhile;
    /// the catalog that was in force then still is, and the same call may be made again.
    pub async fn put_catalog(
        &self,
        catalog: &Catalog,
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        let version = version(catalog);
        let current = self.catalog_version().await?;
        if current.as_ref() == Some(&version) {
            return Ok(Imported::Unchanged { version });
        }
        self.put_catalog_items(catalog, &version).await?;
        let head = to_json(&catalog.head);
        self.turn_pointer(&version, head, current, now).await
    }

    /// The version in force; `None` before the first import.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn catalog_version(&self) -> Result<Option<String>, StoreError> {
        let in_force = self.catalog_in_force().await?;
        Ok(in_force.map(|in_force| in_force.version))
    }

    /// The version in force with its head, in one read; `None` before the first import.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn catalog_in_force(&self) -> Result<Option<InForce>, StoreError> {
        let Some(mut pointer) = self.catalog_item(&Key::catalog_pointer()).await? else {
            return Ok(None);
        };
        let Some(AttributeValue::S(version)) = pointer.remove(VERSION) else {
            return Err(malformed(VERSION));
        };
        Ok(Some(InForce { version, pointer }))
    }

    /// Everything but the units of `version`.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn catalog_head(&self, version: &str) -> Result<Option<CatalogHead>, StoreError> {
        let item = self.catalog_item(&Key::catalog_head(version)).await?;
        item.as_ref().map(head).transpose()
    }

    /// One unit of `version` with its officials.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn catalog_unit(
        &self,
        version: &str,
        unit: &UnitId,
    ) -> Result<Option<UnitEntry>, StoreError> {
        let item = self.catalog_item(&Key::catalog_unit(version, unit)).await?;
        item.as_ref().map(body).transpose()
    }

    /// Every unit of `version` with its officials.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn catalog_units(
        &self,
        version: &str,
    ) -> Result<BTreeMap<UnitId, UnitEntry>, StoreError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.ratings)
            .key_condition_expression("PK = :pk AND begins_with(SK, :unit)")
            .expression_attribute_values(":pk", AttributeValue::S(Key::catalog_partition(version)))
            .expression_attribute_values(":unit", AttributeValue::S("UNIT#".to_owned()))
            // Read right behind the pointer, a page that lags would lose units.
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut units = BTreeMap::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|e| StoreError::during("read catalog units")(e.into()))?;
            let entry: UnitEntry = body(&item)?;
            units.insert(entry.unit.id.clone(), entry);
        }
        Ok(units)
    }

    async fn catalog_item(&self, key: &Key) -> Result<Option<Item>, StoreError> {
        self.get("read catalog", &self.ratings, key).await
    }

    /// Writes what the pointer will point to; writing it again changes nothing.
    async fn put_catalog_items(&self, catalog: &Catalog, version: &str) -> Result<(), StoreError> {
        let head = (Key::catalog_head(version), to_json(&catalog.head));
        let units = catalog.units.iter();
        let units = units.map(|(id, entry)| (Key::catalog_unit(version, id), to_json(entry)));
        let mut items = std::iter::once(head).chain(units);
        let mut batches = JoinSet::new();
        loop {
            let batch: Vec<WriteRequest> = items.by_ref().take(BATCH).map(put_request).collect();
            if batch.is_empty() {
                break;
            }
            if batches.len() == CONCURRENCY {
                finished(batches.join_next().await)?;
            }
            batches.spawn(write_batch(
                self.client.clone(),
                self.ratings.clone(),
                batch,
            ));
        }
        while !batches.is_empty() {
            finished(batches.join_next().await)?;
        }
        Ok(())
    }

    /// Turns the pointer, which carries a copy of the head: a function that starts reads one item instead of two.
    async fn turn_pointer(
        &self,
        version: &str,
        head: String,
        from: Option<String>,
        now: Timestamp,
    ) -> Result<Imported, StoreError> {
        let mut item = Key::catalog_pointer().attributes();
        item.insert(VERSION.to_owned(), AttributeValue::S(version.to_owned()));
        item.insert(IMPORTED.to_owned(), AttributeValue::S(now.to_string()));
        item.insert(BODY.to_owned(), AttributeValue::S(head));
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(item));
        let put = match from {
            None => put.condition_expression("attribute_not_exists(PK)"),
            Some(from) => put
                .condition_expression("#version = :from")
                .expression_attribute_names("#version", VERSION)
                .expression_attribute_values(":from", AttributeValue::S(from)),
        };
        let version = version.to_owned();
        let Err(error) = put.send().await else {
            return Ok(Imported::Replaced { version });
        };
        let moved = is_condition_failed(&error);
        if moved && self.catalog_version().await?.as_ref() == Some(&version) {
            // Our own write, its answer lost, or the same file imported twice at once.
            return Ok(Imported::Unchanged { version });
        }
        let fault = if moved {
            StoreError::transient("turn catalog pointer")(error.into())
        } else {
            StoreError::during("turn catalog pointer")(error.into())
        };
        Err(fault)
    }
}

/// Writes one batch; what is left unprocessed is tried again, later each time.
async fn write_batch(
    client: Client,
    table: String,
    batch: Vec<WriteRequest>,
) -> Result<(), StoreError> {
    let mut left = batch;
    let cause = "the table took the items too slowly";
    let mut attempts = Attempts::new("write catalog", ATTEMPTS, cause);
    loop {
        let written = client
            .batch_write_item()
            .request_items(table.clone(), left.clone())
            .send()
            .await;
        match written {
            Ok(output) => {
                let unprocessed = output.unprocessed_items.unwrap_or_default();
                left = unprocessed.into_values().flatten().collect();
                if left.is_empty() {
                    return Ok(());
                }
            }
            Err(error) if is_throttled(&error) => {}
            Err(error) => return Err(StoreError::during("write catalog")(error.into())),
        }
        attempts.again().await?;
    }
}

/// Whether every item of a batch was refused for coming too fast.
fn is_throttled<E, R>(error: &aws_sdk_dynamodb::error::SdkError<E, R>) -> bool
where
    E: aws_sdk_dynamodb::error::ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(|e| e.code());
    matches!(
        code,
        Some(
            "ProvisionedThroughputExceededException"
                | "ThrottlingException"
                | "RequestLimitExceeded"
        )
    )
}

fn finished(
    joined: Option<Result<Result<(), StoreError>, tokio::task::JoinError>>,
) -> Result<(), StoreError> {
    match joined {
        None => Ok(()),
        Some(Ok(written)) => written,
        Some(Err(error)) => Err(StoreError::during("write catalog")(error.into())),
    }
}

fn put_request((key, json): (Key, String)) -> WriteRequest {
    let item = HashMap::from([
        (PK.to_owned(), AttributeValue::S(key.pk)),
        (SK.to_owned(), AttributeValue::S(key.sk)),
        (BODY.to_owned(), AttributeValue::S(json)),
    ]);
    let put = PutRequest::builder().set_item(Some(item)).build();
    let put = put.expect("a put request with an item is complete");
    WriteRequest::builder().put_request(put).build()
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("catalog types have string keys and no failing serialiser")
}

fn head(item: &Item) -> Result<CatalogHead, StoreError> {
    let head: CatalogHead = body(item)?;
    Ok(CatalogHead {
        settings: head.settings.raised_to_floors(),
        ..head
    })
}

fn body<T: DeserializeOwned>(item: &Item) -> Result<T, StoreError> {
    let json = item.get(BODY).and_then(|value| value.as_s().ok());
    let value = json.and_then(|json| serde_json::from_str(json).ok());
    value.ok_or_else(|| malformed(BODY))
}

fn malformed(attribute: &'static str) -> StoreError {
    StoreError::during("read catalog")(MalformedItem { attribute }.into())
}
