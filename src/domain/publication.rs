//! What may be shown of the counted ratings, and when.

#[cfg(test)]
mod attack;
pub mod release;
pub mod results;

pub use release::{Grid, Release, Row, Thresholds};

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::id::{OfficialId, UnitId};
use super::period::Period;
use super::rating::{Attestation, RaterKind};
use super::tally::{Counter, Tally};
use super::void::VoidReason;

/// Everything published about one unit; the only input of result pages and files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitResults {
    /// The unit.
    pub unit_id: UnitId,
    /// Day of the last release; none before the first.
    pub as_of: Option<Date>,
    /// Whether figures rest because cells and ratings were found to disagree.
    pub is_frozen: bool,
    /// Every period with something received, whether or not enough of it may be shown.
    pub periods: BTreeMap<Period, PeriodResults>,
}

impl UnitResults {
    /// The same without the sums no page and no file shows: strata and officials keep their verdicts, the total its
    /// verdicts and reasons. Answers are shown for all participants together, and so are kept in one place.
    #[must_use]
    pub fn shown(mut self) -> Self {
        for results in self.periods.values_mut() {
            let is_answer = |counter: &Counter| matches!(counter, Counter::Answer(..));
            let participants = results.by_rater_kind(RaterKind::Participant);
            let answers = participants.only(is_answer);
            results.total = results.total.only(|counter| !is_answer(counter));
            for tally in results.officials.values_mut() {
                *tally = tally.only(Counter::is_verdict);
            }
            let mut first = Some(answers);
            for (attestation, stratum) in &mut results.strata {
                stratum.unit_itself = stratum.unit_itself.only(Counter::is_verdict);
                stratum.officials = stratum.officials.only(Counter::is_verdict);
                if attestation.rater_kind() == RaterKind::Participant
                    && let Some(answers) = first.take()
                {
                    stratum.unit_itself += &answers;
                }
            }
        }
        self
    }
}

/// What is published of one unit for one period.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeriodResults {
    /// All released ratings, of the unit itself and of its officials; empty while there are not enough.
    pub total: Tally,
    /// The same ratings by attestation; empty for months, which show the total only.
    pub strata: BTreeMap<Attestation, StratumResults>,
    /// Officials with enough ratings of the ranking strata; empty for months. An official who is absent has not enough.
    pub officials: BTreeMap<OfficialId, Tally>,
    /// What came in against what is shown.
    pub ledger: Ledger,
    /// Why ratings were taken off.
    pub taken_off_for: BTreeMap<VoidReason, u64>,
    /// Dossiers of the period, where the one-stop software reports them.
    pub dossiers: Option<DossierCounts>,
}

impl PeriodResults {
    /// The released ratings of one kind of rater.
    #[must_use]
    pub fn by_rater_kind(&self, kind: RaterKind) -> Tally {
        let mut sum = Tally::default();
        for (attestation, stratum) in &self.strata {
            if attestation.rater_kind() == kind {
                sum += &stratum.unit_itself;
                sum += &stratum.officials;
            }
        }
        sum
    }
}

/// The two parts of a unit's result within one attestation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StratumResults {
    /// Ratings of the unit itself.
    pub unit_itself: Tally,
    /// Ratings of its officials, shown by name or not.
    pub officials: Tally,
}

/// The reconcile line: received = published + taken off + waiting. Moves only with a release, but for what was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ledger {
    /// Ratings counted at the last release.
    pub received: u64,
    /// Ratings within the published figures.
    pub published: u64,
    /// Ratings set aside and taken off the published figures.
    pub taken_off: u64,
    /// Ratings set aside by now, whether or not taken off yet.
    pub set_aside: u64,
}

impl Ledger {
    /// Counted, and waiting until there are enough to show.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.received
            .saturating_sub(self.published + self.taken_off)
    }
}

/// Dossiers of a unit and period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DossierCounts {
    /// Received.
    pub received: u64,
    /// Returned before or on the due day.
    pub on_time: u64,
    /// Returned late.
    pub overdue: u64,
}
