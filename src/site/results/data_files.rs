//! The three files beside a result page.

use jiff::civil::{Date, date};

use crate::site::{Cache, SiteFile};

use super::table::Table;
use super::{csv_file, xlsx_file};

/// Stands in a workbook's properties where nothing was released yet.
const NO_RELEASE: Date = date(2026, 1, 1);

/// `<stem>.json`, `<stem>.csv` and `<stem>.xlsx`.
pub(super) fn files(
    stem: &str,
    json: Vec<u8>,
    table: &Table,
    as_of: Option<Date>,
) -> Vec<SiteFile> {
    let file = |extension: &str, content_type, bytes| SiteFile {
        path: format!("{stem}.{extension}"),
        content_type,
        cache: Cache::Page,
        bytes,
    };
    let mut files = vec![
        file("json", "application/json", json),
        file("csv", "text/csv; charset=utf-8", csv_file::bytes(table)),
    ];
    match xlsx_file::bytes(table, as_of.unwrap_or(NO_RELEASE)) {
        Ok(bytes) => files.push(file(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            bytes,
        )),
        Err(error) => tracing::error!(%error, "wrote no workbook for `{stem}`"),
    }
    files
}
