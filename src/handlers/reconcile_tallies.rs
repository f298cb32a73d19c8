//! On a schedule: compare cells with ratings, and count what the stream lost.

use futures::StreamExt;
use jiff::Timestamp;

use crate::domain::id::UnitId;
use crate::domain::period::{Month, local_date};
use crate::http::reply;
use crate::metric;
use crate::store::reconcile::Reconciled;
use crate::store::{Store, StoreError};

/// Unit-months reconciled at once.
const CONCURRENCY: usize = 8;

/// What a run found, in unit-months and ratings.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct ReconcileReport {
    /// Unit-months whose cells equal their ratings.
    pub equal: usize,
    /// Unit-months that differ: nothing was changed, somebody must look.
    pub mismatched: usize,
    /// Unit-months that kept moving; the next run takes them.
    pub busy: usize,
    /// Unit-months that could not be read.
    pub failed: usize,
    /// Ratings counted that the stream had lost.
    pub swept: usize,
}

/// Reconciles every unit of the catalog in force, for this month and the last.
///
/// # Errors
/// [`StoreError`] when the catalog cannot be read.
pub async fn handle(store: &Store, now: Timestamp) -> Result<ReconcileReport, StoreError> {
    let this = Month::of(local_date(now));
    let units = match store.catalog_version().await? {
        Some(version) => store.catalog_units(&version).await?,
        None => std::collections::BTreeMap::new(),
    };
    let places: Vec<(UnitId, Month)> = units
        .into_keys()
        .flat_map(|unit| [this.previous(), this].map(|month| (unit.clone(), month)))
        .collect();
    let results = futures::stream::iter(places).map(|(unit, month)| async move {
        let result = store.reconcile(&unit, month).await;
        (unit, month, result)
    });
    let mut results = results.buffer_unordered(CONCURRENCY);
    let mut report = ReconcileReport::default();
    while let Some((unit, month, result)) = results.next().await {
        match result {
            Ok(Reconciled::Equal { swept }) => {
                report.equal += 1;
                report.swept += swept.counted;
                report.failed += usize::from(!swept.failed.is_empty());
            }
            Ok(Reconciled::Mismatch(mismatches)) => {
                report.mismatched += 1;
                for mismatch in mismatches {
                    tracing::error!(route = "reconcile-tallies", %unit, %month, cell = %mismatch.cell.sort_key(),
                        cell_rated = mismatch.cell_tally.rated(), rating_rated = mismatch.rating_tally.rated(), "a cell differs from its ratings");
                }
            }
            Ok(Reconciled::Busy) => report.busy += 1,
            Err(error) => {
                report.failed += 1;
                tracing::error!(route = "reconcile-tallies", %unit, %month, error = %reply::chain(&error), "not reconciled");
            }
        }
    }
    metric::count("Mismatch", report.mismatched as u64);
    metric::count("Swept", report.swept as u64);
    tracing::info!(
        route = "reconcile-tallies",
        equal = report.equal,
        mismatched = report.mismatched,
        swept = report.swept,
        "reconciled"
    );
    Ok(report)
}
