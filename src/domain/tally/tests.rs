use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::arbitrary::{cell_key, counter, day, rating, ratings, ratings_of, tally, void_reason};
use crate::publication::{Release, Step, Thresholds, release, results};

const NOVEMBER: Month = Month {
    year: 2026,
    month: 11,
};

fn sum<'a>(tallies: impl IntoIterator<Item = &'a Tally>) -> Tally {
    let mut sum = Tally::default();
    for tally in tallies {
        sum += tally;
    }
    sum
}

/// Adds up the ratings one by one, as somebody would who knows no cells.
fn recount<'a>(ratings: impl IntoIterator<Item = &'a Rating>) -> Tally {
    let deltas: Vec<Tally> = ratings.into_iter().map(leaf_delta).collect();
    sum(&deltas)
}

fn merged(parts: impl IntoIterator<Item = BTreeMap<CellKey, Tally>>) -> BTreeMap<CellKey, Tally> {
    let mut whole: BTreeMap<CellKey, Tally> = BTreeMap::new();
    for (cell, tally) in parts.into_iter().flatten() {
        *whole.entry(cell).or_default() += &tally;
    }
    whole
}

type OfCell<'a> = &'a dyn Fn(&CellKey) -> bool;
type OfRating<'a> = &'a dyn Fn(&Rating) -> bool;

