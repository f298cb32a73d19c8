//! Recounts a downloaded data package: nothing but files and the code that renders pages from published figures.

mod figures;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::Month;
use thuocdo::domain::proof::Tracker;
use thuocdo::domain::proof::list::{CountedList, Summaries};
use thuocdo::domain::publication::UnitResults;
use thuocdo::site::package::{self, HEAD_PATH, HeadPart, SUMS_PATH, UnitPart, unit_path};
use thuocdo::site::results::list_path;
use thuocdo::site::{SiteFile, package::key};

/// Objects that are compared with their digest alone: what describes the API follows from the server's code.
const NOT_RENDERED: [&str; 1] = ["openapi.json"];

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file it was found in, below the folder.
    pub file: String,
    /// What is wrong.
    pub cause: String,
}

/// What a package was found to be.
#[derive(Debug, Default)]
pub struct Report {
    /// Files whose digest was compared.
    pub files: usize,
    /// Files that were rendered again and compared byte for byte.
    pub rendered: usize,
    /// The lists of counted ratings.
    pub lists: Vec<CountedList>,
    /// Everything that does not agree.
    pub faults: Vec<Fault>,
}

impl Report {
    fn fault(&mut self, file: impl Into<String>, cause: impl ToString) {
        self.faults.push(Fault {
            file: file.into(),
            cause: cause.to_string(),
        });
    }
}

/// What is known of a tracker.
#[derive(Debug, PartialEq, Eq)]
pub enum Tracked {
    /// Its rating was counted.
    Counted {
        /// For this unit, or an official of it.
        unit: String,
        /// In this month.
        month: String,
        /// Listed since this day.
        day: String,
    },
    /// It is in none of the lists.
    Absent,
    /// It is no tracker.
    Mistyped,
}

/// Looks a tracker up in lists.
#[must_use]
pub fn find(lists: &[CountedList], tracker: &str) -> Tracked {
    let Ok(tracker) = Tracker::parse(tracker) else {
        return Tracked::Mistyped;
    };
    let hash = tracker.hash();
    let found = lists
        .iter()
        .find_map(|list| Some((list, list.find(&hash)?)));
    found.map_or(Tracked::Absent, |(list, night)| Tracked::Counted {
        unit: list.unit_id.to_string(),
        month: list.month.to_string(),
        day: night.day.to_string(),
    })
}

/// Recounts the package in `folder`: digests, pages, sums, lists.
///
/// # Errors
/// When there is no list of objects to begin with; everything else is a fault in the report.
pub fn verify(folder: &Path) -> io::Result<Report> {
    let sums = std::fs::read(folder.join(key(SUMS_PATH)))?;
    let mut report = Report::default();
    let digests = read_sums(&String::from_utf8_lossy(&sums), &mut report);
    let objects = read_objects(folder, &digests, &mut report);
    recount(&objects, &mut report);
    report.faults.sort();
    Ok(report)
}

/// Digests by key; lines that are none are faults.
fn read_sums(text: &str, report: &mut Report) -> BTreeMap<String, String> {
    let mut digests = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let entry = line.split_once("  ").filter(|(digest, key)| {
            let normal = |part| matches!(part, Component::Normal(_));
            digest.len() == 64 && Path::new(key).components().all(normal) && !key.is_empty()
        });
        let Some((digest, key)) = entry else {
            report.fault(
                self::key(SUMS_PATH),
                format!("line {number} is no digest and file"),
            );
            continue;
        };
        if digests.insert(key.to_owned(), digest.to_owned()).is_some() {
            report.fault(key, "is listed twice");
        }
    }
    digests
}

/// Every listed file that is there; those that are missing or have another digest are faults.
fn read_objects(
    folder: &Path,
    digests: &BTreeMap<String, String>,
    report: &mut Report,
) -> BTreeMap<String, Vec<u8>> {
    let mut objects = BTreeMap::new();
    for (key, digest) in digests {
        let bytes = match std::fs::read(folder.join(key)) {
            Ok(bytes) => bytes,
            Err(error) => {
                report.fault(key, format!("cannot be read: {error}"));
                continue;
            }
        };
        report.files += 1;
        if HEXLOWER.encode(&Sha256::digest(&bytes)) != *digest {
            report.fault(key, "is not the file whose digest is listed");
        }
        objects.insert(key.clone(), bytes);
    }
    objects
}

