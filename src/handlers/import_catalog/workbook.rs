//! XLSX workbooks to sheets.
//!
//! A workbook is a zip of XML parts, and its reader trusts what they say of themselves. So every part is unpacked once
//! under a limit first, and cells are then taken one by one instead of as a grid as large as the sheet claims to be.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, Xlsx};
use jiff::civil::Date;
use zip::ZipArchive;

use super::limits::{MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_TEXT_BYTES};
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
pub(super) fn read(
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
            Err(cause) => {
                findings.push(place, cause);
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

fn rows(
    workbook: &mut Xlsx<Cursor<&[u8]>>,
    name: &str,
    budget: &mut Budget,
) -> Result<Vec<Row>, Cause> {
    let mut cells = workbook
        .worksheet_cells_reader(name)
        .map_err(|_| Cause::Unreadable)?;
    let mut rows: BTreeMap<u32, Vec<Cell>> = BTreeMap::new();
    while let Some(found) = cells.next_cell().map_err(|_| Cause::Unreadable)? {
        let (row, column) = found.get_position();
        let cell = cell(found.get_value());
        if cell == Cell::Empty {
            continue;
        }
        let column = column as usize;
        if column >= MAX_COLUMNS {
            return Err(Cause::TooManyColumns { max: MAX_COLUMNS });
        }
        if let Cell::Text(text) = &cell {
            let left = budget.bytes.checked_sub(text.len());
            budget.bytes = left.ok_or(Cause::TooManyCells { max: MAX_CELLS })?;
        }
        let line = rows.entry(row).or_default();
        if line.len() <= column {
            let added = column + 1 - line.len();
            let left = budget.cells.checked_sub(added);
            budget.cells = left.ok_or(Cause::TooManyCells { max: MAX_CELLS })?;
            line.resize(column + 1, Cell::Empty);
        }
        line[column] = cell;
        if rows.len() > MAX_ROWS {
            return Err(Cause::TooManyRows { max: MAX_ROWS });
        }
    }
    let rows = rows.into_iter().map(|(number, cells)| Row {
        number: number.saturating_add(1),
        cells,
    });
    Ok(rows.filter(|row| !row.is_blank()).collect())
}

fn cell(value: &DataRef) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Float(number) => Cell::Number(*number),
        DataRef::String(text) => Cell::Text(text.clone()),
        DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
        DataRef::Bool(flag) => Cell::Flag(*flag),
        DataRef::Error(error) => Cell::Broken(error.to_string()),
        DataRef::DurationIso(text) => Cell::Text(text.clone()),
        DataRef::DateTimeIso(text) => {
            let day = text.get(..10).and_then(|day| day.parse::<Date>().ok());
            day.map_or_else(|| Cell::Text(text.clone()), Cell::Date)
        }
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