proptest! {
    #[test]
    fn a_rating_adds_one_of_each_of_its_own(rating in rating()) {
        let delta = leaf_delta(&rating);

        let satisfied = u64::from(rating.satisfaction == Satisfaction::Satisfied);
        prop_assert_eq!((delta.rated(), delta.satisfied(), delta.not_satisfied()), (1, satisfied, 1 - satisfied));
        for reason in &rating.reasons {
            prop_assert_eq!(delta.get(&Counter::Reason(reason.clone())), 1);
        }
        for (question, answer) in &rating.answers {
            prop_assert_eq!(delta.get(&Counter::Answer(question.clone(), answer.clone())), 1);
        }
        prop_assert_eq!(delta.counters().count(), 2 + rating.reasons.len() + rating.answers.len());
        prop_assert_eq!(CellKey::of(&rating).rater_kind(), rating.attestation.rater_kind());
    }

    #[test]
    fn cells_are_the_same_in_any_order_and_any_grouping(
        (ratings, shuffled) in ratings(0..40).prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(shuffled.len() + 1)).collect();
        cuts.extend([0, shuffled.len()]);
        cuts.sort_unstable();
        let parts: Vec<_> = cuts.windows(2).map(|cut| fold(&shuffled[cut[0]..cut[1]])).collect();
        let (left, right) = parts.split_at(parts.len() / 2);
        let backwards = merged([merged(right.iter().rev().cloned()), merged(left.iter().cloned())]);

        prop_assert_eq!(&fold(&shuffled), &fold(&ratings));
        prop_assert_eq!(merged(parts.clone()), fold(&ratings));
        prop_assert_eq!(backwards, fold(&ratings));
    }

    #[test]
    fn every_dimension_adds_up_to_the_same(ratings in ratings(0..40)) {
        let cells = fold(&ratings);
        let total = recount(&ratings);

        prop_assert_eq!(sum(cells.values()), total.clone());
        prop_assert_eq!(total.rated(), total.satisfied() + total.not_satisfied());
        for attestation in Attestation::ALL {
            let of = |cell: &CellKey| cell.attestation == *attestation;
            let by_cells = sum(cells.iter().filter(|(cell, _)| of(cell)).map(|(_, tally)| tally));
            prop_assert_eq!(by_cells, recount(ratings.iter().filter(|r| r.attestation == *attestation)));
        }
        for cell in cells.keys() {
            let same_day = |date: jiff::civil::Date| (Month::of(date), date.day()) == (cell.month, cell.day);
            let parts: [(OfCell<'_>, OfRating<'_>); 5] = [
                (&|c| c.official_id == cell.official_id, &|r| r.subject.official_id == cell.official_id),
                (&|c| c.field_id == cell.field_id, &|r| r.field_id == cell.field_id),
                (&|c| c.channel == cell.channel, &|r| r.channel == cell.channel),
                (&|c| c.rater_kind() == cell.rater_kind(), &|r| r.attestation.rater_kind() == cell.rater_kind()),
                (&|c| (c.month, c.day) == (cell.month, cell.day), &|r| same_day(r.date)),
            ];
            for (of_cell, of_rating) in parts {
                let by_cells = sum(cells.iter().filter(|(cell, _)| of_cell(cell)).map(|(_, tally)| tally));
                prop_assert_eq!(by_cells, recount(ratings.iter().filter(|rating| of_rating(rating))));
            }
        }
    }

    #[test]
    fn published_sums_agree_across_periods_strata_and_officials(ratings in ratings(0..40), today in day()) {
        let ranking = BTreeSet::from([Attestation::DossierVerified, Attestation::DeviceSession]);
        let thresholds = Thresholds {
            min_new_ratings: 1, min_official_ratings: 1, attacker_ratings: 0, ranking_strata: ranking.clone(),
        };
        let mut cells: BTreeMap<_, BTreeMap<CellKey, Tally>> = BTreeMap::new();
        for (cell, tally) in fold(&ratings) {
            cells.entry(cell.month.quarter()).or_default().insert(cell, tally);
        }
        let released = |cells: &BTreeMap<CellKey, Tally>| {
            let step = Step { counted: &release::grid(cells), is_closed: false, today };
            Release::default().advance(step, &thresholds)
        };
        let releases = cells.iter().map(|(quarter, cells)| (*quarter, released(cells))).collect();
        let unit = UnitId::parse("48-20194").unwrap();

        let results = results::unit_results(unit, &releases, &BTreeMap::new(), &ranking);

        use crate::period::Period;
        let within = |period: Period| ratings.iter().filter(move |rating| {
            let month = Month::of(rating.date);
            match period {
                Period::All => true,
                Period::Year(year) => month.year == year,
                Period::Quarter(quarter) => month.quarter() == quarter,
                Period::Month(other) => month == other,
            }
        });
        prop_assert_eq!(results.periods.contains_key(&Period::All), !ratings.is_empty());
        for (period, of) in &results.periods {
            let counts = |rating: &&Rating| ranking.contains(&rating.attestation);
            prop_assert_eq!(&of.total, &recount(within(*period).filter(counts)));
            prop_assert_eq!((of.ledger.received, of.ledger.published), (of.total.rated(), of.total.rated()));
            prop_assert_eq!(of.ledger.waiting(), 0);
            for attestation in Attestation::ALL.iter().filter(|attestation| !ranking.contains(attestation)) {
                let received = within(*period).filter(|rating| rating.attestation == *attestation).count() as u64;
                prop_assert_eq!(of.unverified.get(attestation).map_or(0, |ratings| ratings.count()), received);
            }
            if matches!(period, Period::Month(_)) {
                prop_assert!(of.strata.is_empty() && of.officials.is_empty());
                continue;
            }
            prop_assert_eq!(&of.answers, &of.total.only(Counter::is_answer));
            for (attestation, stratum) in &of.strata {
                let of_stratum = within(*period).filter(|rating| rating.attestation == *attestation);
                let (officials, itself): (Vec<_>, Vec<_>) =
                    of_stratum.partition(|rating| rating.subject.official_id.is_some());
                prop_assert_eq!(&stratum.officials, &recount(officials));
                prop_assert_eq!(&stratum.unit_itself, &recount(itself));
            }
            prop_assert_eq!(&sum(of.strata.values().flat_map(|s| [&s.unit_itself, &s.officials])), &of.total);
            let ranked = ranking.iter().filter_map(|a| of.strata.get(a)).map(|stratum| &stratum.officials);
            prop_assert_eq!(sum(of.officials.values()), sum(ranked));
        }
    }

    #[test]
    fn subtracting_undoes_adding_and_never_goes_below_zero(a in tally(), b in tally()) {
        let mut both = a.clone();
        both += &b;
        let covered = b.counters().all(|(counter, amount)| a.get(counter) >= amount);

        prop_assert_eq!(both.checked_sub(&b), Some(a.clone()));
        prop_assert_eq!(both.checked_sub(&a), Some(b.clone()));
        prop_assert_eq!(a.checked_sub(&a), Some(Tally::default()));
        prop_assert!(a.checked_sub(&a).unwrap().is_empty());
        prop_assert_eq!(a.is_empty(), a.counters().count() == 0);
        prop_assert_eq!(a.checked_sub(&b).is_some(), covered);
    }

    #[test]
    fn a_cell_and_a_counter_read_back_as_written(cell in cell_key(), counter in counter()) {
        let read = CellKey::parse(cell.unit_id.clone(), cell.month, &cell.sort_key());

        prop_assert_eq!(read.unwrap(), cell);
        prop_assert_eq!(Counter::parse(&counter.to_string()), Some(counter));
    }

    #[test]
    fn nothing_that_is_no_cell_or_counter_reads_as_one(text in "[a-z#:0-9]{0,24}") {
        let unit = UnitId::parse("u").unwrap();
        if let Ok(cell) = CellKey::parse(unit, NOVEMBER, &text) {
            prop_assert_eq!(CellKey::parse(cell.unit_id.clone(), NOVEMBER, &cell.sort_key()).unwrap(), cell);
        }
        if let Some(counter) = Counter::parse(&text) {
            prop_assert_eq!(counter.to_string(), text);
        }
    }
}

