//! Names and phones, taken out of the guards that hold them.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;

use super::item::is_condition_failed;
use super::key::{Key, PK};
use super::{Store, StoreError};

/// What an erasure found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Guards that held a name and a phone.
    pub looked_at: usize,
    /// Those that were somebody's, and hold nothing any more.
    pub erased: usize,
}

const OPERATION: &str = "erase from guards";

impl Store {
    /// Erases the sealed name and phone of every guard that is theirs, as `is_theirs` tells from its hash and box.
    ///
    /// The guard itself stays until it expires, so its phone still rates once; ratings are not touched. Reads the whole
    /// table, a page at a time: a guard does not say whom it rated, and that may be an official no catalog knows any more.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or written; doing it again is safe.
    pub async fn erase_guards(
        &self,
        is_theirs: impl Fn(&str, &[u8]) -> bool,
        today: Date,
    ) -> Result<Erased, StoreError> {
        let mut pages = self
            .client
            .scan()
            .table_name(&self.ratings)
            .filter_expression("begins_with(PK, :guards) AND attribute_exists(sealed)")
            .expression_attribute_values(":guards", AttributeValue::S(Key::guard("").pk))
            .projection_expression("PK, sealed")
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut found = Erased::default();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| StoreError::read(OPERATION, error))?;
            let hash = item.get(PK).and_then(|pk| pk.as_s().ok());
            let hash = hash.and_then(|pk| pk.strip_prefix(&Key::guard("").pk));
            let sealed = item.get("sealed").and_then(|sealed| sealed.as_b().ok());
            let Some((hash, sealed)) = hash.zip(sealed) else {
                continue;
            };
            found.looked_at += 1;
            if is_theirs(hash, sealed.as_ref()) {
                self.erase_guard(hash, today).await?;
                found.erased += 1;
            }
        }
        Ok(found)
    }

    async fn erase_guard(&self, hash: &str, today: Date) -> Result<(), StoreError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.ratings)
            .set_key(Some(Key::guard(hash).attributes()))
            .update_expression("REMOVE sealed SET erased = :today")
            .condition_expression("attribute_exists(PK)")
            .expression_attribute_values(":today", AttributeValue::S(today.to_string()));
        match update.send().await {
            Ok(_) => Ok(()),
            // It expired in between.
            Err(error) if is_condition_failed(&error) => Ok(()),
            Err(error) => Err(StoreError::read(OPERATION, error)),
        }
    }
}
