//! An attacker who has kept every publication, and adds and subtracts its figures in every way there is.
//!
//! The attacker does not know, for each step of a release, each row and each shortest period, the tally that was released
//! then: an atom. Every published figure is a sum of atoms with known places, so what adding and subtracting can give is
//! the row space of a matrix of zeros and ones. A set of ratings is taken apart from all others when the indicator of its
//! atoms lies in that space. All such indicators are searched, not only differences of two or three figures: a vector of
//! the space is known from its pivots, and the search assigns them 0 or 1 one by one.
//!
//! The attacker also injects ratings into the unverified strata, knows the content of every rating of the rows it chooses,
//! and owns two dossiers. What it knows it can subtract: the atoms of known rows are no unknowns, and its own ratings
//! protect nobody. Of what remains, people are counted and not ratings, since one dossier may rate many officials.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::release::refused_rules;
use super::release::{ReleasedGrid, ShortestPeriod, Step};
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
/// Dossiers of the first attestation that are the attacker's.
const OWN_DOSSIERS: u64 = 2;
/// Days after the end of a quarter until no rating of it is counted any more.
const CLOSES_AFTER_DAYS: i64 = 4;

/// A rule that says what a release grows to.
type Rule = fn(&Release, Step<'_>, &Thresholds) -> Release;

/// Ratings that come in before a publication.
#[derive(Debug, Clone)]
struct Arrival {
    attestation: usize,
    /// 0 is the unit itself.
    subject: usize,
    /// Counted a month after it was given.
    late: bool,
    /// The first of the dossiers that rate, which follow each other. A dossier rates a subject once.
    dossier: u64,
    rated: u64,
    satisfied: u64,
    /// Ratings of the place voided after that, as far as there are any.
    voided: u64,
    /// Whether those that came in last are voided first.
    newest_first: bool,
}

/// Who gave a rating: a dossier within an attestation.
type Person = (Attestation, u64);

/// The ratings of one row and month that no tally tells apart.
#[derive(Debug, Clone, Default)]
struct Held {
    /// Counted, not released, valid.
    fresh: Vec<Person>,
    /// Released, valid.
    released: Vec<Person>,
    /// Released, voided, not taken off yet.
    voided: Vec<Person>,
}

/// What came in, by days until the publication that follows.
type History = Vec<(i64, Vec<Arrival>)>;

/// A place in the table of a release, and the publication it grew in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Atom {
    publication: usize,
    quarter: Quarter,
    shortest: ShortestPeriod,
    row: Row,
}

/// An atom, what it grew by, and the people whose ratings came in or were taken off with it; the attacker's are left out.
#[derive(Debug, Clone)]
struct GrownAtom {
    atom: Atom,
    tally: Tally,
    people: BTreeSet<Person>,
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
    /// Every place that could have grown, by what the calendar and the catalog tell.
    atoms: Vec<GrownAtom>,
    releases: BTreeMap<Quarter, Release>,
}

/// What the attacker knows of where ratings are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Places {
    /// What the calendar, the catalog and the publications tell: which places could have grown.
    Published,
    /// For every place whether it grew, such as from who was at the desk in which month.
    All,
}

fn month_of(date: Date, late: bool) -> Month {
    let month = Month::of(date);
    if late { month.previous() } else { month }
}

fn is_closed(quarter: Quarter, today: Date) -> bool {
    let [.., last] = quarter.months();
    Month::of(today.saturating_sub(CLOSES_AFTER_DAYS.days())) > last
}

impl Held {
    /// Voids ratings as `arrival` says, in `counted` too.
    fn void(&mut self, counted: &mut Tally, arrival: &Arrival) {
        for _ in 0..arrival.voided {
            let newest = match arrival.newest_first {
                true => self.fresh.pop().is_some(),
                false => false,
            };
            if !newest {
                match self.released.pop() {
                    Some(person) => self.voided.push(person),
                    None if self.fresh.pop().is_none() => return,
                    None => {}
                }
            }
            let verdict = match counted.net().satisfied() > 0 {
                true => Counter::Satisfied,
                false => Counter::NotSatisfied,
            };
            for counter in [Counter::Rated, verdict] {
                counted.add(Counter::Voided(Box::new(counter)), 1);
            }
            counted.add(Counter::VoidedFor(VoidReason::Fraud), 1);
        }
    }

