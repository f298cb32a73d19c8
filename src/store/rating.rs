//! Ratings as items, and reading them back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;

use super::error::MalformedItem;
use super::item::Item;
use super::key::{Key, PK, SK};
use super::{Store, StoreError};
use crate::domain::dossier::OfficialRole;
use crate::domain::id::{
    FieldId, OfficialId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode, UnitId,
};
use crate::domain::period::Month;
use crate::domain::rating::{
    Answer, Attestation, Channel, Rating, RatingId, Satisfaction, Subject,
};
use crate::domain::void::VoidReason;

/// Attribute that marks a rating as not counted yet; what the stream's filter and the counting condition look at.
pub(crate) const PEND: &str = "pend";

/// Attribute that says why a rating was set aside; set once, in the transaction that adds to the void counters.
pub(crate) const VOID: &str = "void";

/// A rating and what else its item tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRating {
    /// The rating.
    pub rating: Rating,
    /// Fingerprint of its content.
    pub digest: String,
    /// Whether it waits to be counted.
    pub pending: bool,
    /// Why it was set aside, if it was.
    pub void: Option<VoidReason>,
}

impl Store {
    /// The rating `id` of `unit` in `month`, read consistently.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or the item is malformed.
    pub async fn rating(
        &self,
        unit: &UnitId,
        month: Month,
        id: &RatingId,
    ) -> Result<Option<StoredRating>, StoreError> {
        let key = Key::rating(unit, month, id);
        let item = self.get("read rating", &self.ratings, &key).await?;
        let rating = item.map(|item| rating_from_item(&item)).transpose();
        rating.map_err(|error| StoreError::during("read rating")(Box::new(error)))
    }

    /// Every rating of `unit` in `month`, read consistently.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read or an item is malformed.
    pub async fn ratings(
        &self,
        unit: &UnitId,
        month: Month,
    ) -> Result<Vec<StoredRating>, StoreError> {
        let items = self
            .query(
                "read ratings",
                &self.ratings,
                Key::ratings_partition(unit, month),
                true,
            )
            .await?;
        let ratings = items.iter().map(rating_from_item).collect::<Result<_, _>>();
        ratings.map_err(|error| StoreError::during("read ratings")(Box::new(error)))
    }

    /// Every item of a partition.
    pub(crate) async fn query(
        &self,
        operation: &'static str,
        table: &str,
        partition: String,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let request = self.query_of(table, partition).consistent_read(consistent);
        let mut pages = request.into_paginator().items().send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(|error| StoreError::read(operation, error))?);
        }
        Ok(items)
    }

    /// The items of a partition of `table`, to be read.
    pub(crate) fn query_of(&self, table: &str, partition: String) -> QueryFluentBuilder {
        let request = self.client.query().table_name(table);
        request
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(partition))
    }
}

/// Whether a stream image is a rating that waits to be counted.
#[must_use]
pub fn is_pending(image: &HashMap<String, AttributeValue>) -> bool {
    let is_rating = image
        .get(PK)
        .and_then(|pk| pk.as_s().ok())
        .is_some_and(|pk| pk.starts_with("U#"));
    is_rating && image.contains_key(PEND)
}

/// The rating of a stream image.
///
/// # Errors
/// [`MalformedItem`] when it is none of ours.
pub fn rating_from_image(image: &HashMap<String, AttributeValue>) -> Result<Rating, MalformedItem> {
    Ok(rating_from_item(image)?.rating)
}

pub(crate) fn rating_to_item(rating: &Rating, digest: &str) -> Item {
    let text = |value: &str| AttributeValue::S(value.to_owned());
    let key = Key::rating(&rating.subject.unit_id, Month::of(rating.date), &rating.id);
    let mut item = key.attributes();
    let mut set = |name: &str, value: AttributeValue| {
        item.insert(name.to_owned(), value);
    };
    set("attestation", text(rating.attestation.code()));
    set("channel", text(rating.channel.code()));
    set("satisfaction", text(rating.satisfaction.code()));
    set("day", AttributeValue::S(rating.date.to_string()));
    set("digest", text(digest));
    set(PEND, text("1"));
    if let Some(official) = &rating.subject.official_id {
        set("official", text(official.as_str()));
    }
    if let Some(field) = &rating.field_id {
        set("field", text(field.as_str()));
    }
    if !rating.reasons.is_empty() {
        set(
            "reasons",
            AttributeValue::Ss(rating.reasons.iter().map(ToString::to_string).collect()),
        );
    }
    if let Some((questionnaire, version)) = &rating.questionnaire {
        set(
            "questionnaire",
            AttributeValue::S(format!("{questionnaire}@{version}")),
        );
    }
    if !rating.answers.is_empty() {
        let option = |answer: &Answer| match answer {
            Answer::Option(option) => option.to_string(),
            Answer::Unanswered => String::new(),
        };
        let answers = rating
            .answers
            .iter()
            .map(|(question, answer)| (question.to_string(), AttributeValue::S(option(answer))));
        set("answers", AttributeValue::M(answers.collect()));
    }
    item
}

