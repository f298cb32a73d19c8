//! A table as CSV for people: byte-order mark and CRLF, as spreadsheets expect; nothing in it is a formula.

use csv::{Terminator, WriterBuilder};

use super::table::{Cell, Table};

/// What spreadsheets take as the start of a formula, or cut away in front of one.
const FORMULA_STARTS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠'];

/// The file's bytes.
pub(super) fn bytes(table: &Table) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    let header = table.columns.iter().map(|name| inert(name));
    let rows = table
        .rows
        .iter()
        .map(|row| row.iter().map(written).collect());
    for record in std::iter::once(header.collect::<Vec<String>>()).chain(rows) {
        writer
            .write_record(record)
            .expect("every row has a cell for every column");
    }
    writer.into_inner().expect("memory takes every byte")
}

fn written(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => inert(text),
        Cell::Count(count) => count.to_string(),
        Cell::Decimal(decimal) => decimal.to_string(),
    }
}

/// `text` with an apostrophe in front where a spreadsheet would run it.
fn inert(text: &str) -> String {
    if text.starts_with(FORMULA_STARTS) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::score::Tenths;

    #[test]
    fn a_formula_is_written_as_text() {
        for text in [
            "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1",
        ] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        for text in ["Nguyễn Văn An", "1=1", "", "'=1"] {
            assert_eq!(inert(text), text);
        }
    }

    #[test]
    fn a_file_has_a_mark_and_crlf_and_quotes_what_it_must() {
        let table = Table {
            title: String::new(),
            notes: Vec::new(),
            columns: vec!["Tên".to_owned(), "Tỉ lệ".to_owned(), "Số lượng".to_owned()],
            rows: vec![
                vec!["a, \"b\"".into(), Tenths(974).into(), 1240_u64.into()],
                vec!["=cmd|' /C calc'!A0".into(), Cell::Empty, Cell::Empty],
            ],
        };

        let text = String::from_utf8(bytes(&table)).unwrap();

        assert_eq!(
            text,
            "\u{feff}Tên,Tỉ lệ,Số lượng\r\n\"a, \"\"b\"\"\",97.4,1240\r\n'=cmd|' /C calc'!A0,,\r\n"
        );
    }
}
