//! A dossier file: read through once to be checked, and again to be written.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::csv_file::{CsvFile, Rows};
use super::{DossierTotals, ImportError, ImportOutcome};
use crate::domain::catalog::Catalog;
use crate::domain::import::columns::DOSSIERS;
use crate::domain::import::dossier::{self, Dossier};
use crate::domain::import::{Cause, Columns, Findings, Place, RowReader};
use crate::domain::period::local_date;
use crate::domain::receipt::ReceiptCode;
use crate::keyring::Keyring;
use crate::store::Store;
use crate::store::dossier::{DossierOutcome, NewReceipt, RECEIPT_DAYS};

/// Dossiers held in memory at once while writing.
const WINDOW: usize = 2_000;

/// A dossier file and what it is checked against.
pub(super) struct DossierFile<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) place: Place,
    pub(super) catalog: &'a Catalog,
    pub(super) now: Timestamp,
}

impl DossierFile<'_> {
    /// Checks every row, then writes them all, if nothing is wrong with any.
    pub(super) async fn import(
        &self,
        store: &Store,
        keyring: &Keyring,
        findings: &mut Findings,
    ) -> Result<ImportOutcome, ImportError> {
        if !self.check(findings) {
            return Ok(ImportOutcome::Refused);
        }
        // What was found once is not looked for again.
        let mut found = Findings::default();
        let Some(mut rows) = self.rows(&mut found) else {
            return Ok(ImportOutcome::Refused);
        };
        let mut totals = DossierTotals::default();
        let oldest = oldest(self.today());
        loop {
            let (mut numbers, mut receipts) = (Vec::new(), Vec::new());
            while receipts.len() < WINDOW
                && let Some((number, dossier)) = rows.next(&mut found)
            {
                let Some(dossier) = dossier else { continue };
                if dossier.receipt.received < oldest {
                    totals.expired += 1;
                    continue;
                }
                numbers.push(number);
                receipts.push(sealed(keyring, dossier));
            }
            if receipts.is_empty() {
                return Ok(ImportOutcome::Dossiers(totals));
            }
            let outcomes = store.put_dossiers(&receipts).await?;
            for (number, outcome) in numbers.into_iter().zip(outcomes) {
                match outcome {
                    DossierOutcome::Created => totals.created += 1,
                    DossierOutcome::Updated => totals.updated += 1,
                    DossierOutcome::Unchanged => totals.unchanged += 1,
                    DossierOutcome::Contradicted => totals.contradicted.push(number),
                }
            }
        }
    }

    fn today(&self) -> Date {
        local_date(self.now)
    }

    fn check(&self, findings: &mut Findings) -> bool {
        let Some(mut rows) = self.rows(findings) else {
            return false;
        };
        let mut seen: HashMap<ReceiptCode, u32> = HashMap::new();
        let mut empty = true;
        while let Some((number, dossier)) = rows.next(findings) {
            empty = false;
            let Some(dossier) = dossier else { continue };
            if let Some(row) = seen.get(&dossier.code) {
                let place = Place {
                    row: Some(number),
                    column: Some(rows.columns.heading("code")),
                    ..self.place.clone()
                };
                let value = dossier.code.to_string();
                findings.push(place, Cause::Duplicate { value, row: *row });
            } else {
                seen.insert(dossier.code, number);
            }
        }
        if empty && findings.is_empty() {
            findings.push(self.place.clone(), Cause::NoRows);
        }
        findings.is_empty()
    }

    fn rows(&self, findings: &mut Findings) -> Option<DossierRows<'_>> {
        let opened = CsvFile::open(self.bytes).and_then(|file| {
            let mut rows = file.rows();
            let header = rows.next().unwrap_or(Err(Cause::HeaderMissing))?;
            Ok((rows, header))
        });
        match opened {
            Ok((rows, header)) => {
                let columns = Columns::resolve(DOSSIERS, &header, &self.place, findings)?;
                let today = self.today();
                Some(DossierRows {
                    file: self,
                    rows,
                    columns,
                    today,
                })
            }
            Err(cause) => {
                findings.push(self.place.clone(), cause);
                None
            }
        }
    }
}

/// The rows of a dossier file, one after another.
struct DossierRows<'a> {
    file: &'a DossierFile<'a>,
    rows: Rows<'a>,
    columns: Columns,
    today: Date,
}

impl DossierRows<'_> {
    /// The next row's number and its dossier, if that is in order.
    fn next(&mut self, findings: &mut Findings) -> Option<(u32, Option<Dossier>)> {
        let row = match self.rows.next()? {
            Ok(row) => row,
            Err(cause) => {
                findings.push(self.file.place.clone(), cause);
                return None;
            }
        };
        let mut reader = RowReader::new(&self.file.place, &self.columns, &row, findings);
        let dossier = dossier::read(&mut reader, self.file.catalog, self.today);
        Some((row.number, dossier))
    }
}

/// The first day received whose receipt has not expired on any hour of `today`: one that had would count again.
fn oldest(today: Date) -> Date {
    today.saturating_sub(Span::new().days(RECEIPT_DAYS - 1))
}

fn sealed(keyring: &Keyring, dossier: Dossier) -> NewReceipt {
    let secret = dossier.secret.as_ref();
    NewReceipt {
        hash: keyring.receipt_hash(&dossier.code),
        secret: secret.map(|secret| keyring.secret_hash(&dossier.code, secret)),
        receipt: dossier.receipt,
    }
}
