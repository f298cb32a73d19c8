//! When figures may move and officials be shown: what a catalog asks for, and what a quarter takes of it.
//!
//! A quarter keeps the thresholds it begins with, so a changed setting holds from the next quarter on. A catalog is one
//! person's file, so it may only make them stricter. To loosen them, two reviewers of both groups must name the same values
//! for the same quarter.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::catalog::Settings;
use crate::period::Quarter;
use crate::rating::Attestation;
use crate::void::Seat;

/// Ratings of one row that one attacker may have given with genuine slips.
pub const ATTACKER_RATINGS: u64 = 2;

/// When figures may move and officials be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// New ratings of others a figure waits for; at least 1.
    pub min_new_ratings: u64,
    /// Ratings from which an official is shown; at least 1.
    pub min_official_ratings: u64,
    /// Ratings of one row that an attacker may have given and can subtract.
    pub attacker_ratings: u64,
    /// Attestations that every figure but an unverified stratum's own counts.
    pub ranking_strata: BTreeSet<Attestation>,
}

/// The thresholds of a quarter, and the day from which they have been the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarterThresholds {
    /// The thresholds.
    pub thresholds: Thresholds,
    /// First day of the quarter they changed in, or the day they were first kept.
    pub since: Date,
}

/// How loose the thresholds of a quarter may become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loosening {
    /// The quarter, which has not begun.
    pub quarter: Quarter,
    /// Smallest [`Thresholds::min_new_ratings`].
    pub min_new_ratings: u32,
    /// Smallest [`Thresholds::min_official_ratings`].
    pub min_official_ratings: u32,
    /// Attestations that may be counted.
    pub ranking_strata: BTreeSet<Attestation>,
}

/// One reviewer's agreement to a loosening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LooseningApproval {
    /// What is agreed to.
    pub loosening: Loosening,
    /// The reviewer's group.
    pub seat: Seat,
    /// Who it is, as the file's event names them.
    pub approver: String,
}

impl Thresholds {
    /// The thresholds a catalog asks for. Sample data protects nobody, and shows each rating at once.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        Self {
            min_new_ratings: settings.min_new_ratings.into(),
            min_official_ratings: settings.min_official_ratings.into(),
            attacker_ratings: if settings.sample { 0 } else { ATTACKER_RATINGS },
            ranking_strata: settings.counted_strata(),
        }
    }

    /// The same with what protects the raters of real data, which a quarter that began with sample data lacks.
    #[must_use]
    pub fn raised_to_floors(mut self) -> Self {
        let least = |floor: u32| u64::from(floor);
        self.min_new_ratings = self.min_new_ratings.max(least(Settings::LEAST_NEW_RATINGS));
        self.min_official_ratings =
            (self.min_official_ratings).max(least(Settings::LEAST_OFFICIAL_RATINGS));
        self.attacker_ratings = self.attacker_ratings.max(ATTACKER_RATINGS);
        self
    }

    /// Ratings by which a row may grow at once.
    #[must_use]
    pub fn min_growth(&self) -> u64 {
        self.min_new_ratings.saturating_add(self.attacker_ratings)
    }

    /// What is asked for, where it is stricter than `before` or agreed to; the rest as before.
    fn after(self, before: &Self, agreed: Option<&Loosening>) -> Self {
        let mut smallest = (before.min_new_ratings, before.min_official_ratings);
        let mut allowed = before.ranking_strata.clone();
        if let Some(agreed) = agreed {
            smallest.0 = smallest.0.min(agreed.min_new_ratings.into());
            smallest.1 = smallest.1.min(agreed.min_official_ratings.into());
            allowed.extend(&agreed.ranking_strata);
        }
        let counted: BTreeSet<Attestation> = self
            .ranking_strata
            .intersection(&allowed)
            .copied()
            .collect();
        Self {
            min_new_ratings: self.min_new_ratings.max(smallest.0),
            min_official_ratings: self.min_official_ratings.max(smallest.1),
            attacker_ratings: self.attacker_ratings.max(before.attacker_ratings),
            ranking_strata: match counted.is_empty() {
                true => before.ranking_strata.clone(),
                false => counted,
            },
        }
    }
}

impl QuarterThresholds {
    /// What `quarter` begins with on `today`, when a catalog asks for `wanted` and the quarter kept last had `before`.
    #[must_use]
    pub fn begin(
        quarter: Quarter,
        wanted: Thresholds,
        before: Option<&Self>,
        agreed: Option<&Loosening>,
        today: Date,
    ) -> Self {
        let Some(before) = before else {
            return Self {
                thresholds: wanted,
                since: today,
            };
        };
        let agreed = agreed.filter(|agreed| agreed.quarter == quarter);
        let thresholds = wanted.after(&before.thresholds, agreed);
        let since = match thresholds == before.thresholds {
            true => before.since,
            false => quarter.first_day(),
        };
        Self { thresholds, since }
    }
}

