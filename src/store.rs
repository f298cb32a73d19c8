//! The only code that knows the tables.

mod backoff;
pub mod catalog;
pub mod cell;
pub mod count;
pub mod counted;
pub mod dossier;
pub mod error;
pub mod freeze;
pub mod guard;
mod item;
pub mod key;
pub mod lease;
pub mod month_seal;
pub mod progress;
pub mod rating;
pub mod receipt;
mod receipt_item;
pub mod reconcile;
pub mod release;
pub mod submit;
pub mod thresholds;
pub mod transaction;
pub mod void;

pub use error::StoreError;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;

use crate::config::{ConfigError, required};

/// The two tables.
///
/// `Ratings` holds ratings, receipts, guards, nonces, releases and the catalog; its stream drives the counting.
/// `Tally` holds cells and has no stream.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) client: Client,
    pub(crate) ratings: String,
    pub(crate) tally: String,
}

impl Store {
    /// A store on the tables named `ratings` and `tally`.
    #[must_use]
    pub fn new(client: Client, ratings: impl Into<String>, tally: impl Into<String>) -> Self {
        Self {
            client,
            ratings: ratings.into(),
            tally: tally.into(),
        }
    }

    /// A store on the tables that `RATINGS_TABLE` and `TALLY_TABLE` name.
    ///
    /// # Errors
    /// [`ConfigError`] when a name is missing.
    pub fn from_env(aws: &SdkConfig) -> Result<Self, ConfigError> {
        let (ratings, tally) = (required("RATINGS_TABLE")?, required("TALLY_TABLE")?);
        Ok(Self::new(Client::new(aws), ratings, tally))
    }
}
