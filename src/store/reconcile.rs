//! Comparing what was counted with what was rated, while both go on.

use std::collections::BTreeMap;

use super::count::Counted;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::tally::{CellKey, Tally, fold};

/// A cell whose sums differ from its ratings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The cell.
    pub cell: CellKey,
    /// What the cell says.
    pub cell_tally: Tally,
    /// What the counted ratings add up to.
    pub rating_tally: Tally,
}

/// What reconciling one unit-month found.
#[derive(Debug)]
pub enum Reconciled {
    /// Cells equal the fold of the counted ratings; ratings left over were counted now.
    Equal {
        /// What the sweep did.
        swept: Counted,
    },
    /// They differ; nothing was changed.
    Mismatch(Vec<Mismatch>),
    /// The cells kept moving between the two reads; try again later.
    Busy,
}

/// Times a moving unit-month is read before it is left for the next run.
const ATTEMPTS: usize = 5;

impl Store {
    /// Reads cells, ratings and cells again, all consistently; where both cell reads agree the equality must hold.
    /// Then counts what is still pending.
    ///
    /// # Errors
    /// [`StoreError`] when a table cannot be read.
    pub async fn reconcile(&self, unit: &UnitId, month: Month) -> Result<Reconciled, StoreError> {
        for _ in 0..ATTEMPTS {
            let before = self.cells(unit, month).await?;
            let ratings = self.ratings(unit, month).await?;
            let after = self.cells(unit, month).await?;
            if before != after {
                continue;
            }
            let expected = fold(
                ratings
                    .iter()
                    .filter(|stored| !stored.pending)
                    .map(|stored| &stored.rating),
            );
            let mismatches = differences(&after, &expected);
            if !mismatches.is_empty() {
                return Ok(Reconciled::Mismatch(mismatches));
            }
            let pending: Vec<_> = ratings
                .into_iter()
                .filter(|stored| stored.pending)
                .map(|stored| stored.rating)
                .collect();
            return Ok(Reconciled::Equal {
                swept: self.count(&pending).await,
            });
        }
        Ok(Reconciled::Busy)
    }
}

fn differences(
    cells: &BTreeMap<CellKey, Tally>,
    expected: &BTreeMap<CellKey, Tally>,
) -> Vec<Mismatch> {
    let nothing = Tally::default();
    let keys: std::collections::BTreeSet<&CellKey> = cells.keys().chain(expected.keys()).collect();
    let differing = keys.into_iter().filter_map(|cell| {
        let (cell_tally, rating_tally) = (
            cells.get(cell).unwrap_or(&nothing),
            expected.get(cell).unwrap_or(&nothing),
        );
        (cell_tally != rating_tally).then(|| Mismatch {
            cell: cell.clone(),
            cell_tally: cell_tally.clone(),
            rating_tally: rating_tally.clone(),
        })
    });
    differing.collect()
}
