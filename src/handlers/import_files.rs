//! Files dropped for import: a catalog replaces the one in force, dossiers are added to those known.
//!
//! | key                             | is |
//! |---------------------------------|----|
//! | `catalog/<name>.xlsx`           | a catalog |
//! | `catalog/<name>/<sheet>.csv`    | a sheet of a catalog, waiting for `ready` |
//! | `catalog/<name>/ready`          | the word that every sheet of the folder is there |
//! | `dossiers/<name>.csv`           | dossiers |
//! | `voids/<seat>/<name>.csv`       | ratings that whoever sits there wants set aside |
//! | `voids/<seat>/thresholds<…>.csv` | looser thresholds that a reviewer agrees to |
//! | `<key>.report.txt`              | our answer to `<key>` |
//!
//! A file is taken whole or not at all; what is wrong with it is written beside it. Files that name people's dossiers or
//! ratings are deleted once they are taken; their reports stay.

use std::collections::BTreeMap;

use aws_lambda_events::event::s3::{S3Event, S3EventRecord};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::domain::import::{Cause, Findings, Place, Sheet, SheetKind};
use crate::domain::void::Seat;
use crate::intake::dossiers::DossierFile;
use crate::intake::files::ImportOutcome;
use crate::intake::loosenings::LooseningFile;
use crate::intake::sheets::limits;
use crate::intake::voids::VoidFile;
use crate::intake::{catalog, sheets};
use crate::keyring::Keyring;
use crate::site::bucket::{Bounded, Bucket, BucketError, Tag};
use crate::store::{Store, StoreError};

mod report;

pub use report::ImportReport;

/// Name of the empty object that says a folder of CSV sheets is complete.
pub const READY: &str = "ready";

/// How the name of a reviewer's file on thresholds begins.
const LOOSENING: &str = "thresholds";

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
        let Some((report, read)) = import.await? else {
            continue;
        };
        tracing::info!(
            import.outcome = report.outcome.code(),
            findings = report.findings.count(),
            "a dropped file was read"
        );
        let text = report.text().into_bytes();
        let beside = report.object_key();
        let put = drop_bucket.put(
            &beside,
            "text/plain; charset=utf-8",
            "private, no-store",
            text,
        );
        put.await.map_err(ImportError::Bucket)?;
        if let Some(tag) = read.filter(|_| report.accepted()) {
            // Should a newer file have come under the same key, its own event takes care of it.
            let deleted = drop_bucket.delete(&key, &tag).await;
            deleted.map_err(ImportError::Bucket)?;
        }
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
    Loosenings { seat: Seat },
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
                Some(Some(seat)) if extension == Some("csv") => match name.starts_with(LOOSENING) {
                    true => Self::Loosenings { seat },
                    false => Self::Voids { seat },
                },
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

