//! The thresholds quarters began with, and what reviewers agreed to.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::error::MalformedItem;
use super::item::{bytes, is_condition_failed, n, number, s, text};
use super::key::Key;
use super::release::{Replaced, ThresholdsBody, pack, unpack};
use super::{Store, StoreError};
use crate::domain::period::Quarter;
use crate::domain::publication::thresholds::{Loosening, LooseningApproval, QuarterThresholds};
use crate::domain::rating::Attestation;
use crate::domain::void::Seat;

const THRESHOLDS: &str = "thresholds";

/// The thresholds of every quarter that began, and how often the item has been replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredThresholds {
    /// By quarter.
    pub by_quarter: BTreeMap<Quarter, QuarterThresholds>,
    /// Counts up with every replacement; 0 before the first.
    pub revision: u64,
}

/// What became of a reviewer's approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approved {
    /// It is on record now.
    Recorded,
    /// The reviewer's group had approved the same before.
    AlreadyRecorded,
    /// The reviewer's group had approved other values, which stay.
    ConflictingValues,
}

impl Store {
    /// The thresholds of every quarter that began.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or the item is malformed.
    pub async fn quarter_thresholds(&self) -> Result<StoredThresholds, StoreError> {
        const OPERATION: &str = "read thresholds";
        let key = Key::quarter_thresholds();
        let Some(item) = self.get(OPERATION, &self.ratings, &key).await? else {
            return Ok(StoredThresholds::default());
        };
        let read = || {
            let body = bytes(&item, THRESHOLDS).ok()?;
            let quarters: BTreeMap<String, QuarterBody> = unpack(body)?;
            let quarters = quarters.into_iter();
            let by_quarter = quarters.map(|(quarter, body)| {
                let thresholds = body.thresholds.into_thresholds();
                let since = body.since;
                Some((
                    Quarter::parse(&quarter)?,
                    QuarterThresholds { thresholds, since },
                ))
            });
            Some(StoredThresholds {
                by_quarter: by_quarter.collect::<Option<_>>()?,
                revision: number(&item, "revision").ok()?,
            })
        };
        read().ok_or_else(|| malformed(OPERATION))
    }

    /// Replaces the thresholds of every quarter that began, if they are still at `stored.revision`.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be written.
    pub async fn put_quarter_thresholds(
        &self,
        stored: &StoredThresholds,
    ) -> Result<Replaced, StoreError> {
        let quarters = stored.by_quarter.iter().map(|(quarter, of)| {
            let body = QuarterBody {
                thresholds: ThresholdsBody::from_thresholds(&of.thresholds),
                since: of.since,
            };
            (quarter.to_string(), body)
        });
        let body = pack(&quarters.collect::<BTreeMap<_, _>>());
        let put = self.client.put_item().table_name(&self.ratings);
        let put = put
            .set_item(Some(Key::quarter_thresholds().attributes()))
            .item(THRESHOLDS, AttributeValue::B(Blob::new(body)))
            .item("revision", n(stored.revision + 1))
            .condition_expression("attribute_not_exists(PK) OR revision = :revision")
            .expression_attribute_values(":revision", n(stored.revision));
        match put.send().await {
            Ok(_) => Ok(Replaced::Replaced),
            Err(error) if is_condition_failed(&error) => Ok(Replaced::Outdated),
            Err(error) => Err(StoreError::read("write thresholds", error)),
        }
    }

    /// Puts a reviewer's approval on record, unless the reviewer's group approved something for the quarter before.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn put_loosening_approval(
        &self,
        approval: &LooseningApproval,
        today: Date,
    ) -> Result<Approved, StoreError> {
        const OPERATION: &str = "put loosening approval";
        let quarter = approval.loosening.quarter;
        let put = self.client.put_item().table_name(&self.ratings);
        let body = serde_json::to_string(&LooseningBody::of(&approval.loosening))
            .expect("texts and numbers always serialise");
        let put = put
            .set_item(Some(Key::loosening(quarter, approval.seat).attributes()))
            .item("approver", s(&approval.approver))
            .item(THRESHOLDS, s(body))
            .item("day", s(today.to_string()))
            .condition_expression("attribute_not_exists(PK)");
        match put.send().await {
            Ok(_) => return Ok(Approved::Recorded),
            Err(error) if is_condition_failed(&error) => {}
            Err(error) => return Err(StoreError::transient(OPERATION)(Box::new(error))),
        }
        let before = self.loosening_approval(quarter, approval.seat).await?;
        Ok(
            match before.is_some_and(|before| before.loosening == approval.loosening) {
                true => Approved::AlreadyRecorded,
                false => Approved::ConflictingValues,
            },
        )
    }

    /// What reviewers approved for `quarter`.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn loosening_approvals(
        &self,
        quarter: Quarter,
    ) -> Result<Vec<LooseningApproval>, StoreError> {
        let mut approvals = Vec::new();
        for seat in Seat::ALL {
            approvals.extend(self.loosening_approval(quarter, *seat).await?);
        }
        Ok(approvals)
    }

    async fn loosening_approval(
        &self,
        quarter: Quarter,
        seat: Seat,
    ) -> Result<Option<LooseningApproval>, StoreError> {
        const OPERATION: &str = "read loosening approval";
        let key = Key::loosening(quarter, seat);
        let Some(item) = self.get(OPERATION, &self.ratings, &key).await? else {
            return Ok(None);
        };
        let read = || {
            let body = text(&item, THRESHOLDS).ok()?;
            let body: LooseningBody = serde_json::from_str(body).ok()?;
            Some(LooseningApproval {
                loosening: Loosening {
                    quarter,
                    min_new_ratings: body.min_new_ratings,
                    min_official_ratings: body.min_official_ratings,
                    ranking_strata: body.ranking_strata,
                },
                seat,
                approver: text(&item, "approver").ok()?.to_owned(),
            })
        };
        read().map(Some).ok_or_else(|| malformed(OPERATION))
    }
}

#[derive(Serialize, Deserialize)]
struct QuarterBody {
    thresholds: ThresholdsBody,
    since: Date,
}

#[derive(Serialize, Deserialize)]
struct LooseningBody {
    min_new_ratings: u32,
    min_official_ratings: u32,
    ranking_strata: BTreeSet<Attestation>,
}

impl LooseningBody {
    fn of(loosening: &Loosening) -> Self {
        Self {
            min_new_ratings: loosening.min_new_ratings,
            min_official_ratings: loosening.min_official_ratings,
            ranking_strata: loosening.ranking_strata.clone(),
        }
    }
}

fn malformed(operation: &'static str) -> StoreError {
    let attribute = THRESHOLDS;
    StoreError::during(operation)(Box::new(MalformedItem { attribute }))
}
