//! Receipts as the one-stop software hands them over, and the dossier counts that move with them.
//!
//! A receipt and the count of its unit and month are written in one transaction, each receipt on the condition that it
//! still is what was read before. So a file imported twice, or half-way and again, counts every dossier once.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, TransactWriteItem, Update};

use super::backoff::Attempts;
use super::item::{self, Item, n};
use super::key::{Key, PK};
use super::transaction::Outcome;
use super::{Store, StoreError, receipt_item};
use crate::domain::dossier::Receipt;
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::publication::DossierCounts;
use crate::keyring::ReceiptKeys;

/// Actions of one transaction: DynamoDB takes 100, a few are left free.
const MAX_ACTIONS: usize = 90;
/// The most that DynamoDB takes.
const LIMIT: usize = 100;
/// Tries of one transaction before the import is given up and started again by its event.
const ATTEMPTS: u32 = 10;

const READ: &str = "read receipts";
const WRITE: &str = "write dossiers";

const RECEIVED: &str = "received";
const ON_TIME: &str = "on_time";
const OVERDUE: &str = "overdue";

/// A dossier ready to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceipt {
    /// `Keyring::receipt_keys` of its code.
    pub keys: ReceiptKeys,
    /// `Keyring::secret_hash` of its secret part, where the slip carries one.
    pub secret: Option<String>,
    /// What the code lets a citizen rate.
    pub receipt: Receipt,
}

/// What came of one dossier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DossierOutcome {
    /// Its receipt is new.
    Created,
    /// Its receipt was brought up to date.
    Updated,
    /// Its receipt said the same already.
    Unchanged,
    /// Its receipt names another unit or field, or another day received and has been rated with; it was left alone.
    Contradicted,
}

impl Store {
    /// Creates or updates the receipts and counts them; the answer has one outcome per receipt, in their order.
    ///
    /// The codes must differ from each other. What a receipt has rated and its secret part are never changed. A receipt
    /// that an earlier version wrote is written in the present form, also where its dossier is the same.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or written; what was written stays, and the same call may be made
    /// again.
    pub async fn put_dossiers(
        &self,
        receipts: &[NewReceipt],
    ) -> Result<Vec<DossierOutcome>, StoreError> {
        let mut order: Vec<usize> = (0..receipts.len()).collect();
        // Neighbours share a counter, so that a transaction holds few of them.
        order.sort_by_key(|index| {
            let receipt = &receipts[*index].receipt;
            (&receipt.unit_id, Month::of(receipt.received))
        });
        let mut outcomes = vec![DossierOutcome::Unchanged; receipts.len()];
        for chunk in chunks(receipts, &order) {
            let batch: Vec<&NewReceipt> = chunk.iter().map(|index| &receipts[*index]).collect();
            let written = self.put_chunk(&batch).await?;
            for (index, outcome) in chunk.iter().zip(written) {
                outcomes[*index] = outcome;
            }
        }
        Ok(outcomes)
    }

