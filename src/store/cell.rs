//! Cells: reading a unit-month's sums.

use super::error::MalformedItem;
use super::item::Item;
use super::key::{DIFFERENCE, Key, PK, SEAL, SK};
use super::month_seal::month_seal_from_item;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::month_seal::MonthSeal;
use crate::domain::period::Month;
use crate::domain::tally::{CellKey, Cells, Counter, Tally};

impl Store {
    /// The cells of `unit` in `month`, read consistently.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn cells(&self, unit: &UnitId, month: Month) -> Result<Cells, StoreError> {
        Ok(self.counted_month(unit, month).await?.cells)
    }

    /// The cells of `unit` in `month` and what stands among them, read consistently.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn counted_month(
        &self,
        unit: &UnitId,
        month: Month,
    ) -> Result<CountedMonth, StoreError> {
        let partition = Key::cells_partition(unit, month);
        let items = self
            .query("read cells", &self.tally, partition, true)
            .await?;
        let read = || -> Result<_, MalformedItem> {
            let mut counted = CountedMonth::default();
            for item in &items {
                match note(item) {
                    // In the order of their sort keys: the last one counts.
                    Some(sk) if sk.starts_with(SEAL) => {
                        counted.seal = Some(month_seal_from_item(item)?);
                        counted.seals += 1;
                    }
                    Some(DIFFERENCE) => counted.is_disputed = !item.contains_key("gone"),
                    Some(_) => {}
                    None => counted.cells.extend([cell_from_item(unit, month, item)?]),
                }
            }
            Ok(counted)
        };
        read().map_err(|error| StoreError::during("read cells")(Box::new(error)))
    }
}

/// What was counted of a unit in a month.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CountedMonth {
    /// The cells.
    pub cells: Cells,
    /// The seal in force, once the month is closed.
    pub seal: Option<MonthSeal>,
    /// Seals there are; more than one where an operator sealed the month again.
    pub seals: usize,
    /// Whether a difference was found that is not known to be gone.
    pub is_disputed: bool,
}

/// The sort key of an item that stands among the cells and is none.
fn note(item: &Item) -> Option<&str> {
    let sk = item.get(SK).and_then(|sk| sk.as_s().ok())?;
    sk.starts_with('#').then_some(sk)
}

fn cell_from_item(
    unit: &UnitId,
    month: Month,
    item: &Item,
) -> Result<(CellKey, Tally), MalformedItem> {
    let sort_key = item
        .get(SK)
        .and_then(|sk| sk.as_s().ok())
        .ok_or(MalformedItem { attribute: SK })?;
    let cell = CellKey::parse(unit.clone(), month, sort_key)
        .map_err(|_| MalformedItem { attribute: SK })?;
    let malformed = MalformedItem {
        attribute: "counter",
    };
    let mut tally = Tally::default();
    for (name, value) in item.iter().filter(|(name, _)| *name != PK && *name != SK) {
        let amount = value.as_n().ok().and_then(|amount| amount.parse().ok());
        let (Some(counter), Some(amount)) = (Counter::parse(name), amount) else {
            return Err(malformed);
        };
        tally.add(counter, amount);
    }
    Ok((cell, tally))
}
