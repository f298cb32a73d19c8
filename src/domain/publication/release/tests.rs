use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::tally::Counter;

const TODAY: Date = date(2026, 11, 21);

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
        .map(|(official, m, n)| {
            (
                (row(Attestation::DossierVerified, official), month(*m)),
                rated(*n, *n),
            )
        })
        .collect()
}

fn thresholds(k: u64, n: u64) -> Thresholds {
    Thresholds {
        min_new_ratings: k,
        min_official_ratings: n,
        ranking_strata: BTreeSet::from([Attestation::DossierVerified]),
    }
}

fn released(release: &Release) -> u64 {
    release.grid.values().map(Tally::rated).sum()
}

#[test]
fn fewer_than_k_new_ratings_move_nothing() {
    let first = Release::default().advance(&counted(&[("", 11, 5)]), &thresholds(5, 10), TODAY);
    let second = first.advance(&counted(&[("", 11, 9)]), &thresholds(5, 10), TODAY);
    let third = second.advance(&counted(&[("", 11, 10)]), &thresholds(5, 10), TODAY);

    assert_eq!(
        (released(&first), released(&second), released(&third)),
        (5, 5, 10)
    );
    assert_eq!(second, first);
}

#[test]
fn an_official_below_n_stays_unshown_and_cannot_be_got_by_subtraction() {
    let both = counted(&[("", 11, 20), ("an", 11, 12), ("binh", 11, 6)]);

    let release = Release::default().advance(&both, &thresholds(5, 10), TODAY);

    assert_eq!(
        release.shown,
        BTreeSet::from([OfficialId::parse("an").unwrap()])
    );
    assert_eq!(released(&release), 32);
}

#[test]
fn unverified_ratings_are_no_company_for_verified_ones() {
    let mut all = counted(&[("", 11, 4)]);
    let by_phone = (row(Attestation::PhoneDeclared, ""), month(11));
    all.insert(by_phone.clone(), rated(112, 0));

    let release = Release::default().advance(&all, &thresholds(5, 10), TODAY);

    assert_eq!((released(&release), release.as_of), (0, None));
    let received = BTreeMap::from([((by_phone.1, by_phone.0.attestation), 112)]);
    assert_eq!(release.received, received, "they are counted at once");
}

#[test]
fn two_small_officials_are_released_together_without_their_names() {
    let both = counted(&[("an", 11, 7), ("binh", 11, 6)]);

    let release = Release::default().advance(&both, &thresholds(5, 10), TODAY);

    assert_eq!((released(&release), release.shown.len()), (13, 0));
}

#[test]
fn an_official_waits_when_showing_them_would_leave_another_alone() {
    let first = Release::default().advance(
        &counted(&[("an", 11, 7), ("binh", 11, 6)]),
        &thresholds(5, 10),
        TODAY,
    );
    let alone = first.advance(
        &counted(&[("an", 11, 12), ("binh", 11, 6)]),
        &thresholds(5, 10),
        TODAY,
    );
    let covered = alone.advance(
        &counted(&[("an", 11, 12), ("binh", 11, 11)]),
        &thresholds(5, 10),
        TODAY,
    );

    assert!(alone.shown.is_empty());
    assert_eq!(released(&alone), 18);
    assert_eq!(covered.shown.len(), 2);
}

#[test]
fn a_straggler_of_a_closed_month_is_not_singled_out() {
    let first = Release::default().advance(&counted(&[("", 10, 8)]), &thresholds(5, 10), TODAY);
    let second = first.advance(
        &counted(&[("", 10, 10), ("", 11, 7)]),
        &thresholds(5, 10),
        TODAY,
    );

    assert_eq!(
        second.grid[&(row(Attestation::DossierVerified, ""), month(10))].rated(),
        8
    );
    assert_eq!(
        second.grid[&(row(Attestation::DossierVerified, ""), month(11))].rated(),
        7
    );
}

