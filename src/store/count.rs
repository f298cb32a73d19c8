//! Exactly-once counting: the pending mark and the leaf cell change in one transaction.
//!
//! The stream is a doorbell. Whoever calls [`Store::count`], and however often, a rating moves into its cell only
//! together with the removal of its mark, on the condition that the mark is still there.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};

use super::key::Key;
use super::rating::{PEND, rating_from_item};
use super::transaction::Outcome;
use super::{Store, StoreError};
use crate::domain::id::UnitId;
use crate::domain::period::Month;
use crate::domain::rating::{Rating, RatingId};
use crate::domain::tally::{CellKey, Counter, Tally, fold, leaf_delta};

/// Actions DynamoDB takes in one transaction.
pub const MAX_ACTIONS: usize = 100;

/// Counters added to one cell at once: an update expression takes 4 KB, and 300 operators.
pub const MAX_COUNTERS: usize = 200;

/// What became of the ratings handed to [`Store::count`].
#[derive(Debug, Default)]
pub struct Counted {
    /// Counted now.
    pub counted: usize,
    /// Counted before.
    pub already: usize,
    /// Not counted through a fault, with its cause; their mark is still there.
    pub failed: Vec<(Vec<RatingId>, StoreError)>,
}

impl Store {
    /// Counts every rating that still carries its mark; safe to repeat, in any order, from any number of callers.
    ///
    /// A chunk that meets a fault is left as it was and reported; the others go on.
    pub async fn count(&self, ratings: &[Rating]) -> Counted {
        let mut unique: BTreeMap<(UnitId, Month, RatingId), &Rating> = BTreeMap::new();
        for rating in ratings {
            unique.insert(
                (
                    rating.subject.unit_id.clone(),
                    Month::of(rating.date),
                    rating.id.clone(),
                ),
                rating,
            );
        }
        let mut outcome = Counted::default();
        for chunk in chunks(unique.into_values().collect()) {
            self.count_chunk(chunk, &mut outcome).await;
        }
        outcome
    }

    async fn count_chunk(&self, mut chunk: Vec<&Rating>, outcome: &mut Counted) {
        while !chunk.is_empty() {
            let result = match self.count_actions(&chunk) {
                Ok(actions) => self.transact("count ratings", &actions).await,
                Err(error) => Err(StoreError::during("count ratings")(Box::new(error))),
            };
            match result {
                Ok(Outcome::Committed { .. }) => {
                    outcome.counted += chunk.len();
                    return;
                }
                Ok(Outcome::Refused(failed)) => {
                    let before = chunk.len();
                    let mut failed = failed.into_iter();
                    chunk.retain(|_| !failed.next().unwrap_or(false));
                    outcome.already += before - chunk.len();
                    if chunk.len() == before {
                        // Cells carry no condition, so a refusal that names no rating cannot be; never loop on it.
                        let error = StoreError::during("count ratings")(
                            "a cell refused an unconditional write".into(),
                        );
                        outcome.failed.push((ids(&chunk), error));
                        return;
                    }
                }
                Err(error) => {
                    outcome.failed.push((ids(&chunk), error));
                    return;
                }
            }
        }
    }

    /// One update per rating, in order, then one per cell.
    fn count_actions(
        &self,
        chunk: &[&Rating],
    ) -> Result<Vec<TransactWriteItem>, aws_sdk_dynamodb::error::BuildError> {
        let mut actions = Vec::with_capacity(MAX_ACTIONS);
        for rating in chunk {
            let key = Key::rating(&rating.subject.unit_id, Month::of(rating.date), &rating.id);
            let update = Update::builder()
                .table_name(&self.ratings)
                .set_key(Some(key.attributes()))
                .update_expression("REMOVE #pend")
                .condition_expression("attribute_exists(PK) AND attribute_exists(#pend)")
                .expression_attribute_names("#pend", PEND);
            actions.push(TransactWriteItem::builder().update(update.build()?).build());
        }
        for (cell, delta) in fold(chunk.iter().copied()) {
            actions.push(
                TransactWriteItem::builder()
                    .update(self.add_to_cell(&cell, &delta)?)
                    .build(),
            );
        }
        Ok(actions)
    }

    pub(crate) fn add_to_cell(
        &self,
        cell: &CellKey,
        delta: &Tally,
    ) -> Result<Update, aws_sdk_dynamodb::error::BuildError> {
        let mut update = Update::builder()
            .table_name(&self.tally)
            .set_key(Some(Key::cell(cell).attributes()));
        let mut additions = Vec::new();
        for (index, (counter, amount)) in delta.counters().enumerate() {
            additions.push(format!("#c{index} :c{index}"));
            update = update
                .expression_attribute_names(format!("#c{index}"), counter.to_string())
                .expression_attribute_values(
                    format!(":c{index}"),
                    AttributeValue::N(amount.to_string()),
                );
        }
        update
            .update_expression(format!("ADD {}", additions.join(", ")))
            .build()
    }

    /// Ratings of `unit` in `month` that still carry their mark.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn pending(&self, unit: &UnitId, month: Month) -> Result<Vec<Rating>, StoreError> {
        let items = self
            .query(
                "read ratings",
                &self.ratings,
                Key::ratings_partition(unit, month),
                true,
            )
            .await?;
        let ratings = items
            .iter()
            .filter(|item| item.contains_key(PEND))
            .map(|item| Ok(rating_from_item(item)?.rating));
        ratings
            .collect::<Result<_, _>>()
            .map_err(|error: super::error::MalformedItem| {
                StoreError::during("read ratings")(Box::new(error))
            })
    }
}

