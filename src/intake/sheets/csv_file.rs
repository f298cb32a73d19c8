//! CSV files to rows, numbered as a spreadsheet would number them.

use csv::{ReaderBuilder, StringRecord};

use super::limits::{MAX_COLUMNS, MAX_ROWS};
use crate::domain::import::{Cause, Cell, Findings, Place, Row, Sheet};
use crate::domain::text;

/// Why a CSV file cannot be read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::intake) struct CsvFault {
    /// The row, where one is to blame.
    row: Option<u32>,
    cause: Cause,
}

impl CsvFault {
    /// Notes the fault in the file at `place`.
    pub(in crate::intake) fn note(self, place: &Place, findings: &mut Findings) {
        let place = Place {
            row: self.row,
            ..place.clone()
        };
        findings.push(place, self.cause);
    }
}

impl From<Cause> for CsvFault {
    fn from(cause: Cause) -> Self {
        Self { row: None, cause }
    }
}

/// Whether a quoted cell may run over lines that hold the separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::intake) enum LongTexts {
    /// Such a cell has swallowed the rows below a quotation that was never closed.
    Refused,
    /// The sheet holds texts of several lines.
    Allowed,
}

/// A CSV file, decoded, its separator known.
#[derive(Debug, Clone, Copy)]
pub(in crate::intake) struct CsvFile<'a> {
    text: &'a str,
    separator: u8,
}

impl<'a> CsvFile<'a> {
    /// Takes UTF-8 with or without a byte order mark; the separator is the one the heading line holds most of.
    pub(in crate::intake) fn open(bytes: &'a [u8]) -> Result<Self, CsvFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| Cause::NotUtf8)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.contains('\0') {
            return Err(Cause::Unreadable.into());
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
    pub(in crate::intake) fn rows(&self, long_texts: LongTexts) -> Rows<'a> {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.separator)
            .from_reader(self.text.as_bytes());
        Rows {
            file: *self,
            long_texts,
            reader,
            record: StringRecord::new(),
            number: 0,
            count: 0,
        }
    }

    /// The whole file as one sheet.
    pub(in crate::intake) fn sheet(
        &self,
        place: Place,
        long_texts: LongTexts,
    ) -> Result<Sheet, CsvFault> {
        let mut rows = self.rows(long_texts);
        let Some(header) = rows.next().transpose()? else {
            return Err(Cause::HeaderMissing.into());
        };
        Ok(Sheet {
            place,
            header,
            rows: rows.collect::<Result<_, _>>()?,
        })
    }
}

/// The rows of a [`CsvFile`].
pub(in crate::intake) struct Rows<'a> {
    file: CsvFile<'a>,
    long_texts: LongTexts,
    reader: csv::Reader<&'a [u8]>,
    record: StringRecord,
    number: u32,
    count: usize,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, CsvFault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.reader.read_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(_) => return Some(Err(Cause::Unreadable.into())),
            }
            let blank = self.blank_lines();
            self.number = self.number.saturating_add(blank).saturating_add(1);
            if !self.quotations_close() {
                return Some(Err(CsvFault {
                    row: Some(self.number),
                    cause: Cause::OpenQuotation,
                }));
            }
            let cells = self.record.iter().enumerate();
            let filled = cells.filter(|(_, cell)| !text::shows_nothing(cell));
            let Some((last, _)) = filled.last() else {
                continue;
            };
            if last >= MAX_COLUMNS {
                return Some(Err(CsvFault {
                    row: Some(self.number),
                    cause: Cause::TooManyColumns { max: MAX_COLUMNS },
                }));
            }
            let row = Row {
                number: self.number,
                cells: self.record.iter().take(last + 1).map(cell).collect(),
            };
            self.count += 1;
            if self.count > MAX_ROWS {
                return Some(Err(Cause::TooManyRows { max: MAX_ROWS }.into()));
            }
            return Some(Ok(row));
        }
    }
}