    /// Releases everything; whose ratings came in or were taken off.
    fn release(&mut self) -> Vec<Person> {
        let mut changed = std::mem::take(&mut self.voided);
        changed.extend(&self.fresh);
        self.released.append(&mut self.fresh);
        changed
    }
}

/// The ratings of a history as they come in.
struct Desk {
    subjects: Vec<Option<OfficialId>>,
    counted: BTreeMap<Quarter, Grid>,
    held: BTreeMap<(Row, Month), Held>,
    /// Who rated whom.
    used: BTreeSet<(Row, u64)>,
}

impl Desk {
    fn take(&mut self, arrival: &Arrival, today: Date) {
        let month = month_of(today, arrival.late);
        let row = Row {
            attestation: ATTESTATIONS[arrival.attestation],
            official_id: self.subjects[arrival.subject % self.subjects.len()].clone(),
        };
        let dossiers = arrival.dossier..arrival.dossier + arrival.rated;
        let new: Vec<u64> = dossiers
            .filter(|dossier| self.used.insert((row.clone(), *dossier)))
            .collect();
        let rated = new.len() as u64;
        let satisfied = arrival.satisfied.min(rated);
        let tally: Tally = [
            (Counter::Rated, rated),
            (Counter::Satisfied, satisfied),
            (Counter::NotSatisfied, rated - satisfied),
        ]
        .into_iter()
        .collect();
        let people = new.into_iter().map(|dossier| (row.attestation, dossier));
        let grid = self.counted.entry(month.quarter()).or_default();
        let counted = grid.entry((row.clone(), month)).or_default();
        *counted += &tally;
        let held = self.held.entry((row.clone(), month)).or_default();
        held.fresh.extend(people);
        held.void(counted, arrival);
    }

    /// Releases what `shortest` takes in of a row; whose ratings those were.
    fn release(
        &mut self,
        quarter: Quarter,
        row: &Row,
        shortest: ShortestPeriod,
    ) -> BTreeSet<Person> {
        let months = match shortest {
            ShortestPeriod::Month(month) => vec![month],
            ShortestPeriod::Quarter => quarter.months().to_vec(),
        };
        let mut people = Vec::new();
        for month in months {
            let held = self.held.get_mut(&(row.clone(), month));
            people.extend(held.map(Held::release).into_iter().flatten());
        }
        let is_own = |(attestation, dossier): &Person| {
            *attestation == ATTESTATIONS[0] && *dossier < OWN_DOSSIERS
        };
        people
            .into_iter()
            .filter(|person| !is_own(person))
            .collect()
    }
}

impl Archive {
    fn of(history: &History, thresholds: &Thresholds, officials: usize) -> Self {
        Self::by(Release::advance, history, thresholds, officials)
    }

    /// Published by the rule given.
    fn by(rule: Rule, history: &History, thresholds: &Thresholds, officials: usize) -> Self {
        let names = OFFICIALS[..officials].iter();
        let names = names.map(|id| Some(OfficialId::parse(id).unwrap()));
        let mut desk = Desk {
            subjects: [None].into_iter().chain(names).collect(),
            counted: BTreeMap::new(),
            held: BTreeMap::new(),
            used: BTreeSet::new(),
        };
        let mut archive = Self {
            snapshots: Vec::new(),
            atoms: Vec::new(),
            releases: BTreeMap::new(),
        };
        let mut today = date(2026, 8, 20);
        for (publication, (days, arrivals)) in history.iter().enumerate() {
            today += days.days();
            for arrival in arrivals {
                desk.take(arrival, today);
            }
            let this = Month::of(today).quarter();
            for quarter in [this.previous(), this] {
                if let Some(counted) = desk.counted.get(&quarter) {
                    let step = Step {
                        counted,
                        is_closed: is_closed(quarter, today),
                        today,
                    };
                    let before = archive.releases.entry(quarter).or_default().clone();
                    let after = rule(&before, step, thresholds);
                    archive.add_atoms(publication, quarter, today, [&before, &after], &mut desk);
                    archive.releases.insert(quarter, after);
                }
            }
            let unit = UnitId::parse("unit").unwrap();
            let ranking = RANKING.into();
            let results = unit_results(unit, &archive.releases, &BTreeMap::new(), &ranking);
            archive.snapshots.push(results);
        }
        archive
    }

