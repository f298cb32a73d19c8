//! A loosening file: one reviewer's agreement that the thresholds of a coming quarter may become looser.

use jiff::Timestamp;

use super::files::{ImportOutcome, LooseningTotals};
use super::sheets::csv_file::{CsvFile, LongTexts};
use crate::domain::import::columns::LOOSENINGS;
use crate::domain::import::{Cause, Columns, Findings, Place, RowReader, loosening};
use crate::domain::period::{Month, local_date};
use crate::domain::publication::thresholds::{Loosening, LooseningApproval};
use crate::domain::void::Seat;
use crate::store::thresholds::Approved;
use crate::store::{Store, StoreError};

/// A loosening file and who dropped it.
#[derive(Debug)]
pub struct LooseningFile<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Its name, for findings.
    pub place: Place,
    /// The reviewer's group, by where it was dropped.
    pub seat: Seat,
    /// The person who dropped it, as the event names them.
    pub approver: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl LooseningFile<'_> {
    /// Puts every row on record as an approval, if all are sound.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written; the same call may be made again.
    pub async fn import(
        &self,
        store: &Store,
        findings: &mut Findings,
    ) -> Result<ImportOutcome, StoreError> {
        let rows = self.read(findings);
        if !findings.is_empty() {
            return Ok(ImportOutcome::Refused);
        }
        let mut totals = LooseningTotals::default();
        for (number, loosening) in rows {
            let approval = LooseningApproval {
                loosening,
                seat: self.seat,
                approver: self.approver.to_owned(),
            };
            let today = local_date(self.now);
            match store.put_loosening_approval(&approval, today).await? {
                Approved::Recorded => totals.recorded += 1,
                Approved::AlreadyRecorded => totals.before += 1,
                Approved::ConflictingValues => totals.conflicting.push(number),
            }
        }
        Ok(ImportOutcome::Loosenings(totals))
    }

    fn read(&self, findings: &mut Findings) -> Vec<(u32, Loosening)> {
        let file = CsvFile::open(self.bytes);
        let read = file.and_then(|file| file.sheet(self.place.clone(), LongTexts::Refused));
        let sheet = match read {
            Ok(sheet) => sheet,
            Err(fault) => {
                fault.note(&self.place, findings);
                return Vec::new();
            }
        };
        let columns = Columns::resolve(LOOSENINGS, &sheet.header, &sheet.place, findings);
        let Some(columns) = columns else {
            return Vec::new();
        };
        if sheet.rows.is_empty() {
            findings.push(self.place.clone(), Cause::NoRows);
        }
        let this = Month::of(local_date(self.now)).quarter();
        let rows = sheet.rows.iter().filter_map(|row| {
            let mut reader = RowReader::new(&sheet.place, &columns, row, findings);
            Some((reader.number(), loosening::read(&mut reader, this)?))
        });
        rows.collect()
    }
}
