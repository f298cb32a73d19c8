use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::publication::thresholds::ATTACKER_RATINGS;
use crate::tally::Counter;

const TODAY: Date = date(2026, 11, 21);
const AFTER_THE_QUARTER: Date = date(2027, 1, 4);

fn month(month: i8) -> Month {
    Month { year: 2026, month }
}

fn row(attestation: Attestation, official: &str) -> Row {
    let official_id = (!official.is_empty()).then(|| OfficialId::parse(official).unwrap());
    Row {
        attestation,
        official_id,
    }
}

fn verified(official: &str) -> Row {
    row(Attestation::DossierVerified, official)
}

fn rated(rated: u64, satisfied: u64) -> Tally {
    [
        (Counter::Rated, rated),
        (Counter::Satisfied, satisfied),
        (Counter::NotSatisfied, rated - satisfied),
    ]
    .into_iter()
    .collect()
}

fn counted(rows: &[(&str, i8, u64)]) -> Grid {
    rows.iter()
        .map(|(official, m, n)| ((verified(official), month(*m)), rated(*n, *n)))
        .collect()
}

/// Nobody has a slip, so that numbers are easy to read.
fn thresholds(k: u64, n: u64) -> Thresholds {
    Thresholds {
        min_new_ratings: k,
        min_official_ratings: n,
        attacker_ratings: 0,
        ranking_strata: BTreeSet::from([Attestation::DossierVerified]),
    }
}

fn advance(release: &Release, counted: &Grid, rules: &Thresholds, today: Date) -> Release {
    let step = Step {
        counted,
        is_closed: false,
        today,
    };
    release.advance(step, rules)
}

fn first(counted: &Grid, rules: &Thresholds) -> Release {
    advance(&Release::default(), counted, rules, TODAY)
}

fn close(release: &Release, counted: &Grid, rules: &Thresholds) -> Release {
    let step = Step {
        counted,
        is_closed: true,
        today: AFTER_THE_QUARTER,
    };
    release.advance(step, rules)
}

fn released(release: &Release) -> u64 {
    release.grid.values().map(Tally::rated).sum()
}

/// Released ratings of a row: by month, and in the quarter alone.
fn of_row(release: &Release, row: &Row) -> (BTreeMap<i8, u64>, u64) {
    let (mut months, mut quarter) = (BTreeMap::new(), 0);
    for ((other, shortest), tally) in &release.grid {
        match shortest {
            _ if other != row => {}
            ShortestPeriod::Month(month) => {
                months.insert(month.month, tally.rated());
            }
            ShortestPeriod::Quarter => quarter += tally.rated(),
        }
    }
    (months, quarter)
}

#[test]
fn fewer_than_k_new_ratings_move_nothing() {
    let rules = thresholds(5, 10);
    let first = first(&counted(&[("", 11, 5)]), &rules);
    let second = advance(&first, &counted(&[("", 11, 9)]), &rules, TODAY);
    let third = advance(&second, &counted(&[("", 11, 10)]), &rules, TODAY);

    assert_eq!(
        (released(&first), released(&second), released(&third)),
        (5, 5, 10)
    );
    assert_eq!(second, first);
}

#[test]
fn two_more_ratings_are_waited_for_because_an_attacker_may_have_given_them() {
    let rules = Thresholds {
        attacker_ratings: ATTACKER_RATINGS,
        ..thresholds(5, 10)
    };

    let six = first(&counted(&[("", 11, 6)]), &rules);
    let seven = first(&counted(&[("", 11, 7)]), &rules);

    assert_eq!((released(&six), released(&seven)), (0, 7));
}

#[test]
fn no_row_and_no_month_is_company_for_another() {
    let rules = thresholds(5, 5);
    let all = counted(&[
        ("", 10, 4),
        ("", 11, 4),
        ("an", 10, 4),
        ("an", 11, 5),
        ("binh", 11, 4),
    ]);

    let release = first(&all, &rules);

    let expected = (verified("an"), ShortestPeriod::Month(month(11)));
    assert_eq!(release.grid, BTreeMap::from([(expected, rated(5, 5))]));
}

