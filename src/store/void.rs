//! Approvals and voids: append-only, and a void in one transaction with its cell.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use jiff::ToSpan;
use jiff::civil::Date;

use super::error::MalformedItem;
use super::item::{self, Item, is_condition_failed, n, s};
use super::key::{Key, SK};
use super::rating::VOID;
use super::transaction::Outcome;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::{Month, start_of_day};
use crate::domain::rating::{Attestation, Rating, RatingId, Subject};
use crate::domain::receipt::RECEIPT_DAYS;
use crate::domain::tally::{CellKey, void_delta};
use crate::domain::void::{Approval, Seat, VoidReason};

/// What became of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It is on record now.
    Recorded,
    /// The group had filed the same before.
    AlreadyRecorded,
    /// The group had given another reason, which stays.
    ConflictingReason(VoidReason),
}

/// What became of a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voided {
    /// Voided now.
    Voided,
    /// Voided before.
    AlreadyVoided,
    /// Not counted yet; to be tried again.
    NotCounted,
    /// There is no such rating.
    Absent,
}

/// What was filed in one month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FiledApprovals {
    /// Every approval, with its unit.
    pub approvals: Vec<(UnitId, Approval)>,
    /// Ratings that were voided, or that are known not to be there.
    pub settled: BTreeSet<(UnitId, RatingId)>,
}

impl Store {
    /// Puts an approval on record under the month it is filed in, unless its group has filed one in that month before.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn put_approval(
        &self,
        unit: &UnitId,
        approval: &Approval,
    ) -> Result<Filed, StoreError> {
        const OPERATION: &str = "put approval";
        let month = Month::of(approval.day);
        let key = Key::approval(unit, month, &approval.rating_id, approval.seat);
        let mut put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(key.attributes()))
            .item("approver", s(&approval.approver))
            .item("reason", s(approval.reason.code()))
            .item("day", s(approval.day.to_string()))
            .condition_expression("attribute_not_exists(PK)");
        if let Some(subject) = &approval.subject {
            put = put.item("subject", s(subject.to_string()));
        }
        match put.send().await {
            Ok(_) => return Ok(Filed::Recorded),
            Err(error) if is_condition_failed(&error) => {}
            Err(error) => return Err(StoreError::transient(OPERATION)(Box::new(error))),
        }
        let item = self.get(OPERATION, &self.ratings, &key).await?;
        let (_, before) = approval_from_item(&item.unwrap_or_default())
            .map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?;
        Ok(if before.reason == approval.reason {
            Filed::AlreadyRecorded
        } else {
            Filed::ConflictingReason(before.reason)
        })
    }

    /// What was filed in `month`.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn approvals(&self, month: Month) -> Result<FiledApprovals, StoreError> {
        const OPERATION: &str = "read approvals";
        let partition = Key::approvals_partition(month);
        let items = self
            .query(OPERATION, &self.ratings, partition, true)
            .await?;
        let read = || -> Result<_, MalformedItem> {
            let mut filed = FiledApprovals::default();
            for item in &items {
                match settled_from_item(item) {
                    Some(settled) => {
                        filed.settled.insert(settled);
                    }
                    None => filed.approvals.push(approval_from_item(item)?),
                }
            }
            Ok(filed)
        };
        read().map_err(|error| StoreError::during(OPERATION)(Box::new(error)))
    }

    /// Voids a counted rating: its mark, the void counters of its cell and the record, or none of them.
    ///
    /// A rating that somebody else gave with a receipt gives the receipt back for its subject, once: see
    /// [`Store::is_given_back`].
    ///
    /// # Errors
    /// [`StoreError`] when a table fails; asking again is safe.
    pub async fn void(
        &self,
        unit: &UnitId,
        month: Month,
        id: &RatingId,
        reason: VoidReason,
        today: Date,
    ) -> Result<Voided, StoreError> {
        const OPERATION: &str = "void rating";
        let Some(stored) = self.rating(unit, month, id).await? else {
            return Ok(Voided::Absent);
        };
        if stored.void.is_some() {
            return Ok(Voided::AlreadyVoided);
        }
        if stored.pending {
            return Ok(Voided::NotCounted);
        }
        let actions = self
            .void_actions(&stored.rating, reason, today)
            .map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?;
        match self.transact(OPERATION, &actions).await? {
            Outcome::Committed { .. } => Ok(Voided::Voided),
            // Marks never come back, so somebody else was faster.
            Outcome::Refused(_) => Ok(Voided::AlreadyVoided),
        }
    }

    /// Remembers that there is no rating for what two people decided, so that it is not looked for again.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails; asking again is safe.
    pub async fn put_absent(
        &self,
        unit: &UnitId,
        id: &RatingId,
        today: Date,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "record absent rating";
        let put = Put::builder()
            .table_name(&self.ratings)
            .set_item(Some(Key::absent(unit, Month::of(today), id).attributes()))
            .item("day", s(today.to_string()))
            .build()
            .map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?;
        let actions = [TransactWriteItem::builder().put(put).build()];
        self.transact(OPERATION, &actions).await?;
        Ok(())
    }

    /// Whether the receipt that gave the rating `id` may rate its subject again, because somebody else had used it.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn is_given_back(&self, id: &RatingId) -> Result<bool, StoreError> {
        let key = Key::given_back(id);
        let item = self.get("read given back", &self.ratings, &key).await?;
        Ok(item.is_some())
    }

    fn void_actions(
        &self,
        rating: &Rating,
        reason: VoidReason,
        today: Date,
    ) -> Result<Vec<TransactWriteItem>, aws_sdk_dynamodb::error::BuildError> {
        let (unit, month) = (&rating.subject.unit_id, Month::of(rating.date));
        let mark = Update::builder()
            .table_name(&self.ratings)
            .set_key(Some(Key::rating(unit, month, &rating.id).attributes()))
            .update_expression("SET #void = :reason")
            .condition_expression(
                "attribute_exists(PK) AND attribute_not_exists(pend) AND attribute_not_exists(#void)",
            )
            .expression_attribute_names("#void", VOID)
            .expression_attribute_values(":reason", s(reason.code()))
            .build()?;
        let cell = self.add_to_cell(&CellKey::of(rating), &void_delta(rating, reason))?;
        let record = Put::builder()
            .table_name(&self.ratings)
            .set_item(Some(Key::void(unit, month, &rating.id).attributes()))
            .item("reason", s(reason.code()))
            .item("day", s(today.to_string()))
            .condition_expression("attribute_not_exists(PK)")
            .build()?;
        let mut actions = vec![
            TransactWriteItem::builder().update(mark).build(),
            TransactWriteItem::builder().update(cell).build(),
            TransactWriteItem::builder().put(record).build(),
        ];
        if reason == VoidReason::NotTheRater && is_by_receipt(rating.attestation) {
            let expires = start_of_day(today.saturating_add(RECEIPT_DAYS.days()));
            let given_back = Put::builder()
                .table_name(&self.ratings)
                .set_item(Some(Key::given_back(&rating.id).attributes()))
                .item("exp", n(expires.as_second()))
                .build()?;
            actions.push(TransactWriteItem::builder().put(given_back).build());
        }
        Ok(actions)
    }
}