#[test]
fn a_day_outside_a_month_is_no_cell() {
    let unit = UnitId::parse("u").unwrap();
    for (day, valid) in [
        ("00", false),
        ("01", true),
        ("31", true),
        ("32", false),
        ("x", false),
    ] {
        let cell = CellKey::parse(
            unit.clone(),
            NOVEMBER,
            &format!("dossier_verified#an##web#{day}"),
        );

        assert_eq!(cell.is_ok(), valid, "{day}");
    }
}

/// One change to a counted rating or a cell by somebody with the rights to.
#[derive(Debug, Clone)]
enum Tamper {
    Raise(Index, Counter),
    Lower(Index, Index),
    Drop(Index),
    Move(Index, CellKey),
    Invent(CellKey, Counter),
    RemoveRating(Index),
    RepeatRating(Index),
    ReplaceRating(Index, Rating),
    TurnVerdict(Index),
    /// The mark set again, or removed without counting.
    TurnMark(Index),
    /// Set aside, or for another reason, or no more.
    TurnVoid(Index, Option<VoidReason>),
}

fn tamper() -> impl Strategy<Value = Tamper> {
    let at = any::<Index>;
    prop_oneof![
        (at(), counter()).prop_map(|(at, counter)| Tamper::Raise(at, counter)),
        (at(), option::of(void_reason())).prop_map(|(at, void)| Tamper::TurnVoid(at, void)),
        (at(), at()).prop_map(|(at, counter)| Tamper::Lower(at, counter)),
        at().prop_map(Tamper::Drop),
        (at(), cell_key()).prop_map(|(at, cell)| Tamper::Move(at, cell)),
        (cell_key(), counter()).prop_map(|(cell, counter)| Tamper::Invent(cell, counter)),
        at().prop_map(Tamper::RemoveRating),
        at().prop_map(Tamper::RepeatRating),
        (at(), rating()).prop_map(|(at, rating)| Tamper::ReplaceRating(at, rating)),
        at().prop_map(Tamper::TurnVerdict),
        at().prop_map(Tamper::TurnMark),
    ]
}

/// A rating as somebody with the rights finds it.
#[derive(Debug, Clone)]
struct Found {
    rating: Rating,
    pending: bool,
    void: Option<VoidReason>,
}

fn counted(found: &[Found]) -> Cells {
    let counted = found.iter().filter(|found| !found.pending);
    fold_counted(counted.map(|found| (&found.rating, found.void)))
}

