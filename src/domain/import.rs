//! Sheets a person filled in, checked whole: a catalog or dossiers come out, or every finding does.

pub mod catalog;
pub mod columns;
pub mod dossier;
mod fields;
pub mod finding;
pub mod loosening;
mod questionnaire;
pub mod row;
mod settings;
pub mod void;

pub use columns::SheetKind;
pub use finding::{Cause, Finding, Findings, Place};
pub use row::{Cell, Columns, Row, RowReader, Sheet};

#[cfg(test)]
mod tests;
