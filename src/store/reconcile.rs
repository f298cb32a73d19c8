//! Comparing what was counted with what was rated, while both go on.

use super::cell::CountedMonth;
use super::count::Counted;
use super::key::Key;
use super::rating::{StoredRating, rating_from_item};
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::month_seal::{MonthSeal, Sealing};
use crate::domain::period::Month;
use crate::domain::rating::Rating;
use crate::domain::tally::{Cells, Mismatch, fold_counted, mismatches};

/// What reconciling one unit-month found.
#[derive(Debug)]
pub enum Reconciled {
    /// Cells equal the fold of the counted ratings; ratings left over were counted now.
    Equal {
        /// What the sweep did.
        swept: Counted,
        /// Whether more wait to be counted than one run takes.
        more_pending: bool,
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

/// Ratings that wait to be counted, of one unit-month, that one run counts: they are held in memory.
const MAX_SWEPT: usize = 5_000;

/// What the ratings of a unit-month add up to.
#[derive(Default)]
struct Sums {
    cells: Cells,
    sealing: Sealing,
    pending: Vec<Rating>,
    more_pending: bool,
}

impl Sums {
    /// Takes in a page of ratings, in the order of their identifiers.
    fn add(&mut self, page: Vec<StoredRating>) {
        let counted = page.iter().filter(|stored| !stored.pending);
        let cells = fold_counted(counted.map(|stored| (&stored.rating, stored.void)));
        for (cell, tally) in cells {
            *self.cells.entry(cell).or_default() += &tally;
        }
        for stored in page {
            self.sealing.add(&stored.rating);
            if !stored.pending {
                continue;
            }
            if self.pending.len() < MAX_SWEPT {
                self.pending.push(stored.rating);
            } else {
                self.more_pending = true;
            }
        }
    }
}

impl Store {
    /// Reads cells, ratings and cells again, all consistently; where both cell reads agree the equality must hold.
    /// Then counts what is still pending.
    ///
    /// The ratings are added up page by page, so that a month of any size takes the same memory. Before the second page
    /// `on_large` is awaited, once for each time the month is read.
    ///
    /// # Errors
    /// [`StoreError`] when a table cannot be read, or that of `on_large`.
    pub async fn reconcile<F>(
        &self,
        unit: &UnitId,
        month: Month,
        on_large: impl Fn() -> F,
    ) -> Result<Reconciled, StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        for _ in 0..ATTEMPTS {
            let before = self.counted_month(unit, month).await?;
            let sums = self.sums(unit, month, &on_large).await?;
            let after = self.counted_month(unit, month).await?;
            if before != after {
                continue;
            }
            let CountedMonth {
                cells,
                seal,
                is_disputed,
                ..
            } = after;
            let found = sums.sealing.seal();
            let difference = Difference {
                cells: mismatches(&cells, &sums.cells),
                broken_seal: seal
                    .clone()
                    .map(|seal| (seal, found.clone()))
                    .filter(|(seal, found)| seal != found),
            };
            if !difference.cells.is_empty() || difference.broken_seal.is_some() {
                return Ok(Reconciled::Mismatch(difference));
            }
            let is_complete = sums.pending.is_empty();
            let unsealed = (seal.is_none() && is_complete && found.rated > 0).then_some(found);
            return Ok(Reconciled::Equal {
                swept: self.count(&sums.pending).await,
                more_pending: sums.more_pending,
                unsealed,
                is_disputed,
            });
        }
        Ok(Reconciled::Busy)
    }

    async fn sums<F>(
        &self,
        unit: &UnitId,
        month: Month,
        on_large: &impl Fn() -> F,
    ) -> Result<Sums, StoreError>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        const OPERATION: &str = "read ratings";
        let partition = Key::ratings_partition(unit, month);
        let query = self.query_of(&self.ratings, partition);
        let mut pages = query.consistent_read(true).into_paginator().send();
        let (mut sums, mut read) = (Sums::default(), 0_usize);
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| StoreError::read(OPERATION, error))?;
            let ratings = page.items().iter().map(rating_from_item);
            let ratings = ratings.collect::<Result<_, _>>();
            sums.add(ratings.map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?);
            read += 1;
            if read == 1 && page.last_evaluated_key.is_some() {
                on_large().await?;
            }
        }
        Ok(sums)
    }
}
