//! The data package: all that the published pages are a function of, so that anybody can render them again and compare.
//!
//! - `/goi-du-lieu/chung.json`: the day, the program's fingerprint, the catalog's head and the units
//! - `/goi-du-lieu/don-vi/<unit>.json`: one unit as the catalog has it, and its published results
//! - `/goi-du-lieu/SHA256SUMS`: the SHA-256 of every published object but itself, as `sha256sum` reads it
//!
//! What renders the site for publishing and for checking is one function for a unit and one for what lies above.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::context::SiteContext;
use super::{Cache, SiteFile, assets, rating_pages, results as result_pages};
use crate::domain::catalog::{CatalogHead, UnitEntry};
use crate::domain::id::{OfficialId, UnitId};
use crate::domain::lang::Lang;
use crate::domain::period::{Period, Quarter};
use crate::domain::proof::list::Summaries;
use crate::domain::publication::{
    DossierCounts, Ledger, PeriodResults, QuarterThresholds, StratumResults, Thresholds,
    UnitResults, UnverifiedRatings,
};
use crate::domain::rating::Attestation;
use crate::domain::tally::{Counter, Tally};
use crate::domain::void::VoidReason;

/// Path of what is common to all units.
pub const HEAD_PATH: &str = "/goi-du-lieu/chung.json";
/// Path of the list of all objects.
pub const SUMS_PATH: &str = "/goi-du-lieu/SHA256SUMS";
/// Says how the files are to be read.
const FORMAT: &str = "thuocdo-package/2";
/// What was published before: every stratum was in the total, and answers stood in the first stratum of participants.
const FIRST_FORMAT: &str = "thuocdo-package/1";

/// Path of what is published of one unit.
#[must_use]
pub fn unit_path(unit: &UnitId) -> String {
    format!("/goi-du-lieu/don-vi/{unit}.json")
}

/// The sources of the program's pages, as a number: another one may render other bytes.
#[must_use]
pub fn fingerprint() -> &'static str {
    env!("SITE_FINGERPRINT")
}

/// What is common to all units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadPart {
    format: String,
    /// The day the pages were rendered for.
    pub day: Date,
    /// Of the program that rendered them.
    pub fingerprint: String,
    /// The catalog's head.
    pub head: CatalogHead,
    /// The units.
    pub units: Vec<UnitId>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitPart {
    /// The unit and its officials.
    pub entry: UnitEntry,
    /// What is published of it.
    pub results: UnitResults,
    /// Whether its figures leave out what nothing proves; those of the first format do not.
    pub counts_verified_only: bool,
}

/// A file of the package that is not one.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// Not the format.
    #[error("it is not a part of a data package")]
    Malformed(#[from] serde_json::Error),
    /// Another format, or an unknown name in it.
    #[error("it is a part of another format: {0}")]
    Unknown(String),
}

/// Every object of one unit but its lists of counted ratings.
#[must_use]
pub fn unit_files(
    head: &CatalogHead,
    today: Date,
    entry: &UnitEntry,
    results: &UnitResults,
    lists: &Summaries,
) -> Vec<SiteFile> {
    let mut files = Vec::new();
    for lang in Lang::ALL {
        let context = SiteContext { head, lang, today };
        files.extend(rating_pages::unit_pages(&context, entry));
        files.extend(result_pages::unit_files(&context, entry, results));
        files.push(result_pages::counted_page(&context, entry, lists));
    }
    files.push(unit_part(entry, results));
    files
}

/// The package's part of one unit. With [`head_part`] and the lists, all the unit's objects follow from it.
#[must_use]
pub fn unit_part(entry: &UnitEntry, results: &UnitResults) -> SiteFile {
    let part = UnitBody {
        format: FORMAT.to_owned(),
        entry: entry.clone(),
        results: ResultsBody::from(results),
    };
    json_file(unit_path(&entry.unit.id), &part)
}

/// The package's part that is common to all units.
#[must_use]
pub fn head_part<'a>(
    head: &CatalogHead,
    today: Date,
    units: impl IntoIterator<Item = &'a UnitId>,
) -> SiteFile {
    let part = HeadPart {
        format: FORMAT.to_owned(),
        day: today,
        fingerprint: fingerprint().to_owned(),
        head: head.clone(),
        units: units.into_iter().cloned().collect(),
    };
    json_file(HEAD_PATH.to_owned(), &part)
}

