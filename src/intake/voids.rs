//! A void file: one person's request that ratings be voided.

use jiff::Timestamp;

use super::files::{ImportOutcome, VoidTotals};
use super::sheets::csv_file::{CsvFile, LongTexts};
use crate::domain::import::columns::VOIDS;
use crate::domain::import::void::{self, Named, Voidable};
use crate::domain::import::{Cause, Columns, Findings, Place, RowReader};
use crate::domain::period::{Month, local_date, open_months};
use crate::domain::rating::RatingId;
use crate::domain::void::{Approval, Seat};
use crate::keyring::Keyring;
use crate::store::void::Filed;
use crate::store::{Store, StoreError};

/// A void file and who dropped it.
#[derive(Debug)]
pub struct VoidFile<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Its name, for findings.
    pub place: Place,
    /// Where it was dropped.
    pub seat: Seat,
    /// The person who dropped it, as the event names them.
    pub approver: &'a str,
    /// Now.
    pub now: Timestamp,
}

impl VoidFile<'_> {
    /// Puts an approval on record for every row, if every row is in order.
    ///
    /// Nothing is looked up: a report that named the rows without a rating would tell who has rated. Whether there is
    /// such a rating is decided when ratings are reconciled.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written; the same call may be made again.
    pub async fn import(
        &self,
        store: &Store,
        keyring: &Keyring,
        findings: &mut Findings,
    ) -> Result<ImportOutcome, StoreError> {
        let rows = self.read(findings);
        tracing::info!(
            group = self.seat.code(),
            rows = rows.len(),
            in_order = findings.is_empty(),
            "a void file was read"
        );
        if !findings.is_empty() {
            return Ok(ImportOutcome::Refused);
        }
        let mut totals = VoidTotals::default();
        for (number, voidable) in rows {
            let mut filed = Vec::new();
            for rating_id in self.candidates(keyring, &voidable) {
                let approval = Approval {
                    rating_id,
                    subject: Some(voidable.subject.clone()),
                    seat: self.seat,
                    approver: self.approver.to_owned(),
                    reason: voidable.reason,
                    day: local_date(self.now),
                };
                let unit = &voidable.subject.unit_id;
                filed.push(store.put_approval(unit, &approval).await?);
            }
            if filed.contains(&Filed::Recorded) {
                totals.approved += 1;
            } else if filed.contains(&Filed::AlreadyRecorded) {
                totals.before += 1;
            } else {
                totals.otherwise.push(number);
            }
        }
        Ok(ImportOutcome::Voids(totals))
    }

    fn read(&self, findings: &mut Findings) -> Vec<(u32, Voidable)> {
        let file = CsvFile::open(self.bytes);
        let read = file.and_then(|file| file.sheet(self.place.clone(), LongTexts::Refused));
        let sheet = match read {
            Ok(sheet) => sheet,
            Err(fault) => {
                fault.note(&self.place, findings);
                return Vec::new();
            }
        };
        let Some(columns) = Columns::resolve(VOIDS, &sheet.header, &sheet.place, findings) else {
            return Vec::new();
        };
        if sheet.rows.is_empty() {
            findings.push(self.place.clone(), Cause::NoRows);
        }
        let rows = sheet.rows.iter().filter_map(|row| {
            let mut reader = RowReader::new(&sheet.place, &columns, row, findings);
            Some((reader.number(), void::read(&mut reader)?))
        });
        rows.collect()
    }

    /// The ratings that a row can mean: a phone gives one in each quarter, of this one and the last.
    fn candidates(&self, keyring: &Keyring, voidable: &Voidable) -> Vec<RatingId> {
        let subject = &voidable.subject;
        match &voidable.named {
            Named::Receipt(code) => vec![keyring.receipt_rating_id(code, subject)],
            Named::Phone(phone) => {
                let months = open_months(local_date(self.now));
                let mut quarters: Vec<_> = months.into_iter().map(Month::quarter).collect();
                quarters.dedup();
                let id = |quarter| keyring.phone_rating_id(phone.as_str(), subject, quarter);
                quarters.into_iter().map(id).collect()
            }
            Named::Rating(id) => vec![id.clone()],
        }
    }
}