/// What two reviewers of both groups agree to; one person in both groups is not two.
#[must_use]
pub fn agreed(approvals: &[LooseningApproval]) -> Option<&Loosening> {
    let of = |seat: Seat| approvals.iter().find(|approval| approval.seat == seat);
    let (first, second) = (of(Seat::First)?, of(Seat::Second)?);
    let agree = first.loosening == second.loosening && first.approver != second.approver;
    agree.then_some(&first.loosening)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    const TODAY: Date = date(2027, 1, 1);

    fn quarter(year: i16, quarter: i8) -> Quarter {
        Quarter { year, quarter }
    }

    fn thresholds(k: u64, n: u64, strata: &[Attestation]) -> Thresholds {
        Thresholds {
            min_new_ratings: k,
            min_official_ratings: n,
            attacker_ratings: ATTACKER_RATINGS,
            ranking_strata: strata.iter().copied().collect(),
        }
    }

    fn loosening(k: u32, n: u32, strata: &[Attestation]) -> Loosening {
        Loosening {
            quarter: quarter(2027, 1),
            min_new_ratings: k,
            min_official_ratings: n,
            ranking_strata: strata.iter().copied().collect(),
        }
    }

    use Attestation::{DeviceSession, DossierClaimed, DossierVerified};

    fn begin(wanted: Thresholds, agreed: Option<&Loosening>) -> QuarterThresholds {
        let before = QuarterThresholds {
            thresholds: thresholds(7, 12, &[DossierVerified, DeviceSession]),
            since: date(2026, 11, 2),
        };
        QuarterThresholds::begin(quarter(2027, 1), wanted, Some(&before), agreed, TODAY)
    }

    #[test]
    fn the_first_quarter_takes_what_the_catalog_asks_for() {
        let wanted = thresholds(5, 10, &[DossierVerified]);

        let first = QuarterThresholds::begin(quarter(2027, 1), wanted.clone(), None, None, TODAY);

        assert_eq!((first.thresholds, first.since), (wanted, TODAY));
    }

    #[test]
    fn a_catalog_alone_makes_thresholds_stricter_and_nothing_looser() {
        let same = begin(thresholds(7, 12, &[DossierVerified, DeviceSession]), None);
        let stricter = begin(thresholds(8, 12, &[DossierVerified]), None);
        let looser = begin(
            thresholds(5, 10, &[DossierVerified, DeviceSession, DossierClaimed]),
            None,
        );
        let others = begin(thresholds(7, 12, &[DossierClaimed]), None);

        assert_eq!(same.since, date(2026, 11, 2));
        assert_eq!(stricter.thresholds, thresholds(8, 12, &[DossierVerified]));
        assert_eq!(stricter.since, date(2027, 1, 1));
        assert_eq!(looser, same);
        assert_eq!(others, same);
    }

    #[test]
    fn sample_data_does_not_loosen_what_real_data_began_with() {
        let sample = Thresholds {
            attacker_ratings: 0,
            ..thresholds(1, 1, &[DossierVerified, DeviceSession])
        };

        let kept = begin(sample, None);

        assert_eq!(
            kept.thresholds,
            thresholds(7, 12, &[DossierVerified, DeviceSession])
        );
    }

    #[test]
    fn a_quarter_that_began_with_sample_data_protects_the_raters_of_real_data() {
        let sample = Thresholds {
            attacker_ratings: 0,
            ..thresholds(1, 1, &[DossierVerified])
        };

        assert_eq!(
            sample.raised_to_floors(),
            thresholds(5, 10, &[DossierVerified])
        );
        let strict = thresholds(8, 20, &[DossierVerified]);
        assert_eq!(strict.clone().raised_to_floors(), strict);
    }

    #[test]
    fn two_reviewers_loosen_as_far_as_they_agree() {
        let wanted = thresholds(5, 10, &[DossierVerified, DeviceSession, DossierClaimed]);
        let all = loosening(5, 10, &[DossierClaimed]);
        let part = loosening(6, 12, &[]);
        let other_quarter = Loosening {
            quarter: quarter(2027, 2),
            ..all.clone()
        };

        assert_eq!(begin(wanted.clone(), Some(&all)).thresholds, wanted);
        assert_eq!(
            begin(wanted.clone(), Some(&part)).thresholds,
            thresholds(6, 12, &[DossierVerified, DeviceSession])
        );
        assert_eq!(
            begin(wanted.clone(), Some(&other_quarter)),
            begin(wanted, None)
        );
    }

    #[test]
    fn it_takes_two_people_of_both_groups_and_the_same_values() {
        let approval = |seat, approver: &str, k| LooseningApproval {
            loosening: loosening(k, 10, &[]),
            seat,
            approver: approver.into(),
        };
        let an = approval(Seat::First, "an", 5);

        for (other, is_agreed) in [
            (approval(Seat::First, "binh", 5), false),
            (approval(Seat::Second, "an", 5), false),
            (approval(Seat::Second, "binh", 6), false),
            (approval(Seat::Second, "binh", 5), true),
        ] {
            let approvals = [an.clone(), other];
            assert_eq!(agreed(&approvals).is_some(), is_agreed, "{approvals:?}");
        }
    }
}