    fn add_atoms(
        &mut self,
        publication: usize,
        quarter: Quarter,
        today: Date,
        [before, after]: [&Release; 2],
        desk: &mut Desk,
    ) {
        let months = quarter.months().into_iter();
        let months = months.filter(|month| *month <= Month::of(today));
        let places: Vec<ShortestPeriod> = months
            .map(ShortestPeriod::Month)
            .chain([ShortestPeriod::Quarter])
            .collect();
        let nothing = Tally::default();
        for attestation in ATTESTATIONS {
            for official_id in desk.subjects.clone() {
                let row = Row {
                    attestation,
                    official_id,
                };
                for shortest in &places {
                    let of = |grid: &ReleasedGrid| {
                        let tally = grid.get(&(row.clone(), *shortest));
                        tally.unwrap_or(&nothing).clone()
                    };
                    let tally = of(&after.grid).checked_sub(&of(&before.grid)).unwrap();
                    let people = match tally.is_empty() {
                        true => BTreeSet::new(),
                        false => desk.release(quarter, &row, *shortest),
                    };
                    let atom = Atom {
                        publication,
                        quarter,
                        shortest: *shortest,
                        row: row.clone(),
                    };
                    self.atoms.push(GrownAtom {
                        atom,
                        tally,
                        people,
                    });
                }
            }
        }
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
            let coefficients = self.atoms.iter().map(|grown| i64::from(sums(&grown.atom)));
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
                // Answers and reasons are none here, so a figure is its verdicts.
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

    /// What the atoms of a figure hold, with all that was voided.
    fn sum(&self, coefficients: &[i64]) -> Tally {
        let mut sum = Tally::default();
        let atoms = self.atoms.iter().zip(coefficients);
        for (grown, _) in atoms.filter(|(_, c)| **c != 0) {
            sum += &grown.tally;
        }
        sum
    }

    /// The first set of ratings found that can be taken apart by somebody who knows all ratings of the rows that
    /// `is_known` names, and that `search` looks for.
    fn leak(
        &self,
        places: Places,
        is_known: impl Fn(&Row) -> bool,
        search: &Search,
    ) -> Option<Vec<GrownAtom>> {
        self.leak_of(&self.equations(), places, is_known, search)
    }

    fn leak_of(
        &self,
        equations: &[(Tally, Vec<i64>)],
        places: Places,
        is_known: impl Fn(&Row) -> bool,
        search: &Search,
    ) -> Option<Vec<GrownAtom>> {
        let unknown = |index: usize| {
            let GrownAtom {
                atom,
                tally,
                people,
            } = &self.atoms[index];
            !is_known(&atom.row)
                && match places {
                    Places::All => !tally.is_empty() && !people.is_empty(),
                    Places::Published => !self.seen_empty(atom, equations, index),
                }
        };
        let columns: Vec<usize> = (0..self.atoms.len())
            .filter(|index| unknown(*index))
            .collect();
        let rows = equations
            .iter()
            .map(|(_, row)| columns.iter().map(|column| row[*column]).collect());
        let space = Space::spanned_by(rows.collect());
        let atoms: Vec<&GrownAtom> = columns.iter().map(|column| &self.atoms[*column]).collect();
        space.indicator(&atoms, search)
    }

    /// The first sum over fewer than k other people that can be had by knowing all ratings of all rows but one.
    ///
    /// Knowing fewer rows gives no more: a harmful set of several rows, cut down to one of them, is a harmful set of that
    /// row for whoever knows the others.
    fn leak_with_known_rows(&self, k: usize) -> Option<Vec<GrownAtom>> {
        let rows: BTreeSet<&Row> = self
            .atoms
            .iter()
            .map(|grown| &grown.atom.row)
            .filter(|row| RANKING.contains(&row.attestation))
            .collect();
        let (equations, search) = (self.equations(), Search::FewerPeopleThan(k));
        rows.into_iter().find_map(|unknown| {
            self.leak_of(&equations, Places::All, |row| row != unknown, &search)
        })
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
        let periods = atom.shortest.periods(atom.quarter);
        if stratum.is_none() || periods.into_iter().any(|period| listed(period).is_none()) {
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
        let grew = |grown: &GrownAtom| hidden(&grown.atom) && !grown.tally.is_empty();
        hidden(atom) && !self.atoms.iter().any(grew)
    }
}

impl Figure {
    fn sums(&self, atom: &Atom, results: &UnitResults) -> bool {
        let within = |period: &Period| atom.shortest.periods(atom.quarter).contains(period);
        let row = &atom.row;
        let is_ranking = RANKING.contains(&row.attestation);
        match self {
            Self::Total(period) => within(period) && is_ranking,
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
                    && is_ranking
                    && quarter.is_some_and(|quarter| quarter.officials.contains_key(official))
            }
        }
    }
}

/// What must not be taken apart from the rest.
enum Search {
    /// Ratings of any people, fewer than this.
    FewerPeopleThan(usize),
    /// Ratings of one of these officials and nobody else.
    OneOf(BTreeSet<OfficialId>),
}

impl Search {
    /// Whether a set with these people's ratings can still turn out harmful as it grows.
    fn may_harm(&self, people: usize, officials: &BTreeSet<&Option<OfficialId>>) -> bool {
        match self {
            Self::FewerPeopleThan(k) => people < *k,
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
    fn indicator(&self, atoms: &[&GrownAtom], search: &Search) -> Option<Vec<GrownAtom>> {
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
                let chosen =
                    chosen.filter(|(grown, value)| **value == 1 && !grown.people.is_empty());
                chosen.map(|(grown, _)| (*grown).clone()).collect()
            })
    }

