//! What has been published of a unit's lists of counted ratings, kept so that a list is known again.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use data_encoding::HEXLOWER;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::error::MalformedItem;
use super::item;
use super::key::Key;
use super::release::{pack, unpack};
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::proof::list::{Night, Summaries, Summary};

impl Store {
    /// Summaries of the lists of `unit`, read consistently; empty before the first.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or the item is malformed.
    pub async fn counted_lists(&self, unit: &UnitId) -> Result<Summaries, StoreError> {
        const OPERATION: &str = "read counted lists";
        let key = Key::counted(unit);
        let Some(item) = self.get(OPERATION, &self.ratings, &key).await? else {
            return Ok(Summaries::new());
        };
        item::bytes(&item, "counted")
            .ok()
            .and_then(unpack::<BTreeMap<String, SummaryBody>>)
            .and_then(into_summaries)
            .ok_or_else(|| {
                StoreError::during(OPERATION)(Box::new(MalformedItem {
                    attribute: "counted",
                }))
            })
    }

    /// Keeps the summaries, once the lists are written.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_counted_lists(
        &self,
        unit: &UnitId,
        summaries: &Summaries,
    ) -> Result<(), StoreError> {
        let body = pack(&from_summaries(summaries));
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(Key::counted(unit).attributes()))
            .item("counted", AttributeValue::B(Blob::new(body)));
        put.send()
            .await
            .map_err(|error| StoreError::read("write counted lists", error))?;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct SummaryBody {
    closed: bool,
    day: Date,
    entries: u64,
    root: String,
    file: String,
}

fn from_summaries(summaries: &Summaries) -> BTreeMap<String, SummaryBody> {
    let body = |(month, summary): (&Month, &Summary)| {
        let Night { day, entries, root } = &summary.newest;
        let body = SummaryBody {
            closed: summary.closed,
            day: *day,
            entries: *entries,
            root: HEXLOWER.encode(root),
            file: HEXLOWER.encode(&summary.file),
        };
        (month.to_string(), body)
    };
    summaries.iter().map(body).collect()
}

fn into_summaries(body: BTreeMap<String, SummaryBody>) -> Option<Summaries> {
    let summary = |(month, body): (String, SummaryBody)| {
        let hash = |text: &str| HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok();
        let newest = Night {
            day: body.day,
            entries: body.entries,
            root: hash(&body.root)?,
        };
        let summary = Summary {
            closed: body.closed,
            newest,
            file: hash(&body.file)?,
        };
        Some((Month::parse(&month)?, summary))
    };
    body.into_iter().map(summary).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn summaries_read_back_as_stored_and_damaged_ones_are_refused() {
        let month = Month {
            year: 2026,
            month: 11,
        };
        let newest = Night {
            day: date(2026, 11, 21),
            entries: 7,
            root: [9; 32],
        };
        let summaries = Summaries::from([(
            month,
            Summary {
                closed: true,
                newest,
                file: [7; 32],
            },
        )]);

        let body = || from_summaries(&summaries);
        let packed = pack(&body());
        assert_eq!(
            unpack(&packed).and_then(into_summaries),
            Some(summaries.clone())
        );
        let mut damaged = body();
        damaged.insert("2026".into(), damaged_root("00".repeat(32)));
        assert_eq!(into_summaries(damaged), None);
        let mut damaged = body();
        damaged.insert("202612".into(), damaged_root("00".into()));
        assert_eq!(into_summaries(damaged), None);
    }

    fn damaged_root(root: String) -> SummaryBody {
        SummaryBody {
            closed: false,
            day: date(2026, 1, 1),
            entries: 0,
            root,
            file: "00".repeat(32),
        }
    }
}