#[test]
fn unverified_ratings_release_nothing_of_others() {
    let mut all = counted(&[("an", 11, 4)]);
    for declared in ["", "an", "binh"] {
        let place = (row(Attestation::PhoneDeclared, declared), month(11));
        all.insert(place, rated(50, 50));
    }

    let release = first(&all, &thresholds(5, 5));

    assert!(release.grid.is_empty() && release.as_of.is_none());
    assert_eq!(
        release.received,
        BTreeMap::from([((month(11), Attestation::PhoneDeclared), 150)])
    );
}

#[test]
fn an_official_below_n_stays_unshown_and_cannot_be_got_by_subtraction() {
    let both = counted(&[("", 11, 20), ("an", 11, 12), ("binh", 11, 6)]);

    let release = first(&both, &thresholds(5, 10));

    assert_eq!(
        release.shown,
        BTreeSet::from([OfficialId::parse("an").unwrap()])
    );
    assert_eq!(released(&release), 32);
}

#[test]
fn two_small_officials_are_released_together_without_their_names() {
    let both = counted(&[("an", 11, 7), ("binh", 11, 6)]);

    let release = first(&both, &thresholds(5, 10));

    assert_eq!((released(&release), release.shown.len()), (13, 0));
}

#[test]
fn an_official_waits_when_showing_them_would_leave_another_alone() {
    let rules = thresholds(5, 10);
    let both = first(&counted(&[("an", 11, 7), ("binh", 11, 6)]), &rules);
    let alone = advance(
        &both,
        &counted(&[("an", 11, 12), ("binh", 11, 6)]),
        &rules,
        TODAY,
    );
    let protected = advance(
        &alone,
        &counted(&[("an", 11, 12), ("binh", 11, 11)]),
        &rules,
        TODAY,
    );

    assert!(alone.shown.is_empty());
    assert_eq!(released(&alone), 18);
    assert_eq!(protected.shown.len(), 2);
}

#[test]
fn a_straggler_of_a_closed_month_is_not_singled_out() {
    let rules = thresholds(5, 10);
    let october = first(&counted(&[("", 10, 8)]), &rules);
    let november = advance(
        &october,
        &counted(&[("", 10, 10), ("", 11, 7)]),
        &rules,
        TODAY,
    );

    assert_eq!(
        of_row(&november, &verified("")),
        (BTreeMap::from([(10, 8), (11, 7)]), 0)
    );
}

#[test]
fn what_months_leave_over_is_shown_in_the_quarter_alone() {
    let rules = thresholds(5, 10);
    let all = counted(&[("", 10, 8), ("", 11, 3), ("", 12, 2), ("an", 12, 4)]);

    let open = first(&all, &rules);
    let closed = close(&open, &all, &rules);

    assert_eq!(of_row(&open, &verified("")), (BTreeMap::from([(10, 8)]), 0));
    assert_eq!(
        of_row(&closed, &verified("")),
        (BTreeMap::from([(10, 8)]), 5)
    );
    assert_eq!(of_row(&closed, &verified("an")), (BTreeMap::new(), 0));
    assert_eq!(close(&closed, &all, &rules), closed);
    let quarter = month(10).quarter();
    assert_eq!(
        ShortestPeriod::Quarter.periods(quarter),
        [Period::All, Period::Year(2026), Period::Quarter(quarter)]
    );
}

#[test]
fn at_the_close_a_month_joins_what_would_be_too_few_alone() {
    let rules = thresholds(5, 10);
    let too_few = counted(&[("", 10, 8), ("", 11, 3)]);
    let enough = counted(&[("", 10, 8), ("", 11, 3), ("", 12, 2)]);
    let none = counted(&[("", 10, 8), ("", 11, 5)]);

    let closed = |all: &Grid| of_row(&close(&Release::default(), all, &rules), &verified(""));

    assert_eq!(closed(&too_few), (BTreeMap::new(), 11));
    assert_eq!(closed(&enough), (BTreeMap::from([(10, 8)]), 5));
    assert_eq!(closed(&none), (BTreeMap::from([(10, 8), (11, 5)]), 0));
}

