//! Published figures, added up from releases and nothing else.

use std::collections::BTreeMap;

use super::{DossierCounts, Ledger, PeriodResults, Release, UnitResults};
use crate::domain::id::UnitId;
use crate::domain::period::{Month, Period, Quarter};
use crate::domain::rating::Attestation;
use crate::domain::tally::Counter;
use crate::domain::void::VoidReason;

/// The results of one unit from its `releases` and, where known, its dossiers by month of receipt.
///
/// `ranking_strata` are the attestations an official's figure counts.
#[must_use]
pub fn unit_results(
    unit_id: UnitId,
    releases: &BTreeMap<Quarter, Release>,
    dossiers: &BTreeMap<Month, DossierCounts>,
    ranking_strata: &[Attestation],
) -> UnitResults {
    let mut periods: BTreeMap<Period, PeriodResults> = BTreeMap::new();
    for (quarter, release) in releases {
        let wide = [
            Period::Quarter(*quarter),
            Period::Year(quarter.year),
            Period::All,
        ];
        for ((row, month), released) in &release.grid {
            let tally = &released.net();
            for period in wide.into_iter().chain([Period::Month(*month)]) {
                let results = periods.entry(period).or_default();
                results.total += tally;
                results.ledger.published += tally.rated();
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
                    stratum.unit_itself += tally;
                    continue;
                };
                stratum.officials += tally;
                if release.shown.contains(official) && ranking_strata.contains(&row.attestation) {
                    *results.officials.entry(official.clone()).or_default() += tally;
                }
            }
        }
        for (month, received) in &release.received {
            for period in wide.into_iter().chain([Period::Month(*month)]) {
                periods.entry(period).or_default().ledger.received += received;
            }
        }
        // Before anything is released, nothing is told of the quarter.
        for (month, set_aside) in release.set_aside.iter().filter(|_| release.as_of.is_some()) {
            for period in wide.into_iter().chain([Period::Month(*month)]) {
                periods.entry(period).or_default().ledger.set_aside += set_aside;
            }
        }
    }
    for (period, results) in &mut periods {
        results.dossiers = sum_dossiers(dossiers, *period);
    }
    UnitResults {
        unit_id,
        as_of: releases.values().filter_map(|release| release.as_of).max(),
        is_frozen: false,
        periods,
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
