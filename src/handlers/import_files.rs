//! Files dropped for import: a catalog replaces the one in force, dossiers are added to those known.
//!
//! | key                             | is |
//! |---------------------------------|----|
//! | `catalog/<name>.xlsx`           | a catalog |
//! | `catalog/<name>/<sheet>.csv`    | a sheet of a catalog, waiting for `ready` |
//! | `catalog/<name>/ready`          | the word that every sheet of the folder is there |
//! | `dossiers/<name>.csv`           | dossiers |
//! | `voids/<seat>/<name>.csv`       | ratings that whoever sits there wants set aside |
//! | `<key>.report.txt`              | our answer to `<key>` |
//!
//! A file is taken whole or not at all; what is wrong with it is written beside it.

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::domain::catalog::Catalog;
use crate::domain::import::{Cause, Findings, Place, SheetKind};
use crate::domain::void::Seat;
use crate::keyring::Keyring;
use crate::site::bucket::{Bounded, Bucket, BucketError};
use crate::store::{Store, StoreError};

mod catalog_files;
mod csv_file;
mod dossier_file;
mod limits;
mod report;
mod void_file;
mod workbook;

pub use report::{DossierTotals, ImportOutcome, ImportReport, VoidTotals};

/// Name of the empty object that says a folder of CSV sheets is complete.
pub const READY: &str = "ready";

