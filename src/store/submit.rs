//! The one transaction that decides whether a rating is saved.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};
use jiff::Timestamp;

use super::key::Key;
use super::rating::rating_to_item;
use super::transaction::Outcome;
use super::{Store, StoreError};
use crate::domain::period::Month;
use crate::domain::rating::Rating;

/// What is used up by a rating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim<'a> {
    /// A receipt, for this subject.
    Receipt {
        /// `Keyring::receipt_hash` of its code.
        hash: &'a str,
    },
    /// A phone, for this subject and quarter.
    Guard {
        /// `Keyring::phone_hash`.
        hash: &'a str,
        /// Name and phone, sealed for two people to open on a dispute.
        sealed: &'a [u8],
        /// When both are forgotten.
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
    /// Suggestion and when it is forgotten.
    pub suggestion: Option<(&'a str, Timestamp)>,
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
        let Claim::Receipt { hash } = submission.claim else {
            return Ok(true);
        };
        let found = self.look_up(hash, submission.rating.date).await?;
        let subject = submission.rating.subject.to_string();
        Ok(found
            .receipt
            .is_some_and(|receipt| receipt.used.contains(&subject)))
    }

    fn submission_actions(
        &self,
        submission: &Submission<'_>,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, BuildError> {
        let rating = submission.rating;
        let claim = match &submission.claim {
            Claim::Receipt { hash } => {
                let subject = rating.subject.to_string();
                let update = Update::builder()
                    .table_name(&self.ratings)
                    .set_key(Some(Key::receipt(hash).attributes()))
                    .update_expression("ADD used :subjects")
                    .condition_expression(
                        "attribute_exists(PK) AND exp > :now AND NOT contains(used, :subject)",
                    )
                    .expression_attribute_values(
                        ":subjects",
                        AttributeValue::Ss(vec![subject.clone()]),
                    )
                    .expression_attribute_values(":subject", AttributeValue::S(subject))
                    .expression_attribute_values(
                        ":now",
                        AttributeValue::N(now.as_second().to_string()),
                    );
                TransactWriteItem::builder().update(update.build()?).build()
            }
            Claim::Guard {
                hash,
                sealed,
                expires,
            } => {
                let put = Put::builder()
                    .table_name(&self.ratings)
                    .set_item(Some(Key::guard(hash).attributes()))
                    .item("sealed", AttributeValue::B(Blob::new(sealed.to_vec())))
                    .item("exp", AttributeValue::N(expires.as_second().to_string()))
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
        if let Some((suggestion, expires)) = submission.suggestion {
            let key = Key::comment(&rating.subject.unit_id, Month::of(rating.date), &rating.id);
            let put = Put::builder()
                .table_name(&self.ratings)
                .set_item(Some(key.attributes()))
                .item("suggestion", AttributeValue::S(suggestion.to_owned()))
                .item("exp", AttributeValue::N(expires.as_second().to_string()));
            actions.push(TransactWriteItem::builder().put(put.build()?).build());
        }
        Ok(actions)
    }
}
