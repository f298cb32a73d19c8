//! Published figures, added up from releases and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use super::{DossierCounts, Ledger, PeriodResults, Release, UnitResults, unverified};
use crate::id::UnitId;
use crate::period::{Month, Period, Quarter};
use crate::rating::Attestation;
use crate::tally::Counter;
use crate::void::VoidReason;

/// The results of one unit from its `releases` and, where known, its dossiers by month of receipt.
///
/// Every sum counts the attestations a quarter's release was made with, or `ranking_strata` where it does not say; each of
/// the others is counted by itself.
#[must_use]
pub fn unit_results(
    unit_id: UnitId,
    releases: &BTreeMap<Quarter, Release>,
    dossiers: &BTreeMap<Month, DossierCounts>,
    ranking_strata: &BTreeSet<Attestation>,
) -> UnitResults {
    let mut periods: BTreeMap<Period, PeriodResults> = BTreeMap::new();
    for (quarter, release) in releases {
        let ranking_strata = release.ranking_strata(ranking_strata);
        let wide = [
            Period::Quarter(*quarter),
            Period::Year(quarter.year),
            Period::All,
        ];
        let with_month = |month: Month| wide.into_iter().chain([Period::Month(month)]);
        let ranking =
            (release.grid.iter()).filter(|((row, _), _)| ranking_strata.contains(&row.attestation));
        for ((row, shortest), released) in ranking {
            for period in shortest.periods(*quarter) {
                let results = periods.entry(period).or_default();
                results.total += released;
                results.ledger.taken_off += released.voided();
                for reason in VoidReason::ALL {
                    let voided = released.get(&Counter::VoidedFor(*reason));
                    if voided > 0 {
                        *results.taken_off_for.entry(*reason).or_default() += voided;
                    }
                }
            }
            for period in wide {
                let results = periods.entry(period).or_default();
                let stratum = results.strata.entry(row.attestation).or_default();
                let Some(official) = &row.official_id else {
                    stratum.unit_itself += released;
                    continue;
                };
                stratum.officials += released;
                if release.shown.contains(official) {
                    *results.officials.entry(official.clone()).or_default() += released;
                }
            }
        }
        for ((month, attestation), received) in &release.received {
            for period in with_month(*month) {
                let results = periods.entry(period).or_default();
                if ranking_strata.contains(attestation) {
                    results.ledger.received += received;
                } else {
                    results.unverified.entry(*attestation).or_default().received += received;
                }
            }
        }
        for ((month, attestation), set_aside) in &release.set_aside {
            for period in with_month(*month) {
                if !ranking_strata.contains(attestation) {
                    let results = periods.entry(period).or_default();
                    results
                        .unverified
                        .entry(*attestation)
                        .or_default()
                        .set_aside += set_aside;
                } else if release.as_of.is_some() {
                    // Before anything is released, nothing is told of the quarter.
                    periods.entry(period).or_default().ledger.set_aside += set_aside;
                }
            }
        }
        for (attestation, percent) in unverified::percents(&release.grid, ranking_strata) {
            let results = periods.entry(Period::Quarter(*quarter)).or_default();
            results.unverified.entry(attestation).or_default().percent = Some(percent);
        }
    }
    for (period, results) in &mut periods {
        results.take_voids_off();
        if !matches!(period, Period::Month(_)) {
            results.answers = results.total.only(Counter::is_answer);
        }
        results.dossiers = sum_dossiers(dossiers, *period);
    }
    UnitResults {
        unit_id,
        as_of: releases.values().filter_map(|release| release.as_of).max(),
        is_frozen: false,
        thresholds: BTreeMap::new(),
        periods,
    }
}

impl PeriodResults {
    /// Leaves valid ratings alone in every sum. A void can be released into the quarter after its rating was into a month,
    /// so it is only taken off whole sums.
    fn take_voids_off(&mut self) {
        let strata = self.strata.values_mut();
        let parts = strata.flat_map(|stratum| [&mut stratum.unit_itself, &mut stratum.officials]);
        let sums = parts.chain(self.officials.values_mut());
        for sum in sums.chain([&mut self.total]) {
            *sum = sum.net();
        }
        self.ledger.published = self.total.rated();
    }
}

