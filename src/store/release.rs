//! What has been published of a unit, kept so that it only ever grows by the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::error::MalformedItem;
use super::freeze::is_frozen;
use super::key::{FROZEN, Key, SK};
use super::{Store, StoreError};
use crate::domain::id::{OfficialId, UnitId};
use crate::domain::period::{Month, Quarter};
use crate::domain::publication::release::ReleasedGrid;
use crate::domain::publication::{Release, Row, ShortestPeriod, Thresholds};
use crate::domain::rating::Attestation;
use crate::domain::tally::{Counter, Tally};

/// A release and how often it has been replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredRelease {
    /// The release.
    pub release: Release,
    /// Counts up with every replacement; 0 before the first.
    pub revision: u64,
}

/// What has been released of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitReleases {
    /// The releases.
    pub by_quarter: BTreeMap<Quarter, StoredRelease>,
    /// Whether nothing may be released while cells and ratings disagree.
    pub is_frozen: bool,
}

/// Whether a release could be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// It is now the one given.
    Replaced,
    /// Somebody else replaced it first; read it again.
    Outdated,
}

/// Digests of objects by path: SHA-256, 64 hexadecimal digits.
pub type Digests = BTreeMap<String, String>;

/// The objects of a unit, or those that belong to no unit, as they were last written.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Digest of the list of what they were rendered from.
    pub rendered_from: String,
    /// Their own.
    pub objects: Digests,
}

impl Store {
    /// Every release of `unit`, by quarter, read consistently.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn releases(&self, unit: &UnitId) -> Result<UnitReleases, StoreError> {
        let items = self
            .query(
                "read releases",
                &self.ratings,
                Key::releases_partition(unit),
                true,
            )
            .await?;
        let mut releases = UnitReleases::default();
        for item in &items {
            let sk = item.get(SK).and_then(|sk| sk.as_s().ok());
            if sk.is_some_and(|sk| sk == FROZEN) {
                releases.is_frozen = is_frozen(item);
            }
            let Some(quarter) = sk.and_then(|sk| Quarter::parse(sk)) else {
                continue;
            };
            let malformed = || {
                StoreError::during("read releases")(Box::new(MalformedItem {
                    attribute: "release",
                }))
            };
            let release = item
                .get("release")
                .and_then(|blob| blob.as_b().ok())
                .ok_or_else(malformed)?;
            let release = unpack::<ReleaseBody>(release.as_ref())
                .and_then(ReleaseBody::into_release)
                .ok_or_else(malformed)?;
            let revision = item
                .get("revision")
                .and_then(|n| n.as_n().ok())
                .and_then(|n| n.parse().ok())
                .ok_or_else(malformed)?;
            let stored = StoredRelease { release, revision };
            releases.by_quarter.insert(quarter, stored);
        }
        Ok(releases)
    }

    /// Replaces the release of `unit` and `quarter`, if it is still at `revision`.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_release(
        &self,
        unit: &UnitId,
        quarter: Quarter,
        release: &Release,
        revision: u64,
    ) -> Result<Replaced, StoreError> {
        let next = AttributeValue::N((revision + 1).to_string());
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(Key::release(unit, quarter).attributes()))
            .item(
                "release",
                AttributeValue::B(Blob::new(pack(&ReleaseBody::from_release(release)))),
            )
            .item("revision", next)
            .condition_expression("attribute_not_exists(PK) OR revision = :revision")
            .expression_attribute_values(":revision", AttributeValue::N(revision.to_string()));
        match put.send().await {
            Ok(_) => Ok(Replaced::Replaced),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(Replaced::Outdated)
            }
            Err(error) => Err(StoreError::read("write release", error)),
        }
    }

    /// The manifest of a unit's pages, or of those that belong to no unit; empty before the first publication.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn manifest(&self, unit: Option<&UnitId>) -> Result<Manifest, StoreError> {
        let key = Key::manifest(unit);
        let request = self
            .client
            .get_item()
            .table_name(&self.ratings)
            .set_key(Some(key.attributes()))
            .consistent_read(true);
        let output = request
            .send()
            .await
            .map_err(|error| StoreError::read("read manifest", error))?;
        let manifest = output
            .item
            .as_ref()
            .and_then(|item| item.get("manifest"))
            .and_then(|blob| blob.as_b().ok());
        // One that cannot be read, such as an earlier version's, is as good as none: everything is written once more.
        Ok(manifest
            .and_then(|blob| unpack(blob.as_ref()))
            .unwrap_or_default())
    }

    /// Keeps a manifest, once the objects it names are written.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_manifest(
        &self,
        unit: Option<&UnitId>,
        manifest: &Manifest,
    ) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.ratings)
            .set_item(Some(Key::manifest(unit).attributes()))
            .item("manifest", AttributeValue::B(Blob::new(pack(manifest))));
        put.send()
            .await
            .map_err(|error| StoreError::read("write manifest", error))?;
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
struct ReleaseBody {
    rows: Vec<RowBody>,
    shown: BTreeSet<OfficialId>,
    /// By month.
    received: BTreeMap<String, Numbers>,
    #[serde(default)]
    set_aside: BTreeMap<String, Numbers>,
    as_of: Option<Date>,
    /// Absent from items written before a quarter kept its thresholds.
    #[serde(default)]
    thresholds: Option<ThresholdsBody>,
}

