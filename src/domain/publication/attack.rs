//! An attacker who has kept every publication, and adds and subtracts its figures in every way there is.
//!
//! Unknown to him is, for each step of a release, each row and each month, the tally that was released then: an atom.
//! Every published figure is a sum of atoms with known places, so what he can learn by adding and subtracting is the
//! row space of a matrix of zeros and ones. He has taken a set of ratings apart from all others when the indicator of
//! its atoms lies in that space. All such indicators are searched, not only differences of two or three figures:
//! a vector of the space is known from its pivots, and the search assigns them 0 or 1 one by one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::results::unit_results;
use super::{Grid, Release, Row, Thresholds, UnitResults};
use crate::id::{OfficialId, UnitId};
use crate::period::{Month, Period, Quarter};
use crate::rating::Attestation;
use crate::tally::{Counter, Tally};
use crate::void::VoidReason;

const ATTESTATIONS: [Attestation; 3] = [
    Attestation::DossierVerified,
    Attestation::DeviceSession,
    Attestation::PhoneDeclared,
];
const RANKING: [Attestation; 2] = [Attestation::DossierVerified, Attestation::DeviceSession];
const OFFICIALS: [&str; 4] = ["an", "binh", "chi", "dung"];

/// Ratings that come in before a publication.
#[derive(Debug, Clone)]
struct Arrival {
    attestation: usize,
    /// 0 is the unit itself.
    subject: usize,
    /// Counted a month after it was given.
    late: bool,
    rated: u64,
    satisfied: u64,
    /// Ratings of the place set aside after that, as far as there are any.
    voided: u64,
    /// Whether those that came in last are set aside first.
    newest_first: bool,
}

/// What one place holds that no tally tells.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    /// Counted, not released, not set aside.
    fresh: u64,
    /// Released, not set aside.
    out: u64,
    /// Released, set aside, not taken off yet.
    off: u64,
}

/// What came in, by days until the publication that follows.
type History = Vec<(i64, Vec<Arrival>)>;

/// A place in the table of a release, and the publication it grew in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Atom {
    publication: usize,
    quarter: Quarter,
    month: Month,
    row: Row,
}

/// A published figure's place on the pages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Figure {
    Total(Period),
    UnitItself(Period, Attestation),
    Officials(Period, Attestation),
    Official(Period, OfficialId),
}

/// Every publication of a history, and the truth behind it.
struct Archive {
    snapshots: Vec<UnitResults>,
    /// Every place that could have grown, by what the calendar and the catalog tell; with what did, and the ratings that
    /// came in or were taken off behind it.
    atoms: Vec<(Atom, Tally, u64)>,
    releases: BTreeMap<Quarter, Release>,
}

/// What the attacker knows besides what was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knowledge {
    /// The calendar and the catalog: which places could have grown.
    Published,
    /// For every place whether it grew, such as from who was at the desk in which month.
    WhereRatingsAre,
}

fn month_of(date: Date, late: bool) -> Month {
    let month = Month::of(date);
    if late { month.previous() } else { month }
}

impl Held {
    /// Sets ratings aside as `arrival` says, in `counted` too.
    fn void(&mut self, counted: &mut Tally, arrival: &Arrival) {
        for _ in 0..arrival.voided.min(self.fresh + self.out) {
            if self.out == 0 || (arrival.newest_first && self.fresh > 0) {
                self.fresh -= 1;
            } else {
                self.out -= 1;
                self.off += 1;
            }
            let net = counted.net();
            let verdict = match net.satisfied() > 0 {
                true => Counter::Satisfied,
                false => Counter::NotSatisfied,
            };
            for counter in [Counter::Rated, verdict] {
                counted.add(Counter::Voided(Box::new(counter)), 1);
            }
            counted.add(Counter::VoidedFor(VoidReason::Fraud), 1);
        }
    }

    /// Releases everything; how many came in or were taken off.
    fn release(&mut self) -> u64 {
        let events = self.fresh + self.off;
        self.out += self.fresh;
        (self.fresh, self.off) = (0, 0);
        events
    }
}

impl Archive {
    fn of(history: &History, thresholds: &Thresholds, officials: usize) -> Self {
        Self::by(Release::advance, history, thresholds, officials)
    }