/// Every object that belongs to no unit, but for the description of the API and the list of all objects.
#[must_use]
pub fn general_files(
    head: &CatalogHead,
    today: Date,
    units: &BTreeMap<UnitId, UnitEntry>,
    results: &BTreeMap<UnitId, UnitResults>,
) -> Vec<SiteFile> {
    let mut files = assets::files();
    for lang in Lang::ALL {
        let context = SiteContext { head, lang, today };
        files.extend(rating_pages::general_pages(&context, units));
        files.extend(result_pages::overview_files(&context, units, results));
    }
    files.push(head_part(head, today, units.keys()));
    files
}

/// The list of all objects, from their digests (64 hexadecimal digits) by path.
#[must_use]
pub fn sums(digests: &BTreeMap<String, String>) -> SiteFile {
    let line = |(path, digest): (&String, &String)| format!("{digest}  {}\n", key(path));
    SiteFile {
        path: SUMS_PATH.to_owned(),
        content_type: "text/plain; charset=utf-8",
        cache: Cache::Page,
        bytes: digests.iter().map(line).collect::<String>().into_bytes(),
    }
}

/// The object's key: no leading slash, `index.html` behind a trailing one.
#[must_use]
pub fn key(path: &str) -> String {
    let path = path.trim_start_matches('/');
    if path.is_empty() || path.ends_with('/') {
        format!("{path}index.html")
    } else {
        path.to_owned()
    }
}

fn json_file(path: String, body: &impl Serialize) -> SiteFile {
    let mut bytes = serde_json::to_vec_pretty(body).expect("texts and numbers always serialise");
    bytes.push(b'\n');
    SiteFile {
        path,
        content_type: "application/json",
        cache: Cache::Page,
        bytes,
    }
}

impl HeadPart {
    /// Reads `chung.json`.
    ///
    /// # Errors
    /// [`PartError`] when it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PartError> {
        let part: Self = serde_json::from_slice(bytes)?;
        match part.format.as_str() {
            FORMAT | FIRST_FORMAT => Ok(part),
            _ => Err(PartError::Unknown(part.format)),
        }
    }
}

impl UnitPart {
    /// Reads `<unit>.json`.
    ///
    /// # Errors
    /// [`PartError`] when it is none.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PartError> {
        let body: UnitBody = serde_json::from_slice(bytes)?;
        let counts_verified_only = match body.format.as_str() {
            FORMAT => true,
            FIRST_FORMAT => false,
            _ => return Err(PartError::Unknown(body.format)),
        };
        let mut results = body.results.into_results(body.entry.unit.id.clone())?;
        if !counts_verified_only {
            results.periods.values_mut().for_each(move_answers);
        }
        Ok(Self {
            entry: body.entry,
            results,
            counts_verified_only,
        })
    }
}

/// Takes the answers out of the stratum that the first format kept them in.
fn move_answers(results: &mut PeriodResults) {
    for stratum in results.strata.values_mut() {
        results.answers += &stratum.unit_itself.only(Counter::is_answer);
        stratum.unit_itself = stratum.unit_itself.only(|counter| !counter.is_answer());
    }
}

#[derive(Serialize, Deserialize)]
struct UnitBody {
    format: String,
    entry: UnitEntry,
    results: ResultsBody,
}

#[derive(Serialize, Deserialize)]
struct ResultsBody {
    as_of: Option<Date>,
    is_frozen: bool,
    /// By quarter; packages from before quarters kept them have none.
    #[serde(default)]
    thresholds: BTreeMap<String, ThresholdsBody>,
    periods: BTreeMap<String, PeriodBody>,
}

#[derive(Serialize, Deserialize)]
struct ThresholdsBody {
    min_new_ratings: u64,
    min_official_ratings: u64,
    attacker_ratings: u64,
    ranking_strata: BTreeSet<Attestation>,
    since: Date,
}

/// Sums by the counter's name: `n`, `sat`, `dis`, `r:<reason>`, `q:<question>:<option>`.
type Counters = BTreeMap<String, u64>;

#[derive(Serialize, Deserialize)]
struct PeriodBody {
    total: Counters,
    strata: BTreeMap<String, StratumBody>,
    #[serde(default)]
    answers: Counters,
    officials: BTreeMap<OfficialId, Counters>,
    ledger: LedgerBody,
    taken_off_for: BTreeMap<String, u64>,
    #[serde(default)]
    unverified: BTreeMap<String, UnverifiedBody>,
    dossiers: Option<DossiersBody>,
}