fn sum_dossiers(
    dossiers: &BTreeMap<Month, DossierCounts>,
    period: Period,
) -> Option<DossierCounts> {
    let within = |month: Month| match period {
        Period::All => true,
        Period::Year(year) => month.year == year,
        Period::Quarter(quarter) => month.quarter() == quarter,
        Period::Month(other) => month == other,
    };
    let counts = dossiers
        .iter()
        .filter(|(month, _)| within(**month))
        .map(|(_, counts)| *counts);
    counts.reduce(|a, b| DossierCounts {
        received: a.received + b.received,
        on_time: a.on_time + b.on_time,
        overdue: a.overdue + b.overdue,
    })
}

impl Ledger {
    /// Adds another period's or unit's line.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            published: self.published + other.published,
            taken_off: self.taken_off + other.taken_off,
            set_aside: self.set_aside + other.set_aside,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::id::OfficialId;
    use crate::publication::{Row, ShortestPeriod};
    use crate::tally::Tally;

    const VERIFIED: Attestation = Attestation::DossierVerified;
    const DECLARED: Attestation = Attestation::PhoneDeclared;

    fn month(month: i8) -> Month {
        Month { year: 2026, month }
    }

    fn results(releases: &BTreeMap<Quarter, Release>) -> UnitResults {
        let unit = UnitId::parse("48-1").unwrap();
        unit_results(unit, releases, &BTreeMap::new(), &[VERIFIED].into())
    }

    /// Satisfied ratings, some of them set aside.
    fn tally(rated: u64, voided: u64) -> Tally {
        let counter = |counter| Counter::Voided(Box::new(counter));
        [
            (Counter::Rated, rated),
            (Counter::Satisfied, rated),
            (counter(Counter::Rated), voided),
            (counter(Counter::Satisfied), voided),
            (Counter::VoidedFor(VoidReason::Trial), voided),
        ]
        .into_iter()
        .collect()
    }

    fn release(cells: &[(i8, u64, u64)], received: u64, set_aside: u64) -> Release {
        let row = Row {
            attestation: VERIFIED,
            official_id: Some(OfficialId::parse("an").unwrap()),
        };
        let first = month(cells[0].0);
        Release {
            grid: cells
                .iter()
                .map(|(at, rated, voided)| {
                    (
                        (row.clone(), ShortestPeriod::Month(month(*at))),
                        tally(*rated, *voided),
                    )
                })
                .collect(),
            shown: row.official_id.clone().into_iter().collect(),
            received: BTreeMap::from([((first, VERIFIED), received)]),
            set_aside: BTreeMap::from([((first, VERIFIED), set_aside)]),
            as_of: Some(date(2026, 11, 21)),
            thresholds: None,
        }
    }

    fn counts(received: u64) -> DossierCounts {
        DossierCounts {
            received,
            on_time: received / 2,
            overdue: received / 10,
        }
    }

    #[test]
    fn a_period_adds_up_its_months_and_nothing_else() {
        let releases = BTreeMap::from([
            (
                month(7).quarter(),
                release(&[(7, 10, 1), (8, 20, 0)], 40, 3),
            ),
            (month(11).quarter(), release(&[(11, 30, 4)], 50, 5)),
        ]);
        let dossiers = BTreeMap::from([
            (month(7), counts(100)),
            (month(8), counts(200)),
            (month(11), counts(400)),
        ]);
        let unit = UnitId::parse("48-1").unwrap();

        let results = unit_results(unit, &releases, &dossiers, &[VERIFIED].into());

        let told = |period: Period| {
            let of = &results.periods[&period];
            let Ledger {
                received,
                published,
                taken_off,
                set_aside,
            } = of.ledger;
            assert_eq!(of.total.rated(), published);
            let for_trial = of.taken_off_for.get(&VoidReason::Trial).copied();
            (
                [received, published, taken_off, set_aside],
                for_trial,
                of.dossiers.map(|d| (d.received, d.on_time, d.overdue)),
            )
        };
        let (third, fourth) = (month(7).quarter(), month(11).quarter());
        let months = [7, 8, 11].map(|at| told(Period::Month(month(at))));
        assert_eq!(
            months,
            [
                ([40, 9, 1, 3], Some(1), Some((100, 50, 10))),
                ([0, 20, 0, 0], None, Some((200, 100, 20))),
                ([50, 26, 4, 5], Some(4), Some((400, 200, 40))),
            ]
        );
        let in_third = ([40, 29, 1, 3], Some(1), Some((300, 150, 30)));
        assert_eq!(told(Period::Quarter(third)), in_third);
        assert_eq!(told(Period::Quarter(fourth)), months[2]);
        let all = ([90, 55, 5, 8], Some(5), Some((700, 350, 70)));
        assert_eq!([told(Period::Year(2026)), told(Period::All)], [all; 2]);
    }

