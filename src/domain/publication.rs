//! What may be shown of the counted ratings, and when.

#[cfg(test)]
mod attack;
pub mod release;
pub mod results;
pub mod thresholds;
pub mod unverified;

pub use release::{Grid, Release, Row, ShortestPeriod, Step};
pub use thresholds::{QuarterThresholds, Thresholds};
pub use unverified::UnverifiedRatings;

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::dossier::Receipt;
use super::id::{OfficialId, UnitId};
use super::period::{Period, Quarter};
use super::rating::Attestation;
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
    /// The thresholds each released quarter began with.
    pub thresholds: BTreeMap<Quarter, QuarterThresholds>,
    /// Every period with something received, whether or not enough of it may be shown.
    pub periods: BTreeMap<Period, PeriodResults>,
}

impl UnitResults {
    /// The same without the sums no page and no file shows: strata and officials keep their verdicts, the total its
    /// verdicts and reasons.
    #[must_use]
    pub fn shown(mut self) -> Self {
        for results in self.periods.values_mut() {
            results.total = results.total.only(|counter| !counter.is_answer());
            for tally in results.officials.values_mut() {
                *tally = tally.only(Counter::is_verdict);
            }
            for stratum in results.strata.values_mut() {
                stratum.unit_itself = stratum.unit_itself.only(Counter::is_verdict);
                stratum.officials = stratum.officials.only(Counter::is_verdict);
            }
        }
        self
    }
}

/// What is published of one unit for one period.
///
/// Every sum but those of `unverified` is of the ranking strata alone: ratings whose raters proved that they were there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeriodResults {
    /// All released ratings, of the unit itself and of its officials; empty while there are not enough.
    pub total: Tally,
    /// The same ratings by attestation; empty for months, which show the total only.
    pub strata: BTreeMap<Attestation, StratumResults>,
    /// What participants answered; empty for months.
    pub answers: Tally,
    /// Officials with enough ratings; empty for months. An official who is absent has not enough.
    pub officials: BTreeMap<OfficialId, Tally>,
    /// What came in against what is shown.
    pub ledger: Ledger,
    /// Why ratings were taken off.
    pub taken_off_for: BTreeMap<VoidReason, u64>,
    /// The other strata, each by itself; part of no sum.
    pub unverified: BTreeMap<Attestation, UnverifiedRatings>,
    /// Dossiers of the period, where the one-stop software reports them.
    pub dossiers: Option<DossierCounts>,
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
            total: full(15),
            strata: BTreeMap::from([
                (Attestation::DossierVerified, stratum(1, 2)),
                (Attestation::DeviceSession, stratum(4, 8)),
            ]),
            answers: answers(15),
            officials: BTreeMap::from([(official.clone(), full(10))]),
            ..PeriodResults::default()
        };
        let unit = UnitResults {
            unit_id: UnitId::parse("48-1").unwrap(),
            as_of: None,
            is_frozen: false,
            thresholds: BTreeMap::new(),
            periods: BTreeMap::from([(period, all)]),
        };

        let shown = unit.shown().periods.remove(&period).unwrap();

        assert_eq!(shown.total, sum([verdicts(15), reasons(15)]));
        assert_eq!(shown.answers, answers(15));
        assert_eq!(shown.officials[&official], verdicts(10));
        for (attestation, unit_itself, officials) in [
            (Attestation::DossierVerified, 1, 2),
            (Attestation::DeviceSession, 4, 8),
        ] {
            let stratum = &shown.strata[&attestation];
            assert_eq!(stratum.unit_itself, verdicts(unit_itself));
            assert_eq!(stratum.officials, verdicts(officials));
        }
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
