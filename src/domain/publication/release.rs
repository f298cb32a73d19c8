//! Which counted ratings are released into published figures.
//!
//! A release is the set of ratings every published figure of a unit and quarter is a sum of. It grows only by amounts
//! that no comparison of two publications can take apart, counted in events. An event is a rating that comes in, or one
//! released before that is set aside and taken off:
//!
//! * every row (one official, or the unit itself, within one attestation) grows by nothing or by at least k;
//! * every month grows by nothing or by at least k;
//! * of any months, the rows that grow in others too grow by nothing or by at least k: whoever knows which rows lie
//!   wholly in those months can take them off;
//! * within one attestation the officials who are not shown have no released ratings that stand, or at least n together;
//!   none that stand though some were released is not enough for showing one more official, whose figures would tell theirs;
//! * an official is shown from n released ratings, and stays shown.
//!
//! All this is of the ranking strata: ratings that nothing proves are no cover for those of others, for anybody can
//! invent as many as it takes.
//!
//! The first two properties are had by peeling: drop what is too small until nothing is (the k-core of Seidman 1983, on
//! the bipartite graph of rows and months). The third says that no cut of that graph which sums of months less sums of
//! rows can make is thinner than k. What stays behind is counted, and waits.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use crate::id::OfficialId;
use crate::period::Month;
use crate::rating::Attestation;
use crate::tally::{CellKey, Tally};

/// One line of a unit's quarter: whom the ratings are of, and how sure we are of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// How sure we are.
    pub attestation: Attestation,
    /// The official, unless the unit itself was rated.
    pub official_id: Option<OfficialId>,
}

/// Tallies by row and month.
pub type Grid = BTreeMap<(Row, Month), Tally>;

/// When figures may move and officials be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// New ratings a figure waits for; at least 1.
    pub min_new_ratings: u64,
    /// Ratings from which an official is shown; at least 1.
    pub min_official_ratings: u64,
    /// Attestations that count for an official.
    pub ranking_strata: BTreeSet<Attestation>,
}

/// What has been released of one unit and quarter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Release {
    /// The released ratings.
    pub grid: Grid,
    /// Officials shown by name.
    pub shown: BTreeSet<OfficialId>,
    /// Ratings counted: of the ranking strata when the release last moved, of the others always the latest number.
    pub received: BTreeMap<(Month, Attestation), u64>,
    /// Ratings set aside, taken off the figures or not yet; always the latest number.
    pub set_aside: BTreeMap<(Month, Attestation), u64>,
    /// Day the release last moved.
    pub as_of: Option<Date>,
}

/// Leaf cells of one unit, added up to rows and months.
#[must_use]
pub fn grid<'a>(cells: impl IntoIterator<Item = (&'a CellKey, &'a Tally)>) -> Grid {
    let mut grid = Grid::new();
    for (cell, tally) in cells {
        let row = Row {
            attestation: cell.attestation,
            official_id: cell.official_id.clone(),
        };
        *grid.entry((row, cell.month)).or_default() += tally;
    }
    grid
}

impl Release {
    /// The release after this one, given all that is `counted`; equal to this one when nothing may move.
    ///
    /// Goes on until no step is left: what one step releases can keep company to what it held back, and publishing again
    /// with nothing new must change nothing. Steps one after the other keep what each keeps.
    #[must_use]
    pub fn advance(&self, counted: &Grid, thresholds: &Thresholds, today: Date) -> Self {
        let mut release = self.step(counted, thresholds, today);
        loop {
            let next = release.step(counted, thresholds, today);
            if next == release {
                return release;
            }
            release = next;
        }
    }

    fn step(&self, counted: &Grid, thresholds: &Thresholds, today: Date) -> Self {
        let mut pending = self.pending(counted, thresholds);
        let mut barred = BTreeSet::new();
        loop {
            hold_back_too_small(&mut pending, thresholds.min_new_ratings);
            let shown = self.shown_with(&pending, &barred, thresholds);
            match self.exposed(&pending, &shown, thresholds) {
                None => return self.grown(pending, shown, counted, thresholds, today),
                // With nothing to hold back, nobody more is shown: the threshold was raised.
                Some(_) if pending.is_empty() => {
                    return self.grown(pending, self.shown.clone(), counted, thresholds, today);
                }
                Some(attestation) => {
                    self.cover(attestation, &mut pending, &shown, &mut barred, thresholds)
                }
            }
        }
    }

