//! The one transaction that decides whether a rating is saved.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem, Update};
use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;

use super::item::{n, s, ss};
use super::key::Key;
use super::rating::rating_to_item;
use super::transaction::Outcome;
use super::{Store, StoreError, receipt_item};
use crate::domain::period::Month;
use crate::domain::rating::Rating;
use crate::keyring::UsedMark;

/// What is used up by a rating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim<'a> {
    /// A receipt, for this subject.
    Receipt {
        /// `Keyring::receipt_hash` of its code.
        hash: &'a str,
        /// `ReceiptKeys::mark` of the subject.
        mark: &'a UsedMark,
    },
    /// A phone, for this subject and quarter.
    Guard {
        /// `Keyring::phone_hash`.
        hash: &'a str,
        /// When it is forgotten that the phone has rated.
        expires: Timestamp,
    },
}

/// A rating about to be saved, with all that is written beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission<'a> {
    /// The rating.
    pub rating: &'a Rating,
    /// Fingerprint of its content: the same for a retry, another for a second opinion.
    pub digest: &'a str,
    /// What it uses up.
    pub claim: Claim<'a>,
    /// What is suggested beside it.
    pub suggestion: Option<Suggestion<'a>>,
}

/// A suggestion, kept apart from the rating it came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suggestion<'a> {
    /// Random, so that nothing leads from a suggestion to its rating; see [`suggestion_key`].
    pub key: &'a str,
    /// What is suggested.
    pub text: &'a str,
    /// When it is forgotten.
    pub expires: Timestamp,
}

/// A key for a suggestion: 128 random bits in 26 lower-case characters.
///
/// # Errors
/// [`StoreError`] when the system gives no randomness.
pub fn suggestion_key() -> Result<String, StoreError> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| StoreError::during("key suggestion")(error.into()))?;
    Ok(BASE32_NOPAD.encode(&bits).to_ascii_lowercase())
}

/// How a submission ended; a fault is an error instead, and then nothing may be told to be saved.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Submitted {
    /// Saved now.
    Saved {
        /// Write units consumed, where the table reports them.
        write_units: f64,
    },
    /// The very same rating had been saved: a retry.
    SavedBefore,
    /// The claim was used up by a rating with another content.
    AlreadyRated,
    /// The claim cannot be used: no such receipt, or it has expired.
    Unclaimable,
}

const OPERATION: &str = "submit rating";

impl Store {
    /// Saves a rating: claim, rating and suggestion in one transaction of conditions.
    ///
    /// # Errors
    /// [`StoreError`] when the outcome is not known to be a success; sending the same submission again is safe.
    pub async fn submit(
        &self,
        submission: &Submission<'_>,
        now: Timestamp,
    ) -> Result<Submitted, StoreError> {
        let actions = self
            .submission_actions(submission, now)
            .map_err(|error| StoreError::during(OPERATION)(Box::new(error)))?;
        if let Outcome::Committed { write_units } = self.transact(OPERATION, &actions).await? {
            return Ok(Submitted::Saved { write_units });
        }
        match self.saved_digest(submission.rating).await? {
            Some(digest) if digest == submission.digest => Ok(Submitted::SavedBefore),
            Some(_) => Ok(Submitted::AlreadyRated),
            None if self.is_claimed(submission).await? => Ok(Submitted::AlreadyRated),
            None => Ok(Submitted::Unclaimable),
        }
    }

    /// Digest of the rating saved under the same key, also when a retry crosses into the next month.
    ///
    /// Reads both months whatever the first holds: the work must not tell whether there is a rating.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn saved_digest(&self, rating: &Rating) -> Result<Option<String>, StoreError> {
        let (unit, month) = (&rating.subject.unit_id, Month::of(rating.date));
        let this = self.rating(unit, month, &rating.id).await?;
        let last = self.rating(unit, month.previous(), &rating.id).await?;
        Ok(this.or(last).map(|stored| stored.digest))
    }

    /// Whether a claim without a rating in the last two months was used up earlier.
    async fn is_claimed(&self, submission: &Submission<'_>) -> Result<bool, StoreError> {
        let Claim::Receipt { hash, mark } = submission.claim else {
            return Ok(true);
        };
        let partition = Key::receipt(hash).pk;
        let items = self
            .query(OPERATION, &self.ratings, partition, true)
            .await?;
        for item in &items {
            let is_used = receipt_item::is_used(item, mark, &submission.rating.subject);
            if is_used.map_err(|error| StoreError::during(OPERATION)(Box::new(error)))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn submission_actions(
        &self,
        submission: &Submission<'_>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let rating = submission.rating;
        let claim = match &submission.claim {
            Claim::Receipt { hash, mark } => {
                let mut condition =
                    "attribute_exists(PK) AND exp > :now AND NOT contains(used, :mark)".to_owned();
                let mut update = Update::builder()
                    .table_name(&self.ratings)
                    .set_key(Some(Key::receipt(hash).attributes()))
                    .update_expression("ADD used :marks")
                    .expression_attribute_values(":marks", ss([&mark.text]))
                    .expression_attribute_values(":mark", s(&mark.text))
                    .expression_attribute_values(":now", n(now.as_second()));
                if !mark.again {
                    // As earlier versions wrote it.
                    condition.push_str(" AND NOT contains(used, :subject)");
                    let subject = s(rating.subject.to_string());
                    update = update.expression_attribute_values(":subject", subject);
                }
                let update = update.condition_expression(condition);
                TransactWriteItem::builder().update(update.build()?).build()
            }
            Claim::Guard { hash, expires } => {
                let put = Put::builder()
                    .table_name(&self.ratings)
                    .set_item(Some(Key::guard(hash).attributes()))
                    .item("exp", n(expires.as_second()))
                    .condition_expression("attribute_not_exists(PK)");
                TransactWriteItem::builder().put(put.build()?).build()
            }
        };
        let put = Put::builder()
            .table_name(&self.ratings)
            .set_item(Some(rating_to_item(rating, submission.digest)))
            .condition_expression("attribute_not_exists(PK)");
        let mut actions = vec![
            claim,
            TransactWriteItem::builder().put(put.build()?).build(),
        ];
        if let Some(suggestion) = &submission.suggestion {
            let (unit, month) = (&rating.subject.unit_id, Month::of(rating.date));
            let key = Key::suggestion(unit, month, suggestion.key);
            let put = Put::builder()
                .table_name(&self.ratings)
                .set_item(Some(key.attributes()))
                .item("suggestion", s(suggestion.text))
                .item("exp", n(suggestion.expires.as_second()));
            actions.push(TransactWriteItem::builder().put(put.build()?).build());
        }
        Ok(actions)
    }
}
