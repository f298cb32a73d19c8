//! Everything that comes in, whichever door it comes through: use cases on the store, the keys, the security codes and the domain.
//!
//! Nothing here knows HTTP, an S3 event or a page. A handler reads what arrived, calls one of these, and turns the outcome
//! into an answer. Expected outcomes are enums; only a table that fails is an error.

pub mod catalog;
pub mod catalog_cache;
pub mod dossiers;
pub mod files;
pub mod loosenings;
pub mod person;
pub mod rating;
pub mod receipt;
pub mod security_code;
pub mod sheets;
pub mod voids;

use std::time::Duration;

use self::catalog_cache::CatalogCache;
use crate::challenge::Challenges;
use crate::config::REQUEST_TIMEOUT;
use crate::keyring::Keyring;
use crate::store::{Store, StoreError};

/// What the use cases work with. Looking receipts up needs their key alone; taking ratings in needs the keyring.
#[derive(Debug)]
pub struct Intake<K = Keyring> {
    /// The tables.
    pub store: Store,
    /// The keys.
    pub keyring: K,
    /// The security codes.
    pub challenges: Challenges,
    /// The catalog in force.
    pub catalog: CatalogCache,
    /// How long the tables may take over one request.
    pub patience: Duration,
}

impl<K> Intake<K> {
    /// An intake that has not read the catalog yet.
    #[must_use]
    pub fn new(store: Store, keyring: K, challenges: Challenges) -> Self {
        Self {
            catalog: CatalogCache::new(store.clone()),
            store,
            keyring,
            challenges,
            patience: REQUEST_TIMEOUT,
        }
    }

    /// Gives `work` up when the request's time is over, whichever table operation it waits for: as after a lost reply,
    /// something may have been written, and sending the request again is safe.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let late = |elapsed| StoreError::transient("answer in time")(Box::new(elapsed));
        tokio::time::timeout(self.patience, work)
            .await
            .unwrap_or_else(|elapsed| Err(late(elapsed)))
    }
}
