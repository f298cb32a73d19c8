//! XLSX workbooks to sheets.
//!
//! A workbook is a zip of XML parts, and its reader trusts what they say of themselves. So every part is unpacked once
//! under a limit first, and cells are then taken one by one instead of as a grid as large as the sheet claims to be.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, Xlsx, XlsxError};
use jiff::civil::Date;
use zip::ZipArchive;

use super::limits::{MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_TEXT_BYTES};
use crate::domain::import::finding::MAX_FINDINGS;
use crate::domain::import::{Cause, Cell, Findings, Place, Row, Sheet, SheetKind};

/// Most parts of a workbook.
const MAX_PARTS: usize = 500;
/// Most bytes a worksheet unpacks to.
const MAX_SHEET_BYTES: u64 = 96 * 1024 * 1024;
/// Most bytes the table of shared strings unpacks to.
const MAX_STRINGS_BYTES: u64 = 32 * 1024 * 1024;
/// Most bytes any other part unpacks to.
const MAX_PART_BYTES: u64 = 4 * 1024 * 1024;
/// Most bytes all parts unpack to.
const MAX_UNPACKED_BYTES: u64 = 160 * 1024 * 1024;
/// Most strings a table of shared strings may announce: the reader reserves memory for as many.
const MAX_STRINGS: u64 = 2_000_000;

/// The catalog's sheets in a workbook; faults are noted under `file`.
pub(in crate::intake) fn read(
    bytes: &[u8],
    file: &str,
    findings: &mut Findings,
) -> BTreeMap<SheetKind, Sheet> {
    let place = Place {
        file: file.to_owned(),
        ..Place::default()
    };
    let outcome = check_parts(bytes).and_then(|()| {
        // The reader is not ours: should a crafted part still make it panic, that is a fault of the file.
        let sheets = catch_unwind(AssertUnwindSafe(|| sheets(bytes, &place, findings)));
        sheets.unwrap_or(Err(Cause::Unreadable))
    });
    outcome.unwrap_or_else(|cause| {
        findings.push(place, cause);
        BTreeMap::new()
    })
}

/// Unpacks every part under its limit and looks for what the reader would believe too easily.
fn check_parts(bytes: &[u8]) -> Result<(), Cause> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Cause::Unreadable)?;
    if archive.len() > MAX_PARTS {
        return Err(Cause::Bomb);
    }
    let mut left = MAX_UNPACKED_BYTES;
    let mut unpacked = Vec::new();
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| Cause::Unreadable)?;
        let name = part.name().map_err(|_| Cause::Unreadable)?;
        let name = name.to_ascii_lowercase();
        let strings = name.ends_with("sharedstrings.xml");
        let limit = if strings {
            MAX_STRINGS_BYTES
        } else if name.contains("worksheets/") {
            MAX_SHEET_BYTES
        } else {
            MAX_PART_BYTES
        };
        let limit = limit.min(left);
        unpacked.clear();
        let read = part.take(limit + 1).read_to_end(&mut unpacked);
        let length = read.map_err(|_| Cause::Unreadable)? as u64;
        if length > limit || (strings && announces_too_many(&unpacked)) {
            return Err(Cause::Bomb);
        }
        left -= length;
    }
    Ok(())
}

/// Whether a table of shared strings claims more strings than any catalog has.
fn announces_too_many(part: &[u8]) -> bool {
    const CLAIM: &[u8] = b"uniqueCount";
    // Interleaved zero bytes are UTF-16, in which the claim could hide.
    if part.contains(&0) {
        return true;
    }
    let mut claims = part.windows(CLAIM.len()).enumerate();
    claims.any(|(at, window)| {
        if window != CLAIM {
            return false;
        }
        let behind = part[at + CLAIM.len()..].iter();
        let mut value = behind.skip_while(|byte| b" \t\r\n='\"+0".contains(byte));
        let mut number = 0_u64;
        while let Some(digit) = value.next().filter(|byte| byte.is_ascii_digit()) {
            number = number
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'));
        }
        number > MAX_STRINGS
    })
}

