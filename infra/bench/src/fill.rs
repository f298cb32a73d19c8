//! Ratings by the million, written past the front door.
//!
//! Some are saved and counted as always. Then the items of these are written again under other names, and their cells
//! are raised by as much, so that everything still agrees: `reconcile-tallies` would tell if it did not.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use jiff::{SignedDuration, Timestamp};
use local::dynamo::{RATINGS_TABLE, TALLY_TABLE};
use thuocdo::domain::id::{FieldId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode};
use thuocdo::domain::period::{Month, local_date};
use thuocdo::domain::rating::{
    Answer, Attestation, Channel, Rating, RatingId, Satisfaction, Subject,
};
use thuocdo::store::submit::{Claim, Submission, Submitted};
use tokio::task::JoinSet;

use crate::Fault;
use crate::stage::{Item, Stage};

/// Items of one batch write.
const BATCH: usize = 25;
/// Batches on their way at once.
const WORKERS: usize = 8;

/// A rating of `subject` like those a web page sends; every eighth is not satisfied.
///
/// # Errors
/// When `subject` or `field` is no name.
pub fn rating(subject: &str, field: &str, serial: usize) -> Result<Rating, Fault> {
    let satisfied = !serial.is_multiple_of(8);
    let answer = |question: &str, option: &str| {
        let answer = Answer::Option(OptionCode::parse(option)?);
        Ok::<_, Fault>((QuestionCode::parse(question)?, answer))
    };
    let reasons = (!satisfied).then(|| ReasonCode::parse("cham-han"));
    let (pace, verdict) = match satisfied {
        true => ("bang", "hai-long"),
        false => ("dai-hon", "khong-hai-long"),
    };
    Ok(Rating {
        id: RatingId(format!("{serial:026}")),
        subject: Subject::parse(subject)?,
        role: None,
        attestation: Attestation::DossierVerified,
        channel: Channel::Web,
        field_id: Some(FieldId::parse(field)?),
        satisfaction: match satisfied {
            true => Satisfaction::Satisfied,
            false => Satisfaction::NotSatisfied,
        },
        reasons: reasons.transpose()?.into_iter().collect(),
        questionnaire: Some((QuestionnaireId::parse("web")?, 1)),
        answers: [
            answer("cs1", pace)?,
            answer("cs3", "khong-lan-nao")?,
            answer("cs4", "khong")?,
            answer("cs7", "dung-muc")?,
            answer("cs11", verdict)?,
        ]
        .into(),
        date: local_date(Timestamp::now()),
        late: None,
    })
}

impl Stage {
    /// Saves `ratings`, each with a guard of its own; returns their items as the stream shows them.
    ///
    /// # Errors
    /// When one is not saved.
    pub async fn save(&self, ratings: &[Rating]) -> Result<Vec<Item>, Fault> {
        let now = Timestamp::now();
        let mut items = Vec::with_capacity(ratings.len());
        for rating in ratings {
            let submission = Submission {
                rating,
                // As long as the digest of a body.
                digest: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                claim: Claim::Guard {
                    hash: &rating.id.0,
                    expires: now + SignedDuration::from_hours(24),
                },
                suggestion: None,
            };
            match self.store.submit(&submission, now).await? {
                Submitted::Saved { .. } => {}
                other => return Err(format!("not saved: {other:?}").into()),
            }
            items.push(self.item(rating).await?);
        }
        Ok(items)
    }

    /// The item of `rating`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn item(&self, rating: &Rating) -> Result<Item, Fault> {
        let partition = partition("U", rating.subject.unit_id.as_str(), rating.date);
        let get = self.tables.get_item().table_name(RATINGS_TABLE);
        let get = get.key("PK", AttributeValue::S(partition));
        let get = get.key("SK", AttributeValue::S(format!("R#{}", rating.id.0)));
        Ok(get
            .send()
            .await?
            .item
            .ok_or("a saved rating is not there")?)
    }

    /// Writes `items` into `table`, whatever was there.
    ///
    /// # Errors
    /// When one cannot be written.
    pub async fn write(
        &self,
        table: &'static str,
        items: impl Iterator<Item = Item>,
    ) -> Result<(), Fault> {
        let mut workers: JoinSet<Result<(), Fault>> = JoinSet::new();
        let mut items = items.peekable();
        while items.peek().is_some() {
            let mut requests = Vec::with_capacity(BATCH);
            for item in items.by_ref().take(BATCH) {
                let put = PutRequest::builder().set_item(Some(item)).build()?;
                requests.push(WriteRequest::builder().put_request(put).build());
            }
            if workers.len() == WORKERS
                && let Some(done) = workers.join_next().await
            {
                done??;
            }
            let write = self
                .tables
                .batch_write_item()
                .request_items(table, requests);
            workers.spawn(async move {
                let left = write.send().await?.unprocessed_items;
                match left.is_none_or(|left| left.is_empty()) {
                    true => Ok(()),
                    false => Err("items were left unwritten".into()),
                }
            });
        }
        while let Some(done) = workers.join_next().await {
            done??;
        }
        Ok(())
    }
}

