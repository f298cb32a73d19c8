//! Result pages and files: they take what is published and nothing else, so that pages and files can never disagree.
//!
//! - `/ket-qua/`, `/ket-qua/<period>/`: all units, as a chart; `…so-lieu/` in numbers
//! - `/ket-qua/don-vi/<unit>/`, `/ket-qua/don-vi/<unit>/<period>/`: one unit as a chart; `…so-lieu/` in numbers;
//!   `…cong-chuc/` the ranking of its officials. Months are rows of the unit's pages and have none of their own.
//! - `/ket-qua/don-vi/<unit>/kiem-dem/`: looks a tracker up in the lists `…/kiem-dem/<yyyymm>.json`
//! - `/ket-qua/ket-qua-<period>.json|.csv|.xlsx` for all units, `/ket-qua/don-vi/<unit>/ket-qua.json|.csv|.xlsx` for one

mod counted_page;
mod csv_file;
mod data_files;
mod figures;
pub mod json;
mod navigation;
mod overview;
mod overview_page;
mod page;
mod ranking_page;
mod standing;
mod table;
mod trend;
mod unit_page;
mod unit_period;
mod wording;
mod xlsx_file;

#[cfg(test)]
mod tests;

pub use counted_page::{counted_page, counted_path, list_file, list_path};

use std::collections::BTreeMap;

use jiff::civil::Date;

use self::page::AsOf;
use super::SiteFile;
use super::context::SiteContext;
use super::format;
use crate::domain::catalog::UnitEntry;
use crate::domain::id::UnitId;
use crate::domain::lang::Lang;
use crate::domain::period::Period;
use crate::domain::publication::UnitResults;
use crate::domain::score::indicator;

/// Path of the data files of one unit, without their extension.
#[must_use]
pub fn unit_stem(unit: &UnitId) -> String {
    format!("/ket-qua/don-vi/{unit}/ket-qua")
}

/// Path of the data files of all units for `period`, without their extension.
#[must_use]
pub fn period_stem(period: Period) -> String {
    format!("/ket-qua/ket-qua-{period}")
}

/// Pages of one unit in the context's language, and with the Vietnamese ones its data files.
///
/// Pages exist before anything is published, so that links to them always lead somewhere.
#[must_use]
pub fn unit_files(
    context: &SiteContext,
    entry: &UnitEntry,
    results: &UnitResults,
) -> Vec<SiteFile> {
    let questions = indicator::questions(&context.head.questionnaires);
    let periods = unit_period::all(context, &questions, entry, results);
    let mut files = unit_page::files(context, entry, AsOf::of(results), &periods);
    files.extend(ranking_page::files(
        context,
        entry,
        AsOf::of(results),
        &periods,
    ));
    if context.lang == Lang::Vi {
        let json = json::unit(context.head, &entry.unit, AsOf::of(results), &periods);
        let table = table::unit(
            context.head,
            entry,
            &periods,
            as_of_line(context, results.as_of),
        );
        let stem = unit_stem(&entry.unit.id);
        files.extend(data_files::files(&stem, json, &table, results.as_of));
    }
    files
}

/// Pages of all units in the context's language, and with the Vietnamese ones their data files.
#[must_use]
pub fn overview_files(
    context: &SiteContext,
    units: &BTreeMap<UnitId, UnitEntry>,
    results: &BTreeMap<UnitId, UnitResults>,
) -> Vec<SiteFile> {
    let periods = overview::periods(results);
    let overviews: Vec<overview::Overview> = periods
        .iter()
        .map(|period| overview::Overview::new(context, units, results, *period))
        .collect();
    let mut files = overview_page::files(context, &overviews);
    if context.lang == Lang::Vi {
        for overview in &overviews {
            let json = json::period(context.head, overview);
            let as_of = as_of_line(context, overview.as_of);
            let table = table::period(context.head, overview, as_of);
            let stem = period_stem(overview.period);
            files.extend(data_files::files(&stem, json, &table, overview.as_of));
        }
    }
    files
}

/// «Số liệu đến hết ngày …», once there was a release.
fn as_of_line(context: &SiteContext, as_of: Option<Date>) -> Option<String> {
    let date = format::date(as_of?, context.lang);
    Some(context.text_with("layout.as_of", "date", &date))
}
