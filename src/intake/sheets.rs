//! Bytes of workbooks and CSV files to sheets, within limits.

pub(super) mod csv_file;
pub mod limits;
mod workbook;

use std::collections::BTreeMap;

use self::csv_file::{CsvFile, LongTexts};
use crate::domain::import::{Findings, Place, Sheet, SheetKind};

/// The catalog's sheets in a workbook; faults are noted under `file`.
pub fn of_workbook(
    bytes: &[u8],
    file: &str,
    findings: &mut Findings,
) -> BTreeMap<SheetKind, Sheet> {
    workbook::read(bytes, file, findings)
}

/// One sheet of a catalog from its CSV file; `None` when it cannot be read, which is noted.
pub fn of_csv(bytes: &[u8], kind: SheetKind, findings: &mut Findings) -> Option<Sheet> {
    let place = Place {
        file: format!("{}.csv", kind.name()),
        sheet: kind.name().to_owned(),
        ..Place::default()
    };
    // Settings alone hold texts of several lines, such as the one a person consents to.
    let long_texts = match kind {
        SheetKind::Settings => LongTexts::Allowed,
        _ => LongTexts::Refused,
    };
    let file = CsvFile::open(bytes);
    match file.and_then(|file| file.sheet(place.clone(), long_texts)) {
        Ok(sheet) => Some(sheet),
        Err(fault) => {
            fault.note(&place, findings);
            None
        }
    }
}
