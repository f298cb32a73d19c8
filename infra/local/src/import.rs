//! Files of this machine into the drop bucket, and the event that has them imported.

use std::path::{Path, PathBuf};

use aws_lambda_events::s3::S3Event;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;
use thuocdo::site::bucket::Bucket;

use crate::dispatch::{Functions, ImportReport};
use crate::error::BoxError;
use crate::objects::{MAX_OBJECT, Objects};
use crate::s3::DROP_BUCKET;

/// What S3 leaves as it is in the key of an event; a space becomes a plus sign.
const KEY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'/')
    .remove(b'_')
    .remove(b'~');

/// Ends the key of what the import has to say of a file.
pub(crate) const REPORT: &str = ".report.txt";
/// The empty object that says every sheet of a folder is there.
const READY: &str = "ready";

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A spreadsheet, or a folder of CSV sheets.
    Catalog,
    /// A CSV file of dossiers.
    Dossiers,
    /// A CSV file of ratings the first seat wants set aside.
    VoidsOfFirstSeat,
    /// The same of the second seat.
    VoidsOfSecondSeat,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Catalog,
        Self::Dossiers,
        Self::VoidsOfFirstSeat,
        Self::VoidsOfSecondSeat,
    ];

    /// Its folder, on this machine and in the bucket.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Dossiers => "dossiers",
            Self::VoidsOfFirstSeat => "voids/1",
            Self::VoidsOfSecondSeat => "voids/2",
        }
    }

    /// Whether its files hold secrets of slips, or phones.
    pub(crate) fn names_citizens(self) -> bool {
        self != Self::Catalog
    }

    /// The name an import records for a folder. On one machine nothing keeps one person from using both folders for voids.
    fn principal(self) -> &'static str {
        match self {
            Self::Catalog | Self::Dossiers => "local",
            Self::VoidsOfFirstSeat => "local-1",
            Self::VoidsOfSecondSeat => "local-2",
        }
    }
}

/// What came of one file or folder.
#[derive(Debug, Default)]
pub(crate) struct Imported {
    pub(crate) reports: Vec<ImportReport>,
    /// The reports in words.
    pub(crate) text: String,
}

/// Copies a file, or a folder with its CSV sheets, into the bucket and has it imported; what names citizens does not
/// stay there.
pub(crate) async fn import(
    functions: &Functions,
    dropped: &Bucket,
    objects: &Objects,
    kind: Kind,
    source: &Path,
) -> Result<Imported, BoxError> {
    let name = utf8_name(source)?;
    let key = format!("{}/{name}", kind.folder());
    let announced = if source.is_dir() {
        let mut keys = Vec::new();
        for sheet in entries(source)? {
            if !has_extension(&sheet, "csv") {
                continue;
            }
            let key = format!("{key}/{}", utf8_name(&sheet)?);
            copy(dropped, &key, &sheet).await?;
            keys.push(key);
        }
        if kind == Kind::Catalog {
            keys = vec![format!("{key}/{READY}")];
            put(dropped, &keys[0], Vec::new()).await?;
        }
        keys
    } else {
        copy(dropped, &key, source).await?;
        vec![key]
    };
    let mut imported = Imported::default();
    for key in announced {
        let now = Timestamp::now();
        let event = event(&key, kind.principal(), now)?;
        imported
            .reports
            .extend(functions.import_files(event, now).await?);
        if let Some(report) = dropped.get(&format!("{key}{REPORT}")).await? {
            imported.text.push_str(&String::from_utf8_lossy(&report));
        }
        if kind.names_citizens() {
            objects.forget(DROP_BUCKET, &key).await?;
        }
    }
    Ok(imported)
}

/// Files and folders in `directory` by name, hidden and half-written ones left out.
pub(crate) fn entries(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let unfinished = ["part", "tmp", "crdownload"]
            .iter()
            .any(|extension| has_extension(&path, extension));
        if !name.starts_with(['.', '~']) && !name.ends_with(REPORT) && !unfinished {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The event S3 sends when the object `key` of the drop bucket was put.
fn event(key: &str, principal: &str, now: Timestamp) -> serde_json::Result<S3Event> {
    let encoded = utf8_percent_encode(key, KEY)
        .to_string()
        .replace("%20", "+");
    serde_json::from_value(json!({
        "Records": [{
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "local",
            "eventTime": now.to_string(),
            "eventName": "ObjectCreated:Put",
            "userIdentity": { "principalId": principal },
            "requestParameters": { "sourceIPAddress": "127.0.0.1" },
            "responseElements": {},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "import-files",
                "bucket": {
                    "name": DROP_BUCKET,
                    "ownerIdentity": { "principalId": "local" },
                    "arn": format!("arn:aws:s3:::{DROP_BUCKET}"),
                },
                "object": { "key": encoded, "sequencer": format!("{:016X}", now.as_microsecond()) },
            },
        }],
    }))
}

async fn copy(dropped: &Bucket, key: &str, source: &Path) -> Result<(), BoxError> {
    if std::fs::metadata(source)?.len() > MAX_OBJECT as u64 {
        return Err(format!("{} is too large", source.display()).into());
    }
    put(dropped, key, tokio::fs::read(source).await?).await
}

async fn put(dropped: &Bucket, key: &str, bytes: Vec<u8>) -> Result<(), BoxError> {
    let content_type = "application/octet-stream";
    Ok(dropped.put(key, content_type, "no-store", bytes).await?)
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

fn utf8_name(path: &Path) -> Result<&str, BoxError> {
    let name = path.file_name().and_then(|name| name.to_str());
    Ok(name.ok_or_else(|| format!("the name of {} is not UTF-8", path.display()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_as_s3_writes_it() {
        let event = event("catalog/danh mục (1)+.xlsx", "local", Timestamp::UNIX_EPOCH).unwrap();

        let record = &event.records[0];
        assert_eq!(
            record.s3.object.key.as_deref(),
            Some("catalog/danh+m%E1%BB%A5c+%281%29%2B.xlsx")
        );
        assert_eq!(record.s3.bucket.name.as_deref(), Some(DROP_BUCKET));
    }

    #[test]
    fn reports_and_unfinished_files_are_no_entries() {
        let directory = tempfile::tempdir().unwrap();
        for name in [
            "b.xlsx",
            "a.csv",
            ".hidden",
            "~$b.xlsx",
            "c.csv.part",
            "a.csv.report.txt",
        ] {
            std::fs::write(directory.path().join(name), "").unwrap();
        }

        let found = entries(directory.path()).unwrap();

        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["a.csv", "b.xlsx"]);
    }
}
