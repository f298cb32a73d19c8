//! Looking receipts up, and remembering failed tries.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::ToSpan;
use jiff::civil::Date;

use super::item::{self, Item, n};
use super::key::{Key, SK};
use super::transaction::Outcome;
use super::{Store, StoreError, receipt_item};
use crate::challenge::Nonce;
use crate::domain::dossier::Receipt;
use crate::domain::period::start_of_day;
use crate::domain::rating::Subject;
use crate::keyring::{ReceiptKeys, UsedMark};

const LOOK_UP: &str = "look up receipt";

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
    /// What it has rated: `ReceiptKeys::mark`, and subjects as earlier versions wrote them.
    pub used: Vec<String>,
    /// When it can no longer rate, in seconds since 1970.
    pub expires: i64,
}

impl StoredReceipt {
    /// Whether it has rated `subject`, whose mark is given.
    #[must_use]
    pub fn has_rated(&self, subject: &Subject, mark: &UsedMark) -> bool {
        receipt_item::is_among(&self.used, mark, subject)
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
    /// The receipt of a code and the failed tries of `day`; one consistent read.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or the item is malformed.
    pub async fn look_up(&self, keys: &ReceiptKeys, day: Date) -> Result<LookUp, StoreError> {
        let partition = Key::receipt(&keys.hash).pk;
        let items = self.query(LOOK_UP, &self.ratings, partition, true).await?;
        let mut found = LookUp::default();
        let tries_key = Key::tries(&keys.hash, day).sk;
        for item in &items {
            match item::text(item, SK).ok() {
                Some("RECEIPT") => found.receipt = Some(stored_receipt(keys, item)?),
                Some(sk) if sk == tries_key => {
                    found.tries = item::number(item, "tries").unwrap_or(0);
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
    ) -> Result<Spent, StoreError> {
        let key = Key::tries(hash, day);
        // By the day: to the second, it would tell when the last try was.
        let expires = start_of_day(day.saturating_add(3.days())).as_second();
        let tries = Update::builder()
            .table_name(&self.ratings)
            .set_key(Some(key.attributes()))
            .update_expression("ADD tries :one SET exp = :exp")
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":exp", n(expires))
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
        let by = item::s(format!("{:032x}", rand::random::<u128>()));
        let put = Put::builder()
            .table_name(&self.ratings)
            .set_item(Some(Key::nonce(&nonce.id).attributes()))
            .item("exp", n(nonce.expires.as_second()))
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

fn stored_receipt(keys: &ReceiptKeys, item: &Item) -> Result<StoredReceipt, StoreError> {
    let stored = receipt_item::read(keys, item)
        .map_err(|error| StoreError::during(LOOK_UP)(Box::new(error)))?;
    Ok(StoredReceipt {
        expires: receipt_item::expires(stored.receipt.received).as_second(),
        receipt: stored.receipt,
        secret_hash: stored.secret_hash,
        used: stored.used,
    })
}