    /// Published by the rule given.
    fn by(
        advance: fn(&Release, &Grid, &Thresholds, Date) -> Release,
        history: &History,
        thresholds: &Thresholds,
        officials: usize,
    ) -> Self {
        let subjects = [None].into_iter().chain(
            OFFICIALS[..officials]
                .iter()
                .map(|id| Some(OfficialId::parse(id).unwrap())),
        );
        let subjects: Vec<Option<OfficialId>> = subjects.collect();
        let mut archive = Self {
            snapshots: Vec::new(),
            atoms: Vec::new(),
            releases: BTreeMap::new(),
        };
        let mut counted: BTreeMap<Quarter, Grid> = BTreeMap::new();
        let mut held: BTreeMap<(Row, Month), Held> = BTreeMap::new();
        let mut today = date(2026, 8, 20);
        for (publication, (days, arrivals)) in history.iter().enumerate() {
            today += days.days();
            for arrival in arrivals {
                let month = month_of(today, arrival.late);
                let row = Row {
                    attestation: ATTESTATIONS[arrival.attestation],
                    official_id: subjects[arrival.subject % subjects.len()].clone(),
                };
                let (rated, satisfied) = (arrival.rated, arrival.satisfied.min(arrival.rated));
                let tally: Tally = [
                    (Counter::Rated, rated),
                    (Counter::Satisfied, satisfied),
                    (Counter::NotSatisfied, rated - satisfied),
                ]
                .into_iter()
                .collect();
                let place = (row, month);
                let grid = counted.entry(month.quarter()).or_default();
                let counted = grid.entry(place.clone()).or_default();
                *counted += &tally;
                let held = held.entry(place).or_default();
                held.fresh += rated;
                held.void(counted, arrival);
            }
            let this = Month::of(today).quarter();
            for quarter in [this.previous(), this] {
                let Some(grid) = counted.get(&quarter) else {
                    continue;
                };
                let before = archive.releases.entry(quarter).or_default().clone();
                let after = advance(&before, grid, thresholds, today);
                for attestation in ATTESTATIONS {
                    for official_id in &subjects {
                        for month in quarter
                            .months()
                            .into_iter()
                            .filter(|m| *m <= Month::of(today))
                        {
                            let row = Row {
                                attestation,
                                official_id: official_id.clone(),
                            };
                            let nothing = Tally::default();
                            let place = (row.clone(), month);
                            let new = after.grid.get(&place).unwrap_or(&nothing);
                            let old = before.grid.get(&place).unwrap_or(&nothing);
                            let atom = Atom {
                                publication,
                                quarter,
                                month,
                                row,
                            };
                            let grown = new.checked_sub(old).unwrap();
                            let events = match grown.is_empty() {
                                true => 0,
                                false => held.entry(place).or_default().release(),
                            };
                            archive.atoms.push((atom, grown, events));
                        }
                    }
                }
                archive.releases.insert(quarter, after);
            }
            let unit = UnitId::parse("unit").unwrap();
            let results = unit_results(unit, &archive.releases, &BTreeMap::new(), &RANKING.into());
            archive.snapshots.push(results);
        }
        archive
    }

    /// Every figure of a publication with its value and the atoms it sums, as coefficients.
    fn figures(&self, publication: usize) -> BTreeMap<Figure, (Tally, Vec<i64>)> {
        let results = &self.snapshots[publication];
        let mut figures = BTreeMap::new();
        for (period, of) in &results.periods {
            figures.insert(Figure::Total(*period), of.total.clone());
            for (attestation, stratum) in &of.strata {
                let (unit_itself, officials) =
                    (stratum.unit_itself.clone(), stratum.officials.clone());
                figures.insert(Figure::UnitItself(*period, *attestation), unit_itself);
                figures.insert(Figure::Officials(*period, *attestation), officials);
            }
            for (official, tally) in &of.officials {
                figures.insert(Figure::Official(*period, official.clone()), tally.clone());
            }
        }
        let with_atoms = figures.into_iter().map(|(figure, value)| {
            let sums = |atom: &Atom| atom.publication <= publication && figure.sums(atom, results);
            let coefficients = self.atoms.iter().map(|(atom, ..)| i64::from(sums(atom)));
            let coefficients = coefficients.collect();
            (figure, (value, coefficients))
        });
        with_atoms.collect()
    }

    /// What every publication added to every figure, and the hidden officials' part of it.
    fn equations(&self) -> Vec<(Tally, Vec<i64>)> {
        let mut equations = Vec::new();
        let mut last = BTreeMap::new();
        for publication in 0..self.snapshots.len() {
            let figures = self.figures(publication);
            for (figure, (value, coefficients)) in &figures {
                assert_eq!(
                    *value,
                    self.sum(coefficients).net(),
                    "{figure:?} is not the sum it is taken for"
                );
                let mut new = coefficients.clone();
                if let Some((_, old)) = last.get(figure) {
                    for (new, old) in new.iter_mut().zip::<&Vec<i64>>(old) {
                        *new -= old;
                    }
                }
                // Also where as much came in as was taken off, the attacker may take it that something moved.
                let new_value = self.sum(&new);
                equations.push((new_value, new));
            }
            last = figures;
        }
        equations
    }