impl Rows<'_> {
    /// The bytes behind the row just read, blank lines before it included, and where they begin.
    fn raw(&self) -> (usize, &[u8]) {
        let start = self.record.position().map_or(0, csv::Position::byte) as usize;
        let end = self.reader.position().byte() as usize;
        let bytes = self.file.text.as_bytes().get(start..end);
        (start, bytes.unwrap_or_default())
    }

    /// Blank lines before the row just read: the reader passes over them, and a spreadsheet shows them as rows.
    fn blank_lines(&self) -> u32 {
        let (start, raw) = self.raw();
        let before = start.checked_sub(1).map(|at| self.file.text.as_bytes()[at]);
        let mut lines = 0_u32;
        // The second half of a line end that the row before began.
        let mut last = before.unwrap_or_default();
        for byte in raw {
            match byte {
                b'\n' if last == b'\r' => {}
                b'\n' | b'\r' => lines = lines.saturating_add(1),
                _ => break,
            }
            last = *byte;
        }
        lines
    }

    /// Whether every quotation of the row just read ends where a quotation may.
    ///
    /// The reader itself takes a quotation that never ends, and text behind one that ends, without a word.
    fn quotations_close(&self) -> bool {
        let (_, raw) = self.raw();
        if !raw.contains(&b'"') {
            return true;
        }
        let separator = self.file.separator;
        let swallows = |cell: &str| {
            let mut below = cell.lines().skip(1);
            below.any(|line| line.as_bytes().contains(&separator))
        };
        closes(raw, separator)
            && (self.long_texts == LongTexts::Allowed || !self.record.iter().any(swallows))
    }
}

/// Whether each quoted cell of `raw` is closed, with nothing but blanks between its end and the next separator.
fn closes(raw: &[u8], separator: u8) -> bool {
    #[derive(Clone, Copy)]
    enum At {
        Start,
        Plain,
        Quoted,
        /// Behind a mark that ends the quotation, unless another one follows at once.
        Mark,
        Behind,
    }
    let ends = |byte: u8| byte == separator || byte == b'\n' || byte == b'\r';
    let mut at = At::Start;
    for byte in raw {
        at = match (at, *byte) {
            (At::Quoted, b'"') => At::Mark,
            (At::Quoted, _) | (At::Start | At::Mark, b'"') => At::Quoted,
            (_, byte) if ends(byte) => At::Start,
            (At::Start | At::Plain, _) => At::Plain,
            (At::Mark | At::Behind, b' ' | b'\t') => At::Behind,
            (At::Mark | At::Behind, _) => return false,
        };
    }
    !matches!(at, At::Quoted)
}

fn cell(text: &str) -> Cell {
    match text {
        "" => Cell::Empty,
        text if is_error(text) => Cell::Broken(text.to_owned()),
        text => Cell::Text(text.to_owned()),
    }
}

