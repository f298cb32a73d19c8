//! A void file: one seat's word on ratings that are to be set aside.

use jiff::Timestamp;

use super::csv_file::CsvFile;
use super::{ImportError, ImportOutcome, VoidTotals};
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
pub(super) struct VoidFile<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) place: Place,
    pub(super) seat: Seat,
    pub(super) approver: &'a str,
    pub(super) now: Timestamp,
}

impl VoidFile<'_> {
    /// Looks every rating up, then puts every approval on record, if all were found.
    pub(super) async fn import(
        &self,
        store: &Store,
        keyring: &Keyring,
        findings: &mut Findings,
    ) -> Result<ImportOutcome, ImportError> {
        let mut found = Vec::new();
        for (number, voidable) in self.read(findings) {
            match self.find(store, keyring, &voidable).await? {
                Some((month, id)) => found.push((number, month, id, voidable)),
                None => {
                    let place = Place {
                        row: Some(number),
                        ..self.place.clone()
                    };
                    findings.push(place, Cause::NoSuchRating);
                }
            }
        }
        if !findings.is_empty() {
            return Ok(ImportOutcome::Refused);
        }
        let mut totals = VoidTotals::default();
        for (number, month, rating_id, voidable) in found {
            let approval = Approval {
                rating_id,
                seat: self.seat,
                approver: self.approver.to_owned(),
                reason: voidable.reason,
            };
            let unit = &voidable.subject.unit_id;
            let today = local_date(self.now);
            match store.put_approval(unit, month, &approval, today).await? {
                Filed::Now => totals.approved += 1,
                Filed::Before => totals.before += 1,
                Filed::Otherwise(_) => totals.otherwise.push(number),
            }
        }
        Ok(ImportOutcome::Voids(totals))
    }

    fn read(&self, findings: &mut Findings) -> Vec<(u32, Voidable)> {
        let sheet = match CsvFile::open(self.bytes).and_then(|file| file.sheet(self.place.clone()))
        {
            Ok(sheet) => sheet,
            Err(cause) => {
                findings.push(self.place.clone(), cause);
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

    /// The month and identifier of the rating, among those whose figures may still move.
    async fn find(
        &self,
        store: &Store,
        keyring: &Keyring,
        voidable: &Voidable,
    ) -> Result<Option<(Month, RatingId)>, StoreError> {
        let subject = &voidable.subject;
        for month in open_months(local_date(self.now)) {
            let id = match &voidable.named {
                Named::Receipt(code) => keyring.receipt_rating_id(code, subject),
                Named::Phone(phone) => {
                    keyring.phone_rating_id(phone.as_str(), subject, month.quarter())
                }
                Named::Rating(id) => id.clone(),
            };
            let stored = store.rating(&subject.unit_id, month, &id).await?;
            if stored.is_some_and(|stored| stored.rating.subject == *subject) {
                return Ok(Some((month, id)));
            }
        }
        Ok(None)
    }
}