fn recount(objects: &BTreeMap<String, Vec<u8>>, report: &mut Report) {
    let Some(head) = part(objects, HEAD_PATH, HeadPart::from_json, report) else {
        return;
    };
    let mut known: BTreeSet<String> = NOT_RENDERED.map(str::to_owned).into();
    let mut rendered = Vec::new();
    let (mut units, mut results) = (BTreeMap::new(), BTreeMap::new());
    for id in &head.units {
        let Some(unit) = part(objects, &unit_path(id), UnitPart::from_json, report) else {
            continue;
        };
        if unit.entry.unit.id != *id {
            report.fault(key(&unit_path(id)), "is of another unit");
            continue;
        }
        let lists = lists(objects, id, &mut known, report);
        figures::check(&head, &unit, &lists, report);
        let summaries = summaries(&lists);
        if head.fingerprint == package::fingerprint() {
            rendered.extend(package::unit_files(
                &head.head,
                head.day,
                &unit.entry,
                &unit.results,
                &summaries,
            ));
        }
        report.lists.extend(lists);
        units.insert(id.clone(), unit.entry);
        results.insert(id.clone(), unit.results);
    }
    if head.fingerprint != package::fingerprint() {
        let cause = format!(
            "was made by the program with fingerprint {}, and this one has {}: its pages are not rendered again",
            head.fingerprint,
            package::fingerprint()
        );
        report.fault(key(HEAD_PATH), cause);
        return;
    }
    rendered.extend(general_files(&head, &units, &results));
    for file in rendered {
        compare(objects, &file, report);
        known.insert(file.key());
    }
    for key in objects.keys().filter(|key| !known.contains(*key)) {
        report.fault(key, "follows from nothing in the package");
    }
}

fn general_files(
    head: &HeadPart,
    units: &BTreeMap<UnitId, thuocdo::domain::catalog::UnitEntry>,
    results: &BTreeMap<UnitId, UnitResults>,
) -> Vec<SiteFile> {
    package::general_files(&head.head, head.day, units, results)
}

fn compare(objects: &BTreeMap<String, Vec<u8>>, file: &SiteFile, report: &mut Report) {
    let key = file.key();
    match objects.get(&key) {
        None => report.fault(key, "is missing: it follows from the published figures"),
        Some(bytes) if *bytes != file.bytes => {
            report.fault(key, "is not what the published figures render to");
        }
        Some(_) => report.rendered += 1,
    }
}

fn part<T, E: std::fmt::Display>(
    objects: &BTreeMap<String, Vec<u8>>,
    path: &str,
    read: impl Fn(&[u8]) -> Result<T, E>,
    report: &mut Report,
) -> Option<T> {
    let key = key(path);
    let Some(bytes) = objects.get(&key) else {
        report.fault(key, "is missing from the package");
        return None;
    };
    match read(bytes) {
        Ok(part) => Some(part),
        Err(error) => {
            report.fault(key, error);
            None
        }
    }
}

/// The lists of one unit, recounted.
fn lists(
    objects: &BTreeMap<String, Vec<u8>>,
    unit: &UnitId,
    known: &mut BTreeSet<String>,
    report: &mut Report,
) -> Vec<CountedList> {
    let folder = key(&thuocdo::site::results::counted_path(unit));
    let folder = folder.trim_end_matches("index.html");
    let mut lists = Vec::new();
    for (key, bytes) in objects.range(folder.to_owned()..) {
        let Some(name) = key.strip_prefix(folder) else {
            break;
        };
        let Some(month) = name.strip_suffix(".json").and_then(Month::parse) else {
            continue;
        };
        known.insert(key.clone());
        match CountedList::from_json(bytes) {
            Err(error) => report.fault(key, error),
            Ok(list) if (&list.unit_id, list.month) != (unit, month) => {
                report.fault(key, "is of another unit or month");
            }
            Ok(list) => {
                if let Err(error) = list.check() {
                    report.fault(key, error);
                }
                lists.push(list);
            }
        }
    }
    lists
}

fn summaries(lists: &[CountedList]) -> Summaries {
    let summary = |list: &CountedList| Some((list.month, list.summary()?));
    lists.iter().filter_map(summary).collect()
}

/// Key of the list of `unit` and `month`.
fn list_key(unit: &UnitId, month: Month) -> String {
    key(&list_path(unit, month))
}
