//! The catalog in force, kept in memory between requests.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};

use crate::domain::catalog::{CatalogHead, Menu, Settings, Text, UnitEntry};
use crate::domain::id::UnitId;
use crate::store::{Store, StoreError};

/// How long a function trusts the catalog version it read.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
/// Most units kept in memory; about 4 KB each.
const UNITS_KEPT: usize = 256;

/// The catalog in force, read when it is asked for and again after ten seconds.
#[derive(Debug)]
pub struct CatalogCache {
    store: Store,
    current: RwLock<Option<Current>>,
}

#[derive(Debug, Clone)]
struct Current {
    version: String,
    head: Arc<CatalogHead>,
    read_at: Timestamp,
    /// Units read so far: a version never changes, so they stay good for as long as it is in force.
    units: Arc<RwLock<HashMap<UnitId, Arc<UnitEntry>>>>,
}

impl Current {
    fn unit(&self, id: &UnitId) -> Option<Arc<UnitEntry>> {
        let units = self.units.read().unwrap_or_else(PoisonError::into_inner);
        units.get(id).cloned()
    }

    fn keep(&self, entry: UnitEntry) -> Arc<UnitEntry> {
        let entry = Arc::new(entry);
        let mut units = self.units.write().unwrap_or_else(PoisonError::into_inner);
        if units.len() >= UNITS_KEPT
            && let Some(any) = units.keys().next().cloned()
        {
            units.remove(&any);
        }
        units.insert(entry.unit.id.clone(), Arc::clone(&entry));
        entry
    }
}

impl CatalogCache {
    /// A cache that has read nothing yet.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store,
            current: RwLock::new(None),
        }
    }

    /// The head of the catalog in force; an empty one before the first import.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn head(&self, now: Timestamp) -> Result<Arc<CatalogHead>, StoreError> {
        let current = self.current(now).await?;
        Ok(current.map_or_else(empty_head, |current| current.head))
    }

    /// The unit `id` of the catalog in force; read once for each version.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn unit(
        &self,
        id: &UnitId,
        now: Timestamp,
    ) -> Result<Option<Arc<UnitEntry>>, StoreError> {
        let Some(current) = self.current(now).await? else {
            return Ok(None);
        };
        if let Some(known) = current.unit(id) {
            return Ok(Some(known));
        }
        let entry = self.store.catalog_unit(&current.version, id).await?;
        Ok(entry.map(|entry| current.keep(entry)))
    }

    /// The head last read, however old, without reading the table; an empty one before the first.
    #[must_use]
    pub fn last_head(&self) -> Arc<CatalogHead> {
        self.cached()
            .map_or_else(empty_head, |current| current.head)
    }

    /// The unit `id` as last read, however old, without reading the table; for pages that must come when the table does not.
    #[must_use]
    pub fn last_unit(&self, id: &UnitId) -> Option<Arc<UnitEntry>> {
        self.cached()?.unit(id)
    }

    /// Reads the catalog before the first request: a function starts at full speed whatever its size, and the first
    /// connection to the tables is most of its first answer. A table that fails is logged; the first request tries again.
    pub async fn warm_up(&self, now: Timestamp) {
        if let Err(error) = self.head(now).await {
            tracing::warn!(error = %crate::log::chain(&error), "the tables are out of reach at the start");
        }
    }

    async fn current(&self, now: Timestamp) -> Result<Option<Current>, StoreError> {
        let cached = self.cached();
        if let Some(current) = &cached
            && now.duration_since(current.read_at).abs() < FRESH
        {
            return Ok(cached);
        }
        let Some(in_force) = self.store.catalog_in_force().await? else {
            return Ok(None);
        };
        let current = match cached {
            Some(current) if current.version == in_force.version => Current {
                read_at: now,
                ..current
            },
            _ => Current {
                head: Arc::new(in_force.head()?),
                version: in_force.version,
                read_at: now,
                units: Arc::default(),
            },
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(current.clone());
        Ok(Some(current))
    }

    fn cached(&self) -> Option<Current> {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn empty_head() -> Arc<CatalogHead> {
    let text = || Text {
        vi: String::new(),
        en: None,
    };
    Arc::new(CatalogHead {
        settings: Settings {
            province_name: text(),
            agency_name: text(),
            hotline: String::new(),
            email: String::new(),
            min_new_ratings: 5,
            min_official_ratings: 10,
            unverified_per_day: Settings::default_unverified_per_day(),
            ranking_strata: Vec::new(),
            legal_basis: text(),
            consent_text: text(),
            retention_days: 90,
            menu: Menu::default(),
            opens: None,
            sample: false,
        },
        groups: Vec::new(),
        fields: Vec::new(),
        reasons: Vec::new(),
        questionnaires: Vec::new(),
    })
}