#[test]
fn ratings_counted_after_the_close_join_the_quarter() {
    let rules = thresholds(5, 10);
    let closed = close(
        &Release::default(),
        &counted(&[("", 10, 3), ("", 11, 3)]),
        &rules,
    );

    let few = close(&closed, &counted(&[("", 10, 7), ("", 11, 3)]), &rules);
    let more = close(&closed, &counted(&[("", 10, 8), ("", 11, 3)]), &rules);

    assert_eq!(few, closed);
    assert_eq!(of_row(&more, &verified("")), (BTreeMap::new(), 11));
}

#[test]
fn the_last_fortnight_of_a_quarter_keeps_enough_back_for_the_close() {
    let rules = thresholds(5, 10);
    let december = counted(&[("", 11, 3), ("", 12, 6)]);
    let both = counted(&[("", 11, 6), ("", 12, 9)]);
    let on = |day, all: &Grid| {
        let release = advance(&Release::default(), all, &rules, date(2026, 12, day));
        of_row(&release, &verified("")).0
    };

    assert_eq!(on(14, &december), BTreeMap::from([(12, 6)]));
    assert_eq!(on(15, &december), BTreeMap::new());
    assert_eq!(on(15, &both), BTreeMap::from([(11, 6)]));
    let at_once = thresholds(1, 1);
    let one = counted(&[("", 12, 1)]);
    assert_eq!(
        released(&advance(
            &Release::default(),
            &one,
            &at_once,
            date(2026, 12, 31)
        )),
        1
    );
}

#[test]
fn unverified_strata_are_released_whole_once_the_quarter_is_closed() {
    let rules = thresholds(5, 10);
    let declared = |official| row(Attestation::PhoneDeclared, official);
    let mut all = counted(&[("", 11, 5)]);
    all.insert((declared(""), month(10)), rated(2, 1));
    all.insert((declared("an"), month(12)), rated(4, 4));
    all.insert((row(Attestation::PaperEntry, ""), month(12)), rated(4, 4));

    let open = first(&all, &rules);
    let closed = close(&open, &all, &rules);

    assert_eq!(open.grid.len(), 1);
    let quarter = |row| (row, ShortestPeriod::Quarter);
    assert_eq!(closed.grid[&quarter(declared(""))], rated(2, 1));
    assert_eq!(closed.grid[&quarter(declared("an"))], rated(4, 4));
    assert!(
        !closed
            .grid
            .contains_key(&quarter(row(Attestation::PaperEntry, "")))
    );
    assert_eq!(close(&closed, &all, &rules), closed);
}

#[test]
fn a_quarter_keeps_the_thresholds_it_began_with() {
    let (strict, loose) = (thresholds(5, 10), thresholds(1, 1));
    let all = counted(&[("an", 11, 6)]);
    let mut with_claimed = all.clone();
    with_claimed.insert(
        (row(Attestation::DossierClaimed, "an"), month(11)),
        rated(9, 9),
    );
    let waits = first(&counted(&[("", 11, 5)]), &strict);

    let later = advance(
        &waits,
        &counted(&[("", 11, 9), ("an", 11, 6)]),
        &loose,
        TODAY,
    );
    let more_strata = Thresholds {
        ranking_strata: BTreeSet::from([Attestation::DossierVerified, Attestation::DossierClaimed]),
        ..strict.clone()
    };
    let unmoved = advance(&waits, &with_claimed, &more_strata, TODAY);

    assert_eq!(later.grid, waits.grid);
    assert_eq!(later.thresholds, Some(strict.clone()));
    assert_eq!(
        unmoved.ranking_strata(&BTreeSet::new()),
        &strict.ranking_strata
    );
    assert!(unmoved.grid == waits.grid && unmoved.shown.is_empty());
}

