//! Listing ratings that look made up: the operator's command, on any table the SDK reaches.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use thuocdo::config;
use thuocdo::domain::id::UnitId;
use thuocdo::domain::period::Month;
use thuocdo::domain::publication::unverified;
use thuocdo::domain::rating::{Attestation, RatingId, Subject};
use thuocdo::domain::tally;
use thuocdo::domain::void::VoidReason;
use thuocdo::store::Store;

use crate::error::BoxError;
use crate::operator::running_on;

/// Which ratings to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Of the unit itself and of its officials.
    pub unit: UnitId,
    /// Given on this day.
    pub day: Date,
    /// Of this stratum.
    pub stratum: Attestation,
}

/// The ratings of a selection that are not void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Subject and identifier, in this order.
    pub ratings: Vec<(Subject, RatingId)>,
    /// Ratings of the subjects whose day is flagged.
    pub flagged: u64,
    /// Unverified ratings a subject may get on a day before the day is flagged; none where there is no catalog.
    pub bound: Option<u32>,
}

/// Lists `selection`, in the system that runs on `data`, or else in the tables that the environment names as it does for a
/// function: `RATINGS_TABLE`, `TALLY_TABLE`, `AWS_*`.
///
/// # Errors
/// For settings that are missing, and tables that cannot be reached.
pub async fn list_ratings(data: Option<&Path>, selection: &Selection) -> Result<Listed, BoxError> {
    let store = match data {
        Some(data) => running_on(data)?,
        None => Store::from_env(&config::aws_of_operator().await)?,
    };
    select(&store, selection).await
}

/// The same on `store`.
///
/// # Errors
/// For tables that cannot be reached.
pub async fn select(store: &Store, selection: &Selection) -> Result<Listed, BoxError> {
    let Selection { unit, day, stratum } = selection;
    let settings = match store.catalog_version().await? {
        Some(version) => store
            .catalog_head(&version)
            .await?
            .map(|head| head.settings),
        None => None,
    };
    let stored = store.ratings(unit, Month::of(*day)).await?;
    let of_day = |rating: &thuocdo::domain::rating::Rating| {
        rating.date == *day && rating.attestation == *stratum
    };
    // Void ratings count for the flag: the day's ratings came in all the same.
    let cells = tally::fold((stored.iter().map(|stored| &stored.rating)).filter(|r| of_day(r)));
    let flagged = settings.as_ref().map_or_else(BTreeMap::new, |settings| {
        let bound = settings.unverified_per_day.into();
        unverified::flagged(&cells, &settings.counted_strata(), bound)
    });
    let valid = stored.into_iter().filter(|stored| stored.void.is_none());
    let mut ratings: Vec<(Subject, RatingId)> = valid
        .map(|stored| stored.rating)
        .filter(of_day)
        .map(|rating| (rating.subject, rating.id))
        .collect();
    ratings.sort();
    Ok(Listed {
        ratings,
        flagged: flagged.values().sum(),
        bound: settings.map(|settings| settings.unverified_per_day),
    })
}

impl Listed {
    /// The ratings as a void file; the reason is left open where none is given, for a person has to decide it.
    #[must_use]
    pub fn void_file(&self, reason: Option<VoidReason>) -> String {
        let reason = reason.map_or("", VoidReason::code);
        let mut file = "unit,official,rating,reason\n".to_owned();
        // Identifiers hold neither commas nor quotation marks.
        for (subject, id) in &self.ratings {
            let official = subject.official_id.as_ref().map_or("", |id| id.as_str());
            file.push_str(&format!(
                "{},{official},{},{reason}\n",
                subject.unit_id, id.0
            ));
        }
        file
    }

    /// How many there are, and how many of them are flagged.
    #[must_use]
    pub fn summary(&self) -> String {
        let count = self.ratings.len();
        match self.bound {
            Some(bound) => format!(
                "{count} ratings; {} were given to a subject that got more than {bound} unverified ones that day",
                self.flagged
            ),
            None => format!("{count} ratings; there is no catalog, so nothing is flagged"),
        }
    }
}
