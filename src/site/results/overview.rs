//! All units for one period, and what their published figures add up to.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::catalog::UnitEntry;
use crate::domain::id::UnitId;
use crate::domain::period::Period;
use crate::domain::publication::{DossierCounts, Ledger, UnitResults, UnverifiedRatings};
use crate::domain::rating::Attestation;
use crate::domain::tally::Tally;
use crate::domain::void::VoidReason;
use crate::site::context::SiteContext;

use super::figures::Figures;
use super::standing::{self, GroupStanding, UnitStanding};

/// All units for one period.
#[derive(Debug, Clone)]
pub(super) struct Overview<'a> {
    pub(super) period: Period,
    /// In the catalog's order.
    pub(super) groups: Vec<GroupStanding<'a>>,
    /// Day of the newest release among the units.
    pub(super) as_of: Option<Date>,
    /// Sum of the published figures; what is hidden of a unit is not in it.
    pub(super) total: Option<Figures>,
    /// Units with published figures.
    pub(super) units_published: usize,
    /// Units with something received.
    pub(super) units_received: usize,
    /// Sum of the units'.
    pub(super) ledger: Ledger,
    /// Unverified ratings of all units, by attestation: for the reconcile line, which names all that came in.
    pub(super) unverified: BTreeMap<Attestation, UnverifiedRatings>,
    pub(super) taken_off_for: BTreeMap<VoidReason, u64>,
    /// Sum over the units that report them.
    pub(super) dossiers: Option<DossierCounts>,
}

impl<'a> Overview<'a> {
    pub(super) fn new(
        context: &SiteContext<'a>,
        units: &'a BTreeMap<UnitId, UnitEntry>,
        results: &'a BTreeMap<UnitId, UnitResults>,
        period: Period,
    ) -> Self {
        let groups = standing::units(context.head, units, results, period);
        let listed: Vec<&UnitStanding> = groups.iter().flat_map(|g| &g.units).collect();
        let mut total = Tally::default();
        let mut ledger = Ledger::default();
        let mut taken_off_for: BTreeMap<VoidReason, u64> = BTreeMap::new();
        let mut dossiers: Option<DossierCounts> = None;
        let mut unverified: BTreeMap<Attestation, UnverifiedRatings> = BTreeMap::new();
        for unit in &listed {
            for (attestation, ratings) in &unit.results.unverified {
                let sum = unverified.entry(*attestation).or_default();
                sum.received += ratings.received;
                sum.set_aside += ratings.set_aside;
            }
            total += &unit.results.total;
            ledger = ledger.plus(unit.results.ledger);
            for (reason, count) in &unit.results.taken_off_for {
                *taken_off_for.entry(*reason).or_default() += count;
            }
            if let Some(counts) = unit.results.dossiers {
                let sum = dossiers.get_or_insert_default();
                sum.received += counts.received;
                sum.on_time += counts.on_time;
                sum.overdue += counts.overdue;
            }
        }
        Self {
            period,
            as_of: listed.iter().filter_map(|unit| unit.as_of).max(),
            total: Figures::of(&total),
            units_published: (listed.iter())
                .filter(|unit| unit.results.total.rated() > 0)
                .count(),
            units_received: listed.len(),
            ledger,
            unverified,
            taken_off_for,
            dossiers,
            groups,
        }
    }
}

/// Every period any unit has something for, in the order of [`Period`].
pub(super) fn periods(results: &BTreeMap<UnitId, UnitResults>) -> Vec<Period> {
    let mut periods: Vec<Period> = results
        .values()
        .flat_map(|r| r.periods.keys().copied())
        .collect();
    periods.sort_unstable();
    periods.dedup();
    periods
}
