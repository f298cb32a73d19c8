//! How much of a file is read: far above a whole country, far below what would exhaust a function.

/// Largest workbook or catalog sheet, in bytes.
pub const MAX_CATALOG_BYTES: u64 = 20 * MEGABYTE;
/// Largest dossier file, in bytes: a quarter of a million rows with room to spare.
pub const MAX_DOSSIER_BYTES: u64 = 64 * MEGABYTE;
/// Largest void file, in bytes.
pub const MAX_VOID_BYTES: u64 = MEGABYTE;
/// Rows of one sheet or file.
pub(super) const MAX_ROWS: usize = 300_000;
/// Columns of one sheet or file.
pub(super) const MAX_COLUMNS: usize = 40;
/// Cells of one workbook, empty ones between filled ones included.
pub(super) const MAX_CELLS: usize = 3_000_000;
/// Bytes of text in one workbook; a shared string counts every time it is shown.
pub(super) const MAX_TEXT_BYTES: usize = 64 * 1024 * 1024;

/// One megabyte.
pub const MEGABYTE: u64 = 1024 * 1024;