    /// Ratings and voids of the ranking strata that are counted and not released yet. A cell that shrank gives nothing:
    /// reconciling finds it.
    fn pending(&self, counted: &Grid, thresholds: &Thresholds) -> Grid {
        let nothing = Tally::default();
        let ranking = (counted.iter())
            .filter(|((row, _), _)| thresholds.ranking_strata.contains(&row.attestation));
        let grown = ranking.filter_map(|(place, tally)| {
            let rest = tally.checked_sub(self.grid.get(place).unwrap_or(&nothing))?;
            (!rest.is_empty()).then(|| (place.clone(), rest))
        });
        grown.collect()
    }

    /// Officials with enough ratings of the ranking strata, once `pending` is released; those shown before among them.
    fn shown_with(
        &self,
        pending: &Grid,
        barred: &BTreeSet<OfficialId>,
        thresholds: &Thresholds,
    ) -> BTreeSet<OfficialId> {
        let mut of: BTreeMap<&OfficialId, Tally> = BTreeMap::new();
        for ((row, _), tally) in self.grid.iter().chain(pending) {
            if let Some(official) = &row.official_id
                && thresholds.ranking_strata.contains(&row.attestation)
            {
                *of.entry(official).or_default() += tally;
            }
        }
        let enough = of.into_iter().filter(|(official, tally)| {
            tally.standing() >= thresholds.min_official_ratings && !barred.contains(*official)
        });
        enough
            .map(|(official, _)| official.clone())
            .chain(self.shown.iter().cloned())
            .collect()
    }

    /// An attestation whose unshown officials would stand alone with fewer than n ratings.
    fn exposed(
        &self,
        pending: &Grid,
        shown: &BTreeSet<OfficialId>,
        thresholds: &Thresholds,
    ) -> Option<Attestation> {
        let mut hidden: BTreeMap<Attestation, Tally> = BTreeMap::new();
        for ((row, _), tally) in self.grid.iter().chain(pending) {
            if is_hidden(row, shown, thresholds) {
                *hidden.entry(row.attestation).or_default() += tally;
            }
        }
        hidden
            .into_iter()
            .find(|(_, tally)| match tally.standing() {
                0 => !tally.is_empty() && *shown != self.shown,
                standing => standing < thresholds.min_official_ratings,
            })
            .map(|(attestation, _)| attestation)
    }

    /// Covers the unshown officials of `attestation`: by holding them back, or, when some of them are public already,
    /// by not showing one more official yet.
    fn cover(
        &self,
        attestation: Attestation,
        pending: &mut Grid,
        shown: &BTreeSet<OfficialId>,
        barred: &mut BTreeSet<OfficialId>,
        thresholds: &Thresholds,
    ) {
        let public = self
            .grid
            .keys()
            .any(|(row, _)| row.attestation == attestation && is_hidden(row, shown, thresholds));
        if public {
            let newly = shown
                .iter()
                .filter(|official| !self.shown.contains(*official));
            let size = |official: &&OfficialId| {
                let of = |((row, _), tally): (&(Row, Month), &Tally)| {
                    (row.official_id.as_ref() == Some(*official)).then(|| tally.rated())
                };
                self.grid
                    .iter()
                    .chain(pending.iter())
                    .filter_map(of)
                    .sum::<u64>()
            };
            match newly.min_by_key(size) {
                Some(official) => {
                    barred.insert(official.clone());
                }
                // Too little new is hidden, and nobody new shown.
                None => pending.clear(),
            }
        } else {
            pending.retain(|(row, _), _| {
                row.attestation != attestation || !is_hidden(row, shown, thresholds)
            });
        }
    }

