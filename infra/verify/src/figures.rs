//! Sums: dimensions agree with each other, and figures with the lists of counted ratings.

use std::collections::{BTreeMap, BTreeSet};

use thuocdo::domain::period::{Month, Period, Quarter};
use thuocdo::domain::proof::list::CountedList;
use thuocdo::domain::publication::unverified::SHARE_FROM;
use thuocdo::domain::publication::{PeriodResults, UnitResults, UnverifiedRatings};
use thuocdo::domain::rating::Attestation;
use thuocdo::domain::tally::{Counter, Tally};
use thuocdo::site::package::{HeadPart, UnitPart, key, unit_path};

use crate::{Report, list_key};

/// Finds every disagreement within the results of one `unit`, and between them and its `lists`.
pub(crate) fn check(head: &HeadPart, unit: &UnitPart, lists: &[CountedList], report: &mut Report) {
    let results = &unit.results;
    let file = key(&unit_path(&results.unit_id));
    let mut causes = Vec::new();
    for (period, of_period) in &results.periods {
        for cause in within(*period, of_period) {
            causes.push(format!("{period}: {cause}"));
        }
        if unit.counts_verified_only {
            for cause in apart(*period, of_period, &counted(head, results, *period)) {
                causes.push(format!("{period}: {cause}"));
            }
        }
        if let Some(parts) = parts(*period, results)
            && !sums(*period, [of_period]).add_up(*period, &sums(*period, parts.iter().copied()))
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

/// Attestations that some quarter of a period counts, and those that every quarter does.
struct Counted {
    some: BTreeSet<Attestation>,
    every: BTreeSet<Attestation>,
}

fn counted(head: &HeadPart, results: &UnitResults, period: Period) -> Counted {
    let within = |quarter: &Quarter| match period {
        Period::All => true,
        Period::Year(year) => quarter.year == year,
        Period::Quarter(other) => *quarter == other,
        Period::Month(month) => *quarter == month.quarter(),
    };
    let of = results.thresholds.iter();
    let of = of.filter(|(quarter, _)| within(quarter));
    let mut counted: Option<Counted> = None;
    for (_, of_quarter) in of {
        let strata = &of_quarter.thresholds.ranking_strata;
        let counted = counted.get_or_insert_with(|| Counted {
            some: BTreeSet::new(),
            every: strata.clone(),
        });
        counted.some.extend(strata);
        counted
            .every
            .retain(|attestation| strata.contains(attestation));
    }
    counted.unwrap_or_else(|| Counted {
        some: head.head.settings.counted_strata(),
        every: head.head.settings.counted_strata(),
    })
}

/// What is wrong with how verified and unverified ratings are kept apart.
fn apart(period: Period, results: &PeriodResults, counted: &Counted) -> Vec<&'static str> {
    let mut unverified = results.unverified.iter();
    let has_share = |ratings: &UnverifiedRatings| {
        matches!(period, Period::Quarter(_)) && ratings.received >= SHARE_FROM
    };
    let claims = [
        (
            results
                .strata
                .keys()
                .all(|stratum| counted.some.contains(stratum)),
            "a stratum that nothing proves is in the total",
        ),
        (
            results
                .unverified
                .keys()
                .all(|stratum| !counted.every.contains(stratum)),
            "a stratum of the total is told apart from it as well",
        ),
        (
            unverified.all(|(_, ratings)| {
                ratings
                    .percent
                    .is_none_or(|percent| percent <= 100 && has_share(ratings))
            }),
            "there is a percentage of too few unverified ratings, or of another period than a quarter",
        ),
        (
            results.answers == results.answers.only(Counter::is_answer),
            "among the answers is something else",
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

/// What a period has in common with its parts, added up.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    total: Tally,
    /// Empty for a quarter: its months have none.
    answers: Tally,
    ledger: [u64; 4],
    /// Received and set aside.
    unverified: BTreeMap<Attestation, [u64; 2]>,
}

impl Sums {
    /// Whether the sums of a period are those of its `parts`. A quarter has more: what its months left over.
    fn add_up(&self, period: Period, parts: &Self) -> bool {
        if !matches!(period, Period::Quarter(_)) {
            return self == parts;
        }
        let [received, published, taken_off, set_aside] = self.ledger;
        let [
            of_parts,
            published_of_parts,
            taken_off_of_parts,
            set_aside_of_parts,
        ] = parts.ledger;
        let mut counters = parts.total.counters();
        (received, set_aside) == (of_parts, set_aside_of_parts)
            && self.unverified == parts.unverified
            && published + taken_off >= published_of_parts + taken_off_of_parts
            && (taken_off > taken_off_of_parts
                || counters.all(|(counter, amount)| self.total.get(counter) >= amount))
    }
}

fn sums<'a>(period: Period, parts: impl IntoIterator<Item = &'a PeriodResults>) -> Sums {
    let mut sums = Sums::default();
    for part in parts {
        sums.total += &part.total;
        if !matches!(period, Period::Quarter(_)) {
            sums.answers += &part.answers;
        }
        for (attestation, ratings) in &part.unverified {
            let [received, set_aside] = sums.unverified.entry(*attestation).or_default();
            *received += ratings.received;
            *set_aside += ratings.set_aside;
        }
        let ledger = &part.ledger;
        let line = [
            ledger.received,
            ledger.published,
            ledger.taken_off,
            ledger.set_aside,
        ];
        for (sum, amount) in sums.ledger.iter_mut().zip(line) {
            *sum += amount;
        }
    }
    sums
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
        let unverified = of_month.unverified.values();
        let received =
            of_month.ledger.received + unverified.map(|ratings| ratings.received).sum::<u64>();
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