    /// What the atoms of a figure hold, with all that was set aside.
    fn sum(&self, coefficients: &[i64]) -> Tally {
        let mut sum = Tally::default();
        for ((_, tally, _), _) in self
            .atoms
            .iter()
            .zip(coefficients)
            .filter(|(_, c)| **c != 0)
        {
            sum += tally;
        }
        sum
    }

    /// The first set of ratings found that can be taken apart and that `search` looks for.
    fn leak(&self, knowledge: Knowledge, search: &Search) -> Option<Vec<(Atom, u64)>> {
        let equations = self.equations();
        let mut known = vec![true; self.atoms.len()];
        for (index, (atom, tally, _)) in self.atoms.iter().enumerate() {
            known[index] = match knowledge {
                Knowledge::WhereRatingsAre => !tally.is_empty(),
                Knowledge::Published => !self.seen_empty(atom, &equations, index),
            };
        }
        let columns: Vec<usize> = (0..self.atoms.len())
            .filter(|index| known[*index])
            .collect();
        let rows = equations
            .iter()
            .map(|(_, row)| columns.iter().map(|column| row[*column]).collect());
        let space = Space::spanned_by(rows.collect());
        let atoms: Vec<(Atom, u64)> = columns
            .iter()
            .map(|column| (self.atoms[*column].0.clone(), self.atoms[*column].2))
            .collect();
        space.indicator(&atoms, search)
    }

    /// Whether nothing is listed there, or a figure, or what is left of the officials without those shown, did not grow.
    fn seen_empty(&self, atom: &Atom, equations: &[(Tally, Vec<i64>)], index: usize) -> bool {
        let in_a_zero = |(value, row): &(Tally, Vec<i64>)| {
            value.is_empty() && row[index] != 0 && row.iter().all(|c| *c >= 0)
        };
        if equations.iter().any(in_a_zero) {
            return true;
        }
        let results = &self.snapshots[atom.publication];
        let listed = |period: Period| results.periods.get(&period);
        let quarter = listed(Period::Quarter(atom.quarter));
        let stratum = quarter.and_then(|quarter| quarter.strata.get(&atom.row.attestation));
        if stratum.is_none() || listed(Period::Month(atom.month)).is_none() {
            return true;
        }
        let hidden = |other: &Atom| {
            let shown = results
                .periods
                .get(&Period::Quarter(other.quarter))
                .is_some_and(|of| {
                    (other.row.official_id.as_ref()).is_some_and(|o| of.officials.contains_key(o))
                });
            other.row.official_id.is_some()
                && RANKING.contains(&other.row.attestation)
                && !shown
                && (other.publication, other.quarter) == (atom.publication, atom.quarter)
        };
        let grew = |(other, tally, _): &(Atom, Tally, u64)| hidden(other) && !tally.is_empty();
        hidden(atom) && !self.atoms.iter().any(grew)
    }
}

impl Figure {
    fn sums(&self, atom: &Atom, results: &UnitResults) -> bool {
        let within = |period: &Period| match period {
            Period::All => true,
            Period::Year(year) => atom.month.year == *year,
            Period::Quarter(quarter) => atom.quarter == *quarter,
            Period::Month(month) => atom.month == *month,
        };
        let row = &atom.row;
        match self {
            Self::Total(period) => within(period) && RANKING.contains(&row.attestation),
            Self::UnitItself(period, attestation) => {
                within(period) && row.attestation == *attestation && row.official_id.is_none()
            }
            Self::Officials(period, attestation) => {
                within(period) && row.attestation == *attestation && row.official_id.is_some()
            }
            Self::Official(period, official) => {
                let quarter = results.periods.get(&Period::Quarter(atom.quarter));
                within(period)
                    && row.official_id.as_ref() == Some(official)
                    && RANKING.contains(&row.attestation)
                    && quarter.is_some_and(|quarter| quarter.officials.contains_key(official))
            }
        }
    }
}

/// What must not be taken apart from the rest.
enum Search {
    /// Any ratings, fewer than this.
    FewerThan(u64),
    /// Ratings of one of these officials and nobody else.
    OneOf(BTreeSet<OfficialId>),
}

