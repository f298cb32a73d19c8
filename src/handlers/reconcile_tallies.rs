//! On a schedule: compare cells with ratings, count what the stream lost, void what two people agreed on, and seal
//! what is closed.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, StreamExt};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use crate::domain::id::UnitId;
use crate::domain::month_seal::CLOSED_AFTER_DAYS;
use crate::domain::period::{Month, local_date, open_months};
use crate::domain::rating::RatingId;
use crate::domain::void::{self, Approval, Decision, VoidReason};
use crate::metric;
use crate::store::reconcile::{Difference, Reconciled};
use crate::store::void::Voided;
use crate::store::{Store, StoreError};

/// Unit-months reconciled at once.
const CONCURRENCY: usize = 8;

/// What a run found, in unit-months and ratings.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReconcileReport {
    /// Unit-months whose cells equal their ratings.
    pub equal: usize,
    /// Unit-months that differ: their unit's publication rests, somebody must look.
    pub mismatched: usize,
    /// Unit-months that kept moving; the next run takes them.
    pub busy: usize,
    /// Unit-months that could not be read or written to their end, or whose pending ratings were too many for one run.
    pub failed: usize,
    /// Ratings counted that the stream had lost.
    pub swept: usize,
    /// Ratings voided.
    pub voided: usize,
    /// Months sealed.
    pub sealed: usize,
    /// Unit-months left for the next run, because time was up.
    pub left: usize,
}

type Place = (Month, UnitId);
/// Ratings to be voided, by where they are.
type Decisions = BTreeMap<Place, Vec<(RatingId, VoidReason)>>;

/// Reconciles every unit of the catalog in force for this month and the last, and wherever a void is due.
///
/// Takes up where the last run ran out of time, and stops before a unit-month once `has_time` says no.
///
/// # Errors
/// [`StoreError`] when the catalog, the approvals or the progress cannot be read or written.
pub async fn handle(
    store: &Store,
    now: Timestamp,
    has_time: impl Fn() -> bool,
) -> Result<ReconcileReport, StoreError> {
    let today = local_date(now);
    let decisions = decisions(store, today).await?;
    let places = places(store, today, &decisions).await?;
    let begin = store.reconciled_until().await?;
    let due: Vec<Place> = places
        .into_iter()
        .filter(|place| begin.as_ref().is_none_or(|begin| place > begin))
        .collect();

    let runs: Vec<_> = due
        .iter()
        .map(|place| reconcile_one(store, place, decisions.get(place), today).boxed())
        .collect();
    // Those under way when time is up come to their end.
    let mut runs = runs.into_iter();
    let in_time = std::iter::from_fn(move || if has_time() { runs.next() } else { None });
    let mut runs = futures::stream::iter(in_time).buffered(CONCURRENCY);
    let mut report = ReconcileReport::default();
    let mut done = 0;
    while let Some(found) = runs.next().await {
        report.add(&found);
        done += 1;
    }
    report.left = due.len() - done;
    let end = match report.left {
        0 => None,
        _ => done.checked_sub(1).map(|last| due[last].clone()),
    };
    // Written without a comparison: a large unit-month may have left its own place.
    if done > 0 || report.left == 0 {
        store.remember_reconciled_until(end.as_ref()).await?;
    }
    metric::count("Mismatch", report.mismatched as u64);
    metric::count("Swept", report.swept as u64);
    for (name, unit_months) in [
        ("ReconcileFailed", report.failed),
        ("ReconcileBusy", report.busy),
        ("ReconcileLeft", report.left),
    ] {
        metric::count(name, unit_months as u64);
    }
    tracing::info!(
        route = "reconcile-tallies",
        equal = report.equal,
        mismatched = report.mismatched,
        swept = report.swept,
        voided = report.voided,
        failed = report.failed,
        busy = report.busy,
        left = report.left,
        "reconciled"
    );
    Ok(report)
}

/// The ratings that two people agreed to void and that are not voided yet.
///
/// An approval says nothing of the month, and not even whether there is such a rating: both are looked up here. One that
/// is not there by the day after the approvals never will be, and is not looked for again.
async fn decisions(store: &Store, today: Date) -> Result<Decisions, StoreError> {
    let months = open_months(today);
    let mut by_rating: BTreeMap<(UnitId, RatingId), Vec<Approval>> = BTreeMap::new();
    let mut settled = BTreeSet::new();
    for month in &months {
        let filed = store.approvals(*month).await?;
        settled.extend(filed.settled);
        for (unit, approval) in filed.approvals {
            let of = by_rating.entry((unit, approval.rating_id.clone()));
            of.or_default().push(approval);
        }
    }
    let decided = by_rating.into_iter().filter_map(|(rating, approvals)| {
        let is_open = !settled.contains(&rating);
        let decision = void::decided(&approvals).filter(|_| is_open)?;
        Some((rating, decision))
    });
    let looked_up = decided.map(|((unit, id), decision)| {
        let months = &months;
        async move {
            let month = find(store, &unit, &id, &decision, months).await?;
            if month.is_none() && today > decision.until {
                store.put_absent(&unit, &id, today).await?;
            }
            Ok::<_, StoreError>(month.map(|month| ((month, unit), (id, decision.reason))))
        }
        .boxed()
    });
    let looked_up: Vec<_> = looked_up.collect();
    let mut looked_up = futures::stream::iter(looked_up).buffered(CONCURRENCY);
    let mut decisions = Decisions::new();
    while let Some(found) = looked_up.next().await {
        if let Some((place, due)) = found? {
            decisions.entry(place).or_default().push(due);
        }
    }
    Ok(decisions)
}

