//! CSV files to rows, numbered as a spreadsheet would number them.

use csv::{ReaderBuilder, StringRecord};

use super::limits::{MAX_COLUMNS, MAX_ROWS};
use crate::domain::import::{Cause, Cell, Place, Row, Sheet};

/// A CSV file, decoded, its separator known.
#[derive(Debug)]
pub(super) struct CsvFile<'a> {
    text: &'a str,
    separator: u8,
}

impl<'a> CsvFile<'a> {
    /// Takes UTF-8 with or without a byte order mark; the separator is the one the heading line holds most of.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Cause> {
        let text = std::str::from_utf8(bytes).map_err(|_| Cause::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.contains('\0') {
            return Err(Cause::Unreadable);
        }
        let heading = text.lines().find(|line| !line.trim().is_empty());
        let count = |separator: &u8| {
            let heading = heading.unwrap_or_default().bytes();
            heading.filter(|byte| byte == separator).count()
        };
        // The last of equals wins, so a lone column is read as comma-separated.
        let separator = *b"\t;,"
            .iter()
            .max_by_key(|byte| count(byte))
            .unwrap_or(&b',');
        Ok(Self { text, separator })
    }

    /// Its rows from the first that is not blank, blank ones left out.
    pub(super) fn rows(&self) -> Rows<'a> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.separator)
            .from_reader(self.text.as_bytes());
        Rows {
            reader,
            record: StringRecord::new(),
            number: 0,
            count: 0,
        }
    }

    /// The whole file as one sheet.
    pub(super) fn sheet(&self, place: Place) -> Result<Sheet, Cause> {
        let mut rows = self.rows();
        let Some(header) = rows.next().transpose()? else {
            return Err(Cause::HeaderMissing);
        };
        Ok(Sheet {
            place,
            header,
            rows: rows.collect::<Result<_, _>>()?,
        })
    }
}

/// The rows of a [`CsvFile`].
pub(super) struct Rows<'a> {
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    number: u32,
    count: usize,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Cause>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let line = self.reader.position().line();
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => return Some(Err(Cause::Unreadable)),
            }
            // The reader passes over blank lines, which a spreadsheet shows as rows.
            let consumed = self.reader.position().line() - line;
            let inner: usize = self
                .record
                .iter()
                .map(|cell| cell.matches('\n').count())
                .sum();
            let blank = consumed.saturating_sub(inner as u64 + 1);
            let blank = u32::try_from(blank).unwrap_or(u32::MAX);
            self.number = self.number.saturating_add(blank).saturating_add(1);
            if self.record.len() > MAX_COLUMNS {
                return Some(Err(Cause::TooManyColumns { max: MAX_COLUMNS }));
            }
            let row = Row {
                number: self.number,
                cells: self.record.iter().map(cell).collect(),
            };
            if row.is_blank() {
                continue;
            }
            self.count += 1;
            if self.count > MAX_ROWS {
                return Some(Err(Cause::TooManyRows { max: MAX_ROWS }));
            }
            return Some(Ok(row));
        }
    }
}

fn cell(text: &str) -> Cell {
    match text {
        "" => Cell::Empty,
        // What spreadsheets write into a CSV for a formula that failed.
        "#N/A" | "#REF!" | "#VALUE!" | "#NAME?" | "#DIV/0!" | "#NUM!" | "#NULL!" => {
            Cell::Broken(text.to_owned())
        }
        text => Cell::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<Cell>)> {
        let file = CsvFile::open(text.as_bytes()).unwrap();
        let rows = file.rows().map(|row| row.unwrap());
        rows.map(|row| (row.number, row.cells)).collect()
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    #[test]
    fn rows_are_numbered_as_a_spreadsheet_shows_them() {
        let file = "\u{feff}id;name\r\n\r\na;\"hai\r\ndòng\"\r\n;\r\n\r\n\r\nb;ba";

        let read = rows(file);

        assert_eq!(
            read,
            [
                (1, vec![text("id"), text("name")]),
                (3, vec![text("a"), text("hai\r\ndòng")]),
                (7, vec![text("b"), text("ba")]),
            ]
        );
    }

    #[test]
    fn the_separator_is_found_in_the_heading_line() {
        for separator in [",", ";", "\t"] {
            let file = format!("id{separator}name\na{separator}b");
            assert_eq!(rows(&file)[1].1, [text("a"), text("b")], "{separator:?}");
        }
        assert_eq!(rows("id\na")[1].1, [text("a")]);
    }

    #[test]
    fn a_file_of_another_encoding_is_told_apart() {
        assert_eq!(CsvFile::open(b"t\xean").unwrap_err(), Cause::NotUtf8);
        assert_eq!(
            CsvFile::open(b"\xff\xfei\0d\0").unwrap_err(),
            Cause::NotUtf8
        );
        assert_eq!(CsvFile::open(b"i\0d").unwrap_err(), Cause::Unreadable);
    }

    #[test]
    fn a_row_with_too_many_cells_ends_the_reading() {
        let wide = ",".repeat(MAX_COLUMNS + 5);
        let file = CsvFile::open(wide.as_bytes()).unwrap();
        assert_eq!(
            file.rows().next(),
            Some(Err(Cause::TooManyColumns { max: MAX_COLUMNS }))
        );
    }
}
