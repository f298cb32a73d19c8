//! Grows the lists outsiders recount by, beside the pages and before them.

use std::collections::BTreeMap;

use super::{PublishError, Run};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::proof::Hash;
use crate::domain::proof::list::{CountedList, Growth, Summaries, Summary};
use crate::metric;
use crate::site::bucket::Tag;
use crate::site::results as result_pages;

/// What became of a list.
enum Grown {
    /// It is published as this says; the number of objects written.
    Published(Summary, usize),
    /// It may not grow, or another run was faster.
    Unchanged,
    /// It says something else than the ratings, and stays as it is.
    Contradicted,
}

impl Run<'_> {
    /// Summaries of the lists of `unit`, once those that may grow have grown; and the number of objects written.
    ///
    /// `counted` holds the ratings in the cells of every month that is still open. Only where they promise growth are
    /// the ratings read.
    pub(super) async fn grow_lists(
        &self,
        unit: &UnitId,
        counted: &BTreeMap<Month, u64>,
    ) -> Result<(Summaries, usize), PublishError> {
        let mut summaries = self.store.counted_lists(unit).await?;
        let (mut changed, mut written) = (false, 0);
        for (month, counted) in counted {
            let before = summaries.get(month);
            let newest = before.map(|before| &before.newest);
            if before.is_some_and(|before| before.closed)
                || !CountedList::may_grow(*month, newest, *counted, self.growth())
            {
                continue;
            }
            match self.grow_list(unit, *month, before).await? {
                Grown::Published(summary, objects) => {
                    changed |= summaries.get(month) != Some(&summary);
                    summaries.insert(*month, summary);
                    written += objects;
                }
                Grown::Unchanged => {}
                Grown::Contradicted => metric::count("Mismatch", 1),
            }
        }
        if changed {
            self.store.put_counted_lists(unit, &summaries).await?;
        }
        Ok((summaries, written))
    }

    fn growth(&self) -> Growth {
        let settings = &self.head.settings;
        Growth {
            min_new_ratings: u64::from(settings.min_new_ratings.max(1)),
            today: self.today,
            at_once: settings.sample,
        }
    }

    async fn grow_list(
        &self,
        unit: &UnitId,
        month: Month,
        before: Option<&Summary>,
    ) -> Result<Grown, PublishError> {
        let contradicted = |cause: &dyn std::fmt::Display| {
            tracing::error!(route = "publish-pages", %unit, %month, %cause, "a published list contradicts the ratings");
            Grown::Contradicted
        };
        let key = result_pages::list_path(unit, month);
        let (list, tag) = match self.bucket.get_tagged(key.trim_start_matches('/')).await? {
            None => (CountedList::new(unit.clone(), month), Tag::Absent),
            Some((bytes, tag)) => match CountedList::from_json(&bytes) {
                Ok(list) => (list, tag),
                Err(error) => return Ok(contradicted(&error)),
            },
        };
        if let Err(error) = list.check() {
            return Ok(contradicted(&error));
        }
        if before.is_some_and(|before| !before.is_start_of(&list)) {
            return Ok(contradicted(&"the list is not what was published last"));
        }
        let ratings = self.store.ratings(unit, month).await?;
        let counted = ratings.iter().filter(|stored| !stored.pending);
        let counted = counted.map(|stored| &stored.rating);
        let listed = |tracker: &Hash| list.find(tracker).is_some();
        let entries = self.proof_key.entries(unit, month, counted, listed);
        let next = match list.advance(&entries, self.growth()) {
            Ok(next) => next,
            Err(error) => return Ok(contradicted(&error)),
        };
        let Some(next) = next else {
            // Written by a run that could not keep its summary any more.
            let summary = list.summary().filter(|summary| before != Some(summary));
            return Ok(summary.map_or(Grown::Unchanged, |summary| Grown::Published(summary, 0)));
        };
        let Some(summary) = next.summary() else {
            return Ok(Grown::Unchanged);
        };
        let file = result_pages::list_file(&next);
        match self.bucket.replace_file(file, &tag).await? {
            true => Ok(Grown::Published(summary, 1)),
            false => Ok(Grown::Unchanged),
        }
    }
}