impl Search {
    /// Whether a set with these ratings can still turn out harmful as it grows.
    fn may_harm(&self, ratings: u64, officials: &BTreeSet<&Option<OfficialId>>) -> bool {
        match self {
            Self::FewerThan(k) => ratings < *k,
            Self::OneOf(hidden) => {
                let hidden = |official: &&Option<OfficialId>| {
                    official
                        .as_ref()
                        .is_some_and(|official| hidden.contains(official))
                };
                officials.len() <= 1 && officials.iter().all(hidden)
            }
        }
    }
}

/// 2^31 − 1: the coefficients are small, and so are the denominators that elimination over the rationals would meet.
const P: i64 = 2_147_483_647;

/// A row space in reduced form.
struct Space {
    /// With the column of its leading 1.
    rows: Vec<(usize, Vec<i64>)>,
}

impl Space {
    fn spanned_by(vectors: Vec<Vec<i64>>) -> Self {
        let mut space = Self { rows: Vec::new() };
        let mut seen = BTreeSet::new();
        for mut vector in vectors {
            if !seen.insert(vector.clone()) {
                continue;
            }
            for (pivot, row) in &space.rows {
                subtract(&mut vector, row, *pivot);
            }
            let Some(pivot) = vector.iter().position(|c| c.rem_euclid(P) != 0) else {
                continue;
            };
            let inverse = power(vector[pivot].rem_euclid(P), P - 2);
            for c in &mut vector {
                *c = c.rem_euclid(P) * inverse % P;
            }
            for (_, row) in &mut space.rows {
                subtract(row, &vector, pivot);
            }
            space.rows.push((pivot, vector));
        }
        space.rows.sort_by_key(|(pivot, _)| *pivot);
        space
    }

    /// The first harmful set of ratings whose indicator is in the space.
    fn indicator(&self, atoms: &[(Atom, u64)], search: &Search) -> Option<Vec<(Atom, u64)>> {
        let mut complete_after: Vec<Vec<usize>> = vec![Vec::new(); self.rows.len()];
        for column in 0..atoms.len() {
            if let Some(last) = self.rows.iter().rposition(|(_, row)| row[column] != 0) {
                complete_after[last].push(column);
            }
        }
        let mut vector = vec![0; atoms.len()];
        self.assign(0, &mut vector, &complete_after, atoms, search)
            .then(|| {
                let chosen = atoms.iter().zip(&vector);
                let chosen = chosen.filter(|((_, rated), value)| **value == 1 && *rated > 0);
                chosen.map(|(atom, _)| atom.clone()).collect()
            })
    }

    fn assign(
        &self,
        next: usize,
        vector: &mut Vec<i64>,
        complete_after: &[Vec<usize>],
        atoms: &[(Atom, u64)],
        search: &Search,
    ) -> bool {
        if next > 0
            && complete_after[next - 1]
                .iter()
                .any(|column| vector[*column] > 1)
        {
            return false;
        }
        let complete = complete_after[..next].iter().flatten();
        let chosen = complete
            .filter(|column| vector[**column] == 1)
            .map(|column| &atoms[*column]);
        let (mut ratings, mut officials) = (0, BTreeSet::new());
        for (atom, rated) in chosen {
            ratings += rated;
            officials.insert(&atom.row.official_id);
        }
        if !search.may_harm(ratings, &officials) {
            return false;
        }
        let Some((_, row)) = self.rows.get(next) else {
            return ratings > 0;
        };
        if self.assign(next + 1, vector, complete_after, atoms, search) {
            return true;
        }
        let without = vector.clone();
        for (value, c) in vector.iter_mut().zip(row) {
            *value = (*value + c) % P;
        }
        if self.assign(next + 1, vector, complete_after, atoms, search) {
            return true;
        }
        *vector = without;
        false
    }
}

fn subtract(vector: &mut [i64], row: &[i64], pivot: usize) {
    let factor = vector[pivot].rem_euclid(P);
    if factor != 0 {
        for (value, c) in vector.iter_mut().zip(row) {
            *value = (*value - factor * c).rem_euclid(P);
        }
    }
}

fn power(base: i64, mut exponent: i64) -> i64 {
    let (mut base, mut result) = (base, 1);
    while exponent > 0 {
        if exponent % 2 == 1 {
            result = result * base % P;
        }
        base = base * base % P;
        exponent /= 2;
    }
    result
}

fn thresholds(k: u64, n: u64) -> Thresholds {
    Thresholds {
        min_new_ratings: k,
        min_official_ratings: n,
        ranking_strata: RANKING.into_iter().collect(),
    }
}