/// The month of the rating that was decided on, if there is one that the approvals can mean.
async fn find(
    store: &Store,
    unit: &UnitId,
    id: &RatingId,
    decision: &Decision,
    months: &[Month],
) -> Result<Option<Month>, StoreError> {
    for month in months {
        let stored = store.rating(unit, *month, id).await?;
        let is_meant = stored.is_some_and(|stored| {
            let subject = decision.subject.as_ref();
            stored.rating.date <= decision.until
                && subject.is_none_or(|subject| *subject == stored.rating.subject)
        });
        if is_meant {
            return Ok(Some(*month));
        }
    }
    Ok(None)
}

async fn places(
    store: &Store,
    today: Date,
    decisions: &Decisions,
) -> Result<BTreeSet<Place>, StoreError> {
    let this = Month::of(today);
    let units = match store.catalog_version().await? {
        Some(version) => store.catalog_units(&version).await?,
        None => BTreeMap::new(),
    };
    let of_units = units
        .into_keys()
        .flat_map(|unit| [this.previous(), this].map(|month| (month, unit.clone())));
    Ok(of_units.chain(decisions.keys().cloned()).collect())
}

async fn reconcile_one(
    store: &Store,
    (month, unit): &Place,
    due: Option<&Vec<(RatingId, VoidReason)>>,
    today: Date,
) -> ReconcileReport {
    let mut report = ReconcileReport::default();
    let outcome = async {
        let place = (*month, unit.clone());
        // Were this run ended here, the next would begin behind this unit-month, and not end at it again.
        let on_large = || store.remember_reconciled_until(Some(&place));
        // Boxed, as the compiler would otherwise look too deep into it.
        match store.reconcile(unit, *month, on_large).boxed().await? {
            Reconciled::Busy => report.busy += 1,
            Reconciled::Mismatch(difference) => {
                report.mismatched += 1;
                log_difference(unit, *month, &difference);
                store.freeze(unit, *month, &difference, today).await?;
            }
            Reconciled::Equal {
                swept,
                more_pending,
                unsealed,
                is_disputed,
            } => {
                report.equal += 1;
                report.swept += swept.counted;
                report.failed += usize::from(more_pending || !swept.failed.is_empty());
                if is_disputed {
                    store.thaw(unit, *month, today).await?;
                }
                for (id, reason) in due.into_iter().flatten() {
                    if store.void(unit, *month, id, *reason, today).await? == Voided::Voided {
                        report.voided += 1;
                        tracing::warn!(route = "reconcile-tallies", %unit, %month, reason = reason.code(), "a rating was voided");
                    }
                }
                if let Some(seal) = unsealed.filter(|_| is_closed(*month, today)) {
                    store.put_month_seal(unit, *month, &seal, today).await?;
                    report.sealed += 1;
                }
            }
        }
        Ok::<_, StoreError>(())
    };
    if let Err(error) = outcome.await {
        report.failed += 1;
        tracing::error!(route = "reconcile-tallies", %unit, %month, error = %crate::log::chain(&error), "not reconciled");
    }
    report
}

fn is_closed(month: Month, today: Date) -> bool {
    Month::of(today.saturating_sub(CLOSED_AFTER_DAYS.days())) > month
}

fn log_difference(unit: &UnitId, month: Month, difference: &Difference) {
    for mismatch in &difference.cells {
        tracing::error!(route = "reconcile-tallies", %unit, %month, cell = %mismatch.cell.sort_key(),
            cell_rated = mismatch.cell_tally.rated(), rating_rated = mismatch.rating_tally.rated(), "a cell differs from its ratings");
    }
    if let Some((seal, now)) = &difference.broken_seal {
        tracing::error!(route = "reconcile-tallies", %unit, %month, sealed_rated = seal.rated, rating_rated = now.rated, "a sealed month has changed");
    }
}

impl ReconcileReport {
    fn add(&mut self, other: &Self) {
        self.equal += other.equal;
        self.mismatched += other.mismatched;
        self.busy += other.busy;
        self.failed += other.failed;
        self.swept += other.swept;
        self.voided += other.voided;
        self.sealed += other.sealed;
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_month_is_closed_some_days_after_its_end() {
        let october = Month {
            year: 2026,
            month: 10,
        };

        for (today, closed) in [
            (date(2026, 10, 31), false),
            (date(2026, 11, 3), false),
            (date(2026, 11, 4), true),
            (date(2027, 1, 1), true),
        ] {
            assert_eq!(is_closed(october, today), closed, "{today}");
        }
    }
}
