//! Any workbook, any CSV sheets, any dossier file: each is answered by a report that says where every fault is.

use std::io::{Cursor, Write};

use thuocdo::handlers::import_files::ImportReport;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::parts;
use crate::world::{CATALOG, World};

/// A workbook: as it is, or the parts of one, so that changes reach the XML behind the checksums.
pub(crate) fn workbook(input: &[u8]) {
    let parts = parts::split(input);
    let bytes = if parts.is_empty() {
        input.to_vec()
    } else {
        zipped(&parts)
    };
    let key = "catalog/fuzz.xlsx";
    World::with(|world| {
        let reports = world.import(&[(key.to_owned(), bytes.as_slice())], key);
        check(&reports, &["fuzz.xlsx"]);
    });
}

/// Sheets of a catalog, those left out as in the seed; or dossiers, where a part is named so.
pub(crate) fn csv(input: &[u8]) {
    let parts = parts::split(input);
    let dossiers = parts.iter().find(|(name, _)| name == "dossiers");
    World::with(|world| {
        if let Some((_, bytes)) = dossiers {
            let key = "dossiers/fuzz.csv";
            check(
                &world.import(&[(key.to_owned(), bytes)], key),
                &["fuzz.csv"],
            );
            return;
        }
        let mut files = Vec::new();
        for (sheet, seed) in CATALOG {
            let changed = parts.iter().find(|(name, _)| name == sheet);
            let bytes = changed.map_or(seed.as_bytes(), |(_, bytes)| bytes);
            files.push((format!("catalog/fuzz/{sheet}.csv"), bytes));
        }
        files.push(("catalog/fuzz/ready".to_owned(), b"".as_slice()));
        let names: Vec<String> = CATALOG
            .iter()
            .map(|(sheet, _)| format!("{sheet}.csv"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        check(&world.import(&files, "catalog/fuzz/ready"), &names);
    });
}

/// A file is taken over, or every fault in it is said with the file's name and, where it has one, its row.
fn check(reports: &[ImportReport], files: &[&str]) {
    let [report] = reports else {
        panic!("{} reports for one import", reports.len());
    };
    assert_eq!(
        report.accepted(),
        report.findings.is_empty(),
        "{}",
        report.text()
    );
    let text = report.text();
    for finding in report.findings.list() {
        let place = &finding.place;
        let folder = place.file.is_empty() || place.file == "fuzz";
        assert!(
            folder || files.contains(&place.file.as_str()),
            "{finding:?}"
        );
        assert!(
            text.contains(place.file.as_str()),
            "{finding:?} is not in {text}"
        );
        if let Some(row) = place.row {
            assert!(
                text.contains(&row.to_string()),
                "row {row} is not in {text}"
            );
        }
    }
}

fn zipped(parts: &[(String, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        // A name used twice or too long is left out; the archive stays whole.
        if archive
            .start_file(name.as_str(), SimpleFileOptions::default())
            .is_ok()
        {
            archive
                .write_all(bytes)
                .expect("memory takes what is written");
        }
    }
    archive.finish().map(Cursor::into_inner).unwrap_or_default()
}
