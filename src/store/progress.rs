//! How far a run over all unit-months came before its time was up.

use super::item::{self, s};
use super::key::Key;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;

impl Store {
    /// The last unit-month reconciled by a run that ran out of time; none after a run that came to the end.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn reconciled_until(&self) -> Result<Option<(Month, UnitId)>, StoreError> {
        let key = Key::progress();
        let item = self.get("read progress", &self.tally, &key).await?;
        let item = item.unwrap_or_default();
        let text = |name| item::text(&item, name).ok();
        let place = || {
            Some((
                Month::parse(text("month")?)?,
                UnitId::parse(text("unit")?).ok()?,
            ))
        };
        Ok(place())
    }

    /// Remembers where the next run takes up; none for the beginning.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn remember_reconciled_until(
        &self,
        place: Option<&(Month, UnitId)>,
    ) -> Result<(), StoreError> {
        let mut put = self
            .client
            .put_item()
            .table_name(&self.tally)
            .set_item(Some(Key::progress().attributes()));
        if let Some((month, unit)) = place {
            put = put
                .item("month", s(month.to_string()))
                .item("unit", s(unit.to_string()));
        }
        put.send()
            .await
            .map_err(|error| StoreError::transient("remember progress")(Box::new(error)))?;
        Ok(())
    }
}