/// A fault of ours, not of the file: worth trying again.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The tables.
    #[error("the store failed during an import")]
    Store(#[from] StoreError),
    /// The bucket files are dropped in.
    #[error("the drop bucket failed during an import")]
    Bucket(#[from] BucketError),
}

/// Reads the records of an event one by one, leaving out what is no S3 record.
#[must_use]
pub fn read_event(event: serde_json::Value) -> S3Event {
    let mut read = S3Event::default();
    let records = match event {
        serde_json::Value::Object(mut event) => event.remove("Records"),
        _ => None,
    };
    let Some(serde_json::Value::Array(records)) = records else {
        tracing::warn!("an event without records was left out");
        return read;
    };
    for record in records {
        match serde_json::from_value::<S3EventRecord>(record) {
            Ok(record) => read.records.push(record),
            Err(_) => tracing::warn!("a malformed record was left out"),
        }
    }
    read
}

/// Imports every file the event names and writes a report beside each.
///
/// # Errors
/// [`ImportError`], boxed, when the store or the bucket failed: the event should be delivered again.
pub async fn handle(
    store: &Store,
    drop_bucket: &Bucket,
    keyring: &Keyring,
    event: S3Event,
    now: Timestamp,
) -> Result<Vec<ImportReport>, lambda_runtime::Error> {
    let mut reports = Vec::new();
    for record in &event.records {
        let Some(key) = dropped_key(record) else {
            tracing::warn!("a record that names no new object was left out");
            continue;
        };
        let approver = record.principal_id.principal_id.as_deref();
        let import = import(store, drop_bucket, keyring, &key, approver, now);
        let Some(report) = import.await? else {
            continue;
        };
        tracing::info!(
            import.outcome = report.outcome.code(),
            findings = report.findings.count(),
            "a dropped file was read"
        );
        let key = report.object_key();
        let text = report.text().into_bytes();
        let put = drop_bucket.put(&key, "text/plain; charset=utf-8", "private, no-store", text);
        put.await.map_err(ImportError::Bucket)?;
        reports.push(report);
    }
    Ok(reports)
}

/// The decoded key of a record that tells of a new object.
fn dropped_key(record: &S3EventRecord) -> Option<String> {
    let created = record.event_name.as_deref().is_none_or(|name| {
        let name = name.strip_prefix("s3:").unwrap_or(name);
        name.starts_with("ObjectCreated:")
    });
    let encoded = record.s3.object.key.as_deref().filter(|_| created)?;
    // S3 writes spaces as plus signs, and a plus sign as %2B.
    let spaced = encoded.replace('+', " ");
    let key = percent_decode_str(&spaced).decode_utf8().ok()?;
    let bounded = !key.is_empty() && key.len() <= 1_024;
    bounded.then(|| key.into_owned())
}

/// What a dropped object is, by its key.
#[derive(Debug, PartialEq, Eq)]
enum Dropped<'a> {
    Workbook,
    Ready { folder: &'a str },
    Sheet,
    StraySheet { name: &'a str },
    Dossiers,
    Voids { seat: Seat },
    Unknown,
    NotOurs,
}

impl<'a> Dropped<'a> {
    fn of(key: &'a str) -> Self {
        let name = file_name(key);
        if key.ends_with(report::SUFFIX) || name.is_empty() || name.starts_with(['.', '~']) {
            return Self::NotOurs;
        }
        let extension = name
            .rsplit_once('.')
            .map(|(_, end)| end.to_ascii_lowercase());
        let extension = extension.as_deref();
        if key.starts_with("dossiers/") {
            return if extension == Some("csv") {
                Self::Dossiers
            } else {
                Self::Unknown
            };
        }
        if let Some(path) = key.strip_prefix("voids/") {
            let seat = path.split_once('/').map(|(seat, _)| Seat::parse(seat));
            return match seat {
                Some(Some(seat)) if extension == Some("csv") => Self::Voids { seat },
                _ => Self::Unknown,
            };
        }
        let Some(path) = key.strip_prefix("catalog/") else {
            return Self::NotOurs;
        };
        match path.rsplit_once('/') {
            None if extension == Some("xlsx") => Self::Workbook,
            Some((folder, READY)) => Self::Ready { folder },
            Some((_, name)) if extension == Some("csv") => {
                let known = SheetKind::ALL.map(SheetKind::name);
                match name.strip_suffix(".csv") {
                    Some(sheet) if known.contains(&sheet) => Self::Sheet,
                    _ => Self::StraySheet { name },
                }
            }
            _ => Self::Unknown,
        }
    }
}

/// The last segment of a key.
fn file_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

async fn import(
    store: &Store,
    bucket: &Bucket,
    keyring: &Keyring,
    key: &str,
    approver: Option<&str>,
    now: Timestamp,
) -> Result<Option<ImportReport>, ImportError> {
    let place = |sheet: &str| Place {
        file: file_name(key).to_owned(),
        sheet: sheet.to_owned(),
        ..Place::default()
    };
    let mut findings = Findings::default();
    let outcome = match Dropped::of(key) {
        Dropped::NotOurs | Dropped::Sheet => return Ok(None),
        Dropped::Unknown => {
            findings.push(place(""), Cause::UnknownFile);
            ImportOutcome::Refused
        }
        Dropped::StraySheet { name } => {
            let sheet = name.rsplit_once('.').map_or(name, |(sheet, _)| sheet);
            findings.push(place(sheet), Cause::SheetUnknown);
            ImportOutcome::Refused
        }
        Dropped::Workbook => {
            let Some(bytes) = fetch(bucket, key, limits::MAX_CATALOG_BYTES, &mut findings).await?
            else {
                return Ok((!findings.is_empty()).then(|| refused(key, findings)));
            };
            let sheets = workbook::read(&bytes, file_name(key), &mut findings);
            catalog_files::import(store, &sheets, file_name(key), now, &mut findings).await?
        }
        Dropped::Ready { folder } => {
            let sheets = catalog_files::sheets(bucket, folder, &mut findings).await?;
            catalog_files::import(store, &sheets, folder, now, &mut findings).await?
        }
        Dropped::Voids { seat } => {
            let Some(bytes) = fetch(bucket, key, limits::MAX_VOID_BYTES, &mut findings).await?
            else {
                return Ok((!findings.is_empty()).then(|| refused(key, findings)));
            };
            let file = void_file::VoidFile {
                bytes: &bytes,
                place: place(""),
                seat,
                // Whoever the event does not name is nobody else than the other one it does not name.
                approver: approver.unwrap_or("unknown"),
                now,
            };
            file.import(store, keyring, &mut findings).await?
        }
        Dropped::Dossiers => {
            let Some(bytes) = fetch(bucket, key, limits::MAX_DOSSIER_BYTES, &mut findings).await?
            else {
                return Ok((!findings.is_empty()).then(|| refused(key, findings)));
            };
            match catalog_in_force(store).await? {
                Some((_, catalog)) => {
                    let file = dossier_file::DossierFile {
                        bytes: &bytes,
                        place: place(""),
                        catalog: &catalog,
                        now,
                    };
                    file.import(store, keyring, &mut findings).await?
                }
                None => {
                    findings.push(place(""), Cause::NoCatalog);
                    ImportOutcome::Refused
                }
            }
        }
    };
    Ok(Some(ImportReport {
        key: key.to_owned(),
        outcome,
        findings,
    }))
}

fn refused(key: &str, findings: Findings) -> ImportReport {
    ImportReport {
        key: key.to_owned(),
        outcome: ImportOutcome::Refused,
        findings,
    }
}

/// The object's bytes; `None` when it is gone again, or too large and noted.
async fn fetch(
    bucket: &Bucket,
    key: &str,
    most: u64,
    findings: &mut Findings,
) -> Result<Option<Vec<u8>>, ImportError> {
    match bucket.get_at_most(key, most).await? {
        Bounded::Bytes(bytes) => Ok(Some(bytes)),
        Bounded::Absent => Ok(None),
        Bounded::TooLarge => {
            let place = Place {
                file: file_name(key).to_owned(),
                ..Place::default()
            };
            let megabytes = most / limits::MEGABYTE;
            findings.push(place, Cause::TooLarge { megabytes });
            Ok(None)
        }
    }
}

/// The catalog in force, whole, with its version.
async fn catalog_in_force(store: &Store) -> Result<Option<(String, Catalog)>, StoreError> {
    let Some(version) = store.catalog_version().await? else {
        return Ok(None);
    };
    let Some(head) = store.catalog_head(&version).await? else {
        return Ok(None);
    };
    let units = store.catalog_units(&version).await?;
    Ok(Some((version, Catalog { head, units })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, key: &str) -> S3EventRecord {
        let mut record = S3EventRecord::default();
        record.event_name = Some(name.to_owned());
        record.s3.object.key = Some(key.to_owned());
        record
    }

    #[test]
    fn a_key_is_decoded_as_s3_writes_it() {
        for (encoded, key) in [
            ("catalog/danang.xlsx", Some("catalog/danang.xlsx")),
            (
                "catalog/%C4%90%C3%A0+N%E1%BA%B5ng.xlsx",
                Some("catalog/Đà Nẵng.xlsx"),
            ),
            ("catalog/a%2Bb%26c%3Dd.xlsx", Some("catalog/a+b&c=d.xlsx")),
            ("catalog/%FF.xlsx", None),
            ("", None),
        ] {
            let record = record("ObjectCreated:Put", encoded);
            assert_eq!(dropped_key(&record).as_deref(), key, "{encoded}");
        }
        assert_eq!(
            dropped_key(&record("ObjectRemoved:Delete", "catalog/a.xlsx")),
            None
        );
        assert_eq!(dropped_key(&S3EventRecord::default()), None);
    }

    #[test]
    fn a_key_says_what_was_dropped() {
        for (key, dropped) in [
            ("catalog/danang.xlsx", Dropped::Workbook),
            ("catalog/Danang.XLSX", Dropped::Workbook),
            ("catalog/danang.xls", Dropped::Unknown),
            ("catalog/danang.csv", Dropped::Unknown),
            ("catalog/danang/ready", Dropped::Ready { folder: "danang" }),
            ("catalog/danang/units.csv", Dropped::Sheet),
            (
                "catalog/danang/unit.csv",
                Dropped::StraySheet { name: "unit.csv" },
            ),
            (
                "catalog/danang/Units.csv",
                Dropped::StraySheet { name: "Units.csv" },
            ),
            ("catalog/danang/", Dropped::NotOurs),
            ("catalog/~$danang.xlsx", Dropped::NotOurs),
            ("catalog/danang.xlsx.report.txt", Dropped::NotOurs),
            ("dossiers/a.csv", Dropped::Dossiers),
            ("dossiers/2026/11/a.csv", Dropped::Dossiers),
            ("dossiers/a.xlsx", Dropped::Unknown),
            ("voids/1/a.csv", Dropped::Voids { seat: Seat::First }),
            ("voids/2/2026/a.csv", Dropped::Voids { seat: Seat::Second }),
            ("voids/3/a.csv", Dropped::Unknown),
            ("voids/a.csv", Dropped::Unknown),
            ("voids/1/a.csv.report.txt", Dropped::NotOurs),
            ("dossiers/a.csv.report.txt", Dropped::NotOurs),
            ("other/a.csv", Dropped::NotOurs),
            ("ready", Dropped::NotOurs),
        ] {
            assert_eq!(Dropped::of(key), dropped, "{key}");
        }
    }

    #[test]
    fn a_malformed_event_leaves_nothing_to_do() {
        let event = |json: &str| read_event(serde_json::from_str(json).unwrap());
        for json in [
            "null",
            "[]",
            "{}",
            r#"{"Records": 7}"#,
            r#"{"Records": [null, {}, {"s3": {}}]}"#,
            r#"{"Service": "Amazon S3", "Event": "s3:TestEvent"}"#,
        ] {
            assert!(event(json).records.is_empty(), "{json}");
        }
        let real = include_str!("../../events/import-files-catalog.json");
        assert_eq!(event(real).records.len(), 1);
    }
}