fn sheets(
    bytes: &[u8],
    place: &Place,
    findings: &mut Findings,
) -> Result<BTreeMap<SheetKind, Sheet>, Cause> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| Cause::Unreadable)?;
    let mut budget = Budget {
        cells: MAX_CELLS,
        bytes: MAX_TEXT_BYTES,
    };
    let mut sheets = BTreeMap::new();
    for name in workbook.sheet_names() {
        let place = Place {
            sheet: name.clone(),
            ..place.clone()
        };
        let Some(kind) = SheetKind::parse(&name) else {
            if !is_empty(&mut workbook, &name) {
                findings.push(place, Cause::SheetUnknown);
            }
            continue;
        };
        let mut rows = match rows(&mut workbook, &name, &mut budget) {
            Ok(rows) => rows.into_iter(),
            Err(fault) => {
                let place = Place {
                    row: fault.row,
                    ..place
                };
                findings.push(place, fault.cause);
                continue;
            }
        };
        let Some(header) = rows.next() else {
            findings.push(place, Cause::HeaderMissing);
            continue;
        };
        let sheet = Sheet {
            place: place.clone(),
            header,
            rows: rows.collect(),
        };
        if sheets.insert(kind, sheet).is_some() {
            findings.push(place, Cause::SheetTwice);
        }
    }
    Ok(sheets)
}

/// Whether a sheet holds nothing, as the spare ones a new workbook comes with.
fn is_empty(workbook: &mut Xlsx<Cursor<&[u8]>>, name: &str) -> bool {
    let Ok(mut cells) = workbook.worksheet_cells_reader(name) else {
        return false;
    };
    loop {
        match cells.next_cell() {
            Ok(None) => return true,
            Ok(Some(cell)) if *cell.get_value() == DataRef::Empty => {}
            _ => return false,
        }
    }
}

/// What may still be read of a workbook.
struct Budget {
    cells: usize,
    bytes: usize,
}

/// Why a sheet cannot be read on, and the row that is to blame, if one is.
struct SheetFault {
    row: Option<u32>,
    cause: Cause,
}

impl From<Cause> for SheetFault {
    fn from(cause: Cause) -> Self {
        Self { row: None, cause }
    }
}

/// Rows by their number less one, each cell at its column.
#[derive(Default)]
struct Grid(BTreeMap<u32, Vec<Cell>>);

impl Grid {
    fn set(&mut self, at: (u32, u32), cell: Cell, budget: &mut Budget) -> Result<(), SheetFault> {
        if cell.is_blank() {
            return Ok(());
        }
        let (row, column) = (at.0, at.1 as usize);
        if column >= MAX_COLUMNS {
            return Err(SheetFault {
                row: Some(row.saturating_add(1)),
                cause: Cause::TooManyColumns { max: MAX_COLUMNS },
            });
        }
        let full = Cause::TooManyCells { max: MAX_CELLS };
        if let Cell::Text(text) = &cell {
            let left = budget.bytes.checked_sub(text.len());
            budget.bytes = left.ok_or_else(|| full.clone())?;
        }
        let line = self.0.entry(row).or_default();
        if line.len() <= column {
            let added = column + 1 - line.len();
            let left = budget.cells.checked_sub(added);
            budget.cells = left.ok_or(full)?;
            line.resize(column + 1, Cell::Empty);
        }
        line[column] = cell;
        match self.0.len() > MAX_ROWS {
            true => Err(Cause::TooManyRows { max: MAX_ROWS }.into()),
            false => Ok(()),
        }
    }
}

fn rows(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    budget: &mut Budget,
) -> Result<Vec<Row>, SheetFault> {
    let unreadable = |_| Cause::Unreadable;
    let mut cells = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
    let mut grid = Grid::default();
    // Errors of newer spreadsheets, which the reader does not know, by the number of their cell in the sheet.
    let mut errors: BTreeMap<usize, String> = BTreeMap::new();
    for number in 0.. {
        match cells.next_cell_with_style_id() {
            Ok(None) => break,
            Ok(Some((found, style))) => {
                let format = cells
                    .styles()
                    .get(style)
                    .and_then(|style| style.number_format.as_ref())
                    .map_or("General", |format| format.format_code.as_str());
                let cell = cell(found.get_value(), format);
                grid.set(found.get_position(), cell, budget)?;
            }
            Err(XlsxError::CellError(error)) if errors.len() < MAX_FINDINGS => {
                errors.insert(number, error);
            }
            Err(_) => return Err(Cause::Unreadable.into()),
        }
    }
    drop(cells);
    if !errors.is_empty() {
        let mut places = workbook.worksheet_cells_reader(name).map_err(unreadable)?;
        let mut number = 0;
        while let Some(found) = places.next_formula().map_err(unreadable)? {
            if let Some(error) = errors.remove(&number) {
                grid.set(found.get_position(), Cell::Broken(error), budget)?;
            }
            number += 1;
        }
    }
    let rows = grid.0.into_iter().map(|(number, cells)| Row {
        number: number.saturating_add(1),
        cells,
    });
    Ok(rows.collect())
}

