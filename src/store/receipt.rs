//! Looking receipts up, and remembering failed tries.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::dossier::receipt_from_item;
use super::item::Item;
use super::key::{Key, SK};
use super::transaction::Outcome;
use super::{Store, StoreError};
use crate::challenge::Nonce;
use crate::domain::dossier::Receipt;
use crate::domain::rating::Subject;

/// Wrong tries on one receipt code in a day from which somebody is guessing.
///
/// They raise an alarm and nothing else. Whoever handles a dossier knows its code; were the code closed after so many
/// tries, they could keep its citizen from rating, while 50 secret bits behind a security code need no such lock.
pub const SUSPICIOUS_TRIES: u32 = 20;

/// A receipt and what the store knows beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredReceipt {
    /// The receipt.
    pub receipt: Receipt,
    /// `Keyring::secret_hash` of its secret part, where the slip carries one.
    pub secret_hash: Option<String>,
    /// Subjects it has rated.
    pub used: BTreeSet<String>,
    /// When it can no longer rate, in seconds since 1970.
    pub expires: i64,
}

impl StoredReceipt {
    /// Whether it can still rate `subject` at `now`.
    #[must_use]
    pub fn is_free(&self, subject: &Subject, now: Timestamp) -> bool {
        self.expires > now.as_second() && !self.used.contains(&subject.to_string())
    }
}

/// What stands behind a code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LookUp {
    /// The receipt, if there is one.
    pub receipt: Option<StoredReceipt>,
    /// Failed tries of the day.
    pub tries: u32,
}

/// Whether a nonce was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// It was new and is spent now.
    Now,
    /// It had been spent before.
    Before,
}

impl Store {
    /// The receipt under `hash` (`Keyring::receipt_hash`) and the failed tries of `day`; one consistent read.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or the item is malformed.
    pub async fn look_up(&self, hash: &str, day: Date) -> Result<LookUp, StoreError> {
        let partition = Key::receipt(hash).pk;
        let items = self
            .query("look up receipt", &self.ratings, partition, true)
            .await?;
        let mut found = LookUp::default();
        let tries_key = Key::tries(hash, day).sk;
        for item in &items {
            match item
                .get(SK)
                .and_then(|sk| sk.as_s().ok())
                .map(String::as_str)
            {
                Some("RECEIPT") => found.receipt = Some(stored_receipt(item)?),
                Some(sk) if sk == tries_key => {
                    found.tries = number(item, "tries")
                        .unwrap_or(0)
                        .try_into()
                        .unwrap_or(u32::MAX)
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// Remembers a failed try; the same writes whether or not there is a receipt under `hash`.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn count_try(
        &self,
        hash: &str,
        day: Date,
        nonce: Option<&Nonce>,
        now: Timestamp,
    ) -> Result<Spent, StoreError> {
        let key = Key::tries(hash, day);
        let expires = (now + SignedDuration::from_hours(48)).as_second();
        let tries = Update::builder()
            .table_name(&self.ratings)
            .set_key(Some(key.attributes()))
            .update_expression("ADD tries :one SET exp = :exp")
            .expression_attribute_values(":one", AttributeValue::N("1".into()))
            .expression_attribute_values(":exp", AttributeValue::N(expires.to_string()))
            .build()
            .map_err(|error| StoreError::during("count try")(Box::new(error)))?;
        let mut actions = vec![TransactWriteItem::builder().update(tries).build()];
        actions.extend(nonce.map(|nonce| self.put_nonce(nonce)).transpose()?);
        Ok(spent(self.transact("count try", &actions).await?))
    }

    /// Spends a nonce.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn spend(&self, nonce: &Nonce) -> Result<Spent, StoreError> {
        let actions = [self.put_nonce(nonce)?];
        Ok(spent(self.transact("spend nonce", &actions).await?))
    }

    /// The put carries a random value of its own, so that trying it again after a lost reply is not a second use.
    fn put_nonce(&self, nonce: &Nonce) -> Result<TransactWriteItem, StoreError> {
        let by = AttributeValue::S(format!("{:032x}", rand::random::<u128>()));
        let put = Put::builder()
            .table_name(&self.ratings)
            .set_item(Some(Key::nonce(&nonce.id).attributes()))
            .item(
                "exp",
                AttributeValue::N(nonce.expires.as_second().to_string()),
            )
            .item("by", by.clone())
            .condition_expression("attribute_not_exists(PK) OR #by = :by")
            .expression_attribute_names("#by", "by")
            .expression_attribute_values(":by", by)
            .build()
            .map_err(|error| StoreError::during("spend nonce")(Box::new(error)))?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

fn spent(outcome: Outcome) -> Spent {
    match outcome {
        Outcome::Committed { .. } => Spent::Now,
        Outcome::Refused(_) => Spent::Before,
    }
}

fn stored_receipt(item: &Item) -> Result<StoredReceipt, StoreError> {
    let receipt = receipt_from_item(item)
        .map_err(|error| StoreError::during("look up receipt")(Box::new(error)))?;
    let used = item
        .get("used")
        .and_then(|used| used.as_ss().ok())
        .map(|used| used.iter().cloned().collect());
    Ok(StoredReceipt {
        receipt,
        secret_hash: item
            .get("secret")
            .and_then(|secret| secret.as_s().ok())
            .cloned(),
        used: used.unwrap_or_default(),
        expires: number(item, "exp").unwrap_or(0),
    })
}

fn number(item: &Item, name: &str) -> Option<i64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
