//! Ratings that nothing proves: anybody can invent a phone number, so they are counted by themselves and enter no sum.
//!
//! What is told of such a stratum is how many ratings it has, and of a closed quarter with enough of them a percentage
//! in whole per cent. Neither is worth an attack on the figures beside it, which never change with them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::release::ReleasedGrid;
use crate::id::OfficialId;
use crate::rating::Attestation;
use crate::tally::{CellKey, Tally};

/// Ratings an unverified stratum needs in a quarter before a percentage of it is shown.
pub const SHARE_FROM: u64 = 30;

/// What is told of one unverified stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnverifiedRatings {
    /// Ratings counted.
    pub received: u64,
    /// Ratings among them that were set aside.
    pub set_aside: u64,
    /// Satisfied in whole per cent of the ratings that stand, rounded half up; for a closed quarter with at least
    /// [`SHARE_FROM`] of them, and for no other period.
    pub percent: Option<u8>,
}

impl UnverifiedRatings {
    /// Ratings that stand.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.received.saturating_sub(self.set_aside)
    }
}

/// Whether a publication of `today` may count the ratings of `cell`: those of an unverified stratum from the next day
/// on, so that the count cannot be watched going up by one as somebody leaves the desk.
#[must_use]
pub fn is_told(cell: &CellKey, ranking_strata: &BTreeSet<Attestation>, today: Date) -> bool {
    ranking_strata.contains(&cell.attestation) || cell.date().is_some_and(|date| date < today)
}

/// The percentages of the unverified strata in the released ratings of a quarter, where there are enough.
///
/// A release takes these strata in once, when its quarter is over.
#[must_use]
pub(super) fn percents(
    released: &ReleasedGrid,
    ranking_strata: &BTreeSet<Attestation>,
) -> BTreeMap<Attestation, u8> {
    let mut sums: BTreeMap<Attestation, Tally> = BTreeMap::new();
    for ((row, _), tally) in released {
        if !ranking_strata.contains(&row.attestation) {
            *sums.entry(row.attestation).or_default() += tally;
        }
    }
    let enough = sums
        .into_iter()
        .map(|(attestation, tally)| (attestation, tally.net()))
        .filter(|(_, tally)| tally.rated() >= SHARE_FROM);
    enough
        .filter_map(|(attestation, tally)| {
            let percent = whole_percent(tally.satisfied(), tally.rated())?;
            Some((attestation, percent))
        })
        .collect()
}

/// `part` of `whole` in percent, rounded half up; `None` when the whole is zero.
fn whole_percent(part: u64, whole: u64) -> Option<u8> {
    let (part, whole) = (u128::from(part), u128::from(whole));
    let percent = (part * 200 + whole).checked_div(whole * 2)?;
    u8::try_from(percent).ok()
}

/// Ratings of one stratum that one subject got on one day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SubjectDay {
    /// The official, unless the unit itself was rated.
    pub official_id: Option<OfficialId>,
    /// The stratum.
    pub attestation: Attestation,
    /// The day.
    pub date: Date,
}

/// Subjects and days on which an unverified stratum got more than `bound` ratings, with how many it got.
///
/// All ratings of such a day are flagged: within a day nothing says which came first. The flag is no attribute of a
/// rating but follows from the cells, so it costs no write and cannot disagree with them.
#[must_use]
pub fn flagged<'a>(
    cells: impl IntoIterator<Item = (&'a CellKey, &'a Tally)>,
    ranking_strata: &BTreeSet<Attestation>,
    bound: u64,
) -> BTreeMap<SubjectDay, u64> {
    let mut days: BTreeMap<SubjectDay, u64> = BTreeMap::new();
    for (cell, tally) in cells {
        if ranking_strata.contains(&cell.attestation) {
            continue;
        }
        let Some(date) = cell.date() else { continue };
        let day = SubjectDay {
            official_id: cell.official_id.clone(),
            attestation: cell.attestation,
            date,
        };
        *days.entry(day).or_default() += tally.rated();
    }
    days.retain(|_, rated| *rated > bound);
    days
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::id::{FieldId, UnitId};
    use crate::period::Month;
    use crate::rating::Channel;
    use crate::tally::Counter;

    fn ranking() -> BTreeSet<Attestation> {
        BTreeSet::from([Attestation::DossierVerified])
    }

    fn cell(
        attestation: Attestation,
        official: Option<&str>,
        field: Option<&str>,
        day: i8,
    ) -> CellKey {
        CellKey {
            unit_id: UnitId::parse("u").unwrap(),
            month: Month::of(date(2026, 11, 1)),
            attestation,
            official_id: official.map(|id| OfficialId::parse(id).unwrap()),
            field_id: field.map(|id| FieldId::parse(id).unwrap()),
            channel: Channel::Web,
            day,
        }
    }

    fn rated(rated: u64) -> Tally {
        [(Counter::Rated, rated)].into_iter().collect()
    }

    #[test]
    fn a_percentage_is_rounded_half_up() {
        let percents = [(0, 30), (19, 30), (1, 200), (199, 200), (30, 30)]
            .map(|(part, whole)| whole_percent(part, whole).unwrap());

        assert_eq!(percents, [0, 63, 1, 100, 100]);
        assert_eq!(whole_percent(0, 0), None);
        assert_eq!(whole_percent(u64::MAX, u64::MAX), Some(100));
    }

    #[test]
    fn unverified_ratings_of_today_are_not_told_before_tomorrow() {
        let today = date(2026, 11, 20);
        let told =
            |attestation, day| is_told(&cell(attestation, None, None, day), &ranking(), today);

        assert!(told(Attestation::DossierVerified, 20));
        assert!(told(Attestation::PhoneDeclared, 19));
        assert!(!told(Attestation::PhoneDeclared, 20));
        assert!(
            !told(Attestation::PhoneDeclared, 31),
            "November has no such day"
        );
    }

    #[test]
    fn a_day_is_flagged_when_a_subject_gets_more_of_an_unverified_stratum_than_the_bound() {
        use Attestation::{DossierClaimed, DossierVerified, PhoneDeclared};
        let cells = [
            (cell(PhoneDeclared, None, None, 3), rated(5)),
            (cell(PhoneDeclared, None, None, 4), rated(6)),
            // Fields and channels of one subject and day are one.
            (cell(DossierClaimed, Some("an"), Some("land"), 4), rated(3)),
            (cell(DossierClaimed, Some("an"), Some("birth"), 4), rated(3)),
            (cell(DossierClaimed, Some("binh"), None, 4), rated(5)),
            (cell(DossierVerified, None, None, 4), rated(90)),
        ];

        let flagged = flagged(
            cells.iter().map(|(cell, tally)| (cell, tally)),
            &ranking(),
            5,
        );

        let day = |official: Option<&str>, attestation| SubjectDay {
            official_id: official.map(|id| OfficialId::parse(id).unwrap()),
            attestation,
            date: date(2026, 11, 4),
        };
        let expected = [
            (day(None, PhoneDeclared), 6),
            (day(Some("an"), DossierClaimed), 6),
        ];
        assert_eq!(flagged, BTreeMap::from(expected));
    }
}
