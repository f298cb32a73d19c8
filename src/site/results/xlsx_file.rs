//! A table as a workbook: typed cells, never a formula, and the same bytes every time.

use jiff::civil::Date;
use rust_i18n::t;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, FormatBorder, Workbook, XlsxError,
};

use super::table::{Cell, Table};

/// The longest text a cell takes, in characters.
const MAX_TEXT: usize = 32_767;

/// Widest column, in characters.
const MAX_WIDTH: usize = 48;

/// The file's bytes; `created` goes into its properties in place of the clock.
///
/// # Errors
/// [`XlsxError`] above a million rows, or for a day before 1900.
pub(super) fn bytes(table: &Table, created: Date) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let day = ExcelDateTime::from_ymd(
        created.year().unsigned_abs(),
        created.month().unsigned_abs(),
        created.day().unsigned_abs(),
    )?;
    workbook.set_properties(
        &DocProperties::new()
            .set_title(clip(&table.title))
            .set_creation_datetime(&day),
    );
    let header = Format::new()
        .set_bold()
        .set_text_wrap()
        .set_align(FormatAlign::Top)
        .set_border_bottom(FormatBorder::Thin);
    let count = Format::new().set_num_format("#,##0");
    let decimal = Format::new().set_num_format("0.0");

    let sheet = workbook.add_worksheet();
    sheet.set_name(text("results.file.sheet"))?;
    for (column, name) in (0_u16..).zip(&table.columns) {
        sheet.write_string_with_format(0, column, clip(name), &header)?;
        sheet.set_column_width(column, width(table, usize::from(column)))?;
    }
    for (row, cells) in (1_u32..).zip(&table.rows) {
        for (column, cell) in (0_u16..).zip(cells) {
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => {
                    sheet.write_string(row, column, clip(text))?;
                }
                Cell::Count(number) => {
                    sheet.write_number_with_format(row, column, *number as f64, &count)?;
                }
                Cell::Decimal(number) => {
                    sheet.write_number_with_format(row, column, number.to_f64(), &decimal)?;
                }
            }
        }
    }
    sheet.set_freeze_panes(1, 0)?;
    let last_row = u32::try_from(table.rows.len()).unwrap_or(u32::MAX);
    let last_column = u16::try_from(table.columns.len().saturating_sub(1)).unwrap_or(u16::MAX);
    sheet.autofilter(0, 0, last_row, last_column)?;

    let notes = workbook.add_worksheet();
    notes.set_name(text("results.file.notes"))?;
    notes.set_column_width(0, 100)?;
    let wrapped = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    notes.write_string_with_format(0, 0, clip(&table.title), &Format::new().set_bold())?;
    for (row, note) in (1_u32..).zip(&table.notes) {
        notes.write_string_with_format(row, 0, clip(note), &wrapped)?;
    }
    workbook.save_to_buffer()
}

fn width(table: &Table, column: usize) -> f64 {
    let cells = table.rows.iter().filter_map(|row| row.get(column));
    let texts = cells.map(|cell| match cell {
        Cell::Text(text) => text.chars().count(),
        _ => 0,
    });
    // Enough for a heading broken at its spaces.
    let widest = texts.max().unwrap_or(0).clamp(11, MAX_WIDTH);
    widest as f64 + 1.0
}

fn clip(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn text(key: &str) -> String {
    t!(key, locale = "vi").into_owned()
}
