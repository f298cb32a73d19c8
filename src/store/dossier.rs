//! Receipts as the one-stop software hands them over, and the dossier counts that move with them.
//!
//! A receipt and the count of its unit and month are written in one transaction, each receipt on the condition that it
//! still is what was read before. So a file imported twice, or half-way and again, counts every dossier once.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem, Update};
use jiff::ToSpan;
use jiff::civil::Date;

use super::backoff;
use super::error::MalformedItem;
use super::key::{Key, PK};
use super::transaction::Outcome;
use super::{Store, StoreError};
use crate::domain::dossier::{DossierStatus, OfficialRole, Receipt};
use crate::domain::id::{FieldId, OfficialId, UnitId};
use crate::domain::period::{Month, start_of_day};
use crate::domain::publication::DossierCounts;
use crate::domain::receipt::RECEIPT_DAYS;

/// Actions of one transaction: DynamoDB takes 100, a few are left free.
const MAX_ACTIONS: usize = 90;
/// The most that DynamoDB takes.
const LIMIT: usize = 100;
/// Tries of one transaction before the import is given up and started again by its event.
const ATTEMPTS: u32 = 10;

const UNIT: &str = "unit";
const OFFICIALS: &str = "officials";
const FIELD: &str = "field";
const PROCEDURE: &str = "procedure";
const STATUS: &str = "status";
const RECEIVED: &str = "received";
const DUE: &str = "due";
const RETURNED: &str = "returned";
const SECRET: &str = "secret";
/// Subjects rated with the receipt; absent until the first.
const USED: &str = "used";
const EXP: &str = "exp";
const ON_TIME: &str = "on_time";
const OVERDUE: &str = "overdue";

/// A dossier ready to be kept: nothing in it leads back to its code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReceipt {
    /// `Keyring::receipt_hash` of its code.
    pub hash: String,
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
    /// The hashes must differ from each other. `used` and `secret` of a receipt that exists are never touched.
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
        let output = self
            .client
            .get_item()
            .table_name(&self.ratings)
            .set_key(Some(Key::dossier_count(unit, month).attributes()))
            .consistent_read(true)
            .send()
            .await
            .map_err(|e| StoreError::during("read dossier counts")(e.into()))?;
        let Some(item) = output.item else {
            return Ok(None);
        };
        let number = |name: &'static str| match item.get(name) {
            None => Ok(0),
            Some(AttributeValue::N(number)) => number.parse().map_err(|_| malformed(name)),
            Some(_) => Err(malformed(name)),
        };
        Ok(Some(DossierCounts {
            received: number(RECEIVED)?,
            on_time: number(ON_TIME)?,
            overdue: number(OVERDUE)?,
        }))
    }

    /// One transaction's worth, until it is written or every receipt says the same already.
    async fn put_chunk(&self, batch: &[&NewReceipt]) -> Result<Vec<DossierOutcome>, StoreError> {
        for attempt in 0..ATTEMPTS {
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
            match self.transact("write dossiers", &plan.actions).await {
                Ok(Outcome::Committed { .. }) => return Ok(plan.outcomes),
                // A receipt changed meanwhile, or the reply was lost: reading will tell.
                Ok(Outcome::Refused(_)) => {}
                Err(error) if error.transient => {}
                Err(error) => return Err(error),
            }
            backoff::pause(attempt).await;
        }
        let cause = "the receipts kept changing or the table took them too slowly";
        Err(StoreError::transient("write dossiers")(cause.into()))
    }

    /// The receipts of the batch that exist, by their partition.
    async fn receipts(&self, batch: &[&NewReceipt]) -> Result<Items, StoreError> {
        let keys = batch.iter().map(|new| Key::receipt(&new.hash).attributes());
        let mut left: Vec<_> = keys.collect();
        let mut found = Items::new();
        for attempt in 0..ATTEMPTS {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(left))
                .consistent_read(true)
                .build()
                .map_err(|e| StoreError::during("read receipts")(e.into()))?;
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.ratings, request)
                .send()
                .await
                .map_err(|e| StoreError::during("read receipts")(e.into()))?;
            let items = output.responses.unwrap_or_default().into_values().flatten();
            for item in items {
                if let Some(AttributeValue::S(partition)) = item.get(PK) {
                    found.insert(partition.clone(), item);
                }
            }
            let unprocessed = output.unprocessed_keys.unwrap_or_default();
            left = unprocessed
                .into_values()
                .flat_map(|rest| rest.keys)
                .collect();
            if left.is_empty() {
                return Ok(found);
            }
            backoff::pause(attempt).await;
        }
        let cause = "the table gave the items too slowly";
        Err(StoreError::transient("read receipts")(cause.into()))
    }
}

