//! Two figures that need dossier counts: the share of dossiers rated, and the satisfaction ratio of Quyết định 766.

use super::Tenths;
use crate::publication::{DossierCounts, PeriodResults};
use crate::tally::Tally;

/// A number known only to lie between two ends, because one dossier may carry ratings of the unit and of officials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between<T> {
    /// At least.
    pub least: T,
    /// At most.
    pub most: T,
}

/// How many of the period's dossiers were rated; `None` without strata or dossier counts.
///
/// A dossier rates the unit once and each official once: there are at least as many rated dossiers as ratings of the
/// unit or of any one official, and at most as many as ratings. Only verified ratings count, here and below: of the
/// others nothing says that there was a dossier.
#[must_use]
pub fn rated_dossiers(results: &PeriodResults) -> Option<Between<u64>> {
    let dossiers = results.dossiers.filter(|dossiers| dossiers.received > 0)?;
    if results.strata.is_empty() {
        return None;
    }
    let officials = results.officials.values().map(|tally| tally.rated()).max();
    let unit_itself = of_the_unit(results, Tally::rated);
    let most = results.total.rated().min(dossiers.received);
    Some(Between {
        least: unit_itself.max(officials.unwrap_or(0)).min(most),
        most,
    })
}

/// (all − dissatisfied or overdue) ÷ all, in percent; `None` without strata or dossier counts (Quyết định 766/QĐ-TTg).
///
/// Silence counts as satisfied. How many dossiers were both overdue and rated dissatisfied is not known, so the ratio
/// is known between two ends.
#[must_use]
pub fn decision_766_ratio(results: &PeriodResults) -> Option<Between<Tenths>> {
    let DossierCounts {
        received, overdue, ..
    } = results.dossiers.filter(|dossiers| dossiers.received > 0)?;
    if results.strata.is_empty() {
        return None;
    }
    let all = results.total.not_satisfied();
    let ratio = |faulty: u64| Tenths::percent(received - faulty.min(received), received);
    Some(Between {
        least: ratio(all.saturating_add(overdue))?,
        most: ratio(of_the_unit(results, Tally::not_satisfied).max(overdue))?,
    })
}

fn of_the_unit(results: &PeriodResults, figure: fn(&Tally) -> u64) -> u64 {
    let strata = results.strata.values();
    strata.map(|stratum| figure(&stratum.unit_itself)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publication::{StratumResults, UnverifiedRatings};
    use crate::rating::Attestation;
    use crate::tally::Counter;

    fn tally(satisfied: u64, not_satisfied: u64) -> Tally {
        [
            (Counter::Rated, satisfied + not_satisfied),
            (Counter::Satisfied, satisfied),
            (Counter::NotSatisfied, not_satisfied),
        ]
        .into_iter()
        .collect()
    }

    fn results(unit_itself: Tally, officials: Tally) -> PeriodResults {
        let mut results = PeriodResults {
            dossiers: Some(DossierCounts {
                received: 200,
                on_time: 190,
                overdue: 6,
            }),
            ..PeriodResults::default()
        };
        results.total += &unit_itself;
        results.total += &officials;
        let stratum = StratumResults {
            unit_itself,
            officials,
        };
        results.strata.insert(Attestation::DossierVerified, stratum);
        let strangers = UnverifiedRatings {
            received: 43,
            ..UnverifiedRatings::default()
        };
        results
            .unverified
            .insert(Attestation::PhoneDeclared, strangers);
        results
    }

    #[test]
    fn silence_counts_as_satisfied_and_strangers_do_not_count() {
        let results = results(tally(90, 4), Tally::default());

        let ratio = decision_766_ratio(&results).unwrap();

        assert_eq!(ratio.least, Tenths(950), "200 less 4 and 6");
        assert_eq!(ratio.most, Tenths(970), "the 4 may be among the 6");
    }

    #[test]
    fn a_dossier_that_rates_unit_and_official_is_not_counted_twice() {
        let results = results(tally(90, 4), tally(50, 0));

        let rated = rated_dossiers(&results).unwrap();

        assert_eq!((rated.least, rated.most), (94, 144));
    }

    #[test]
    fn more_ratings_than_dossiers_do_not_exceed_all() {
        let results = results(tally(0, 300), tally(0, 300));

        assert_eq!(rated_dossiers(&results).unwrap().most, 200);
        assert_eq!(decision_766_ratio(&results).unwrap().least, Tenths(0));
    }

    #[test]
    fn without_dossier_counts_there_is_no_ratio() {
        let unknown = PeriodResults {
            dossiers: None,
            ..results(tally(9, 1), Tally::default())
        };

        assert_eq!(decision_766_ratio(&unknown), None);
        assert_eq!(rated_dossiers(&unknown), None);
    }

    #[test]
    fn where_no_dossier_was_received_there_is_no_figure() {
        let mut results = results(tally(3, 0), Tally::default());
        results.dossiers = Some(DossierCounts::default());

        assert!(rated_dossiers(&results).is_none() && decision_766_ratio(&results).is_none());
    }
}
