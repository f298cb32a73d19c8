//! Sheets, from a workbook or a folder, to the catalog in force.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::csv_file::CsvFile;
use super::{ImportError, ImportOutcome, catalog_in_force, fetch, limits};
use crate::domain::catalog::Catalog;
use crate::domain::id::OfficialId;
use crate::domain::import::{self, Findings, Place, Sheet, SheetKind};
use crate::site::bucket::Bucket;
use crate::store::Store;
use crate::store::catalog::Imported;

/// The CSV sheets of a folder that are there and readable.
pub(super) async fn sheets(
    bucket: &Bucket,
    folder: &str,
    findings: &mut Findings,
) -> Result<BTreeMap<SheetKind, Sheet>, ImportError> {
    let mut sheets = BTreeMap::new();
    for kind in SheetKind::ALL {
        let key = format!("catalog/{folder}/{}.csv", kind.name());
        let Some(bytes) = fetch(bucket, &key, limits::MAX_CATALOG_BYTES, findings).await? else {
            continue;
        };
        let place = Place {
            file: format!("{}.csv", kind.name()),
            sheet: kind.name().to_owned(),
            ..Place::default()
        };
        match CsvFile::open(&bytes).and_then(|file| file.sheet(place.clone())) {
            Ok(sheet) => {
                sheets.insert(kind, sheet);
            }
            Err(cause) => findings.push(place, cause),
        }
    }
    Ok(sheets)
}

/// Puts the catalog the sheets describe in force, if nothing is wrong with them.
pub(super) async fn import(
    store: &Store,
    sheets: &BTreeMap<SheetKind, Sheet>,
    file: &str,
    now: Timestamp,
    findings: &mut Findings,
) -> Result<ImportOutcome, ImportError> {
    // A file that could not be read says nothing about which sheets it lacks.
    if sheets.is_empty() && !findings.is_empty() {
        return Ok(ImportOutcome::Refused);
    }
    let catalog = import::catalog::read(sheets, file, findings);
    let Some(catalog) = catalog.filter(|_| findings.is_empty()) else {
        return Ok(ImportOutcome::Refused);
    };
    let units = catalog.units.len();
    let officials = catalog
        .units
        .values()
        .map(|entry| entry.officials.len())
        .sum();
    let before = catalog_in_force(store).await?;
    Ok(match store.put_catalog(&catalog, now).await? {
        Imported::Unchanged { version } => ImportOutcome::CatalogUnchanged { version },
        Imported::Replaced { version } => {
            let (units_gone, officials_gone) = match before {
                Some((_, before)) => gone(&before, &catalog),
                None => (Vec::new(), 0),
            };
            ImportOutcome::CatalogReplaced {
                version,
                units,
                officials,
                units_gone,
                officials_gone,
            }
        }
    })
}

/// Units, by identifier, and the number of officials that `after` no longer has.
fn gone(before: &Catalog, after: &Catalog) -> (Vec<String>, usize) {
    fn officials(catalog: &Catalog) -> impl Iterator<Item = &OfficialId> {
        let entries = catalog.units.values();
        entries.flat_map(|entry| entry.officials.iter().map(|official| &official.id))
    }
    let units = before
        .units
        .keys()
        .filter(|id| !after.units.contains_key(id));
    let kept: BTreeSet<&OfficialId> = officials(after).collect();
    let officials = officials(before).filter(|id| !kept.contains(id));
    (units.map(ToString::to_string).collect(), officials.count())
}
