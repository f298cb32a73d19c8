//! Cells: reading a unit-month's sums.

use std::collections::BTreeMap;

use super::error::MalformedItem;
use super::key::{Key, PK, SK};
use super::rating::Item;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::tally::{CellKey, Counter, Tally};

impl Store {
    /// The cells of `unit` in `month`, read consistently.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn cells(
        &self,
        unit: &UnitId,
        month: Month,
    ) -> Result<BTreeMap<CellKey, Tally>, StoreError> {
        let items = self
            .query(
                "read cells",
                &self.tally,
                Key::cells_partition(unit, month),
                true,
            )
            .await?;
        let cells = items
            .iter()
            .filter(|item| !is_seal(item))
            .map(|item| cell_from_item(unit, month, item));
        let cells: Result<_, MalformedItem> = cells.collect();
        cells.map_err(|error| StoreError::during("read cells")(Box::new(error)))
    }
}

fn is_seal(item: &Item) -> bool {
    item.get(SK)
        .and_then(|sk| sk.as_s().ok())
        .is_some_and(|sk| sk.starts_with('#'))
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