fn cell(value: &DataRef, format: &str) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => shown(*number as f64, format),
        DataRef::Float(number) => shown(*number, format),
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Bool(flag) => Cell::Flag(*flag),
        DataRef::Error(error) => Cell::Broken(error.to_string()),
        DataRef::DurationIso(text) => Cell::Text(text.clone()),
        // The row's reader knows every way to write a day.
        DataRef::DateTimeIso(text) => Cell::Text(text.clone()),
        DataRef::DateTime(moment) => {
            let (year, month, day, ..) = moment.to_ymd_hms_milli();
            let date = i16::try_from(year)
                .ok()
                .zip(i8::try_from(month).ok())
                .zip(i8::try_from(day).ok())
                .and_then(|((year, month), day)| Date::new(year, month, day).ok());
            match date {
                Some(date) if moment.is_datetime() => Cell::Date(date),
                _ => Cell::Number(moment.as_f64()),
            }
        }
    }
}

/// A number as its format shows it: `00000` writes 48 as `00048`, and what is printed and typed is that.
fn shown(number: f64, format: &str) -> Cell {
    // Behind a semicolon stands the format of numbers below zero; brackets hold colours, languages and conditions.
    let mut code = String::new();
    let mut rest = format.split(';').next().unwrap_or_default().chars();
    while let Some(c) = rest.next() {
        match c {
            '[' => drop(rest.by_ref().find(|c| *c == ']')),
            // The width of the next character, or as many of it as there is room for.
            '_' | '*' => drop(rest.next()),
            c => code.push(c),
        }
    }
    let whole = number.fract() == 0.0 && (0.0..1e15).contains(&number);
    match code.as_str() {
        "" | "General" | "0" | "#" | "@" => Cell::Number(number),
        "#,##0" if number.abs() < 1_000.0 && number.fract() == 0.0 => Cell::Number(number),
        zeros if whole && zeros.bytes().all(|byte| byte == b'0') => {
            let (number, width) = (number as u64, zeros.len());
            Cell::Text(format!("{number:0width$}"))
        }
        _ => Cell::Formatted(number),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use jiff::civil::date;
    use proptest::prelude::*;
    use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn read_all(bytes: &[u8]) -> (BTreeMap<SheetKind, Sheet>, Vec<(String, Cause)>) {
        let mut findings = Findings::default();
        let sheets = read(bytes, "danang.xlsx", &mut findings);
        let list = findings.list().iter();
        let list = list.map(|f| (f.place.sheet.clone(), f.cause.clone()));
        (sheets, list.collect())
    }

    fn workbook() -> Vec<u8> {
        let mut workbook = Workbook::new();
        let date_format = Format::new().set_num_format("dd/mm/yyyy");
        let sheet = workbook.add_worksheet().set_name("Nhóm đơn vị").unwrap();
        for (column, heading) in ["Mã", "Tên", "Từ ngày", "valid_to"].iter().enumerate() {
            sheet.write(1, column as u16, *heading).unwrap();
        }
        let day = ExcelDateTime::from_ymd(2025, 7, 1).unwrap();
        sheet.write(4, 0, "xa-phuong").unwrap();
        let formula = Formula::new("=\"Xã/ \"&\"phường\"").set_result("Xã/ phường");
        sheet.write(4, 1, formula).unwrap();
        sheet.write_with_format(4, 2, &day, &date_format).unwrap();
        let failed = Formula::new("=NA()").set_result("#N/A");
        sheet.write(4, 3, failed).unwrap();
        workbook.add_worksheet().set_name("Sheet2").unwrap();
        let settings = workbook.add_worksheet().set_name("settings").unwrap();
        settings.write(0, 0, "key").unwrap();
        settings.write(0, 1, "value").unwrap();
        settings.write(1, 0, "min_new_ratings").unwrap();
        settings.write(1, 1, 5).unwrap();
        settings.write(2, 1, true).unwrap();
        workbook.save_to_buffer().unwrap()
    }

    /// The workbook with one part rewritten.
    fn with_part(bytes: &[u8], name: &str, rewrite: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..archive.len() {
            let mut part = archive.by_index(index).unwrap();
            let own = part.name().unwrap().into_owned();
            let mut content = Vec::new();
            part.read_to_end(&mut content).unwrap();
            if own == name {
                content = rewrite(content);
            }
            writer
                .start_file(&own, SimpleFileOptions::default())
                .unwrap();
            writer.write_all(&content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn cells_come_out_typed_and_rows_as_they_are_numbered() {
        let (sheets, findings) = read_all(&workbook());

        assert_eq!(findings, []);
        let groups = &sheets[&SheetKind::Groups];
        assert_eq!((groups.header.number, groups.rows[0].number), (2, 5));
        assert_eq!(
            groups.rows[0].cells,
            [
                Cell::Text("xa-phuong".to_owned()),
                Cell::Text("Xã/ phường".to_owned()),
                Cell::Date(date(2025, 7, 1)),
                Cell::Broken("#N/A".to_owned()),
            ]
        );
        let settings = &sheets[&SheetKind::Settings].rows;
        assert_eq!(settings[0].cells[1], Cell::Number(5.0));
        assert_eq!(settings[1].cells, [Cell::Empty, Cell::Flag(true)]);
    }

    #[test]
    fn a_number_is_read_as_its_format_shows_it() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("units").unwrap();
        sheet.write(0, 0, "id").unwrap();
        let text = |text: &str| Cell::Text(text.to_owned());
        let cases = [
            ("00000", 48.0, text("00048")),
            ("0000000000", 1_022.0, text("0000001022")),
            ("[Red]000;-000", 7.0, text("007")),
            ("00_)", 5.0, text("05")),
            ("00", 123.0, text("123")),
            ("0", 48.0, Cell::Number(48.0)),
            ("General", 48.5, Cell::Number(48.5)),
            ("@", 48.0, Cell::Number(48.0)),
            ("#,##0", 48.0, Cell::Number(48.0)),
            ("#,##0", 4_800.0, Cell::Formatted(4_800.0)),
            ("0.00", 48.0, Cell::Formatted(48.0)),
            ("\"H\"00", 17.0, Cell::Formatted(17.0)),
            ("00\\-000", 17_001.0, Cell::Formatted(17_001.0)),
            ("000", 1.5, Cell::Formatted(1.5)),
        ];
        for (row, (format, number, _)) in (1..).zip(&cases) {
            let format = Format::new().set_num_format(*format);
            sheet
                .write_number_with_format(row, 0, *number, &format)
                .unwrap();
        }

        let (sheets, findings) = read_all(&workbook.save_to_buffer().unwrap());

        assert_eq!(findings, []);
        let rows = &sheets[&SheetKind::Units].rows;
        for ((format, _, expected), row) in cases.iter().zip(rows) {
            assert_eq!(row.cells, std::slice::from_ref(expected), "{format}");
        }
    }

    #[test]
    fn a_blank_cell_far_to_the_right_is_blank() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("fields").unwrap();
        sheet.write(0, 0, "id").unwrap();
        sheet.write(1, 0, "xa").unwrap();
        sheet.write(1, 59, " ").unwrap();
        sheet.write(2, 59, "\u{a0}").unwrap();

        let (sheets, findings) = read_all(&workbook.save_to_buffer().unwrap());

        assert_eq!(findings, []);
        assert_eq!(sheets[&SheetKind::Fields].rows.len(), 1);
    }

    #[test]
    fn an_error_of_a_newer_spreadsheet_is_told_by_its_cell() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("fields").unwrap();
        sheet.write(0, 0, "id").unwrap();
        sheet.write(0, 1, "name").unwrap();
        sheet.write(1, 0, "xa").unwrap();
        for (row, error) in [(1, "#SPILL!"), (3, "#CALC!")] {
            let failed = Formula::new("=A1:A9").set_result(error);
            sheet.write(row, 1, failed).unwrap();
        }
        sheet.write(3, 0, "b").unwrap();
        sheet.write(4, 1, "Hộ tịch").unwrap();
        // The crate that writes the workbook takes a result it does not know for a text.
        let bytes = with_part(
            &workbook.save_to_buffer().unwrap(),
            "xl/worksheets/sheet1.xml",
            |part| {
                let part = String::from_utf8(part).unwrap();
                let mut cells = part.split("<c ").map(|cell| {
                    match cell.contains("#SPILL!") || cell.contains("#CALC!") {
                        true => cell.replace("t=\"str\"", "t=\"e\""),
                        false => cell.to_owned(),
                    }
                });
                let first = cells.next().unwrap();
                cells
                    .fold(first, |all, cell| all + "<c " + cell.as_str())
                    .into_bytes()
            },
        );

        let (sheets, findings) = read_all(&bytes);

        assert_eq!(findings, []);
        let rows = &sheets[&SheetKind::Fields].rows;
        let broken = |error: &str| Cell::Broken(error.to_owned());
        assert_eq!((rows[0].number, &rows[0].cells[1]), (2, &broken("#SPILL!")));
        assert_eq!((rows[1].number, &rows[1].cells[1]), (4, &broken("#CALC!")));
        assert_eq!(rows[2].cells[1], Cell::Text("Hộ tịch".to_owned()));
    }

    #[test]
    fn sheets_that_are_not_known_or_there_twice_are_told() {
        let mut workbook = Workbook::new();
        for name in ["fields", "Lĩnh vực", "Ghi chú"] {
            let sheet = workbook.add_worksheet().set_name(name).unwrap();
            sheet.write(0, 0, "id").unwrap();
        }

        let (_, findings) = read_all(&workbook.save_to_buffer().unwrap());

        assert_eq!(
            findings,
            [
                ("Lĩnh vực".to_owned(), Cause::SheetTwice),
                ("Ghi chú".to_owned(), Cause::SheetUnknown),
            ]
        );
    }

    #[test]
    fn what_is_no_workbook_is_told() {
        let zipped = with_part(&workbook(), "xl/workbook.xml", |_| b"<html/>".to_vec());
        let cut = &workbook()[..2_000];
        for bytes in [
            &b""[..],
            b"PK",
            b"id,name\n",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            cut,
            &zipped,
        ] {
            let (sheets, findings) = read_all(bytes);
            assert!(sheets.is_empty());
            if bytes != zipped {
                assert_eq!(findings, [(String::new(), Cause::Unreadable)]);
            }
        }
    }

    #[test]
    fn a_part_that_unpacks_to_too_much_is_not_read() {
        let zeros = |size: usize| move |_: Vec<u8>| vec![b' '; size];
        let styles = with_part(&workbook(), "xl/styles.xml", zeros(5 << 20));
        let strings = with_part(&workbook(), "xl/sharedStrings.xml", zeros(33 << 20));
        assert!(styles.len() < 100_000);
        for bytes in [styles, strings] {
            assert_eq!(read_all(&bytes).1, [(String::new(), Cause::Bomb)]);
        }
    }

    #[test]
    fn a_claim_to_billions_of_strings_reserves_nothing() {
        for claim in [
            "uniqueCount=\"99999999999999\"",
            "uniqueCount = '0099999999'",
        ] {
            let bytes = with_part(&workbook(), "xl/sharedStrings.xml", |part| {
                let part = String::from_utf8(part).unwrap();
                let start = part.find("uniqueCount").unwrap();
                let end = start + part[start..].find('>').unwrap();
                format!("{}{claim}{}", &part[..start], &part[end..]).into_bytes()
            });
            assert_eq!(
                read_all(&bytes).1,
                [(String::new(), Cause::Bomb)],
                "{claim}"
            );
        }
    }

    #[test]
    fn a_cell_at_the_far_end_of_the_sheet_costs_nothing() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("fields").unwrap();
        sheet.write(0, 0, "id").unwrap();
        sheet.write(1_048_575, 0, "xa").unwrap();
        let rows = read_all(&workbook.save_to_buffer().unwrap());
        assert_eq!(rows.0[&SheetKind::Fields].rows[0].number, 1_048_576);

        let sheet = workbook.worksheet_from_index(0).unwrap();
        sheet.write(1_048_575, 16_383, "x").unwrap();
        let (_, findings) = read_all(&workbook.save_to_buffer().unwrap());
        let max = MAX_COLUMNS;
        assert_eq!(
            findings,
            [("fields".to_owned(), Cause::TooManyColumns { max })]
        );
    }

    #[test]
    fn one_long_string_shown_in_every_cell_is_counted_each_time() {
        let mut workbook = Workbook::new();
        let sheet = workbook.add_worksheet().set_name("fields").unwrap();
        let long = "x".repeat(30_000);
        for row in 0..2_500 {
            sheet.write(row, 0, &long).unwrap();
        }
        let (_, findings) = read_all(&workbook.save_to_buffer().unwrap());
        let max = MAX_CELLS;
        assert_eq!(
            findings,
            [("fields".to_owned(), Cause::TooManyCells { max })]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_damaged_workbook_never_panics(
            part in prop::sample::select(vec![
                "xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/sharedStrings.xml",
                "xl/_rels/workbook.xml.rels", "[Content_Types].xml",
            ]),
            edits in prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(b"<>\"'/&;0129AZaz =\x80".to_vec())), 1..6),
            cut in prop::option::of(any::<prop::sample::Index>()),
        ) {
            let bytes = with_part(&workbook(), part, |mut content| {
                for (index, byte) in &edits {
                    let index = index.index(content.len());
                    content[index] = *byte;
                }
                if let Some(cut) = cut {
                    content.truncate(cut.index(content.len()));
                }
                content
            });
            read_all(&bytes);
        }
    }
}