#[test]
fn a_month_less_the_rows_that_lie_wholly_in_it_leaves_nothing_or_enough() {
    let all = counted(&[("", 10, 6), ("an", 10, 2), ("an", 11, 5)]);

    let first = Release::default().advance(&all, &thresholds(5, 5), TODAY);
    let second = first.advance(
        &counted(&[("", 10, 6), ("an", 10, 5), ("an", 11, 5)]),
        &thresholds(5, 5),
        TODAY,
    );

    // October was 8, and the unit itself 6 of them: 2 ratings of an official stood alone.
    assert_eq!(first.grid, counted(&[("", 10, 6), ("an", 11, 5)]));
    assert_eq!(released(&second), 16);
}

#[test]
fn publishing_again_with_nothing_new_changes_nothing() {
    let rules = thresholds(4, 8);
    let all = counted(&[
        ("an", 10, 4),
        ("an", 11, 3),
        ("an", 12, 2),
        ("binh", 10, 5),
        ("binh", 11, 5),
        ("chi", 10, 2),
        ("chi", 12, 3),
    ]);

    let release = Release::default().advance(&all, &rules, TODAY);

    // Without binh, an and chi could not be told apart from the unit's November; with binh released they can wait for it.
    assert_eq!(released(&release), 21);
    assert_eq!(release.advance(&all, &rules, TODAY), release);
}

#[test]
fn one_month_of_three_less_the_rows_that_lie_wholly_in_it_leaves_nothing_or_enough() {
    let all = counted(&[
        ("", 10, 6),
        ("an", 10, 2),
        ("an", 11, 5),
        ("binh", 11, 5),
        ("binh", 12, 5),
    ]);

    let release = Release::default().advance(&all, &thresholds(5, 5), TODAY);

    // Of October alone two ratings would be left; of October and December together binh's five would keep them company.
    let expected = counted(&[("", 10, 6), ("an", 11, 5), ("binh", 11, 5), ("binh", 12, 5)]);
    assert_eq!(release.grid, expected);
}

#[test]
fn a_raised_threshold_moves_nothing_until_it_is_met() {
    let both = counted(&[("an", 11, 7), ("binh", 11, 6)]);
    let before = Release::default().advance(&both, &thresholds(5, 10), TODAY);

    let raised = thresholds(5, 20);
    let waits = before.advance(&counted(&[("an", 11, 12), ("binh", 11, 6)]), &raised, TODAY);
    let goes_on = waits.advance(&counted(&[("an", 11, 14), ("binh", 11, 6)]), &raised, TODAY);

    assert_eq!(waits, before);
    assert_eq!((released(&goes_on), goes_on.shown.len()), (20, 0));
}

#[test]
fn thresholds_of_one_show_every_rating_at_once() {
    let release = Release::default().advance(
        &counted(&[("", 11, 1), ("an", 10, 1)]),
        &thresholds(1, 1),
        TODAY,
    );

    assert_eq!((released(&release), release.shown.len()), (2, 1));
}

/// `set_aside` of the ratings counted in November, of the unit itself.
fn with_voids(rated_in_november: u64, set_aside: u64) -> Grid {
    let mut grid = counted(&[("", 11, rated_in_november)]);
    for tally in grid.values_mut() {
        for counter in [Counter::Rated, Counter::Satisfied] {
            tally.add(Counter::Voided(Box::new(counter)), set_aside);
        }
    }
    grid
}

fn standing(release: &Release) -> u64 {
    release.grid.values().map(Tally::standing).sum()
}

#[test]
fn a_void_waits_for_company_and_is_known_at_once() {
    let rules = thresholds(5, 10);
    let first = Release::default().advance(&with_voids(12, 0), &rules, TODAY);

    let one = first.advance(&with_voids(12, 1), &rules, TODAY);
    let with_four_ratings = one.advance(&with_voids(16, 1), &rules, TODAY);
    let with_six_ratings = one.advance(&with_voids(18, 1), &rules, TODAY);
    let five = one.advance(&with_voids(12, 5), &rules, TODAY);

    assert!(first.set_aside.is_empty());
    assert_eq!(
        (
            standing(&one),
            one.set_aside[&(month(11), Attestation::DossierVerified)]
        ),
        (12, 1)
    );
    assert_eq!(one.as_of, first.as_of);
    // The one set aside may be one of the four: then only three came in.
    assert_eq!(standing(&with_four_ratings), 12);
    assert_eq!(standing(&with_six_ratings), 17);
    assert_eq!(
        (
            standing(&five),
            five.set_aside[&(month(11), Attestation::DossierVerified)]
        ),
        (7, 5)
    );
}

