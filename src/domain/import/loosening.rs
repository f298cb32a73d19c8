//! The row of a loosening file: how loose the thresholds of a coming quarter may become.

use std::collections::BTreeSet;

use super::fields::MAX_NAME;
use super::finding::Cause;
use super::row::{RowReader, excerpt};
use super::settings::strata;
use crate::catalog::Settings;
use crate::period::Quarter;
use crate::publication::thresholds::Loosening;

/// Largest threshold.
const MAX_THRESHOLD: u32 = 10_000;

/// The loosening in `row`, of a quarter after `this`.
pub fn read(row: &mut RowReader, this: Quarter) -> Option<Loosening> {
    let text = row.required_text("quarter", MAX_NAME);
    let quarter = text.and_then(|text| {
        let quarter = Quarter::parse(&text.to_lowercase());
        match quarter.filter(|quarter| *quarter > this) {
            Some(quarter) => Some(quarter),
            None => {
                row.fault("quarter", Cause::NotAComingQuarter(excerpt(&text)));
                None
            }
        }
    });
    let mut least = |column: &str, floor: u32| {
        if row.is_blank(column) {
            row.fault(column, Cause::Missing);
        }
        row.number_in(column, floor, MAX_THRESHOLD)
    };
    let min_new_ratings = least("min_new_ratings", Settings::LEAST_NEW_RATINGS);
    let min_official_ratings = least("min_official_ratings", Settings::LEAST_OFFICIAL_RATINGS);
    let ranking_strata = strata(row, "ranking_strata");
    if !row.sound() {
        return None;
    }
    Some(Loosening {
        quarter: quarter?,
        min_new_ratings: min_new_ratings?,
        min_official_ratings: min_official_ratings?,
        ranking_strata: BTreeSet::from_iter(ranking_strata?),
    })
}