/// Officials below n who are not shown, over all quarters; but for those who once had n, and of whose ratings none stands.
fn below(archive: &Archive, n: u64) -> BTreeSet<OfficialId> {
    let mut released: BTreeMap<OfficialId, Tally> = BTreeMap::new();
    let mut enough = BTreeSet::new();
    for publication in 0..archive.snapshots.len() {
        let grown = archive.atoms.iter();
        for (atom, tally, _) in grown.filter(|(atom, ..)| atom.publication == publication) {
            if let Some(official) = &atom.row.official_id {
                *released.entry(official.clone()).or_default() += tally;
            }
        }
        let stood = released.iter().filter(|(_, tally)| tally.standing() >= n);
        enough.extend(stood.map(|(official, _)| official.clone()));
    }
    let shown = |official: &OfficialId| {
        let mut releases = archive.releases.values();
        releases.any(|release| release.shown.contains(official))
    };
    let below = released.into_iter().filter(|(official, tally)| {
        let taken_back = tally.standing() == 0 && enough.contains(official);
        tally.standing() < n && !shown(official) && !taken_back
    });
    below.map(|(official, _)| official).collect()
}

fn history() -> impl Strategy<Value = History> {
    let voids = (prop_oneof![3 => Just(0), 1 => 1..7_u64], any::<bool>());
    let arrival = (
        0..3_usize,
        0..5_usize,
        any::<bool>(),
        0..7_u64,
        0..7_u64,
        voids,
    );
    let arrival = arrival.prop_map(
        |(attestation, subject, late, rated, satisfied, (voided, newest_first))| Arrival {
            attestation,
            subject,
            late,
            rated,
            satisfied,
            voided,
            newest_first,
        },
    );
    prop::collection::vec((0..25_i64, prop::collection::vec(arrival, 0..8)), 1..9)
}

/// Everything counted at once, and every official by name from n on.
fn careless(before: &Release, counted: &Grid, thresholds: &Thresholds, today: Date) -> Release {
    let mut rated: BTreeMap<&OfficialId, u64> = BTreeMap::new();
    for ((row, _), tally) in counted {
        if let Some(official) = &row.official_id
            && RANKING.contains(&row.attestation)
        {
            *rated.entry(official).or_default() += tally.rated();
        }
    }
    let enough = rated
        .into_iter()
        .filter(|(_, rated)| *rated >= thresholds.min_official_ratings);
    Release {
        grid: counted.clone(),
        shown: enough.map(|(official, _)| official.clone()).collect(),
        as_of: Some(today),
        ..before.clone()
    }
}

fn arrival(subject: usize, late: bool, rated: u64) -> Arrival {
    Arrival {
        attestation: 0,
        subject,
        late,
        rated,
        satisfied: rated,
        voided: 0,
        newest_first: false,
    }
}

#[test]
fn the_attacker_takes_apart_what_a_careless_rule_gives_away() {
    let few_more = vec![
        (0, vec![arrival(0, false, 9)]),
        (1, vec![arrival(0, false, 2)]),
    ];
    let one_left = vec![(0, vec![arrival(1, false, 12), arrival(2, false, 6)])];
    let seen_between = vec![
        (0, vec![arrival(1, false, 9), arrival(2, false, 4)]),
        (1, vec![arrival(1, false, 9), arrival(2, false, 3)]),
    ];
    let rules = thresholds(5, 10);

    for (history, search) in [
        (&few_more, Search::FewerThan(5)),
        (
            &one_left,
            Search::OneOf([OfficialId::parse("binh").unwrap()].into()),
        ),
        (
            &seen_between,
            Search::OneOf([OfficialId::parse("binh").unwrap()].into()),
        ),
    ] {
        let careless = Archive::by(careless, history, &rules, 2);
        let ours = Archive::of(history, &rules, 2);

        assert!(
            careless.leak(Knowledge::Published, &search).is_some(),
            "{history:?}"
        );
        assert!(
            ours.leak(Knowledge::WhereRatingsAre, &search).is_none(),
            "{history:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_fewer_than_k_new_ratings_can_be_taken_apart(
        history in history(), k in 2..6_u64, extra in 0..6_u64, officials in 0..5_usize,
    ) {
        let archive = Archive::of(&history, &thresholds(k, k + extra), officials);

        let leak = archive.leak(Knowledge::WhereRatingsAre, &Search::FewerThan(k));

        prop_assert!(leak.is_none(), "{leak:#?}");
    }

    #[test]
    fn no_official_below_n_can_be_taken_apart(
        history in history(), k in 2..6_u64, extra in 0..6_u64, officials in 1..5_usize,
    ) {
        let n = k + extra;
        let archive = Archive::of(&history, &thresholds(k, n), officials);

        let leak = archive.leak(Knowledge::Published, &Search::OneOf(below(&archive, n)));

        prop_assert!(leak.is_none(), "{leak:#?}");
    }
}