#[test]
fn a_release_stored_without_thresholds_takes_those_in_force_and_shows_what_it_showed() {
    let rules = thresholds(5, 10);
    let all = counted(&[("an", 11, 12)]);
    let stored = Release {
        thresholds: None,
        ..first(&all, &rules)
    };

    let next = advance(&stored, &all, &rules, TODAY);

    let expected = Release {
        thresholds: Some(rules),
        ..stored
    };
    assert_eq!(next, expected);
}

#[test]
fn a_raised_threshold_moves_nothing_until_it_is_met() {
    let both = counted(&[("an", 11, 7), ("binh", 11, 6)]);
    let before = Release {
        thresholds: None,
        ..first(&both, &thresholds(5, 10))
    };

    let raised = thresholds(5, 20);
    let waits = advance(
        &before,
        &counted(&[("an", 11, 12), ("binh", 11, 6)]),
        &raised,
        TODAY,
    );
    let goes_on = advance(
        &waits,
        &counted(&[("an", 11, 14), ("binh", 11, 6)]),
        &raised,
        TODAY,
    );

    assert_eq!((&waits.grid, &waits.shown), (&before.grid, &before.shown));
    assert_eq!((released(&goes_on), goes_on.shown.len()), (20, 0));
}

#[test]
fn thresholds_of_one_show_every_rating_at_once() {
    let release = first(&counted(&[("", 11, 1), ("an", 10, 1)]), &thresholds(1, 1));

    assert_eq!((released(&release), release.shown.len()), (2, 1));
}

/// Adds `voided` of the ratings of `official` in a month as voided.
fn void(grid: &mut Grid, official: &str, m: i8, voided: u64) {
    let tally = grid.get_mut(&(verified(official), month(m))).unwrap();
    for counter in [Counter::Rated, Counter::Satisfied] {
        tally.add(Counter::Voided(Box::new(counter)), voided);
    }
}

/// `voided` of the ratings counted in November, of the unit itself.
fn with_voids(rated_in_november: u64, voided: u64) -> Grid {
    let mut grid = counted(&[("", 11, rated_in_november)]);
    void(&mut grid, "", 11, voided);
    grid
}

fn standing(release: &Release) -> u64 {
    let mut sum = Tally::default();
    release.grid.values().for_each(|tally| sum += tally);
    sum.standing()
}

#[test]
fn a_void_waits_until_enough_changes_and_is_counted_at_once() {
    let rules = thresholds(5, 10);
    let first = first(&with_voids(12, 0), &rules);
    let next = |release, rated, voided| advance(release, &with_voids(rated, voided), &rules, TODAY);

    let one = next(&first, 12, 1);
    let with_four_ratings = next(&one, 16, 1);
    let with_six_ratings = next(&one, 18, 1);
    let five = next(&one, 12, 5);

    let place = (month(11), Attestation::DossierVerified);
    assert!(first.set_aside.is_empty());
    assert_eq!((standing(&one), one.set_aside[&place]), (12, 1));
    assert_eq!(one.as_of, first.as_of);
    // The one voided may be one of the four: then only three came in.
    assert_eq!(standing(&with_four_ratings), 12);
    assert_eq!(standing(&with_six_ratings), 17);
    assert_eq!((standing(&five), five.set_aside[&place]), (7, 5));
}

#[test]
fn a_rating_voided_before_its_release_makes_up_no_number() {
    let rules = thresholds(5, 10);
    let release = first(&with_voids(6, 2), &rules);
    let later = advance(&release, &with_voids(7, 2), &rules, TODAY);

    assert_eq!(standing(&release), 0);
    assert_eq!(standing(&later), 5);
}