#[derive(Serialize, Deserialize)]
struct UnverifiedBody {
    received: u64,
    set_aside: u64,
    percent: Option<u8>,
}

#[derive(Serialize, Deserialize)]
struct StratumBody {
    unit_itself: Counters,
    officials: Counters,
}

#[derive(Serialize, Deserialize)]
struct LedgerBody {
    received: u64,
    published: u64,
    taken_off: u64,
    set_aside: u64,
}

#[derive(Serialize, Deserialize)]
struct DossiersBody {
    received: u64,
    on_time: u64,
    overdue: u64,
}

impl From<&UnitResults> for ResultsBody {
    fn from(results: &UnitResults) -> Self {
        let period = |(period, results): (&Period, &PeriodResults)| {
            (period.to_string(), PeriodBody::from(results))
        };
        let thresholds = |(quarter, of): (&Quarter, &QuarterThresholds)| {
            let body = ThresholdsBody {
                min_new_ratings: of.thresholds.min_new_ratings,
                min_official_ratings: of.thresholds.min_official_ratings,
                attacker_ratings: of.thresholds.attacker_ratings,
                ranking_strata: of.thresholds.ranking_strata.clone(),
                since: of.since,
            };
            (quarter.to_string(), body)
        };
        Self {
            as_of: results.as_of,
            is_frozen: results.is_frozen,
            thresholds: results.thresholds.iter().map(thresholds).collect(),
            periods: results.periods.iter().map(period).collect(),
        }
    }
}

impl From<&PeriodResults> for PeriodBody {
    fn from(results: &PeriodResults) -> Self {
        let stratum = |(attestation, stratum): (&Attestation, &StratumResults)| {
            let body = StratumBody {
                unit_itself: counters(&stratum.unit_itself),
                officials: counters(&stratum.officials),
            };
            (attestation.code().to_owned(), body)
        };
        let official = |(id, tally): (&OfficialId, &Tally)| (id.clone(), counters(tally));
        let unverified = |(attestation, ratings): (&Attestation, &UnverifiedRatings)| {
            let body = UnverifiedBody {
                received: ratings.received,
                set_aside: ratings.set_aside,
                percent: ratings.percent,
            };
            (attestation.code().to_owned(), body)
        };
        let taken_off = results.taken_off_for.iter();
        let Ledger {
            received,
            published,
            taken_off: ledger_taken_off,
            set_aside,
        } = results.ledger;
        Self {
            total: counters(&results.total),
            strata: results.strata.iter().map(stratum).collect(),
            answers: counters(&results.answers),
            officials: results.officials.iter().map(official).collect(),
            ledger: LedgerBody {
                received,
                published,
                taken_off: ledger_taken_off,
                set_aside,
            },
            taken_off_for: taken_off
                .map(|(reason, count)| (reason.code().to_owned(), *count))
                .collect(),
            unverified: results.unverified.iter().map(unverified).collect(),
            dossiers: results.dossiers.map(|dossiers| DossiersBody {
                received: dossiers.received,
                on_time: dossiers.on_time,
                overdue: dossiers.overdue,
            }),
        }
    }
}

fn counters(tally: &Tally) -> Counters {
    let counter = |(counter, amount): (&Counter, u64)| (counter.to_string(), amount);
    tally.counters().map(counter).collect()
}

fn tally(counters: Counters) -> Result<Tally, PartError> {
    let counter = |(name, amount): (String, u64)| match Counter::parse(&name) {
        Some(counter) => Ok((counter, amount)),
        None => Err(PartError::Unknown(name)),
    };
    counters.into_iter().map(counter).collect()
}

impl ResultsBody {
    fn into_results(self, unit_id: UnitId) -> Result<UnitResults, PartError> {
        let period = |(name, body): (String, PeriodBody)| match Period::parse(&name) {
            Some(period) => Ok((period, body.into_results()?)),
            None => Err(PartError::Unknown(name)),
        };
        let thresholds = |(name, body): (String, ThresholdsBody)| match Quarter::parse(&name) {
            Some(quarter) => {
                let thresholds = Thresholds {
                    min_new_ratings: body.min_new_ratings,
                    min_official_ratings: body.min_official_ratings,
                    attacker_ratings: body.attacker_ratings,
                    ranking_strata: body.ranking_strata,
                };
                let since = body.since;
                Ok((quarter, QuarterThresholds { thresholds, since }))
            }
            None => Err(PartError::Unknown(name)),
        };
        Ok(UnitResults {
            unit_id,
            as_of: self.as_of,
            is_frozen: self.is_frozen,
            thresholds: (self.thresholds.into_iter())
                .map(thresholds)
                .collect::<Result<_, PartError>>()?,
            periods: self
                .periods
                .into_iter()
                .map(period)
                .collect::<Result<_, PartError>>()?,
        })
    }
}