/// The partition `kind` (`U` of ratings, `C` of cells) of a unit and the month of `date`.
#[must_use]
pub fn partition(kind: &str, unit: &str, date: jiff::civil::Date) -> String {
    format!("{kind}#{unit}#{}", Month::of(date))
}

/// Ratings saved and counted, to be multiplied.
pub struct Seeds {
    ratings: Vec<Item>,
    cells: Vec<Item>,
    copies: usize,
}

impl Seeds {
    /// What `ratings` left behind in the tables of `stage`; nothing else may have been counted.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn of(stage: &Stage, ratings: &[Rating]) -> Result<Self, Fault> {
        let mut units = BTreeMap::new();
        let mut items = Vec::with_capacity(ratings.len());
        for rating in ratings {
            let item = stage.item(rating).await?;
            if item.contains_key("pend") {
                return Err("a seed is not counted".into());
            }
            items.push(item);
            units.insert(rating.subject.unit_id.clone(), rating.date);
        }
        let mut cells = Vec::new();
        for (unit, date) in units {
            let cells_of_unit = partition("C", unit.as_str(), date);
            cells.extend(stage.partition(TALLY_TABLE, cells_of_unit).await?);
        }
        Ok(Self {
            ratings: items,
            cells,
            copies: 0,
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ratings.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ratings.is_empty()
    }

    /// As many more ratings as there are seeds, `times` over.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn multiply(&mut self, stage: &Stage, times: usize) -> Result<(), Fault> {
        let serials = self.copies..self.copies + times;
        self.copies += times;
        let seeds = &self.ratings;
        let copies = serials.flat_map(|serial| {
            let renamed = move |item: &Item| {
                let mut item = item.clone();
                if let Some(AttributeValue::S(name)) = item.get_mut("SK") {
                    // In place of zeros, so that it is no longer than the others.
                    name.replace_range(2..9, &format!("C{serial:06}"));
                }
                item
            };
            seeds.iter().map(renamed)
        });
        stage.write(RATINGS_TABLE, copies).await?;
        for cell in &self.cells {
            let mut update = stage.tables.update_item().table_name(TALLY_TABLE);
            let mut additions = Vec::new();
            for (index, (name, value)) in cell.iter().enumerate() {
                match value {
                    AttributeValue::N(amount) => {
                        let amount = amount.parse::<usize>()? * times;
                        additions.push(format!("#c{index} :c{index}"));
                        update = update
                            .expression_attribute_names(format!("#c{index}"), name)
                            .expression_attribute_values(
                                format!(":c{index}"),
                                AttributeValue::N(amount.to_string()),
                            );
                    }
                    key => update = update.key(name, key.clone()),
                }
            }
            let update = update.update_expression(format!("ADD {}", additions.join(", ")));
            update.send().await?;
        }
        Ok(())
    }

    /// The same ratings and cells, with `name` in place of `of` in every text.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn move_to(&self, stage: &Stage, of: &str, names: &[String]) -> Result<(), Fault> {
        let renamed = |items: &[Item], name: &String| -> Vec<Item> {
            items.iter().map(|item| with(item, of, name)).collect()
        };
        let ratings = names.iter().flat_map(|name| renamed(&self.ratings, name));
        stage.write(RATINGS_TABLE, ratings).await?;
        let cells = names.iter().flat_map(|name| renamed(&self.cells, name));
        stage.write(TALLY_TABLE, cells).await
    }
}

fn with(item: &Item, of: &str, name: &str) -> Item {
    item.iter()
        .map(|(attribute, value)| {
            let value = match value {
                AttributeValue::S(text) => AttributeValue::S(text.replace(of, name)),
                other => other.clone(),
            };
            (attribute.clone(), value)
        })
        .collect()
}