    /// A release of ten verified ratings in October, and what came in and was released by phone.
    fn with_declared(received: u64, set_aside: u64, released: Option<Tally>) -> Release {
        let mut release = release(&[(10, 10, 0)], 12, 0);
        let place = (month(10), DECLARED);
        release.received.insert(place, received);
        release.set_aside.insert(place, set_aside);
        let row = Row {
            attestation: DECLARED,
            official_id: None,
        };
        let released = released.map(|tally| ((row, ShortestPeriod::Month(month(10))), tally));
        release.grid.extend(released);
        release
    }

    fn in_quarter(release: Release) -> PeriodResults {
        let quarter = month(10).quarter();
        let mut results = results(&BTreeMap::from([(quarter, release)]));
        results.periods.remove(&Period::Quarter(quarter)).unwrap()
    }

    #[test]
    fn what_nothing_proves_is_counted_by_itself_and_is_in_no_sum() {
        let alone = in_quarter(release(&[(10, 10, 0)], 12, 0));

        for released in [None, Some(tally(112, 0))] {
            let mut beside = in_quarter(with_declared(112, 4, released));

            let declared = beside.unverified.remove(&DECLARED).unwrap();
            assert_eq!(
                (declared.received, declared.set_aside, declared.count()),
                (112, 4, 108)
            );
            assert_eq!(beside, alone);
        }
    }

    #[test]
    fn a_percentage_of_unverified_ratings_is_a_quarters_and_needs_thirty() {
        let of = |satisfied: u64, rated: u64| -> Tally {
            let counters = [(Counter::Rated, rated), (Counter::Satisfied, satisfied)];
            counters.into_iter().collect()
        };
        let percent =
            |released| in_quarter(with_declared(90, 0, released)).unverified[&DECLARED].percent;

        assert_eq!(percent(None), None, "the quarter is not over");
        assert_eq!(percent(Some(of(29, 29))), None);
        assert_eq!(percent(Some(of(19, 30))), Some(63));
        assert_eq!(percent(Some(of(1, 200))), Some(1), "half is rounded up");
        assert_eq!(percent(Some(of(0, 30))), Some(0));
        let released = with_declared(90, 0, Some(of(19, 30)));
        let results = results(&BTreeMap::from([(month(10).quarter(), released)]));
        for period in [Period::All, Period::Year(2026), Period::Month(month(10))] {
            let declared = results.periods[&period].unverified[&DECLARED];
            assert_eq!((declared.count(), declared.percent), (90, None));
        }
    }

    #[test]
    fn a_unit_of_which_nothing_is_released_tells_only_how_many_unverified_ratings_it_has() {
        let place = (month(10), DECLARED);
        let release = Release {
            received: BTreeMap::from([(place, 3)]),
            set_aside: BTreeMap::from([(place, 1), ((month(10), VERIFIED), 1)]),
            ..Release::default()
        };

        let told = in_quarter(release);

        assert_eq!(told.unverified[&DECLARED].count(), 2);
        assert_eq!(
            (told.total, told.ledger),
            (Tally::default(), Ledger::default())
        );
    }

    #[test]
    fn dossiers_of_other_years_stay_out_of_a_year() {
        let last_year = Month {
            year: 2025,
            month: 12,
        };
        let dossiers = BTreeMap::from([(last_year, counts(100)), (month(1), counts(200))]);

        let in_year = |year| sum_dossiers(&dossiers, Period::Year(year)).map(|d| d.received);

        assert_eq!(
            [in_year(2024), in_year(2025), in_year(2026)],
            [None, Some(100), Some(200)]
        );
    }

    #[test]
    fn a_ledger_adds_up_line_by_line() {
        let ledger = |received, published, taken_off, set_aside| Ledger {
            received,
            published,
            taken_off,
            set_aside,
        };

        let sum = ledger(20, 12, 3, 4).plus(ledger(100, 70, 2, 1));

        assert_eq!(sum, ledger(120, 82, 5, 5));
    }
}
