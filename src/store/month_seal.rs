//! Seals of closed months: written once, and never over.

use jiff::civil::Date;

use super::error::MalformedItem;
use super::item::{self, Item, is_condition_failed, n, s};
use super::key::Key;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::month_seal::MonthSeal;
use crate::domain::period::Month;

/// What sealing a month again came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SealedAgain {
    /// There is a new seal beside those before, and it is in force.
    Sealed {
        /// What the seal before it holds.
        before: MonthSeal,
        /// What the new one holds.
        now: MonthSeal,
    },
    /// The seal in force is that of the ratings there are.
    Unchanged,
    /// The month was never sealed.
    NotSealed,
    /// Another command sealed it again at the same time.
    Busy,
}

impl Store {
    /// Seals a sealed `month` of `unit` as it is now, beside the seals before, which stay on record.
    ///
    /// For an operator who knows why the month changed, as by a clock that was wrong: reconciling holds the unit's
    /// publication back until its ratings and the last seal agree.
    ///
    /// # Errors
    /// [`StoreError`] when a table cannot be read or written.
    pub async fn seal_month_again(
        &self,
        unit: &UnitId,
        month: Month,
        today: Date,
    ) -> Result<SealedAgain, StoreError> {
        let counted = self.counted_month(unit, month).await?;
        let Some(before) = counted.seal else {
            return Ok(SealedAgain::NotSealed);
        };
        let ratings = self.ratings(unit, month).await?;
        let now = MonthSeal::of(ratings.iter().map(|stored| &stored.rating));
        if before == now {
            return Ok(SealedAgain::Unchanged);
        }
        let key = Key::later_month_seal(unit, month, counted.seals);
        match self.put_seal(key, &now, today).await? {
            true => Ok(SealedAgain::Sealed { before, now }),
            false => Ok(SealedAgain::Busy),
        }
    }

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
        let key = Key::month_seal(unit, month);
        self.put_seal(key, seal, today).await.map(|_| ())
    }

    /// Writes a seal, unless there is one under its key; whether it was written.
    async fn put_seal(&self, key: Key, seal: &MonthSeal, today: Date) -> Result<bool, StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tally)
            .set_item(Some(key.attributes()))
            .item("rated", n(seal.rated))
            .item("satisfied", n(seal.satisfied))
            .item("fingerprint", s(&seal.fingerprint))
            .item("day", s(today.to_string()))
            .condition_expression("attribute_not_exists(PK)");
        match put.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition_failed(&error) => Ok(false),
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