impl PeriodBody {
    fn into_results(self) -> Result<PeriodResults, PartError> {
        let stratum = |(name, body): (String, StratumBody)| match Attestation::parse(&name) {
            Some(attestation) => {
                let stratum = StratumResults {
                    unit_itself: tally(body.unit_itself)?,
                    officials: tally(body.officials)?,
                };
                Ok((attestation, stratum))
            }
            None => Err(PartError::Unknown(name)),
        };
        let reason = |(name, count): (String, u64)| match VoidReason::parse(&name) {
            Some(reason) => Ok((reason, count)),
            None => Err(PartError::Unknown(name)),
        };
        let official = |(id, counters)| Ok((id, tally(counters)?));
        let unverified = |(name, body): (String, UnverifiedBody)| match Attestation::parse(&name) {
            Some(attestation) => {
                let ratings = UnverifiedRatings {
                    received: body.received,
                    set_aside: body.set_aside,
                    percent: body.percent,
                };
                Ok((attestation, ratings))
            }
            None => Err(PartError::Unknown(name)),
        };
        Ok(PeriodResults {
            total: tally(self.total)?,
            strata: self
                .strata
                .into_iter()
                .map(stratum)
                .collect::<Result<_, PartError>>()?,
            answers: tally(self.answers)?,
            officials: self
                .officials
                .into_iter()
                .map(official)
                .collect::<Result<_, PartError>>()?,
            ledger: Ledger {
                received: self.ledger.received,
                published: self.ledger.published,
                taken_off: self.ledger.taken_off,
                set_aside: self.ledger.set_aside,
            },
            taken_off_for: self
                .taken_off_for
                .into_iter()
                .map(reason)
                .collect::<Result<_, PartError>>()?,
            unverified: self
                .unverified
                .into_iter()
                .map(unverified)
                .collect::<Result<_, PartError>>()?,
            dossiers: self.dossiers.map(|dossiers| DossierCounts {
                received: dossiers.received,
                on_time: dossiers.on_time,
                overdue: dossiers.overdue,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::Value;

    use super::*;
    use crate::site::fixture;

    /// Names a reader of the package may meet in the catalog's part. Before adding one: is it fit for everybody's eyes?
    const PUBLIC: &[&str] = &[
        "agency_name",
        "as_of",
        "category",
        "channel",
        "code",
        "consent_text",
        "day",
        "email",
        "en",
        "entry",
        "fields",
        "fingerprint",
        "format",
        "from",
        "group_id",
        "groups",
        "head",
        "hotline",
        "id",
        "indicator",
        "is_frozen",
        "legal_basis",
        "min_new_ratings",
        "min_official_ratings",
        "name",
        "officials",
        "opens",
        "options",
        "periods",
        "photo",
        "points",
        "province_name",
        "questionnaires",
        "questions",
        "ranking_strata",
        "reasons",
        "results",
        "retention_days",
        "role",
        "sample",
        "settings",
        "successor",
        "text",
        "thresholds",
        "title",
        "to",
        "unit",
        "unit_id",
        "units",
        "unverified_per_day",
        "validity",
        "version",
        "vi",
    ];

    fn names(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    found.insert(name.clone());
                    names(member, found);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| names(item, found)),
            _ => {}
        }
    }

    #[test]
    fn the_catalog_in_the_package_holds_public_things_alone() {
        let head = HeadPart {
            format: FORMAT.to_owned(),
            day: date(2026, 11, 21),
            fingerprint: fingerprint().to_owned(),
            head: fixture::head(),
            units: Vec::new(),
        };
        let mut found = BTreeSet::new();
        names(&serde_json::to_value(&head).unwrap(), &mut found);
        for entry in fixture::units() {
            let results = ResultsBody {
                as_of: None,
                is_frozen: false,
                thresholds: BTreeMap::new(),
                periods: BTreeMap::new(),
            };
            let format = FORMAT.to_owned();
            let body = UnitBody {
                format,
                entry,
                results,
            };
            names(&serde_json::to_value(&body).unwrap(), &mut found);
        }

        let unknown: Vec<&String> = found
            .iter()
            .filter(|name| !PUBLIC.contains(&name.as_str()))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
