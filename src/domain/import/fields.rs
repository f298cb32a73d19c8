//! What the readers of several sheets share: rows, lengths, words, and values that may stand once.

use std::collections::HashMap;

use super::columns::SheetKind;
use super::finding::{Cause, Findings};
use super::row::{Columns, RowReader, Sheet};
use crate::catalog::Text;
use crate::dossier::OfficialRole;

pub(super) const MAX_NAME: usize = 200;
pub(super) const MAX_TEXT: usize = 500;

/// The words a role goes by.
pub(super) const ROLES: &[(&str, &[&str], OfficialRole)] = &[
    ("guide", &["hướng dẫn"], OfficialRole::Guide),
    ("receive", &["tiếp nhận"], OfficialRole::Receive),
    ("settle", &["giải quyết", "thụ lý"], OfficialRole::Settle),
    ("return", &["trả kết quả"], OfficialRole::Return),
    ("desk", &["một cửa"], OfficialRole::Desk),
];

/// Reads every row of `sheet` through `read`, if its headings are in order.
pub(super) fn each_row(
    kind: SheetKind,
    sheet: Option<&Sheet>,
    findings: &mut Findings,
    mut read: impl FnMut(&mut RowReader),
) -> Option<Columns> {
    let sheet = sheet?;
    let columns = Columns::resolve(kind.columns(), &sheet.header, &sheet.place, findings)?;
    for row in &sheet.rows {
        read(&mut RowReader::new(&sheet.place, &columns, row, findings));
    }
    Some(columns)
}

/// Remembers values and the rows they stand in, and reports the second of a kind.
#[derive(Default)]
pub(super) struct Seen(HashMap<String, u32>);

impl Seen {
    pub(super) fn check(&mut self, row: &mut RowReader, column: &str, value: &str) {
        if let Some(first) = self.0.get(value) {
            let cause = Cause::Duplicate {
                value: value.to_owned(),
                row: *first,
            };
            row.fault(column, cause);
        } else {
            self.0.insert(value.to_owned(), row.number());
        }
    }
}

pub(super) fn text(row: &mut RowReader, vi: &str, en: &str, max: usize) -> Option<Text> {
    let (vi, en) = (row.required_text(vi, max), row.text(en, max));
    Some(Text { vi: vi?, en })
}

pub(super) fn required_word<T: Copy>(
    row: &mut RowReader,
    name: &str,
    words: &[(&str, &[&str], T)],
) -> Option<T> {
    row.required_text(name, MAX_NAME)?;
    row.word(name, words)
}

pub(super) fn unknown(value: &str, sheet: SheetKind) -> Cause {
    Cause::Unknown {
        value: value.to_owned(),
        sheet: sheet.name(),
    }
}
