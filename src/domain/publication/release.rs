//! Which counted ratings are released into published figures.
//!
//! A release is the set of ratings every published figure of a unit and quarter is a sum of. It is built against an
//! attacker who holds every publication, file, list and void; injects ratings into unverified strata at will; knows the
//! content of every rating of the rows it chooses; and holds up to two genuine slips. The attacker never learns a sum over
//! fewer than k ratings that others gave in the ranking strata, where one dossier is one person however many officials it
//! rates.
//!
//! A row is one official, or the unit itself, within one attestation. A dossier gives a row at most one rating, and no row
//! protects another, because the attacker may know the others whole. So each part that figures can separate is safe by
//! itself:
//!
//! * in the ranking strata every (row, month) grows by nothing or by at least k + 2 ratings, of which two may be the
//!   attacker's own;
//! * what is left over of a row's months waits until the quarter is closed. Then it is released together, again at least
//!   k + 2 ratings of that row, into the figures of the quarter, the year and all time, and into no month;
//! * the other strata are released once the quarter is closed, each as a whole, into the same figures;
//! * within one attestation the officials who are not shown have no released ratings that are valid, or at least n together;
//!   none that are valid though some were released is not enough for showing one more official, whose figures would give
//!   theirs away;
//! * an official is shown from n released ratings, and stays shown.
//!
//! A void takes its rating off the sums and so counts like a rating. `docs/release.md` has what the rule costs in shown
//! ratings, and which other rules were measured.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::thresholds::Thresholds;
use crate::id::OfficialId;
use crate::period::{Month, Period, Quarter};
use crate::rating::Attestation;
use crate::tally::{CellKey, Tally};

/// Day of a quarter's last month from which a row keeps ratings back for the close.
const KEEP_BACK_FROM_DAY: i8 = 15;

/// One line of a unit's quarter: whom the ratings are of, and how sure we are of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// How sure we are.
    pub attestation: Attestation,
    /// The official, unless the unit itself was rated.
    pub official_id: Option<OfficialId>,
}

/// The shortest period whose figures count a released rating; every longer one counts it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ShortestPeriod {
    /// The month the rating was given in.
    Month(Month),
    /// The quarter: what was left over of its months.
    Quarter,
}

impl ShortestPeriod {
    /// Every period that counts such ratings of `quarter`, longest first.
    #[must_use]
    pub fn periods(self, quarter: Quarter) -> Vec<Period> {
        let mut periods = vec![
            Period::All,
            Period::Year(quarter.year),
            Period::Quarter(quarter),
        ];
        if let Self::Month(month) = self {
            periods.push(Period::Month(month));
        }
        periods
    }
}

/// Counted tallies by row and month.
pub type Grid = BTreeMap<(Row, Month), Tally>;

/// Released tallies by row and shortest period.
pub type ReleasedGrid = BTreeMap<(Row, ShortestPeriod), Tally>;

/// What has been released of one unit and quarter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Release {
    /// The released ratings.
    pub grid: ReleasedGrid,
    /// Officials shown by name.
    pub shown: BTreeSet<OfficialId>,
    /// Ratings counted: of the ranking strata when the release last moved, of the others always the latest number.
    pub received: BTreeMap<(Month, Attestation), u64>,
    /// Ratings voided, taken off the figures or not yet; always the latest number.
    pub set_aside: BTreeMap<(Month, Attestation), u64>,
    /// Day the release last moved.
    pub as_of: Option<Date>,
    /// The thresholds the quarter began with; none in a release that was stored before they were kept.
    pub thresholds: Option<Thresholds>,
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

/// What may be added to a release.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// All that is counted.
    pub counted: &'a Grid,
    /// Whether no rating of the quarter can be counted any more.
    pub is_closed: bool,
    /// Today in Asia/Ho_Chi_Minh.
    pub today: Date,
}

impl Release {
    /// The release after this one; equal to this one when nothing may move.
    ///
    /// `thresholds` hold if this release has none of its own yet. Goes on until no step is left: publishing again with
    /// nothing new must change nothing.
    #[must_use]
    pub fn advance(&self, step: Step<'_>, thresholds: &Thresholds) -> Self {
        let thresholds = self.thresholds.as_ref().unwrap_or(thresholds);
        let mut release = self.step(step, thresholds);
        loop {
            let next = release.step(step, thresholds);
            if next == release {
                return release;
            }
            release = next;
        }
    }

