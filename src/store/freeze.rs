//! Holding back a unit's publication while its cells and ratings disagree, and keeping the difference.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;

use super::item::Item;
use super::key::Key;
use super::reconcile::Difference;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;

/// Bytes of differing cells written down one by one; of more only the number is kept, for an item takes 400 KB.
const MAX_BYTES: usize = 300_000;

impl Store {
    /// Freezes the publication of `unit` for the sake of `month`, and writes the difference beside the cells.
    ///
    /// The difference is the latest; the day it was first seen stays.
    ///
    /// # Errors
    /// [`StoreError`] when a table cannot be written.
    pub async fn freeze(
        &self,
        unit: &UnitId,
        month: Month,
        difference: &Difference,
        today: Date,
    ) -> Result<(), StoreError> {
        const OPERATION: &str = "freeze unit";
        // First the difference: as long as it stands there, reconciling finds its way back to the freeze.
        let text = |text: String| AttributeValue::S(text);
        let record = self.client.update_item().table_name(&self.tally);
        let record = record
            .set_key(Some(Key::difference(unit, month).attributes()))
            .update_expression("SET difference = :difference, cells = :cells, seal_broken = :seal, last_seen = :today, first_seen = if_not_exists(first_seen, :today) REMOVE gone")
            .expression_attribute_values(":difference", text(written(difference)))
            .expression_attribute_values(":cells", AttributeValue::N(difference.cells.len().to_string()))
            .expression_attribute_values(":seal", AttributeValue::Bool(difference.broken_seal.is_some()))
            .expression_attribute_values(":today", text(today.to_string()));
        record
            .send()
            .await
            .map_err(|error| StoreError::transient(OPERATION)(Box::new(error)))?;

        let months = AttributeValue::Ss(vec![month.to_string()]);
        let frozen = self.client.update_item().table_name(&self.ratings);
        let frozen = frozen
            .set_key(Some(Key::frozen(unit).attributes()))
            .update_expression("ADD months :months")
            .expression_attribute_values(":months", months);
        frozen
            .send()
            .await
            .map_err(|error| StoreError::transient(OPERATION)(Box::new(error)))?;
        Ok(())
    }

    /// Lets the publication of `unit` go on as far as `month` is concerned; the difference stays on record.
    ///
    /// # Errors
    /// [`StoreError`] when a table cannot be written.
    pub async fn thaw(&self, unit: &UnitId, month: Month, today: Date) -> Result<(), StoreError> {
        const OPERATION: &str = "thaw unit";
        let months = AttributeValue::Ss(vec![month.to_string()]);
        let frozen = self.client.update_item().table_name(&self.ratings);
        let frozen = frozen
            .set_key(Some(Key::frozen(unit).attributes()))
            .update_expression("DELETE months :months")
            .expression_attribute_values(":months", months);
        frozen
            .send()
            .await
            .map_err(|error| StoreError::transient(OPERATION)(Box::new(error)))?;
        let record = self.client.update_item().table_name(&self.tally);
        let record = record
            .set_key(Some(Key::difference(unit, month).attributes()))
            .update_expression("SET gone = :today")
            .expression_attribute_values(":today", AttributeValue::S(today.to_string()));
        record
            .send()
            .await
            .map_err(|error| StoreError::transient(OPERATION)(Box::new(error)))?;
        Ok(())
    }
}

/// Whether an item under `FROZEN` names any month.
pub(crate) fn is_frozen(item: &Item) -> bool {
    let months = item.get("months").and_then(|months| months.as_ss().ok());
    months.is_some_and(|months| !months.is_empty())
}

/// The difference as JSON that a person can read.
fn written(difference: &Difference) -> String {
    let tally =
        |tally: &crate::domain::tally::Tally| -> serde_json::Map<String, serde_json::Value> {
            let counters = tally.counters();
            counters
                .map(|(counter, amount)| (counter.to_string(), amount.into()))
                .collect()
        };
    let mut bytes = 0;
    let cells = difference.cells.iter().map(|mismatch| {
        serde_json::json!({
            "cell": mismatch.cell.sort_key(),
            "cell_says": tally(&mismatch.cell_tally),
            "ratings_say": tally(&mismatch.rating_tally),
        })
    });
    let cells = cells.take_while(|cell| {
        bytes += cell.to_string().len() + 1;
        bytes <= MAX_BYTES
    });
    let seal = difference.broken_seal.as_ref().map(|(seal, now)| {
        serde_json::json!({
            "sealed": { "rated": seal.rated, "satisfied": seal.satisfied, "fingerprint": seal.fingerprint },
            "found": { "rated": now.rated, "satisfied": now.satisfied, "fingerprint": now.fingerprint },
        })
    });
    serde_json::json!({ "cells": cells.collect::<Vec<_>>(), "seal": seal }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{OptionCode, QuestionCode};
    use crate::domain::rating::{Answer, Attestation, Channel};
    use crate::domain::tally::{CellKey, Counter, Mismatch, Tally};

    #[test]
    fn a_difference_of_any_size_fits_an_item() {
        let tally: Tally = (0..200)
            .map(|question| {
                let question = QuestionCode::parse(&format!("q{question}")).unwrap();
                let option = OptionCode::parse("an-option-of-a-long-form").unwrap();
                (Counter::Answer(question, Answer::Option(option)), 7)
            })
            .collect();
        let cell = CellKey {
            unit_id: UnitId::parse("48-20194").unwrap(),
            month: Month {
                year: 2026,
                month: 11,
            },
            attestation: Attestation::DossierVerified,
            official_id: None,
            field_id: None,
            channel: Channel::Web,
            day: 21,
        };
        let mismatch = Mismatch {
            cell,
            cell_tally: tally,
            rating_tally: Tally::default(),
        };
        let of = |cells: usize| Difference {
            cells: vec![mismatch.clone(); cells],
            broken_seal: None,
        };
        let kept = |cells: usize| {
            let written: serde_json::Value = serde_json::from_str(&written(&of(cells))).unwrap();
            written["cells"].as_array().unwrap().len()
        };

        assert!(written(&of(2_000)).len() < 350_000);
        assert_eq!(kept(3), 3);
        assert!((10..2_000).contains(&kept(2_000)));
    }
}
