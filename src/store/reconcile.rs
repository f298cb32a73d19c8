//! Comparing what was counted with what was rated, while both go on.

use super::count::Counted;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::tally::{Mismatch, mismatches};

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
            let counted = ratings.iter().filter(|stored| !stored.pending);
            let mismatches = mismatches(&after, counted.map(|stored| &stored.rating));
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
