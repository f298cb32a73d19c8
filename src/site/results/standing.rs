//! Who stands where: officials within their unit, units within their group.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::domain::catalog::{CatalogHead, Text, UnitEntry, UnitGroup, Validity};
use crate::domain::id::{OfficialId, UnitId};
use crate::domain::period::{Month, Period};
use crate::domain::publication::{PeriodResults, UnitResults};
use crate::domain::score::ranking::{Candidate, Ranked, rank};
use crate::domain::tally::Tally;
use crate::site::collation::{person_key, text_key};

/// A place in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// From 1; ties share it.
    pub(super) rank: usize,
    /// From 1; those of one tier cannot be told apart.
    pub(super) tier: usize,
}

impl<T> From<&Ranked<T>> for Place {
    fn from(ranked: &Ranked<T>) -> Self {
        Self {
            rank: ranked.rank,
            tier: ranked.tier,
        }
    }
}

/// An official and, with enough ratings, their place.
#[derive(Debug, Clone)]
pub(super) struct OfficialStanding<'a> {
    pub(super) id: &'a OfficialId,
    pub(super) name: &'a str,
    /// None for one who is no longer in the catalog.
    pub(super) title: Option<&'a Text>,
    /// Place and the ratings it rests on; none while there are not enough.
    pub(super) placed: Option<(Place, &'a Tally)>,
}

/// Officials of `entry` by rank, then those without enough ratings by name.
pub(super) fn officials<'a>(
    entry: &'a UnitEntry,
    period: Period,
    results: &'a PeriodResults,
) -> Vec<OfficialStanding<'a>> {
    let named = |id: &'a OfficialId| {
        let official = entry.officials.iter().find(|official| official.id == *id);
        official.map_or((id.as_str(), None), |official| {
            (official.name.as_str(), Some(&official.title))
        })
    };
    let candidates = results
        .officials
        .iter()
        .filter(|(_, tally)| tally.rated() > 0)
        .map(|(id, tally)| Candidate::new((id, tally), named(id).0, id.as_str(), tally));
    let mut standings: Vec<OfficialStanding> = rank(candidates.collect())
        .iter()
        .map(|ranked| {
            let (id, tally) = ranked.who;
            let (name, title) = named(id);
            OfficialStanding {
                id,
                name,
                title,
                placed: Some((Place::from(ranked), tally)),
            }
        })
        .collect();

    let is_placed = |id: &OfficialId| results.officials.get(id).is_some_and(|t| t.rated() > 0);
    let mut waiting: Vec<OfficialStanding> = entry
        .officials
        .iter()
        .filter(|official| overlaps(official.validity, period) && !is_placed(&official.id))
        .map(|official| OfficialStanding {
            id: &official.id,
            name: &official.name,
            title: Some(&official.title),
            placed: None,
        })
        .collect();
    waiting.sort_by_cached_key(|standing| (person_key(standing.name), standing.id.clone()));
    standings.append(&mut waiting);
    standings
}

/// A unit and what is published of it for one period.
#[derive(Debug, Clone)]
pub(super) struct UnitStanding<'a> {
    pub(super) id: &'a UnitId,
    pub(super) name: &'a Text,
    /// Day of the unit's last release.
    pub(super) as_of: Option<Date>,
    pub(super) results: &'a PeriodResults,
    /// Place within the group, by all verified ratings; none for months and while there are not enough.
    pub(super) placed: Option<Place>,
}

/// The units of one group for one period.
#[derive(Debug, Clone)]
pub(super) struct GroupStanding<'a> {
    pub(super) group: &'a UnitGroup,
    /// By rank, then those without a place by name.
    pub(super) units: Vec<UnitStanding<'a>>,
    /// Units in force in the period that nobody rated.
    pub(super) silent: usize,
}