    /// Dossiers the unit received in the month; `None` where no file has named any.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub async fn dossier_counts(
        &self,
        unit: &UnitId,
        month: Month,
    ) -> Result<Option<DossierCounts>, StoreError> {
        const OPERATION: &str = "read dossier counts";
        let key = Key::dossier_count(unit, month);
        let Some(item) = self.get(OPERATION, &self.ratings, &key).await? else {
            return Ok(None);
        };
        let number = |name| match item.contains_key(name) {
            true => item::number(&item, name),
            false => Ok(0),
        };
        let number =
            |name| number(name).map_err(|error| StoreError::during(OPERATION)(Box::new(error)));
        Ok(Some(DossierCounts {
            received: number(RECEIVED)?,
            on_time: number(ON_TIME)?,
            overdue: number(OVERDUE)?,
        }))
    }

    /// One transaction's worth, until it is written or every receipt says the same already.
    async fn put_chunk(&self, batch: &[&NewReceipt]) -> Result<Vec<DossierOutcome>, StoreError> {
        let cause = "the receipts kept changing or the table took them too slowly";
        let mut attempts = Attempts::new(WRITE, ATTEMPTS, cause);
        loop {
            let known = self.receipts(batch).await?;
            let plan = Plan::of(batch, &known, &self.ratings)?;
            if plan.actions.is_empty() {
                return Ok(plan.outcomes);
            }
            if plan.actions.len() > LIMIT {
                // Corrected days need the counters of two months each.
                let (first, second) = batch.split_at(batch.len() / 2);
                let mut outcomes = Box::pin(self.put_chunk(first)).await?;
                outcomes.extend(Box::pin(self.put_chunk(second)).await?);
                return Ok(outcomes);
            }
            match self.transact(WRITE, &plan.actions).await {
                Ok(Outcome::Committed { .. }) => return Ok(plan.outcomes),
                // A receipt changed meanwhile, or the reply was lost: reading will tell.
                Ok(Outcome::Refused(_)) => {}
                Err(error) if error.transient => {}
                Err(error) => return Err(error),
            }
            attempts.again().await?;
        }
    }

    /// The receipts of the batch that exist, by their partition.
    async fn receipts(&self, batch: &[&NewReceipt]) -> Result<Items, StoreError> {
        let keys = batch
            .iter()
            .map(|new| Key::receipt(&new.keys.hash).attributes());
        let mut left: Vec<_> = keys.collect();
        let mut found = Items::new();
        let mut attempts = Attempts::new(READ, ATTEMPTS, "the table gave the items too slowly");
        loop {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(true)
                .build()
                .map_err(|e| StoreError::during(READ)(e.into()))?;
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.ratings, request)
                .send()
                .await
                .map_err(|e| StoreError::read(READ, e))?;
            let items = output.responses.unwrap_or_default().into_values().flatten();
            for item in items {
                if let Some(AttributeValue::S(partition)) = item.get(PK) {
                    found.insert(partition.clone(), item);
                }
            }
            let unprocessed = output.unprocessed_keys.unwrap_or_default().into_values();
            left = unprocessed.flat_map(|rest| rest.keys).collect();
            if left.is_empty() {
                return Ok(found);
            }
            attempts.again().await?;
        }
    }
}

type Items = HashMap<String, Item>;

/// Cuts `order` so that receipts and the counters they need fit one transaction.
fn chunks(receipts: &[NewReceipt], order: &[usize]) -> Vec<Vec<usize>> {
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    let (mut actions, mut counter) = (0, None);
    for index in order {
        let receipt = &receipts[*index].receipt;
        let own = Some((&receipt.unit_id, Month::of(receipt.received)));
        let needed = 1 + usize::from(own != counter);
        match chunks.last_mut() {
            Some(chunk) if actions + needed <= MAX_ACTIONS => {
                chunk.push(*index);
                actions += needed;
            }
            _ => {
                chunks.push(vec![*index]);
                actions = 2;
            }
        }
        counter = own;
    }
    chunks
}

/// The actions that bring a batch about, given what exists.
struct Plan {
    outcomes: Vec<DossierOutcome>,
    actions: Vec<TransactWriteItem>,
}

impl Plan {
    fn of(batch: &[&NewReceipt], known: &Items, table: &str) -> Result<Self, StoreError> {
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut actions = Vec::new();
        let mut counters: BTreeMap<Key, [i64; 3]> = BTreeMap::new();
        let mut add = |receipt: &Receipt, sign: i64| {
            let month = Month::of(receipt.received);
            let counter = counters.entry(Key::dossier_count(&receipt.unit_id, month));
            let DossierCounts {
                received,
                on_time,
                overdue,
            } = DossierCounts::of(receipt);
            let own = [received, on_time, overdue].map(u64::cast_signed);
            for (sum, own) in counter.or_default().iter_mut().zip(own) {
                *sum += sign * own;
            }
        };
        for new in batch {
            let key = Key::receipt(&new.keys.hash);
            let outcome = match known.get(&key.pk) {
                None => {
                    let (secret, receipt) = (new.secret.as_deref(), &new.receipt);
                    let put = receipt_item::create(table, &new.keys, secret, receipt)
                        .map_err(StoreError::during(WRITE))?;
                    actions.push(TransactWriteItem::builder().put(put).build());
                    add(receipt, 1);
                    DossierOutcome::Created
                }
                Some(item) => {
                    let old = receipt_item::read(&new.keys, item)
                        .map_err(|e| StoreError::during(READ)(e.into()))?;
                    let is_same = old.receipt == new.receipt;
                    if contradicts(&old.receipt, &new.receipt, !old.used.is_empty()) {
                        DossierOutcome::Contradicted
                    } else if is_same && !old.is_earlier {
                        DossierOutcome::Unchanged
                    } else {
                        let update =
                            receipt_item::rewrite(table, &new.keys, item, &old, &new.receipt)
                                .map_err(StoreError::during(WRITE))?;
                        actions.push(TransactWriteItem::builder().update(update).build());
                        add(&old.receipt, -1);
                        add(&new.receipt, 1);
                        match is_same {
                            true => DossierOutcome::Unchanged,
                            false => DossierOutcome::Updated,
                        }
                    }
                }
            };
            outcomes.push(outcome);
        }
        for (key, change) in counters {
            if change != [0; 3] {
                let update = count(&key, change, table)?;
                actions.push(TransactWriteItem::builder().update(update).build());
            }
        }
        Ok(Self { outcomes, actions })
    }
}

