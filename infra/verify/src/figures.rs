//! Sums: dimensions agree with each other, and figures with the lists of counted ratings.

use std::collections::BTreeMap;

use thuocdo::domain::period::{Month, Period, Quarter};
use thuocdo::domain::proof::list::CountedList;
use thuocdo::domain::publication::{PeriodResults, UnitResults};
use thuocdo::domain::tally::{Counter, Tally};
use thuocdo::site::package::{HeadPart, key, unit_path};

use crate::{Report, list_key};

/// Finds every disagreement within the results of one unit, and between them and its `lists`.
pub(crate) fn check(
    head: &HeadPart,
    results: &UnitResults,
    lists: &[CountedList],
    report: &mut Report,
) {
    let file = key(&unit_path(&results.unit_id));
    let mut causes = Vec::new();
    for (period, of_period) in &results.periods {
        for cause in within(*period, of_period) {
            causes.push(format!("{period}: {cause}"));
        }
        if let Some(parts) = parts(*period, results)
            && sums(parts.iter().copied()) != sums([of_period])
        {
            causes.push(format!("{period}: differs from the sum of its parts"));
        }
    }
    for cause in causes {
        report.fault(file.clone(), cause);
    }
    let lists: BTreeMap<Month, &CountedList> =
        lists.iter().map(|list| (list.month, list)).collect();
    for (period, of_period) in &results.periods {
        if let Period::Month(month) = period
            && let Some(cause) = against_list(head, results, *month, of_period, lists.get(month))
        {
            report.fault(list_key(&results.unit_id, *month), cause);
        }
    }
}

fn within(period: Period, results: &PeriodResults) -> Vec<&'static str> {
    let (total, ledger) = (&results.total, &results.ledger);
    let mut parts = Tally::default();
    let mut officials = Tally::default();
    for stratum in results.strata.values() {
        parts += &stratum.unit_itself;
        parts += &stratum.officials;
        officials += &stratum.officials;
    }
    let verdicts = |tally: &Tally| tally.only(Counter::is_verdict);
    let named: u64 = results.officials.values().map(Tally::rated).sum();
    let reasons: u64 = results.taken_off_for.values().sum();
    let is_month = matches!(period, Period::Month(_));
    let claims = [
        (
            total.rated() == total.satisfied() + total.not_satisfied(),
            "ratings are not those satisfied and those not",
        ),
        (
            ledger.published == total.rated(),
            "the reconcile line publishes another number than the total",
        ),
        (
            ledger.received >= ledger.published + ledger.taken_off,
            "more is published than was received",
        ),
        (
            reasons == ledger.taken_off,
            "the reasons of what was taken off do not add up",
        ),
        (
            is_month || verdicts(&parts) == verdicts(total),
            "the strata do not add up to the total",
        ),
        (
            named <= officials.rated(),
            "officials by name have more ratings than all officials",
        ),
    ];
    claims
        .into_iter()
        .filter(|(holds, _)| !holds)
        .map(|(_, cause)| cause)
        .collect()
}

/// What a period is the sum of; none for a month.
fn parts(period: Period, results: &UnitResults) -> Option<Vec<&PeriodResults>> {
    let all = results.periods.iter();
    let of = |is_part: &dyn Fn(Period) -> bool| {
        all.filter(|(other, _)| is_part(**other))
            .map(|(_, results)| results)
            .collect()
    };
    match period {
        Period::Month(_) => None,
        Period::Quarter(quarter) => Some(of(
            &|other| matches!(other, Period::Month(month) if month.quarter() == quarter),
        )),
        Period::Year(year) => Some(of(
            &|other| matches!(other, Period::Quarter(Quarter { year: of, .. }) if of == year),
        )),
        Period::All => Some(of(&|other| matches!(other, Period::Year(_)))),
    }
}

/// Total and reconcile line, added up.
fn sums<'a>(parts: impl IntoIterator<Item = &'a PeriodResults>) -> (Tally, [u64; 4]) {
    let (mut total, mut lines) = (Tally::default(), [0; 4]);
    for part in parts {
        total += &part.total;
        let ledger = &part.ledger;
        let line = [
            ledger.received,
            ledger.published,
            ledger.taken_off,
            ledger.set_aside,
        ];
        for (sum, amount) in lines.iter_mut().zip(line) {
            *sum += amount;
        }
    }
    (total, lines)
}

/// Whether a month's list holds as many ratings as its figures need.
///
/// A list grows at night and by k at least, and rests while the unit's publication does: until it is closed it may lag
/// behind the figures by fewer than k.
fn against_list(
    head: &HeadPart,
    results: &UnitResults,
    month: Month,
    of_month: &PeriodResults,
    list: Option<&&CountedList>,
) -> Option<String> {
    let listed = list.map_or(0, |list| list.len());
    let shown = of_month.ledger.published + of_month.ledger.taken_off;
    let closes = CountedList::closes(month);
    if list.is_some_and(|list| list.closed) {
        if head.day < closes {
            return Some(format!("is closed, and may grow until {closes}"));
        }
        let received = of_month.ledger.received;
        return (listed < received).then(|| {
            format!("is closed with {listed} entries, and {received} ratings were counted")
        });
    }
    if list.is_none_or(|list| !list.closed) && !results.is_frozen && head.day >= closes {
        return Some(format!("must be complete and closed since {closes}"));
    }
    let may_lag = results.is_frozen || results.as_of.is_none_or(|as_of| head.day <= as_of);
    let k = u64::from(head.head.settings.min_new_ratings.max(1));
    (!may_lag && shown >= listed + k)
        .then(|| format!("has {listed} entries, and {shown} ratings are in the figures"))
}