/// How many ratings of a month.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Numbers {
    ByAttestation(BTreeMap<Attestation, u64>),
    /// Written before attestations were told apart.
    Whole(u64),
}

/// [`Thresholds`] as they are stored.
#[derive(Serialize, Deserialize)]
pub(super) struct ThresholdsBody {
    min_new_ratings: u64,
    min_official_ratings: u64,
    attacker_ratings: u64,
    ranking_strata: BTreeSet<Attestation>,
}

#[derive(Serialize, Deserialize)]
struct RowBody {
    attestation: Attestation,
    official: Option<OfficialId>,
    /// Absent where the ratings are in the figures of the quarter and of no month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    month: Option<String>,
    counters: BTreeMap<String, u64>,
}

impl ReleaseBody {
    fn from_release(release: &Release) -> Self {
        let row = |((row, shortest), tally): (&(Row, ShortestPeriod), &Tally)| RowBody {
            attestation: row.attestation,
            official: row.official_id.clone(),
            month: match shortest {
                ShortestPeriod::Month(month) => Some(month.to_string()),
                ShortestPeriod::Quarter => None,
            },
            counters: tally
                .counters()
                .map(|(counter, amount)| (counter.to_string(), amount))
                .collect(),
        };
        Self {
            rows: release.grid.iter().map(row).collect(),
            shown: release.shown.clone(),
            received: by_month(&release.received),
            set_aside: by_month(&release.set_aside),
            as_of: release.as_of,
            thresholds: (release.thresholds.as_ref()).map(ThresholdsBody::from_thresholds),
        }
    }

    fn into_release(self) -> Option<Release> {
        let mut release = Release {
            shown: self.shown,
            as_of: self.as_of,
            thresholds: self.thresholds.map(ThresholdsBody::into_thresholds),
            ..Release::default()
        };
        for row in self.rows {
            let counters = row
                .counters
                .into_iter()
                .map(|(name, amount)| Some((Counter::parse(&name)?, amount)));
            let tally = counters.collect::<Option<Tally>>()?;
            let place = Row {
                attestation: row.attestation,
                official_id: row.official,
            };
            let shortest = match row.month {
                Some(month) => ShortestPeriod::Month(Month::parse(&month)?),
                None => ShortestPeriod::Quarter,
            };
            release.grid.insert((place, shortest), tally);
        }
        release.received = from_months(self.received, &release.grid, Tally::rated)?;
        release.set_aside = from_months(self.set_aside, &release.grid, Tally::voided)?;
        Some(release)
    }
}

impl ThresholdsBody {
    pub(super) fn from_thresholds(thresholds: &Thresholds) -> Self {
        Self {
            min_new_ratings: thresholds.min_new_ratings,
            min_official_ratings: thresholds.min_official_ratings,
            attacker_ratings: thresholds.attacker_ratings,
            ranking_strata: thresholds.ranking_strata.clone(),
        }
    }

    pub(super) fn into_thresholds(self) -> Thresholds {
        Thresholds {
            min_new_ratings: self.min_new_ratings,
            min_official_ratings: self.min_official_ratings,
            attacker_ratings: self.attacker_ratings,
            ranking_strata: self.ranking_strata,
        }
    }
}

fn by_month(numbers: &BTreeMap<(Month, Attestation), u64>) -> BTreeMap<String, Numbers> {
    let mut months: BTreeMap<String, BTreeMap<Attestation, u64>> = BTreeMap::new();
    for ((month, attestation), amount) in numbers {
        let of_month = months.entry(month.to_string()).or_default();
        of_month.insert(*attestation, *amount);
    }
    let months = months.into_iter();
    months
        .map(|(month, of_month)| (month, Numbers::ByAttestation(of_month)))
        .collect()
}

fn from_months(
    months: BTreeMap<String, Numbers>,
    released: &ReleasedGrid,
    number: fn(&Tally) -> u64,
) -> Option<BTreeMap<(Month, Attestation), u64>> {
    let mut numbers = BTreeMap::new();
    for (month, of_month) in months {
        let month = Month::parse(&month)?;
        let of_month = match of_month {
            Numbers::ByAttestation(of_month) => of_month,
            Numbers::Whole(whole) => told_apart(whole, month, released, number),
        };
        let of_month = of_month.into_iter();
        numbers.extend(of_month.map(|(attestation, amount)| ((month, attestation), amount)));
    }
    Some(numbers)
}

