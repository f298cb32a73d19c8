//! Seals of closed months, written once.

use jiff::civil::Date;

use super::error::MalformedItem;
use super::item::{self, Item, is_condition_failed, n, s};
use super::key::Key;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::month_seal::MonthSeal;
use crate::domain::period::Month;

impl Store {
    /// Seals `month` of `unit`, unless it is sealed already: the first seal stays.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_month_seal(
        &self,
        unit: &UnitId,
        month: Month,
        seal: &MonthSeal,
        today: Date,
    ) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tally)
            .set_item(Some(Key::month_seal(unit, month).attributes()))
            .item("rated", n(seal.rated))
            .item("satisfied", n(seal.satisfied))
            .item("fingerprint", s(&seal.fingerprint))
            .item("day", s(today.to_string()))
            .condition_expression("attribute_not_exists(PK)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if is_condition_failed(&error) => Ok(()),
            Err(error) => Err(StoreError::transient("seal month")(Box::new(error))),
        }
    }
}

pub(crate) fn month_seal_from_item(item: &Item) -> Result<MonthSeal, MalformedItem> {
    Ok(MonthSeal {
        rated: item::number(item, "rated")?,
        satisfied: item::number(item, "satisfied")?,
        fingerprint: item::text(item, "fingerprint")?.to_owned(),
    })
}