    fn grown(
        &self,
        pending: Grid,
        shown: BTreeSet<OfficialId>,
        counted: &Grid,
        thresholds: &Thresholds,
        today: Date,
    ) -> Self {
        let set_aside = by_stratum(counted, Tally::voided);
        let mut received = by_stratum(counted, Tally::rated);
        if pending.is_empty() && shown == self.shown {
            received.retain(|(_, attestation), _| !thresholds.ranking_strata.contains(attestation));
            let ranking = (self.received.iter())
                .filter(|((_, attestation), _)| thresholds.ranking_strata.contains(attestation));
            received.extend(ranking.map(|(place, rated)| (*place, *rated)));
            return Self {
                received,
                set_aside,
                ..self.clone()
            };
        }
        let mut next = Self {
            shown,
            as_of: Some(today),
            received,
            set_aside,
            grid: self.grid.clone(),
        };
        for (place, tally) in pending {
            *next.grid.entry(place).or_default() += &tally;
        }
        next
    }
}

/// One number of every month and attestation, where it is not zero.
fn by_stratum(counted: &Grid, number: fn(&Tally) -> u64) -> BTreeMap<(Month, Attestation), u64> {
    let mut sums = BTreeMap::new();
    for ((row, month), tally) in counted {
        let amount = number(tally);
        if amount > 0 {
            *sums.entry((*month, row.attestation)).or_default() += amount;
        }
    }
    sums
}

fn is_hidden(row: &Row, shown: &BTreeSet<OfficialId>, thresholds: &Thresholds) -> bool {
    let official = row.official_id.as_ref();
    official.is_some_and(|official| {
        !shown.contains(official) || !thresholds.ranking_strata.contains(&row.attestation)
    })
}

/// Drops what is fewer than k events until nothing is: rows, months, and what rows have in some months and others.
fn hold_back_too_small(pending: &mut Grid, k: u64) {
    loop {
        peel(pending, k);
        let Some(thin) = thin_crossing(pending, k) else {
            return;
        };
        pending.retain(|place, _| !thin.contains(place));
    }
}

/// Places of the rows that grow within some months and outside them, if within there are fewer than k ratings.
fn thin_crossing(pending: &Grid, k: u64) -> Option<BTreeSet<(Row, Month)>> {
    let months: BTreeSet<Month> = pending.keys().map(|(_, month)| *month).collect();
    let months: Vec<Month> = months.into_iter().collect();
    // A quarter has three months, and so at most six choices of some of them.
    (1..(1_u8 << months.len()).saturating_sub(1)).find_map(|choice| {
        let within = |month: &Month| {
            let mut chosen = months.iter().enumerate();
            chosen.any(|(index, other)| other == month && choice >> index & 1 == 1)
        };
        let outside: BTreeSet<&Row> = pending
            .keys()
            .filter(|(_, month)| !within(month))
            .map(|(row, _)| row)
            .collect();
        let crossing = pending
            .iter()
            .filter(|((row, month), _)| within(month) && outside.contains(row));
        let (places, events): (BTreeSet<_>, Vec<u64>) = crossing
            .map(|(place, tally)| (place.clone(), events(tally)))
            .unzip();
        (!places.is_empty() && events.iter().sum::<u64>() < k).then_some(places)
    })
}

/// Ratings that came in and voids, at least; one that did both is none.
fn events(pending: &Tally) -> u64 {
    pending.rated().abs_diff(pending.voided())
}

/// Drops rows and months with fewer than k events until every one left has at least k.
fn peel(pending: &mut Grid, k: u64) {
    loop {
        let mut rows: BTreeMap<Row, u64> = BTreeMap::new();
        let mut months: BTreeMap<Month, u64> = BTreeMap::new();
        for ((row, month), tally) in pending.iter() {
            *rows.entry(row.clone()).or_default() += events(tally);
            *months.entry(*month).or_default() += events(tally);
        }
        let before = pending.len();
        pending.retain(|(row, month), _| rows[row] >= k && months[month] >= k);
        if pending.len() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