/// A number of a month by attestation: what is released tells whose it is, and the rest is taken to be of dossiers, as most
/// ratings are. The next move of the release counts anew.
fn told_apart(
    whole: u64,
    month: Month,
    released: &ReleasedGrid,
    number: fn(&Tally) -> u64,
) -> BTreeMap<Attestation, u64> {
    let mut numbers: BTreeMap<Attestation, u64> = BTreeMap::new();
    let in_month = |shortest: &ShortestPeriod| *shortest == ShortestPeriod::Month(month);
    for ((row, _), tally) in (released.iter()).filter(|((_, shortest), _)| in_month(shortest)) {
        *numbers.entry(row.attestation).or_default() += number(tally);
    }
    let rest = whole.saturating_sub(numbers.values().sum());
    *numbers.entry(Attestation::DossierVerified).or_default() += rest;
    numbers.retain(|_, amount| *amount > 0);
    numbers
}

/// JSON, deflated: a unit of a hundred officials stays far below an item's 400 KB.
pub(super) fn pack(body: &impl Serialize) -> Vec<u8> {
    let json = serde_json::to_vec(body).expect("texts and numbers always serialise");
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(&json)
        .and_then(|()| encoder.finish())
        .expect("writing to memory cannot fail")
}

pub(super) fn unpack<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    let mut json = Vec::new();
    DeflateDecoder::new(bytes).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::domain::arbitrary::{cell_key, day, tally};

    #[test]
    fn a_release_of_the_first_form_is_read() {
        let counters = |rated: u64| serde_json::json!({ "n": rated, "sat": rated });
        let row = |attestation: &str, rated| serde_json::json!({ "attestation": attestation, "official": null, "month": "202610", "counters": counters(rated) });
        let stored = serde_json::json!({
            "rows": [row("dossier_verified", 8), row("phone_declared", 6)],
            "shown": [], "received": { "202610": 19 }, "set_aside": {}, "as_of": "2026-10-20",
        });

        let release = unpack::<ReleaseBody>(&pack(&stored)).and_then(ReleaseBody::into_release);

        let release = release.unwrap();
        let october = Month::parse("202610").unwrap();
        let places: Vec<&ShortestPeriod> =
            release.grid.keys().map(|(_, shortest)| shortest).collect();
        assert_eq!(places, [&ShortestPeriod::Month(october); 2]);
        let expected = [
            ((october, Attestation::DossierVerified), 13),
            ((october, Attestation::PhoneDeclared), 6),
        ];
        assert_eq!(release.received, BTreeMap::from(expected));
        assert_eq!(release.thresholds, None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_release_reads_back_as_stored(
            places in vec((cell_key(), tally()), 0..12), shown in any::<u16>(),
            received in vec((day(), any::<Index>(), any::<u64>()), 0..6),
            set_aside in vec((day(), any::<Index>(), any::<u64>()), 0..6),
            as_of in option::of(day()), thresholds in option::of((any::<[u64; 3]>(), 0..32_u8)),
        ) {
            let place = |(cell, tally): (crate::domain::tally::CellKey, Tally)| {
                let row = Row { attestation: cell.attestation, official_id: cell.official_id };
                let shortest = match cell.day % 4 {
                    0 => ShortestPeriod::Quarter,
                    _ => ShortestPeriod::Month(cell.month),
                };
                ((row, shortest), tally)
            };
            let mut release = Release { grid: places.into_iter().map(place).collect(), as_of, ..Release::default() };
            let officials = release.grid.keys().filter_map(|(row, _)| row.official_id.clone());
            let picked = officials.enumerate().filter(|(index, _)| shown >> index & 1 == 1);
            release.shown = picked.map(|(_, official)| official).collect();
            let sums = |sums: Vec<(Date, Index, u64)>| {
                let place = |day, index: Index| (Month::of(day), *index.get(Attestation::ALL));
                sums.into_iter().map(|(day, index, rated)| (place(day, index), rated)).collect()
            };
            release.received = sums(received);
            release.set_aside = sums(set_aside);

            release.thresholds = thresholds.map(|([k, n, own], strata)| {
                let chosen = Attestation::ALL.iter().enumerate().filter(|(index, _)| strata >> index & 1 == 1);
                Thresholds {
                    min_new_ratings: k,
                    min_official_ratings: n,
                    attacker_ratings: own,
                    ranking_strata: chosen.map(|(_, attestation)| *attestation).collect(),
                }
            });

            let packed = pack(&ReleaseBody::from_release(&release));
            let unpacked = unpack::<ReleaseBody>(&packed).and_then(ReleaseBody::into_release);

            prop_assert_eq!(unpacked, Some(release));
        }

        #[test]
        fn bytes_that_are_no_release_are_refused(bytes in vec(any::<u8>(), 0..64)) {
            prop_assert!(unpack::<ReleaseBody>(&bytes).and_then(ReleaseBody::into_release).is_none());
        }
    }
}