    fn assign(
        &self,
        next: usize,
        vector: &mut Vec<i64>,
        complete_after: &[Vec<usize>],
        atoms: &[&GrownAtom],
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
            .map(|column| atoms[*column]);
        let (mut people, mut officials) = (BTreeSet::<&Person>::new(), BTreeSet::new());
        for grown in chosen {
            people.extend(&grown.people);
            officials.insert(&grown.atom.row.official_id);
        }
        if !search.may_harm(people.len(), &officials) {
            return false;
        }
        let Some((_, row)) = self.rows.get(next) else {
            return !people.is_empty();
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
        attacker_ratings: OWN_DOSSIERS,
        ranking_strata: RANKING.into_iter().collect(),
    }
}

/// Officials below n who are not shown, over all quarters; but for those who once had n, and of whose ratings none is
/// valid any more.
fn below(archive: &Archive, n: u64) -> BTreeSet<OfficialId> {
    let mut released: BTreeMap<OfficialId, Tally> = BTreeMap::new();
    let mut enough = BTreeSet::new();
    for publication in 0..archive.snapshots.len() {
        let grown = archive.atoms.iter();
        for grown in grown.filter(|grown| grown.atom.publication == publication) {
            if let Some(official) = &grown.atom.row.official_id {
                *released.entry(official.clone()).or_default() += &grown.tally;
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
    let voids = (prop_oneof![3 => Just(0), 1 => 1..9_u64], any::<bool>());
    let ratings = (0..30_u64, 0..10_u64, 0..10_u64);
    let arrival = (0..3_usize, 0..5_usize, any::<bool>(), ratings, voids);
    let arrival = arrival.prop_map(
        |(attestation, subject, late, (dossier, rated, satisfied), (voided, newest_first))| {
            Arrival {
                attestation,
                subject,
                late,
                dossier,
                rated,
                satisfied,
                voided,
                newest_first,
            }
        },
    );
    prop::collection::vec((0..25_i64, prop::collection::vec(arrival, 0..8)), 1..9)
}

/// Everything counted at once, and every official by name from n on.
fn careless(before: &Release, step: Step<'_>, thresholds: &Thresholds) -> Release {
    let mut rated: BTreeMap<&OfficialId, u64> = BTreeMap::new();
    for ((row, _), tally) in step.counted {
        if let Some(official) = &row.official_id
            && RANKING.contains(&row.attestation)
        {
            *rated.entry(official).or_default() += tally.rated();
        }
    }
    let enough = rated
        .into_iter()
        .filter(|(_, rated)| *rated >= thresholds.min_official_ratings);
    let grid = step.counted.iter().map(|((row, month), tally)| {
        let place = (row.clone(), ShortestPeriod::Month(*month));
        (place, tally.clone())
    });
    Release {
        grid: grid.collect(),
        shown: enough.map(|(official, _)| official.clone()).collect(),
        as_of: Some(step.today),
        ..before.clone()
    }
}

/// Satisfied ratings of dossiers from `dossier` on, which are all others' where it is at least [`OWN_DOSSIERS`].
fn arrival(attestation: usize, subject: usize, dossier: u64, rated: u64) -> Arrival {
    Arrival {
        attestation,
        subject,
        late: false,
        dossier,
        rated,
        satisfied: rated,
        voided: 0,
        newest_first: false,
    }
}

fn nobody_is_known(_: &Row) -> bool {
    false
}

#[test]
fn the_attacker_takes_apart_what_a_careless_rule_gives_away() {
    let few_more = vec![
        (0, vec![arrival(0, 0, 2, 9)]),
        (1, vec![arrival(0, 0, 11, 2)]),
    ];
    let one_left = vec![(0, vec![arrival(0, 1, 2, 12), arrival(0, 2, 20, 6)])];
    let seen_between = vec![
        (0, vec![arrival(0, 1, 2, 9), arrival(0, 2, 20, 4)]),
        (1, vec![arrival(0, 1, 40, 9), arrival(0, 2, 60, 3)]),
    ];
    let rules = thresholds(5, 10);
    let binh = || Search::OneOf([OfficialId::parse("binh").unwrap()].into());

    for (history, search) in [
        (&few_more, Search::FewerPeopleThan(5)),
        (&one_left, binh()),
        (&seen_between, binh()),
    ] {
        let careless = Archive::by(careless, history, &rules, 2);
        let ours = Archive::of(history, &rules, 2);

        assert!(
            careless
                .leak(Places::Published, nobody_is_known, &search)
                .is_some(),
            "{history:?}"
        );
        assert!(
            ours.leak(Places::All, nobody_is_known, &search).is_none(),
            "{history:?}"
        );
    }
}

/// Days from 20 August until the end of October, and on to the end of November.
const UNTIL_OCTOBER_31: i64 = 72;
const UNTIL_NOVEMBER_30: i64 = 30;

/// Ten ratings of an official are public. A citizen rates that official on the last day of October, four others do in
/// November, and the attacker posts four invented phones on the unit in each month.
fn invented_phones_beside_one_citizen() -> History {
    let phones = |first| arrival(2, 0, first, 4);
    vec![
        (UNTIL_OCTOBER_31, vec![arrival(0, 1, 10, 10)]),
        (0, vec![phones(0), arrival(0, 1, 30, 1)]),
        (UNTIL_NOVEMBER_30, vec![arrival(0, 1, 40, 4), phones(10)]),
    ]
}

/// One citizen rates the unit and four officials in October, and four others do in November.
fn one_citizen_rates_five_rows() -> History {
    let all = |dossier, rated| (0..5).map(move |subject| arrival(0, subject, dossier, rated));
    vec![
        (UNTIL_OCTOBER_31, all(10, 1).collect()),
        (UNTIL_NOVEMBER_30, all(20, 4).collect()),
    ]
}

#[test]
fn invented_phones_do_not_release_one_citizens_rating() {
    let (history, rules) = (invented_phones_beside_one_citizen(), thresholds(5, 10));
    let is_phone = |row: &Row| row.attestation == Attestation::PhoneDeclared;
    let alone = Search::FewerPeopleThan(2);

    let old = Archive::by(refused_rules::old, &history, &rules, 1);
    let ours = Archive::of(&history, &rules, 1);

    let leak = old.leak(Places::All, is_phone, &alone).unwrap();
    let people: BTreeSet<Person> = leak.into_iter().flat_map(|grown| grown.people).collect();
    assert_eq!(people, [(Attestation::DossierVerified, 30)].into());
    assert!(ours.leak(Places::All, is_phone, &alone).is_none());
    assert!(ours.leak_with_known_rows(5).is_none());
}

#[test]
fn one_citizen_who_rates_five_rows_is_one_person() {
    let (history, rules) = (one_citizen_rates_five_rows(), thresholds(5, 10));
    let alone = Search::FewerPeopleThan(2);

    let old = Archive::by(refused_rules::old, &history, &rules, 4);
    let ours = Archive::of(&history, &rules, 4);

    let leak = old.leak(Places::All, nobody_is_known, &alone).unwrap();
    let people: BTreeSet<Person> = leak.into_iter().flat_map(|grown| grown.people).collect();
    assert_eq!(people, [(Attestation::DossierVerified, 10)].into());
    assert!(ours.leak(Places::All, nobody_is_known, &alone).is_none());
    assert!(ours.leak_with_known_rows(5).is_none());
}

#[test]
fn two_genuine_slips_protect_nobody() {
    let with_slips = vec![(0, vec![arrival(0, 0, 0, 2), arrival(0, 0, 10, 4)])];
    let without_slips = vec![(0, vec![arrival(0, 0, 10, 6)])];
    let enough = vec![(0, vec![arrival(0, 0, 0, 2), arrival(0, 0, 10, 5)])];
    let rules = thresholds(5, 10);
    let trusting = Thresholds {
        attacker_ratings: 0,
        ..rules.clone()
    };
    let released = |history| {
        let releases = Archive::of(history, &rules, 0).releases;
        let grids = releases.values().flat_map(|release| release.grid.values());
        grids.map(Tally::rated).sum::<u64>()
    };

    assert!(
        Archive::of(&with_slips, &trusting, 0)
            .leak_with_known_rows(5)
            .is_some()
    );
    assert_eq!(
        [&with_slips, &without_slips, &enough].map(released),
        [0, 0, 7]
    );
}

#[test]
fn officials_below_n_do_not_protect_each_other() {
    let history = vec![(0, vec![arrival(0, 1, 10, 8), arrival(0, 2, 30, 3)])];
    let rules = thresholds(5, 10);

    let folded = Archive::by(refused_rules::folded, &history, &rules, 2);
    let ours = Archive::of(&history, &rules, 2);

    assert!(folded.leak_with_known_rows(5).is_some());
    assert!(ours.leak_with_known_rows(5).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_ratings_of_fewer_than_k_others_can_be_taken_apart(
        history in history(), k in 2..6_u64, extra in 0..6_u64, officials in 0..5_usize,
    ) {
        let archive = Archive::of(&history, &thresholds(k, k + extra), officials);

        let leak = archive.leak_with_known_rows(k as usize);

        prop_assert!(leak.is_none(), "{leak:#?}");
    }

    #[test]
    fn no_official_below_n_can_be_taken_apart(
        history in history(), k in 2..6_u64, extra in 0..6_u64, officials in 1..5_usize,
    ) {
        let n = k + extra;
        let archive = Archive::of(&history, &thresholds(k, n), officials);

        let leak = archive.leak(Places::Published, nobody_is_known, &Search::OneOf(below(&archive, n)));

        prop_assert!(leak.is_none(), "{leak:#?}");
    }
}