    /// The attestations this quarter's figures count, `otherwise` where the release does not say.
    #[must_use]
    pub fn ranking_strata<'a>(
        &'a self,
        otherwise: &'a BTreeSet<Attestation>,
    ) -> &'a BTreeSet<Attestation> {
        let own = self.thresholds.as_ref();
        own.map_or(otherwise, |thresholds| &thresholds.ranking_strata)
    }

    fn step(&self, step: Step<'_>, thresholds: &Thresholds) -> Self {
        let mut growth = self.growth(step, thresholds);
        let mut withheld = BTreeSet::new();
        loop {
            let shown = self.shown_with(&growth, &withheld, thresholds);
            match self.under_threshold(&growth, &shown, thresholds) {
                None => return self.grown(growth, shown, step, thresholds),
                // With nothing to hold back, nobody more is shown: the threshold was raised.
                Some(_) if growth.is_empty() => {
                    return self.grown(growth, self.shown.clone(), step, thresholds);
                }
                Some(attestation) => {
                    self.protect_hidden(attestation, &mut growth, &shown, &mut withheld, thresholds)
                }
            }
        }
    }

    /// All that is enough by itself, by row and shortest period.
    fn growth(&self, step: Step<'_>, thresholds: &Thresholds) -> ReleasedGrid {
        let mut rows: BTreeMap<&Row, BTreeMap<Month, &Tally>> = BTreeMap::new();
        for ((row, month), tally) in step.counted {
            rows.entry(row).or_default().insert(*month, tally);
        }
        let mut growth = ReleasedGrid::new();
        let mut unverified: BTreeMap<Attestation, ReleasedGrid> = BTreeMap::new();
        for (row, counted) in rows {
            if thresholds.ranking_strata.contains(&row.attestation) {
                growth.extend(self.growth_of_row(row, &counted, step, thresholds));
            } else if step.is_closed {
                let place = (row.clone(), ShortestPeriod::Quarter);
                let rest = self.rest_of_row(row, &counted);
                let of = unverified.entry(row.attestation).or_default();
                of.extend(rest.map(|rest| (place, rest)));
            }
        }
        let whole = unverified.into_values();
        growth.extend(
            whole
                .filter(|of| is_enough(of.values(), thresholds))
                .flatten(),
        );
        growth
    }

    /// What a row of the ranking strata may grow by.
    fn growth_of_row(
        &self,
        row: &Row,
        counted: &BTreeMap<Month, &Tally>,
        step: Step<'_>,
        thresholds: &Thresholds,
    ) -> ReleasedGrid {
        let place = |shortest: ShortestPeriod| (row.clone(), shortest);
        let is_enough = |rest: &Tally| is_enough([rest], thresholds);
        let rest_of_row = || {
            let rest = self.rest_of_row(row, counted).filter(is_enough);
            rest.map(|rest| (place(ShortestPeriod::Quarter), rest))
        };
        // Once months were put together, no later rating or void can be told to be of one of them.
        if self.grid.contains_key(&place(ShortestPeriod::Quarter)) {
            return rest_of_row().into_iter().collect();
        }
        let nothing = Tally::default();
        let waiting = counted.iter().filter_map(|(month, tally)| {
            let released = self.grid.get(&place(ShortestPeriod::Month(*month)));
            // A cell that shrank gives nothing: reconciling finds it.
            let rest = tally.checked_sub(released.unwrap_or(&nothing))?;
            (!rest.is_empty()).then_some((*month, rest))
        });
        let mut waiting: BTreeMap<Month, Tally> = waiting.collect();
        let mut left_over = Tally::default();
        for rest in waiting.values().filter(|rest| !is_enough(rest)) {
            left_over += rest;
        }
        if step.is_closed && !left_over.is_empty() && !is_enough(&left_over) {
            // All months together, so that what one of them has over does not stay behind.
            if let Some(growth) = rest_of_row() {
                return [growth].into_iter().collect();
            }
        }
        let mut growth = ReleasedGrid::new();
        for month in counted.keys() {
            let Some(rest) = waiting.remove(month) else {
                continue;
            };
            let may_grow = step.is_closed
                || !must_keep_back(*month, step.today, thresholds)
                || self::is_enough(waiting.values(), thresholds);
            if is_enough(&rest) && may_grow {
                growth.insert(place(ShortestPeriod::Month(*month)), rest);
            } else {
                waiting.insert(*month, rest);
            }
        }
        if step.is_closed && is_enough(&left_over) {
            growth.insert(place(ShortestPeriod::Quarter), left_over);
        }
        growth
    }

    /// What is counted of a row and not released, of all its months together.
    fn rest_of_row(&self, row: &Row, counted: &BTreeMap<Month, &Tally>) -> Option<Tally> {
        let (mut all, mut released) = (Tally::default(), Tally::default());
        counted.values().for_each(|tally| all += tally);
        let of_row = self.grid.iter().filter(|((other, _), _)| other == row);
        of_row.for_each(|(_, tally)| released += tally);
        all.checked_sub(&released).filter(|rest| !rest.is_empty())
    }

    /// Officials with enough ratings of the ranking strata, once `growth` is released; those shown before among them.
    fn shown_with(
        &self,
        growth: &ReleasedGrid,
        withheld: &BTreeSet<OfficialId>,
        thresholds: &Thresholds,
    ) -> BTreeSet<OfficialId> {
        let mut of: BTreeMap<&OfficialId, Tally> = BTreeMap::new();
        for ((row, _), tally) in self.grid.iter().chain(growth) {
            if let Some(official) = &row.official_id
                && thresholds.ranking_strata.contains(&row.attestation)
            {
                *of.entry(official).or_default() += tally;
            }
        }
        let enough = of.into_iter().filter(|(official, tally)| {
            tally.standing() >= thresholds.min_official_ratings && !withheld.contains(*official)
        });
        enough
            .map(|(official, _)| official.clone())
            .chain(self.shown.iter().cloned())
            .collect()
    }

    /// An attestation whose unshown officials would have fewer than n valid ratings among the released.
    fn under_threshold(
        &self,
        growth: &ReleasedGrid,
        shown: &BTreeSet<OfficialId>,
        thresholds: &Thresholds,
    ) -> Option<Attestation> {
        let mut hidden: BTreeMap<Attestation, Tally> = BTreeMap::new();
        for ((row, _), tally) in self.grid.iter().chain(growth) {
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

    /// Protects the unshown officials of `attestation`: by holding their growth back, or, when some of their ratings are
    /// public already, by withholding one more official's name.
    fn protect_hidden(
        &self,
        attestation: Attestation,
        growth: &mut ReleasedGrid,
        shown: &BTreeSet<OfficialId>,
        withheld: &mut BTreeSet<OfficialId>,
        thresholds: &Thresholds,
    ) {
        let is_public = self
            .grid
            .keys()
            .any(|(row, _)| row.attestation == attestation && is_hidden(row, shown, thresholds));
        if !is_public {
            growth.retain(|(row, _), _| {
                row.attestation != attestation || !is_hidden(row, shown, thresholds)
            });
            return;
        }
        let size = |official: &&OfficialId| {
            let all = self.grid.iter().chain(growth.iter());
            all.filter(|((row, _), _)| row.official_id.as_ref() == Some(*official))
                .map(|(_, tally)| tally.rated())
                .sum::<u64>()
        };
        match shown.difference(&self.shown).min_by_key(size) {
            Some(official) => {
                withheld.insert(official.clone());
            }
            // Too little new is hidden, and nobody new shown.
            None => growth.clear(),
        }
    }

    fn grown(
        &self,
        growth: ReleasedGrid,
        shown: BTreeSet<OfficialId>,
        step: Step<'_>,
        thresholds: &Thresholds,
    ) -> Self {
        let mut next = self.clone();
        let counted = by_attestation(step.counted, Tally::rated);
        if growth.is_empty() && shown == self.shown {
            let unverified = counted
                .into_iter()
                .filter(|((_, attestation), _)| !thresholds.ranking_strata.contains(attestation));
            next.received.extend(unverified);
        } else {
            next.as_of = Some(step.today);
            next.received = counted;
            next.shown = shown;
        }
        for (place, tally) in growth {
            *next.grid.entry(place).or_default() += &tally;
        }
        next.set_aside = by_attestation(step.counted, Tally::voided);
        if next != Self::default() {
            next.thresholds = Some(thresholds.clone());
        }
        next
    }
}

/// Whether a row's month may grow only if enough stays waiting in the row's other months, so that the ratings that come in
/// later are not too few at the close of the quarter.
fn must_keep_back(month: Month, today: Date, thresholds: &Thresholds) -> bool {
    let [.., last] = month.quarter().months();
    thresholds.min_growth() > 1 && (Month::of(today), today.day()) >= (last, KEEP_BACK_FROM_DAY)
}

/// Whether so many ratings came in or were voided that no sum over them tells of fewer than k of others.
///
/// A rating that came in and was voided before its release changes no sum. How many did is not known: at most the smaller
/// of both numbers, which leaves their difference.
fn is_enough<'a>(waiting: impl IntoIterator<Item = &'a Tally>, thresholds: &Thresholds) -> bool {
    let mut sum = Tally::default();
    waiting.into_iter().for_each(|tally| sum += tally);
    sum.rated().abs_diff(sum.voided()) >= thresholds.min_growth()
}

fn is_hidden(row: &Row, shown: &BTreeSet<OfficialId>, thresholds: &Thresholds) -> bool {
    let official = row.official_id.as_ref();
    thresholds.ranking_strata.contains(&row.attestation)
        && official.is_some_and(|official| !shown.contains(official))
}

fn by_attestation(
    counted: &Grid,
    number: impl Fn(&Tally) -> u64,
) -> BTreeMap<(Month, Attestation), u64> {
    let mut numbers: BTreeMap<(Month, Attestation), u64> = BTreeMap::new();
    for ((row, month), tally) in counted {
        let number = number(tally);
        if number > 0 {
            *numbers.entry((*month, row.attestation)).or_default() += number;
        }
    }
    numbers
}

#[cfg(test)]
pub(super) mod refused_rules;
#[cfg(test)]
mod shown;
#[cfg(test)]
mod tests;
