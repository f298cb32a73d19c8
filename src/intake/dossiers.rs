//! A dossier file: read through once to be checked, and again to be written.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::{Span, Timestamp};

use super::files::{DossierTotals, ImportOutcome};
use super::sheets::csv_file::{CsvFault, CsvFile, LongTexts, Rows};
use crate::domain::catalog::Catalog;
use crate::domain::import::columns::DOSSIERS;
use crate::domain::import::dossier::{self, Dossier};
use crate::domain::import::{Cause, Columns, Findings, Place, RowReader};
use crate::domain::period::local_date;
use crate::domain::receipt::RECEIPT_DAYS;
use crate::domain::receipt::ReceiptCode;
use crate::keyring::Keyring;
use crate::store::dossier::{DossierOutcome, NewReceipt};
use crate::store::{Store, StoreError};

/// Dossiers held in memory at once while writing.
const WINDOW: usize = 2_000;

/// A dossier file and what it is checked against.
#[derive(Debug)]
pub struct DossierFile<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Its name, for findings.
    pub place: Place,
    /// The catalog in force.
    pub catalog: &'a Catalog,
    /// Now: no dossier was received later.
    pub now: Timestamp,
}

impl DossierFile<'_> {
    /// Checks every row, then writes them all, if nothing is wrong with any.
    ///
    /// # Errors
    /// [`StoreError`] when the tables cannot be read or written; the same call may be made again.
    pub async fn import(
        &self,
        store: &Store,
        keyring: &Keyring,
        findings: &mut Findings,
    ) -> Result<ImportOutcome, StoreError> {
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
            let mut rows = file.rows(LongTexts::Refused);
            let missing = CsvFault::from(Cause::HeaderMissing);
            let header = rows.next().unwrap_or(Err(missing))?;
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
            Err(fault) => {
                fault.note(&self.place, findings);
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
            Err(fault) => {
                fault.note(&self.file.place, findings);
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
        keys: keyring.receipt_keys(&dossier.code),
        secret: secret.map(|secret| keyring.secret_hash(&dossier.code, secret)),
        receipt: dossier.receipt,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::import::{Sheet, SheetKind};
    use crate::domain::receipt::ReceiptSecret;

    const HEADER: &str = "code,secret,unit,officials,field,procedure,received,due,returned,status";

    /// The sample's catalog: what the tests below refer to is in it.
    fn catalog() -> Catalog {
        let sheet = |kind: SheetKind| -> (SheetKind, Sheet) {
            let path = format!("sample/catalog/da-nang/{}.csv", kind.name());
            let bytes = std::fs::read(path).unwrap();
            let file = CsvFile::open(&bytes).unwrap();
            let sheet = file.sheet(Place::default(), LongTexts::Allowed);
            (kind, sheet.unwrap())
        };
        let sheets: BTreeMap<_, _> = SheetKind::ALL.map(sheet).into();
        let mut findings = Findings::default();
        let most = crate::store::catalog::MAX_ITEM_BYTES;
        let catalog = crate::domain::import::catalog::read(&sheets, "sample", most, &mut findings);
        assert_eq!(findings, Findings::default());
        catalog.unwrap()
    }

    fn check(text: &str, catalog: &Catalog) -> Findings {
        let file = DossierFile {
            bytes: text.as_bytes(),
            place: Place::default(),
            catalog,
            now: "2026-11-20T17:30:00+07:00".parse().unwrap(),
        };
        let mut findings = Findings::default();
        file.check(&mut findings);
        findings
    }

    #[test]
    fn every_fault_is_told_by_row_and_column() {
        let catalog = catalog();
        let secret = ReceiptSecret::from_bits(7).printed();
        let wrong = "0000000007A";
        let unknown = |value: &str, sheet| Cause::Unknown {
            value: value.to_owned(),
            sheet,
        };
        let cases = [
            (
                "A-B,,xa-hoa-vang,,ho-tich,,01/10/2026,,,open",
                "code",
                Cause::BadReceiptCode,
            ),
            (
                ",,xa-hoa-vang,,ho-tich,,01/10/2026,,,open",
                "code",
                Cause::Missing,
            ),
            (
                "A-261001-0001,SHORT,xa-hoa-vang,,ho-tich,,01/10/2026,,,open",
                "secret",
                Cause::BadReceiptSecret,
            ),
            (
                &format!("A-261001-0001,{wrong},xa-hoa-vang,,ho-tich,,01/10/2026,,,open"),
                "secret",
                Cause::BadReceiptSecret,
            ),
            (
                "A-261001-0001,,xa-xa,,ho-tich,,01/10/2026,,,open",
                "unit",
                unknown("xa-xa", "units"),
            ),
            (
                "A-261001-0001,,xa-hoa-vang,,giay-to,,01/10/2026,,,open",
                "field",
                unknown("giay-to", "fields"),
            ),
            (
                "A-261001-0001,,xa-hoa-vang,,ho-tich,,,,,open",
                "received",
                Cause::Missing,
            ),
            (
                "A-261121-0001,,xa-hoa-vang,,ho-tich,,21/11/2026,,,open",
                "received",
                Cause::InFuture,
            ),
            (
                "A-261001-0001,,xa-hoa-vang,,ho-tich,,01/10/2026,30/09/2026,,open",
                "due",
                Cause::BeforeReceived,
            ),
            (
                "A-261001-0001,,xa-hoa-vang,,ho-tich,,01/10/2026,,,returned",
                "returned",
                Cause::ReturnedWithoutDay,
            ),
            (
                "A-261001-0001,,xa-hoa-vang,,ho-tich,,01/10/2026,,02/10/2026,open",
                "returned",
                Cause::DayWithoutReturn,
            ),
            (
                "A-250601-0001,,xa-hoa-vang,,ho-tich,,01/06/2025,,,open",
                "unit",
                Cause::UnitNotInForce {
                    unit: "xa-hoa-vang".to_owned(),
                },
            ),
            (
                "A-261001-0001,,xa-hoa-vang,so-y-te-01:desk,ho-tich,,01/10/2026,,,open",
                "officials",
                Cause::NotOfUnit {
                    official: "so-y-te-01".to_owned(),
                    unit: "xa-hoa-vang".to_owned(),
                },
            ),
            (
                "A-261001-0001,,xa-hoa-vang,xa-hoa-vang-01:boss,ho-tich,,01/10/2026,,,open",
                "officials",
                Cause::BadWord {
                    value: "boss".to_owned(),
                    allowed: "guide, receive, settle, return, desk".to_owned(),
                },
            ),
            (
                "A-261001-0001,,xa-hoa-vang,xa-hoa-vang-01|xa-hoa-vang-01,ho-tich,,01/10/2026,,,open",
                "officials",
                Cause::Repeated("xa-hoa-vang-01".to_owned()),
            ),
        ];
        for (row, column, cause) in cases {
            let good = format!(
                "B-261001-0001,{secret},xa-hoa-vang,xa-hoa-vang-01,ho-tich,Khai sinh,2026-10-01,,,open"
            );
            let findings = check(&format!("{HEADER}\n{good}\n{row}\n"), &catalog);
            let [finding] = findings.list() else {
                panic!("{row}: {:?}", findings.list());
            };
            assert_eq!(finding.cause, cause, "{row}");
            assert_eq!(finding.place.row, Some(3));
            assert_eq!(finding.place.column.as_deref(), Some(column));
        }
    }

    #[test]
    fn a_code_stands_once_however_it_is_spelled() {
        let row = |code: &str| format!("{code},,xa-hoa-vang,,ho-tich,,01/10/2026,,,open");
        let text = format!(
            "{HEADER}\n{}\n\n{}\n",
            row("a.1-261001-0001"),
            row("A.1 – 261001 – 0001")
        );

        let findings = check(&text, &catalog());

        let value = "A.1-261001-0001".to_owned();
        assert_eq!(findings.list()[0].cause, Cause::Duplicate { value, row: 2 });
        assert_eq!(findings.list()[0].place.row, Some(4));
    }

    #[test]
    fn a_quotation_that_is_never_closed_loses_no_dossier() {
        let header = "code,unit,field,received,status,procedure";
        let row = |serial: u32, procedure: &str| {
            format!("H17-261120-{serial:04},xa-hoa-vang,ho-tich,2026-11-20,open,{procedure}\n")
        };
        let text = [row(20, "A"), row(21, "\"B"), row(22, "C")].concat();

        let findings = check(&format!("{header}\n{text}"), &catalog());

        let [finding] = findings.list() else {
            panic!("{:?}", findings.list());
        };
        assert_eq!(finding.cause, Cause::OpenQuotation);
        assert_eq!(finding.place.row, Some(3));
    }

    #[test]
    fn a_file_without_dossiers_is_told() {
        let catalog = catalog();
        for (text, cause) in [
            ("", Cause::HeaderMissing),
            (HEADER, Cause::NoRows),
            ("code,unit,field,received\n", Cause::ColumnMissing),
        ] {
            assert_eq!(check(text, &catalog).list()[0].cause, cause);
        }
    }

    #[test]
    fn a_receipt_that_has_expired_is_never_taken_in_again() {
        let today = jiff::civil::date(2026, 11, 20);
        let oldest = oldest(today);
        assert_eq!(today.since(oldest).unwrap().get_days(), RECEIPT_DAYS - 1);
    }
}