/// Whether such a rating was given with the code of a receipt.
fn is_by_receipt(attestation: Attestation) -> bool {
    match attestation {
        Attestation::DossierVerified | Attestation::DossierClaimed => true,
        Attestation::DeviceSession | Attestation::PhoneDeclared | Attestation::PaperEntry => false,
    }
}

/// The rating that an item says is settled; `None` for an approval.
fn settled_from_item(item: &Item) -> Option<(UnitId, RatingId)> {
    let sort_key = item::text(item, SK).ok()?;
    let (name, kind) = sort_key.rsplit_once('#')?;
    let (unit, id) = name.split_once('#')?;
    let is_settled = kind == Key::VOID || kind == Key::ABSENT;
    is_settled.then_some((UnitId::parse(unit).ok()?, RatingId(id.to_owned())))
}

fn approval_from_item(item: &Item) -> Result<(UnitId, Approval), MalformedItem> {
    let malformed = |attribute| MalformedItem { attribute };
    let parts: Vec<&str> = item::text(item, SK)?.split('#').collect();
    let [unit, id, seat] = parts[..] else {
        return Err(malformed(SK));
    };
    let (Ok(unit), Some(seat)) = (UnitId::parse(unit), Seat::parse(seat)) else {
        return Err(malformed(SK));
    };
    let subject = item::optional_text(item, "subject")?.map(Subject::parse);
    let approval = Approval {
        rating_id: RatingId(id.to_owned()),
        subject: subject.transpose().map_err(|_| malformed("subject"))?,
        seat,
        approver: item::text(item, "approver")?.to_owned(),
        reason: VoidReason::parse(item::text(item, "reason")?).ok_or(malformed("reason"))?,
        day: item::day(item, "day")?,
    };
    Ok((unit, approval))
}