fn ids(chunk: &[&Rating]) -> Vec<RatingId> {
    chunk.iter().map(|rating| rating.id.clone()).collect()
}

/// Splits so that the ratings and distinct cells of a chunk fit one transaction, and a cell's counters one expression.
///
/// The 4 MB a transaction may hold are out of reach: fifty cells with all their counters are below 1 MB.
fn chunks(ratings: Vec<&Rating>) -> Vec<Vec<&Rating>> {
    let mut chunks = Vec::new();
    let mut chunk: Vec<&Rating> = Vec::new();
    let mut cells: BTreeMap<CellKey, BTreeSet<Counter>> = BTreeMap::new();
    for rating in ratings {
        let cell = CellKey::of(rating);
        let delta = leaf_delta(rating);
        let counters = || delta.counters().map(|(counter, _)| counter.clone());
        let known = cells.get(&cell);
        let new_cell = usize::from(known.is_none());
        let full = known.is_some_and(|known| {
            let new = counters().filter(|counter| !known.contains(counter));
            known.len() + new.count() > MAX_COUNTERS
        });
        if full || chunk.len() + cells.len() + 1 + new_cell > MAX_ACTIONS {
            chunks.push(std::mem::take(&mut chunk));
            cells.clear();
        }
        cells.entry(cell).or_default().extend(counters());
        chunk.push(rating);
    }
    if !chunk.is_empty() {
        chunks.push(chunk);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::arbitrary::ratings_of;

    const NOVEMBER: Month = Month {
        year: 2026,
        month: 11,
    };

    fn fits(chunk: &[&Rating]) -> bool {
        let cells = fold(chunk.iter().copied());
        let counters = cells.values().map(|tally| tally.counters().count()).max();
        chunk.len() + cells.len() <= MAX_ACTIONS && counters.unwrap_or(0) <= MAX_COUNTERS
    }

    fn store() -> Store {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .build();
        Store::new(
            aws_sdk_dynamodb::Client::from_conf(config),
            "Ratings",
            "Tally",
        )
    }

    /// Names, values and expressions of a transaction, in bytes.
    fn bytes(actions: &[TransactWriteItem]) -> usize {
        actions
            .iter()
            .map(|action| format!("{action:?}").len())
            .sum()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_chunk_is_filled_to_its_last_counter(rating in ratings_of(NOVEMBER, 1..2)) {
            // Two verdicts and nine answers nobody else gave: 22 such ratings have 200 counters.
            let ratings: Vec<Rating> = (0..23).map(|index| {
                let answer = |question: u32| {
                    let code = crate::domain::id::QuestionCode::parse(&format!("q{question}")).unwrap();
                    let option = crate::domain::id::OptionCode::parse(&format!("a{index}")).unwrap();
                    (code, crate::domain::rating::Answer::Option(option))
                };
                Rating {
                    satisfaction: crate::domain::rating::Satisfaction::Satisfied,
                    reasons: Default::default(),
                    answers: (0..9).map(answer).collect(),
                    ..rating[0].clone()
                }
            }).collect();

            let chunks = chunks(ratings.iter().collect());

            prop_assert_eq!(chunks.iter().map(Vec::len).collect::<Vec<_>>(), [22, 1]);
        }

        #[test]
        fn chunks_fit_a_transaction_and_hold_every_rating_once(
            mut ratings in ratings_of(NOVEMBER, 0..160), same_cell in 0..160_usize,
        ) {
            if let Some((first, rest)) = ratings.split_first_mut() {
                for rating in rest.iter_mut().take(same_cell) {
                    rating.subject = first.subject.clone();
                    rating.attestation = first.attestation;
                    rating.field_id = first.field_id.clone();
                    rating.channel = first.channel;
                    rating.date = first.date;
                }
            }
            let all: Vec<&Rating> = ratings.iter().collect();

            let chunks = chunks(all.clone());

            prop_assert!(chunks.iter().all(|chunk| !chunk.is_empty() && fits(chunk)));
            for pair in chunks.windows(2) {
                let with_next: Vec<&Rating> = pair[0].iter().chain(&pair[1][..1]).copied().collect();
                prop_assert!(!fits(&with_next), "a chunk was closed too early");
            }
            prop_assert_eq!(chunks.concat(), all);
        }

        #[test]
        fn a_cell_with_very_many_answers_is_added_to_in_parts(
            ratings in ratings_of(NOVEMBER, 40..60), questions in 20..60_u32,
        ) {
            let ratings: Vec<Rating> = ratings.iter().enumerate().map(|(index, rating)| {
                let answer = |question: u32| {
                    let code = crate::domain::id::QuestionCode::parse(&format!("q{question}")).unwrap();
                    let option = crate::domain::id::OptionCode::parse(&format!("{:032}", index % 7)).unwrap();
                    (code, crate::domain::rating::Answer::Option(option))
                };
                Rating {
                    answers: (0..questions).map(answer).collect(),
                    date: ratings[0].date,
                    channel: ratings[0].channel,
                    attestation: ratings[0].attestation,
                    field_id: None,
                    subject: ratings[0].subject.clone(),
                    ..rating.clone()
                }
            }).collect();
            let all: Vec<&Rating> = ratings.iter().collect();

            let chunks = chunks(all.clone());

            prop_assert_eq!(chunks.concat(), all);
            for chunk in chunks {
                prop_assert!(fits(&chunk));
                let actions = store().count_actions(&chunk).unwrap();
                prop_assert!(bytes(&actions) < 4_000_000);
                let expressions = actions.iter().filter_map(|action| action.update());
                prop_assert!(expressions.map(|update| update.update_expression().len()).all(|length| length <= 4_096));
            }
        }
    }
}