/// Whether this is what a spreadsheet writes into a CSV for a formula that failed: `#N/A`, `#NAME?`, `#SPILL!` …
fn is_error(text: &str) -> bool {
    let Some(name) = text.strip_prefix('#') else {
        return false;
    };
    let letter = |byte: u8| byte.is_ascii_uppercase() || b"/_0".contains(&byte);
    let called = |name: &str| !name.is_empty() && name.bytes().all(letter);
    name == "N/A" || name.strip_suffix(['!', '?']).is_some_and(called)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<(u32, Vec<Cell>)> {
        let file = CsvFile::open(text.as_bytes()).unwrap();
        let rows = file.rows(LongTexts::Refused).map(|row| row.unwrap());
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
    fn blank_lines_count_whatever_ends_a_line() {
        for end in ["\n", "\r\n", "\r"] {
            let file = ["id", "", "a", "", "", "b"].join(end);
            let numbers = |file: &str| -> Vec<u32> {
                rows(file).into_iter().map(|(number, _)| number).collect()
            };
            assert_eq!(numbers(&file), [1, 3, 6], "{end:?}");
            assert_eq!(numbers(&format!("{end}{file}{end}{end}")), [2, 4, 7]);
        }
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
        let fault = |bytes| CsvFile::open(bytes).unwrap_err();
        assert_eq!(fault(b"t\xean"), Cause::NotUtf8.into());
        assert_eq!(fault(b"\xff\xfei\0d\0"), Cause::NotUtf8.into());
        assert_eq!(fault(b"i\0d"), Cause::Unreadable.into());
    }

    /// The rows up to the first fault, and the row and cause of that.
    fn fault(text: &str, long_texts: LongTexts) -> (usize, Option<(Option<u32>, Cause)>) {
        let file = CsvFile::open(text.as_bytes()).unwrap();
        let read: Vec<_> = file.rows(long_texts).collect();
        let fault = read.iter().find_map(|row| row.clone().err());
        let good = read.iter().take_while(|row| row.is_ok()).count();
        (good, fault.map(|fault| (fault.row, fault.cause)))
    }

    #[test]
    fn a_quotation_that_is_never_closed_is_told_by_the_row_it_opens_in() {
        let open = |row| Some((Some(row), Cause::OpenQuotation));
        for (text, good, expected) in [
            // Never closed: in the last column, the first, the heading, behind a cell of two lines.
            ("a,b\n1,2\n3,\"B\n5,6\n7,8\n", 2, open(3)),
            ("a,b\n1,2\n\"3,4\n5,6\n", 2, open(3)),
            ("a,\"b\n1,2\n", 0, open(1)),
            ("a,b\n\"1\n1\",2\n\n3,\"4\n", 2, open(4)),
            ("a,b\n1,\"", 1, open(2)),
            ("a,b\n1,\"2\"\"", 1, open(2)),
            // Closed by the next one that is open: at the start of a cell, or at the end of one.
            ("a,b\n1,\"B\n3,4\n5,\"D\n7,8\n", 1, open(2)),
            ("a,b\n1,\"B\n3,4\n5,D\"\n7,8\n", 1, open(2)),
            ("a,b\n1,\"B\" x\n3,4\n", 1, open(2)),
            // In order.
            ("a,b\n1,\"B \"\"x\"\"\"\n3,\"\"\n\"5\" ,\"\"\"\"\n", 4, None),
            ("a,b\r\n1,\"B\r\nx\"\r\n", 2, None),
            ("a,b\n1,5\" tivi\n3,a\"b\"\n", 3, None),
        ] {
            assert_eq!(
                fault(text, LongTexts::Refused),
                (good, expected),
                "{text:?}"
            );
        }
        let settings = "key,value\nconsent_text,\"Một, hai.\nBa, bốn.\"\nsample,có\n";
        assert_eq!(fault(settings, LongTexts::Allowed), (3, None));
        let open = Some((Some(2), Cause::OpenQuotation));
        let settings = "key,value\nconsent_text,\"Một, hai.\nsample,có\n";
        assert_eq!(fault(settings, LongTexts::Allowed), (1, open));
    }

    #[test]
    fn a_row_with_too_many_cells_ends_the_reading() {
        let wide = format!("{}x", ",".repeat(MAX_COLUMNS));
        let cause = Cause::TooManyColumns { max: MAX_COLUMNS };
        assert_eq!(
            fault(&format!("a\n{wide}"), LongTexts::Refused),
            (1, Some((Some(2), cause)))
        );
    }

    #[test]
    fn blank_cells_are_blank_however_far_they_stand() {
        let blank = format!("{} ,", ",".repeat(MAX_COLUMNS + 20));

        let read = rows(&format!("id,name{blank}\na,b{blank}\n{blank}\n"));

        assert_eq!(
            read,
            [
                (1, vec![text("id"), text("name")]),
                (2, vec![text("a"), text("b")]),
            ]
        );
    }

    #[test]
    fn every_error_of_a_spreadsheet_is_known_by_its_shape() {
        for error in [
            "#N/A",
            "#REF!",
            "#NAME?",
            "#DIV/0!",
            "#SPILL!",
            "#GETTING_DATA!",
        ] {
            assert_eq!(cell(error), Cell::Broken(error.to_owned()));
        }
        for plain in ["#", "#1", "#a!", "#!", "SPILL!", "# REF!"] {
            assert_eq!(cell(plain), text(plain));
        }
    }
}