#[test]
fn voids_after_the_close_are_taken_off_the_quarter() {
    let rules = thresholds(5, 10);
    let mut all = counted(&[("", 10, 9), ("", 11, 3), ("", 12, 3)]);
    let open = first(&all, &rules);
    let closed = close(&open, &all, &rules);
    void(&mut all, "", 10, 5);

    let after = close(&closed, &all, &rules);

    assert_eq!((standing(&closed), standing(&after)), (15, 10));
    assert_eq!(
        of_row(&after, &verified("")),
        of_row(&closed, &verified(""))
    );
}

#[test]
fn an_official_is_not_left_alone_by_voiding_the_others_ratings() {
    let with_binh = |an: u64, voided: u64| {
        let mut grid = counted(&[("an", 11, an), ("binh", 10, 6)]);
        void(&mut grid, "binh", 10, voided);
        grid
    };
    let rules = thresholds(2, 4);
    let first = first(&with_binh(3, 4), &rules);

    let later = advance(&first, &with_binh(8, 6), &rules, TODAY);

    // Shown, an would tell what binh had before: the officials' first sum less an.
    assert_eq!((standing(&first), first.shown.len()), (5, 0));
    assert!(later.shown.is_empty());
}

/// Arrivals: (attestation, official 0–3 where 0 is the unit itself, month, how many), and whether the quarter is closed.
type History = Vec<(Vec<(usize, usize, i8, u64)>, bool)>;

fn history() -> impl Strategy<Value = History> {
    let arrival = (0..2_usize, 0..4_usize, 10..13_i8, 1..8_u64);
    let step = (
        prop::collection::vec(arrival, 0..6),
        prop::bool::weighted(0.2),
    );
    prop::collection::vec(step, 1..12)
}

proptest! {
    #[test]
    fn no_step_of_any_history_grows_by_too_few(
        history in history(), k in 1..6_u64, extra in 0..6_u64, day in 1..31_i8,
    ) {
        let rules = Thresholds { attacker_ratings: k % 3, ..thresholds(k, k + extra) };
        let attestations = [Attestation::DossierVerified, Attestation::PhoneDeclared];
        let mut all = Grid::new();
        let mut release = Release::default();

        for (arrivals, is_closed) in history {
            for (attestation, official, m, n) in arrivals {
                let official = ["", "an", "binh", "chi"][official];
                *all.entry((row(attestations[attestation], official), month(m))).or_default() += &rated(n, n / 2);
            }
            let step = Step { counted: &all, is_closed, today: date(2026, 12, day) };
            let next = release.advance(step, &rules);

            let mut hidden: BTreeMap<Attestation, u64> = BTreeMap::new();
            let mut of: BTreeMap<OfficialId, u64> = BTreeMap::new();
            let mut rows: BTreeMap<Row, u64> = BTreeMap::new();
            for ((row, shortest), tally) in &next.grid {
                let old = release.grid.get(&(row.clone(), *shortest)).map_or(0, Tally::rated);
                let grown = tally.rated() - old;
                *rows.entry(row.clone()).or_default() += tally.rated();
                if row.attestation == Attestation::PhoneDeclared {
                    prop_assert!(*shortest == ShortestPeriod::Quarter);
                    continue;
                }
                prop_assert!(grown == 0 || grown >= rules.min_growth());
                if is_hidden(row, &next.shown, &rules) {
                    *hidden.entry(row.attestation).or_default() += tally.rated();
                } else if let Some(official) = &row.official_id {
                    *of.entry(official.clone()).or_default() += tally.rated();
                }
            }
            for (row, released) in rows {
                let counted = all.iter().filter(|((other, _), _)| *other == row);
                prop_assert!(released <= counted.map(|(_, tally)| tally.rated()).sum());
            }
            prop_assert!(hidden.values().all(|rated| *rated == 0 || *rated >= rules.min_official_ratings), "{hidden:?}");
            prop_assert!(next.shown.iter().all(|official| of[official] >= rules.min_official_ratings));
            prop_assert!(release.shown.is_subset(&next.shown));
            prop_assert_eq!(next.advance(step, &rules), next.clone());
            release = next;
        }
    }
}