#[test]
fn a_rating_set_aside_before_its_release_counts_for_nobody() {
    let release = Release::default().advance(&with_voids(6, 2), &thresholds(5, 10), TODAY);
    let later = release.advance(&with_voids(7, 2), &thresholds(5, 10), TODAY);

    assert_eq!(standing(&release), 0);
    assert_eq!(standing(&later), 5);
}

#[test]
fn an_official_is_not_left_alone_by_setting_the_others_ratings_aside() {
    let with_binh = |an: u64, set_aside: u64| {
        let mut grid = counted(&[("an", 11, an), ("binh", 10, 6)]);
        let binh = grid.get_mut(&(row(Attestation::DossierVerified, "binh"), month(10)));
        let binh = binh.unwrap();
        for counter in [Counter::Rated, Counter::Satisfied] {
            binh.add(Counter::Voided(Box::new(counter)), set_aside);
        }
        grid
    };
    let rules = thresholds(2, 4);
    let first = Release::default().advance(&with_binh(3, 4), &rules, TODAY);

    let later = first.advance(&with_binh(8, 6), &rules, TODAY);

    // Shown, an would tell what binh had before: the officials' first sum less an.
    assert_eq!((standing(&first), first.shown.len()), (5, 0));
    assert!(later.shown.is_empty());
}

/// Arrivals: (attestation, official 0–3 where 0 is the unit itself, month, how many).
fn history() -> impl Strategy<Value = Vec<Vec<(usize, usize, i8, u64)>>> {
    let arrival = (0..2_usize, 0..4_usize, 10..13_i8, 1..8_u64);
    prop::collection::vec(prop::collection::vec(arrival, 0..6), 1..12)
}

proptest! {
    #[test]
    fn no_step_of_any_history_isolates_too_few(history in history(), k in 1..6_u64, extra in 0..6_u64) {
        let rules = thresholds(k, k + extra);
        let attestations = [Attestation::DossierVerified, Attestation::PhoneDeclared];
        let mut all = Grid::new();
        let mut release = Release::default();

        for step in history {
            for (attestation, official, m, n) in step {
                let official = ["", "an", "binh", "chi"][official];
                *all.entry((row(attestations[attestation], official), month(m))).or_default() += &rated(n, n / 2);
            }
            let next = release.advance(&all, &rules, TODAY);

            let mut rows: BTreeMap<Row, u64> = BTreeMap::new();
            let mut months: BTreeMap<Month, u64> = BTreeMap::new();
            let mut hidden: BTreeMap<Attestation, u64> = BTreeMap::new();
            let mut of: BTreeMap<OfficialId, u64> = BTreeMap::new();
            for ((row, month), tally) in &next.grid {
                let old = release.grid.get(&(row.clone(), *month)).map_or(0, Tally::rated);
                prop_assert!(tally.rated() <= all[&(row.clone(), *month)].rated());
                *rows.entry(row.clone()).or_default() += tally.rated() - old;
                *months.entry(*month).or_default() += tally.rated() - old;
                if is_hidden(row, &next.shown, &rules) {
                    *hidden.entry(row.attestation).or_default() += tally.rated();
                } else if let Some(official) = &row.official_id {
                    *of.entry(official.clone()).or_default() += tally.rated();
                }
            }
            prop_assert!(rows.values().chain(months.values()).all(|grown| *grown == 0 || *grown >= rules.min_new_ratings));
            prop_assert!(hidden.values().all(|rated| *rated == 0 || *rated >= rules.min_official_ratings), "{hidden:?}");
            prop_assert!(next.shown.iter().all(|official| of[official] >= rules.min_official_ratings));
            prop_assert!(release.shown.is_subset(&next.shown));
            prop_assert_eq!(next.advance(&all, &rules, TODAY), next.clone());
            release = next;
        }
    }
}
