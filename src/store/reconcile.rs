//! Comparing what was counted with what was rated, while both go on.

use super::cell::CountedMonth;
use super::count::Counted;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::month_seal::MonthSeal;
use crate::domain::period::Month;
use crate::domain::tally::{Mismatch, fold_counted, mismatches};

/// What reconciling one unit-month found.
#[derive(Debug)]
pub enum Reconciled {
    /// Cells equal the fold of the counted ratings; ratings left over were counted now.
    Equal {
        /// What the sweep did.
        swept: Counted,
        /// What a seal would hold, where every rating was counted and there is no seal yet.
        unsealed: Option<MonthSeal>,
        /// Whether they are on record as differing.
        is_disputed: bool,
    },
    /// They differ; nothing was changed.
    Mismatch(Difference),
    /// The cells kept moving between the two reads; try again later.
    Busy,
}

/// How a unit-month's cells, ratings and seal disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Cells that differ from their ratings.
    pub cells: Vec<Mismatch>,
    /// The seal, and what it would be of the ratings there are, if they differ.
    pub broken_seal: Option<(MonthSeal, MonthSeal)>,
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
            let before = self.counted_month(unit, month).await?;
            let ratings = self.ratings(unit, month).await?;
            let after = self.counted_month(unit, month).await?;
            if before != after {
                continue;
            }
            let CountedMonth {
                cells,
                seal,
                is_disputed,
            } = after;
            let counted = ratings.iter().filter(|stored| !stored.pending);
            let expected = fold_counted(counted.map(|stored| (&stored.rating, stored.void)));
            let now = || MonthSeal::of(ratings.iter().map(|stored| &stored.rating));
            let difference = Difference {
                cells: mismatches(&cells, &expected),
                broken_seal: seal
                    .clone()
                    .map(|seal| (seal, now()))
                    .filter(|(a, b)| a != b),
            };
            if !difference.cells.is_empty() || difference.broken_seal.is_some() {
                return Ok(Reconciled::Mismatch(difference));
            }
            let is_complete = ratings.iter().all(|stored| !stored.pending);
            let unsealed = (seal.is_none() && is_complete && !ratings.is_empty()).then(now);
            let pending: Vec<_> = ratings
                .into_iter()
                .filter(|stored| stored.pending)
                .map(|stored| stored.rating)
                .collect();
            return Ok(Reconciled::Equal {
                swept: self.count(&pending).await,
                unsealed,
                is_disputed,
            });
        }
        Ok(Reconciled::Busy)
    }
}
