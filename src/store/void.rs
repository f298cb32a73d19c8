//! Approvals and voids: append-only, and a void in one transaction with its cell.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use jiff::civil::Date;

use super::error::MalformedItem;
use super::key::{Key, SK};
use super::rating::{Item, VOID};
use super::transaction::Outcome;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::rating::{Rating, RatingId};
use crate::domain::tally::{CellKey, void_delta};
use crate::domain::void::{Approval, Seat, VoidReason};

/// What became of an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It is on record now.
    Now,
    /// The seat had said so before.
    Before,
    /// The seat had given another reason, which stays.
    Otherwise(VoidReason),
}

/// What became of a void.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voided {
    /// Set aside now.
    Now,
    /// Set aside before.
    Before,
    /// Not counted yet; to be tried again.
    NotCounted,
    /// There is no such rating.
    Absent,
}

impl Store {
    /// Puts an approval on record, unless its seat has spoken of this rating before.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn put_approval(
        &self,
        unit: &UnitId,
        month: Month,
        approval: &Approval,
        today: Date,
    ) -> Result<Filed, StoreError> {
        const OPERATION: &str = "put approval";
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let key = Key::approval(unit, month, &approval.rating_id, approval.seat);
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(key.attributes()))
            .item("approver", text(&approval.approver))
            .item("reason", text(approval.reason.code()))
            .item("day", AttributeValue::S(today.to_string()))
            .condition_expression("attribute_not_exists(PK)");
        match put.send().await {
            Ok(_) => return Ok(Filed::Now),
            Err(SdkError::ServiceError(error))
                if matches!(
                    error.err(),
                    PutItemError::ConditionalCheckFailedException(_)
                ) => {}
            Err(error) => return Err(StoreError::transient(OPERATION)(Box::new(error))),
        }
        let get = self.client.get_item().table_name(&self.ratings);
        let get = get.set_key(Some(key.attributes())).consistent_read(true);
        let item = get
            .send()
            .await
            .map_err(|error| StoreError::read(OPERATION, error))?
            .item
            .unwrap_or_default();
        let (_, before) = approval_from_item(&item)
            .map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?;
        Ok(if before.reason == approval.reason {
            Filed::Before
        } else {
            Filed::Otherwise(before.reason)
        })
    }

    /// Every approval of `month`, with its unit.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn approvals(&self, month: Month) -> Result<Vec<(UnitId, Approval)>, StoreError> {
        const OPERATION: &str = "read approvals";
        let partition = Key::approvals_partition(month);
        let items = self
            .query(OPERATION, &self.ratings, partition, true)
            .await?;
        let approvals = items.iter().filter(|item| !is_record(item));
        let approvals = approvals.map(approval_from_item).collect::<Result<_, _>>();
        approvals.map_err(|error| StoreError::during(OPERATION)(Box::new(error)))
    }

    /// Sets a counted rating aside: its mark, the void counters of its cell and the record, or none of them.
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
            return Ok(Voided::Before);
        }
        if stored.pending {
            return Ok(Voided::NotCounted);
        }
        let actions = self
            .void_actions(&stored.rating, reason, today)
            .map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?;
        match self.transact(OPERATION, &actions).await? {
            Outcome::Committed { .. } => Ok(Voided::Now),
            // Marks never come back, so somebody else was faster.
            Outcome::Refused(_) => Ok(Voided::Before),
        }
    }

    fn void_actions(
        &self,
        rating: &Rating,
        reason: VoidReason,
        today: Date,
    ) -> Result<Vec<TransactWriteItem>, aws_sdk_dynamodb::error::BuildError> {
        let (unit, month) = (&rating.subject.unit_id, Month::of(rating.date));
        let reason_code = || AttributeValue::S(reason.code().to_owned());
        let mark = Update::builder()
            .table_name(&self.ratings)
            .set_key(Some(Key::rating(unit, month, &rating.id).attributes()))
            .update_expression("SET #void = :reason")
            .condition_expression(
                "attribute_exists(PK) AND attribute_not_exists(pend) AND attribute_not_exists(#void)",
            )
            .expression_attribute_names("#void", VOID)
            .expression_attribute_values(":reason", reason_code())
            .build()?;
        let cell = self.add_to_cell(&CellKey::of(rating), &void_delta(rating, reason))?;
        let record = Put::builder()
            .table_name(&self.ratings)
            .set_item(Some(Key::void(unit, month, &rating.id).attributes()))
            .item("reason", reason_code())
            .item("day", AttributeValue::S(today.to_string()))
            .condition_expression("attribute_not_exists(PK)")
            .build()?;
        Ok(vec![
            TransactWriteItem::builder().update(mark).build(),
            TransactWriteItem::builder().update(cell).build(),
            TransactWriteItem::builder().put(record).build(),
        ])
    }
}

fn is_record(item: &Item) -> bool {
    item.get(SK)
        .and_then(|sk| sk.as_s().ok())
        .is_some_and(|sk| sk.ends_with("#VOID"))
}

fn approval_from_item(item: &Item) -> Result<(UnitId, Approval), MalformedItem> {
    let text = |name: &'static str| {
        let text = item.get(name).and_then(|value| value.as_s().ok());
        text.map(String::as_str)
            .ok_or(MalformedItem { attribute: name })
    };
    let malformed = MalformedItem { attribute: SK };
    let parts: Vec<&str> = text(SK)?.split('#').collect();
    let [unit, id, seat] = parts[..] else {
        return Err(malformed);
    };
    let (Ok(unit), Some(seat)) = (UnitId::parse(unit), Seat::parse(seat)) else {
        return Err(malformed);
    };
    let approval = Approval {
        rating_id: RatingId(id.to_owned()),
        seat,
        approver: text("approver")?.to_owned(),
        reason: VoidReason::parse(text("reason")?).ok_or(MalformedItem {
            attribute: "reason",
        })?,
    };
    Ok((unit, approval))
}