/// The report on one dropped object, and the tag of the object where it is to be deleted once taken.
async fn import(
    store: &Store,
    bucket: &Bucket,
    keyring: &Keyring,
    key: &str,
    approver: Option<&str>,
    now: Timestamp,
) -> Result<Option<(ImportReport, Option<Tag>)>, ImportError> {
    let place = place(key);
    let mut findings = Findings::default();
    let dropped = Dropped::of(key);
    let most = match dropped {
        Dropped::NotOurs | Dropped::Sheet => return Ok(None),
        Dropped::Unknown | Dropped::StraySheet { .. } | Dropped::Ready { .. } => None,
        Dropped::Workbook => Some(limits::MAX_CATALOG_BYTES),
        Dropped::Dossiers => Some(limits::MAX_DOSSIER_BYTES),
        Dropped::Voids { .. } | Dropped::Loosenings { .. } => Some(limits::MAX_VOID_BYTES),
    };
    let report = |outcome, findings| ImportReport {
        key: key.to_owned(),
        outcome,
        findings,
    };
    let (bytes, tag) = match most {
        None => (Vec::new(), Tag::Absent),
        Some(most) => match fetch(bucket, key, most, &mut findings).await? {
            Some(found) => found,
            None if findings.is_empty() => return Ok(None),
            None => return Ok(Some((report(ImportOutcome::Refused, findings), None))),
        },
    };
    let mut read = None;
    let outcome = match dropped {
        Dropped::NotOurs | Dropped::Sheet => return Ok(None),
        Dropped::Unknown => {
            findings.push(place, Cause::UnknownFile);
            ImportOutcome::Refused
        }
        Dropped::StraySheet { name } => {
            let sheet = name.rsplit_once('.').map_or(name, |(sheet, _)| sheet);
            let sheet = sheet.to_owned();
            findings.push(Place { sheet, ..place }, Cause::SheetUnknown);
            ImportOutcome::Refused
        }
        Dropped::Workbook => {
            let sheets = sheets::of_workbook(&bytes, file_name(key), &mut findings);
            catalog::import(store, &sheets, file_name(key), now, &mut findings).await?
        }
        Dropped::Ready { folder } => {
            let sheets = folder_sheets(bucket, folder, &mut findings).await?;
            catalog::import(store, &sheets, folder, now, &mut findings).await?
        }
        Dropped::Voids { seat } => {
            read = Some(tag);
            let file = VoidFile {
                bytes: &bytes,
                place,
                seat,
                // A person whom the event does not name is no other than the next one it does not name.
                approver: approver.unwrap_or("unknown"),
                now,
            };
            file.import(store, keyring, &mut findings).await?
        }
        Dropped::Loosenings { seat } => {
            let file = LooseningFile {
                bytes: &bytes,
                place,
                seat,
                approver: approver.unwrap_or("unknown"),
                now,
            };
            file.import(store, &mut findings).await?
        }
        Dropped::Dossiers => match catalog::in_force(store).await? {
            Some((_, catalog)) => {
                read = Some(tag);
                let file = DossierFile {
                    bytes: &bytes,
                    place,
                    catalog: &catalog,
                    now,
                };
                file.import(store, keyring, &mut findings).await?
            }
            None => {
                findings.push(place, Cause::NoCatalog);
                ImportOutcome::Refused
            }
        },
    };
    Ok(Some((report(outcome, findings), read)))
}

/// The CSV sheets of a folder that are there and readable.
async fn folder_sheets(
    bucket: &Bucket,
    folder: &str,
    findings: &mut Findings,
) -> Result<BTreeMap<SheetKind, Sheet>, ImportError> {
    let mut found = BTreeMap::new();
    for kind in SheetKind::ALL {
        let key = format!("catalog/{folder}/{}.csv", kind.name());
        let most = limits::MAX_CATALOG_BYTES;
        if let Some((bytes, _)) = fetch(bucket, &key, most, findings).await?
            && let Some(sheet) = sheets::of_csv(&bytes, kind, findings)
        {
            found.insert(kind, sheet);
        }
    }
    Ok(found)
}

/// The object's bytes and its tag; `None` when it is gone again, or too large and noted.
async fn fetch(
    bucket: &Bucket,
    key: &str,
    most: u64,
    findings: &mut Findings,
) -> Result<Option<(Vec<u8>, Tag)>, ImportError> {
    match bucket.get_at_most(key, most).await? {
        Bounded::Whole { bytes, tag } => Ok(Some((bytes, tag))),
        Bounded::Absent => Ok(None),
        Bounded::TooLarge => {
            let megabytes = most / limits::MEGABYTE;
            findings.push(place(key), Cause::TooLarge { megabytes });
            Ok(None)
        }
    }
}

fn place(key: &str) -> Place {
    Place {
        file: file_name(key).to_owned(),
        ..Place::default()
    }
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
            (
                "voids/1/thresholds-2027q1.csv",
                Dropped::Loosenings { seat: Seat::First },
            ),
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