pub(crate) fn rating_from_item(item: &Item) -> Result<StoredRating, MalformedItem> {
    let malformed = |attribute: &'static str| MalformedItem { attribute };
    let text = |name: &'static str| {
        item.get(name)
            .and_then(|value| value.as_s().ok())
            .map(String::as_str)
            .ok_or(malformed(name))
    };
    let optional = |name: &'static str| item.contains_key(name).then(|| text(name)).transpose();

    let mut partition = text(PK)?.split('#');
    let (Some("U"), Some(unit), Some(month), None) = (
        partition.next(),
        partition.next(),
        partition.next(),
        partition.next(),
    ) else {
        return Err(malformed(PK));
    };
    let unit_id = UnitId::parse(unit).map_err(|_| malformed(PK))?;
    let id = RatingId(
        text(SK)?
            .strip_prefix("R#")
            .ok_or(malformed(SK))?
            .to_owned(),
    );
    let date: Date = text("day")?.parse().map_err(|_| malformed("day"))?;
    if Month::parse(month) != Some(Month::of(date)) {
        return Err(malformed("day"));
    }
    let official_id = optional("official")?
        .map(OfficialId::parse)
        .transpose()
        .map_err(|_| malformed("official"))?;
    let reasons = match item.get("reasons") {
        Some(value) => value
            .as_ss()
            .map_err(|_| malformed("reasons"))?
            .iter()
            .map(|reason| ReasonCode::parse(reason))
            .collect(),
        None => Ok(BTreeSet::new()),
    };
    let rating = Rating {
        id,
        subject: Subject {
            unit_id,
            official_id,
        },
        role: optional("role")?
            .map(|role| OfficialRole::parse(role).ok_or(malformed("role")))
            .transpose()?,
        attestation: Attestation::parse(text("attestation")?).ok_or(malformed("attestation"))?,
        channel: Channel::parse(text("channel")?).ok_or(malformed("channel"))?,
        field_id: optional("field")?
            .map(FieldId::parse)
            .transpose()
            .map_err(|_| malformed("field"))?,
        satisfaction: Satisfaction::parse(text("satisfaction")?)
            .ok_or(malformed("satisfaction"))?,
        reasons: reasons.map_err(|_| malformed("reasons"))?,
        questionnaire: optional("questionnaire")?
            .map(|value| parse_questionnaire(value).ok_or(malformed("questionnaire")))
            .transpose()?,
        answers: answers_from(item).ok_or(malformed("answers"))?,
        date,
        late: item
            .get("late")
            .map(|late| late.as_bool().copied())
            .transpose()
            .map_err(|_| malformed("late"))?,
    };
    Ok(StoredRating {
        rating,
        digest: text("digest")?.to_owned(),
        pending: item.contains_key(PEND),
        void: optional(VOID)?
            .map(|reason| VoidReason::parse(reason).ok_or(malformed(VOID)))
            .transpose()?,
    })
}

/// Reads `id@version`.
#[must_use]
pub fn parse_questionnaire(input: &str) -> Option<(QuestionnaireId, u32)> {
    let (id, version) = input.split_once('@')?;
    Some((QuestionnaireId::parse(id).ok()?, version.parse().ok()?))
}

fn answers_from(item: &Item) -> Option<BTreeMap<QuestionCode, Answer>> {
    let Some(answers) = item.get("answers") else {
        return Some(BTreeMap::new());
    };
    let read = |(question, option): (&String, &AttributeValue)| {
        let answer = match option.as_s().ok()?.as_str() {
            "" => Answer::Unanswered,
            option => Answer::Option(OptionCode::parse(option).ok()?),
        };
        Some((QuestionCode::parse(question).ok()?, answer))
    };
    answers.as_m().ok()?.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::store::item::s;

    #[test]
    fn a_rating_reads_back_as_stored() {
        let code = |text: &str| QuestionCode::parse(text).unwrap();
        let rating = Rating {
            id: RatingId("abc".into()),
            subject: Subject::parse("48-1/an").unwrap(),
            role: None,
            attestation: Attestation::DossierVerified,
            channel: Channel::Web,
            field_id: Some(FieldId::parse("land").unwrap()),
            satisfaction: Satisfaction::NotSatisfied,
            reasons: BTreeSet::from([ReasonCode::parse("late").unwrap()]),
            questionnaire: Some((QuestionnaireId::parse("web").unwrap(), 2)),
            answers: BTreeMap::from([
                (
                    code("cs1"),
                    Answer::Option(OptionCode::parse("equal").unwrap()),
                ),
                (code("cs3"), Answer::Unanswered),
            ]),
            date: date(2026, 11, 21),
            late: None,
        };

        let item = rating_to_item(&rating, "digest");
        let stored = rating_from_item(&item).unwrap();

        assert_eq!(
            stored,
            StoredRating {
                rating: rating.clone(),
                digest: "digest".into(),
                pending: true,
                void: None,
            }
        );
        let mut earlier = item;
        earlier.insert("role".into(), s("desk"));
        earlier.insert("late".into(), AttributeValue::Bool(false));
        let stored = rating_from_item(&earlier).unwrap();
        let of_an_earlier_version = Rating {
            role: Some(OfficialRole::Desk),
            late: Some(false),
            ..rating
        };
        assert_eq!(stored.rating, of_an_earlier_version);
    }
}