/// Units by group, in the catalog's order; only units with something received in `period`.
pub(super) fn units<'a>(
    head: &'a CatalogHead,
    units: &'a BTreeMap<UnitId, UnitEntry>,
    results: &'a BTreeMap<UnitId, UnitResults>,
    period: Period,
) -> Vec<GroupStanding<'a>> {
    let groups = head.groups.iter().map(|group| {
        let (mut rated, mut silent) = (Vec::new(), 0);
        for entry in units.values().filter(|e| e.unit.group_id == group.id) {
            let all = results.get(&entry.unit.id);
            match all.and_then(|all| Some((all.as_of, all.periods.get(&period)?))) {
                Some((as_of, results)) => rated.push(UnitStanding {
                    id: &entry.unit.id,
                    name: &entry.unit.name,
                    as_of,
                    results,
                    placed: None,
                }),
                None if overlaps(entry.unit.validity, period) => silent += 1,
                None => {}
            }
        }
        GroupStanding {
            group,
            units: place_units(head, rated, period),
            silent,
        }
    });
    groups.filter(|group| !group.units.is_empty()).collect()
}

/// Ranks `units` by their totals, unless the period is a month.
fn place_units<'a>(
    head: &CatalogHead,
    units: Vec<UnitStanding<'a>>,
    period: Period,
) -> Vec<UnitStanding<'a>> {
    let is_ranked = !matches!(period, Period::Month(_));
    let least = u64::from(head.settings.min_official_ratings.max(1));
    let (mut candidates, mut waiting) = (Vec::new(), Vec::new());
    for unit in units {
        let total = &unit.results.total;
        if is_ranked && total.rated() >= least {
            let (name, id) = (unit.name.vi.as_str(), unit.id.as_str());
            candidates.push(Candidate::new(unit, name, id, total));
        } else {
            waiting.push(unit);
        }
    }
    let placed = rank(candidates).into_iter().map(|ranked| UnitStanding {
        placed: Some(Place::from(&ranked)),
        ..ranked.who
    });
    let mut placed: Vec<UnitStanding> = placed.collect();
    waiting.sort_by_cached_key(|unit| (text_key(&unit.name.vi), unit.id.clone()));
    placed.append(&mut waiting);
    placed
}

/// The last day of `period`, at most `as_of`: the day whose scoring rules apply.
pub(super) fn last_day(period: Period, as_of: Date) -> Date {
    span(period).map_or(as_of, |(_, last)| last.min(as_of))
}

fn overlaps(validity: Validity, period: Period) -> bool {
    let Some((first, last)) = span(period) else {
        return true;
    };
    validity.from.is_none_or(|from| from <= last) && validity.to.is_none_or(|to| first <= to)
}

/// First and last day; `None` for all time.
pub(super) fn span(period: Period) -> Option<(Date, Date)> {
    let first_of = |month: Month| Date::new(month.year, month.month, 1).ok();
    let last_of = |month: Month| first_of(month).map(Date::last_of_month);
    match period {
        Period::All => None,
        Period::Year(year) => {
            let january = Date::new(year, 1, 1).ok()?;
            Some((january, january.last_of_year()))
        }
        Period::Quarter(quarter) => {
            let [first, _, last] = quarter.months();
            Some((first_of(first)?, last_of(last)?))
        }
        Period::Month(month) => Some((first_of(month)?, last_of(month)?)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_period_spans_its_first_and_last_day() {
        let span = |text: &str| span(Period::parse(text).unwrap());

        assert_eq!(span("all"), None);
        assert_eq!(span("2024"), Some((date(2024, 1, 1), date(2024, 12, 31))));
        assert_eq!(
            span("2026q4"),
            Some((date(2026, 10, 1), date(2026, 12, 31)))
        );
        assert_eq!(span("202402"), Some((date(2024, 2, 1), date(2024, 2, 29))));
    }

    #[test]
    fn an_old_quarter_is_scored_by_the_rules_of_its_own_last_day() {
        let quarter = Period::parse("2026q1").unwrap();

        assert_eq!(last_day(quarter, date(2026, 11, 20)), date(2026, 3, 31));
        assert_eq!(last_day(quarter, date(2026, 2, 1)), date(2026, 2, 1));
        assert_eq!(
            last_day(Period::All, date(2026, 11, 20)),
            date(2026, 11, 20)
        );
    }
}