/// Cells and ratings after `tamper`; the first `pending` wait.
fn tampered(honest: &[Found], pending: usize, tamper: &Tamper) -> (Cells, Vec<Found>) {
    let mut cells = counted(honest);
    let mut stored = honest.to_vec();
    let number = honest.len() - pending;
    let key = |at: &Index| cells.keys().nth(at.index(cells.len())).unwrap().clone();
    match tamper {
        Tamper::Raise(at, counter) => cells.get_mut(&key(at)).unwrap().add(counter.clone(), 1),
        Tamper::Lower(at, counter) => {
            let tally = cells.get_mut(&key(at)).unwrap();
            let counters: Vec<Counter> = tally
                .counters()
                .map(|(counter, _)| counter.clone())
                .collect();
            let one = Tally::from_iter([(counters[counter.index(counters.len())].clone(), 1)]);
            *tally = tally.checked_sub(&one).unwrap();
        }
        Tamper::Drop(at) => drop(cells.remove(&key(at))),
        Tamper::Move(at, to) => {
            let tally = cells.remove(&key(at)).unwrap();
            *cells.entry(to.clone()).or_default() += &tally;
        }
        Tamper::Invent(cell, counter) => cells
            .entry(cell.clone())
            .or_default()
            .add(counter.clone(), 1),
        Tamper::RemoveRating(at) => drop(stored.remove(pending + at.index(number))),
        Tamper::RepeatRating(at) => stored.push(stored[pending + at.index(number)].clone()),
        Tamper::ReplaceRating(at, rating) => {
            stored[pending + at.index(number)].rating = rating.clone()
        }
        Tamper::TurnVerdict(at) => {
            let rating = &mut stored[pending + at.index(number)].rating;
            rating.satisfaction = match rating.satisfaction {
                Satisfaction::Satisfied => Satisfaction::NotSatisfied,
                Satisfaction::NotSatisfied => Satisfaction::Satisfied,
            };
        }
        Tamper::TurnMark(at) => {
            let mark = &mut stored[at.index(honest.len())].pending;
            *mark = !*mark;
        }
        Tamper::TurnVoid(at, void) => stored[pending + at.index(number)].void = *void,
    }
    (cells, stored)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn reconciling_catches_every_single_tamper(
        found in vec(ratings_of(NOVEMBER, 1..2).prop_map(|mut one| one.remove(0)), 2..6),
        voids in vec(option::of(void_reason()), 6), pending in any::<Index>(), tamper in tamper(),
    ) {
        let pending = pending.index(found.len());
        let honest: Vec<Found> = found.into_iter().zip(voids).enumerate().map(|(index, (rating, void))| {
            let pending = index < pending;
            Found { rating, pending, void: void.filter(|_| !pending) }
        }).collect();
        let truth = counted(&honest);
        let (cells, stored) = tampered(&honest, pending, &tamper);
        // Moving a cell onto itself, or putting in place of a rating what counts the same, changes nothing.
        let changed = match &tamper {
            Tamper::Move(..) => cells != truth,
            Tamper::ReplaceRating(..) | Tamper::TurnVoid(..) => counted(&stored) != truth,
            _ => true,
        };

        prop_assert_eq!(mismatches(&truth, &counted(&honest)), Vec::new());
        prop_assert_eq!(mismatches(&cells, &counted(&stored)).is_empty(), !changed);
    }

    #[test]
    fn what_stands_is_the_fold_of_the_ratings_that_were_not_set_aside(
        ratings in ratings_of(NOVEMBER, 0..12), voids in vec(option::of(void_reason()), 12),
    ) {
        let stored: Vec<_> = ratings.iter().zip(voids).collect();
        let cells = fold_counted(stored.iter().map(|(rating, void)| (*rating, *void)));
        let left = fold(stored.iter().filter(|(_, void)| void.is_none()).map(|(rating, _)| *rating));
        let number = |reason: VoidReason| stored.iter().filter(|(_, void)| *void == Some(reason)).count() as u64;

        let net: Cells = cells.iter().map(|(key, tally)| (key.clone(), tally.net()))
            .filter(|(_, tally)| !tally.is_empty()).collect();
        let total = sum(cells.values());

        prop_assert_eq!(net, left);
        prop_assert_eq!(total.rated(), ratings.len() as u64);
        prop_assert_eq!(total.standing() + total.voided(), total.rated());
        for reason in VoidReason::ALL {
            prop_assert_eq!(total.get(&Counter::VoidedFor(*reason)), number(*reason));
        }
    }
}
