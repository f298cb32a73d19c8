//! What may be shown of the counted ratings, and when.

#[cfg(test)]
mod attack;
pub mod release;
pub mod results;

pub use release::{Grid, Release, Row, Thresholds};

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::dossier::Receipt;
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

impl DossierCounts {
    /// What one dossier adds: it is counted as in time or late once it is returned, and then for good.
    #[must_use]
    pub fn of(receipt: &Receipt) -> Self {
        let late = receipt
            .due
            .zip(receipt.returned)
            .map(|(due, back)| back > due);
        Self {
            received: 1,
            on_time: u64::from(late == Some(false)),
            overdue: u64::from(late == Some(true)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OptionCode, QuestionCode, ReasonCode};
    use crate::period::Month;
    use crate::rating::Answer;

    fn verdicts(rated: u64) -> Tally {
        [(Counter::Rated, rated), (Counter::Satisfied, rated)]
            .into_iter()
            .collect()
    }

    fn reasons(rated: u64) -> Tally {
        let reason = Counter::Reason(ReasonCode::parse("cham").unwrap());
        [(reason, rated)].into_iter().collect()
    }

    fn answers(rated: u64) -> Tally {
        let answer = Answer::Option(OptionCode::parse("mot").unwrap());
        let answer = Counter::Answer(QuestionCode::parse("cs1").unwrap(), answer);
        [(answer, rated)].into_iter().collect()
    }

    fn sum<const N: usize>(parts: [Tally; N]) -> Tally {
        let mut sum = Tally::default();
        for part in parts {
            sum += &part;
        }
        sum
    }

    /// Satisfied ratings, each with a reason and an answer.
    fn full(rated: u64) -> Tally {
        sum([verdicts(rated), reasons(rated), answers(rated)])
    }

    #[test]
    fn pages_and_files_get_each_sum_once_and_none_that_they_do_not_show() {
        let stratum = |unit_itself, officials| StratumResults {
            unit_itself: full(unit_itself),
            officials: full(officials),
        };
        let official = OfficialId::parse("an").unwrap();
        let period = Period::Month(Month {
            year: 2026,
            month: 11,
        });
        let all = PeriodResults {
            total: full(31),
            strata: BTreeMap::from([
                (Attestation::DossierVerified, stratum(1, 2)),
                (Attestation::DossierClaimed, stratum(4, 8)),
                (Attestation::PhoneDeclared, stratum(16, 0)),
            ]),
            officials: BTreeMap::from([(official.clone(), full(10))]),
            ..PeriodResults::default()
        };
        let unit = UnitResults {
            unit_id: UnitId::parse("48-1").unwrap(),
            as_of: None,
            is_frozen: false,
            periods: BTreeMap::from([(period, all)]),
        };

        let shown = unit.shown().periods.remove(&period).unwrap();

        assert_eq!(shown.total, sum([verdicts(31), reasons(31)]));
        assert_eq!(shown.officials[&official], verdicts(10));
        let first = sum([verdicts(1), answers(15)]);
        assert_eq!(
            shown.strata[&Attestation::DossierVerified].unit_itself,
            first
        );
        assert_eq!(
            shown.strata[&Attestation::DossierVerified].officials,
            verdicts(2)
        );
        assert_eq!(
            shown.strata[&Attestation::DossierClaimed].unit_itself,
            verdicts(4)
        );
        assert_eq!(
            shown.strata[&Attestation::PhoneDeclared].unit_itself,
            verdicts(16)
        );
    }

    #[test]
    fn what_waits_is_neither_published_nor_taken_off() {
        let ledger = Ledger {
            received: 20,
            published: 12,
            taken_off: 3,
            set_aside: 4,
        };

        assert_eq!(ledger.waiting(), 5);
    }
}