type Items = HashMap<String, HashMap<String, AttributeValue>>;

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
            let key = Key::receipt(&new.hash);
            let outcome = match known.get(&key.pk) {
                None => {
                    actions.push(
                        TransactWriteItem::builder()
                            .put(create(new, table)?)
                            .build(),
                    );
                    add(&new.receipt, 1);
                    DossierOutcome::Created
                }
                Some(item) => {
                    let old = receipt_from_item(item)
                        .map_err(|e| StoreError::during("read receipts")(e.into()))?;
                    if old == new.receipt {
                        DossierOutcome::Unchanged
                    } else if contradicts(&old, &new.receipt, item.contains_key(USED)) {
                        DossierOutcome::Contradicted
                    } else {
                        let update = update(&key, &old, &new.receipt, table)?;
                        actions.push(TransactWriteItem::builder().update(update).build());
                        add(&old, -1);
                        add(&new.receipt, 1);
                        DossierOutcome::Updated
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

fn create(new: &NewReceipt, table: &str) -> Result<Put, StoreError> {
    let mut item = Key::receipt(&new.hash).attributes();
    item.extend(receipt_to_item(&new.receipt));
    if let Some(secret) = &new.secret {
        item.insert(SECRET.to_owned(), AttributeValue::S(secret.clone()));
    }
    let expiry = AttributeValue::N(expiry(new.receipt.received).to_string());
    item.insert(EXP.to_owned(), expiry);
    Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(PK)")
        .build()
        .map_err(|e| StoreError::during("write dossiers")(e.into()))
}

/// Brings what moves as a dossier is handled up to date, if it still reads as `old`.
fn update(key: &Key, old: &Receipt, new: &Receipt, table: &str) -> Result<Update, StoreError> {
    const MOVING: [&str; 5] = [STATUS, OFFICIALS, PROCEDURE, DUE, RETURNED];
    let corrected = (old.received != new.received).then_some(RECEIVED);
    let expiry = expiry(new.received);
    let (old, new) = (receipt_to_item(old), receipt_to_item(new));
    let mut builder = Update::builder()
        .table_name(table)
        .set_key(Some(key.attributes()));
    let (mut set, mut remove, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
    if corrected.is_some() {
        set.push(format!("#{EXP} = :{EXP}"));
        conditions.push(format!("attribute_not_exists(#{USED})"));
        builder = builder
            .expression_attribute_names(format!("#{EXP}"), EXP)
            .expression_attribute_names(format!("#{USED}"), USED)
            .expression_attribute_values(format!(":{EXP}"), AttributeValue::N(expiry.to_string()));
    }
    for name in MOVING.into_iter().chain(corrected) {
        builder = builder.expression_attribute_names(format!("#{name}"), name);
        match old.get(name) {
            None => conditions.push(format!("attribute_not_exists(#{name})")),
            Some(value) => {
                conditions.push(format!("#{name} = :old_{name}"));
                builder =
                    builder.expression_attribute_values(format!(":old_{name}"), value.clone());
            }
        }
        match new.get(name) {
            None => remove.push(format!("#{name}")),
            Some(value) => {
                set.push(format!("#{name} = :new_{name}"));
                builder =
                    builder.expression_attribute_values(format!(":new_{name}"), value.clone());
            }
        }
    }
    let mut expression = format!("SET {}", set.join(", "));
    if !remove.is_empty() {
        expression.push_str(&format!(" REMOVE {}", remove.join(", ")));
    }
    builder
        .update_expression(expression)
        .condition_expression(conditions.join(" AND "))
        .build()
        .map_err(|e| StoreError::during("write dossiers")(e.into()))
}

fn count(key: &Key, change: [i64; 3], table: &str) -> Result<Update, StoreError> {
    let [received, on_time, overdue] = change.map(|sum| AttributeValue::N(sum.to_string()));
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
        .map_err(|e| StoreError::during("write dossiers")(e.into()))
}

/// Seconds since 1970 at which a receipt of a dossier received on `received` expires: when the last of its days ends.
fn expiry(received: Date) -> i64 {
    let after_last_day = received.saturating_add(RECEIPT_DAYS.days());
    start_of_day(after_last_day).as_second()
}

/// The attributes of a receipt that come from its dossier.
fn receipt_to_item(receipt: &Receipt) -> HashMap<String, AttributeValue> {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let officials = receipt.officials.iter();
    let officials = officials.map(|(id, role)| text(&format!("{id}:{}", role.code())));
    let mut item = HashMap::from([
        (UNIT.to_owned(), text(receipt.unit_id.as_str())),
        (OFFICIALS.to_owned(), AttributeValue::L(officials.collect())),
        (FIELD.to_owned(), text(receipt.field_id.as_str())),
        (STATUS.to_owned(), text(receipt.status.code())),
        (RECEIVED.to_owned(), text(&receipt.received.to_string())),
    ]);
    let optional = [
        (PROCEDURE, receipt.procedure.clone()),
        (DUE, receipt.due.map(|day| day.to_string())),
        (RETURNED, receipt.returned.map(|day| day.to_string())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            item.insert(name.to_owned(), AttributeValue::S(value));
        }
    }
    item
}

/// Reads a receipt back from its item.
///
/// # Errors
/// [`MalformedItem`] when an attribute is missing or not as this version writes it.
pub(crate) fn receipt_from_item(
    item: &HashMap<String, AttributeValue>,
) -> Result<Receipt, MalformedItem> {
    let optional = |attribute: &'static str| match item.get(attribute) {
        None => Ok(None),
        Some(AttributeValue::S(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(MalformedItem { attribute }),
    };
    let text = |attribute| optional(attribute)?.ok_or(MalformedItem { attribute });
    let date = |attribute: &'static str| {
        let date = optional(attribute)?.map(str::parse::<Date>).transpose();
        date.map_err(|_| MalformedItem { attribute })
    };
    let malformed = |attribute| move |_| MalformedItem { attribute };
    Ok(Receipt {
        unit_id: UnitId::parse(text(UNIT)?).map_err(malformed(UNIT))?,
        officials: officials_from(item.get(OFFICIALS)).ok_or(MalformedItem {
            attribute: OFFICIALS,
        })?,
        field_id: FieldId::parse(text(FIELD)?).map_err(malformed(FIELD))?,
        procedure: optional(PROCEDURE)?.map(str::to_owned),
        status: DossierStatus::parse(text(STATUS)?).ok_or(MalformedItem { attribute: STATUS })?,
        received: date(RECEIVED)?.ok_or(MalformedItem {
            attribute: RECEIVED,
        })?,
        due: date(DUE)?,
        returned: date(RETURNED)?,
    })
}

fn officials_from(value: Option<&AttributeValue>) -> Option<Vec<(OfficialId, OfficialRole)>> {
    let list = value?.as_l().ok()?.iter();
    let entry = |value: &AttributeValue| {
        let (id, role) = value.as_s().ok()?.split_once(':')?;
        Some((OfficialId::parse(id).ok()?, OfficialRole::parse(role)?))
    };
    list.map(entry).collect()
}

fn malformed(attribute: &'static str) -> StoreError {
    StoreError::during("read dossier counts")(MalformedItem { attribute }.into())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

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
    fn a_receipt_reads_back_as_written() {
        for officials in [0, 1, 5] {
            let full = receipt(officials);
            let mut bare = full.clone();
            (bare.procedure, bare.due, bare.returned) = (None, None, None);
            for receipt in [full, bare] {
                assert_eq!(
                    receipt_from_item(&receipt_to_item(&receipt)).unwrap(),
                    receipt
                );
            }
        }
    }

    #[test]
    fn a_damaged_receipt_is_reported_not_guessed() {
        for attribute in [UNIT, OFFICIALS, FIELD, STATUS, RECEIVED] {
            let mut item = receipt_to_item(&receipt(2));
            item.remove(attribute);
            assert_eq!(receipt_from_item(&item).unwrap_err().attribute, attribute);
            item.insert(attribute.to_owned(), AttributeValue::Bool(true));
            assert_eq!(receipt_from_item(&item).unwrap_err().attribute, attribute);
        }
    }

    #[test]
    fn a_receipt_expires_when_its_400th_day_ends_in_vietnam() {
        for (received, last_second) in [
            (date(2025, 10, 22), "2026-11-25T16:59:59Z"),
            (date(2026, 11, 26), "2027-12-30T16:59:59Z"),
            // A year with 29 February.
            (date(2027, 1, 26), "2028-02-29T16:59:59Z"),
        ] {
            let last_second: jiff::Timestamp = last_second.parse().unwrap();
            assert_eq!(expiry(received), last_second.as_second() + 1);
        }
    }

    #[test]
    fn every_transaction_fits_however_the_dossiers_are_spread() {
        for units in [1, 3, 500] {
            let receipts: Vec<NewReceipt> = (0..500)
                .map(|n| {
                    let mut receipt = receipt(1);
                    receipt.unit_id = UnitId::parse(&format!("u-{}", n % units)).unwrap();
                    let hash = format!("h{n}");
                    let secret = None;
                    NewReceipt {
                        hash,
                        secret,
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