/// Whether `new` cannot be a later state of the dossier `old`. A wrong day can be put right until it was rated with.
fn contradicts(old: &Receipt, new: &Receipt, rated: bool) -> bool {
    old.unit_id != new.unit_id
        || old.field_id != new.field_id
        || (rated && old.received != new.received)
}

fn count(key: &Key, change: [i64; 3], table: &str) -> Result<Update, StoreError> {
    let [received, on_time, overdue] = change.map(n);
    Update::builder()
        .table_name(table)
        .set_key(Some(key.attributes()))
        .update_expression("ADD #received :received, #on_time :on_time, #overdue :overdue")
        .expression_attribute_names("#received", RECEIVED)
        .expression_attribute_names("#on_time", ON_TIME)
        .expression_attribute_names("#overdue", OVERDUE)
        .expression_attribute_values(":received", received)
        .expression_attribute_values(":on_time", on_time)
        .expression_attribute_values(":overdue", overdue)
        .build()
        .map_err(|e| StoreError::during(WRITE)(e.into()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::dossier::{DossierStatus, OfficialRole};
    use crate::domain::id::{FieldId, OfficialId};
    use crate::domain::receipt::ReceiptCode;
    use crate::keyring::Keyring;

    fn receipt(officials: usize) -> Receipt {
        let officials = (0..officials).map(|n| {
            let id = OfficialId::parse(&format!("o-{n}")).unwrap();
            (id, OfficialRole::ALL[n % 5])
        });
        Receipt {
            unit_id: UnitId::parse("u-1").unwrap(),
            officials: officials.collect(),
            field_id: FieldId::parse("ho-tich").unwrap(),
            procedure: Some("Đăng ký khai sinh".to_owned()),
            status: DossierStatus::Returned,
            received: date(2026, 10, 12),
            due: Some(date(2026, 10, 15)),
            returned: Some(date(2026, 10, 15)),
        }
    }

    #[test]
    fn every_transaction_fits_however_the_dossiers_are_spread() {
        let keyring = Keyring::from_hex(&"0f".repeat(32)).unwrap();
        for units in [1, 3, 500] {
            let receipts: Vec<NewReceipt> = (0..500)
                .map(|n| {
                    let mut receipt = receipt(1);
                    receipt.unit_id = UnitId::parse(&format!("u-{}", n % units)).unwrap();
                    let code = ReceiptCode::parse(&format!("H17-261012-{n:04}")).unwrap();
                    NewReceipt {
                        keys: keyring.receipt_keys(&code),
                        secret: None,
                        receipt,
                    }
                })
                .collect();
            let mut order: Vec<usize> = (0..500).collect();
            order.sort_by_key(|index| &receipts[*index].receipt.unit_id);

            let chunks = chunks(&receipts, &order);

            assert_eq!(chunks.concat(), order);
            for chunk in chunks {
                let batch: Vec<&NewReceipt> = chunk.iter().map(|index| &receipts[*index]).collect();
                let plan = Plan::of(&batch, &Items::new(), "t").unwrap();
                assert!(plan.actions.len() <= MAX_ACTIONS);
            }
        }
    }
}
