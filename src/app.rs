//! What the functions a citizen talks to have in common.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use lambda_http::{Body, Response};

use crate::challenge::{ChallengeError, Challenges, Nonce, Proof, Scope};
use crate::domain::catalog::{CatalogHead, Settings, Text, UnitEntry};
use crate::domain::id::UnitId;
use crate::http::request::Wire;
use crate::http::{FieldError, Problem, ProblemKind, reply};
use crate::keyring::Keyring;
use crate::site::context::SiteContext;
use crate::site::rating_form::{TypedCodePage, TypedValues};
use crate::store::{Store, StoreError};

/// How long a function trusts the catalog version it read.
const FRESH: SignedDuration = SignedDuration::from_secs(10);
/// Most units kept in memory; about 4 KB each.
const UNITS_KEPT: usize = 256;

/// Store, keys, security codes and the catalog in force.
#[derive(Debug)]
pub struct App {
    /// The tables.
    pub store: Store,
    /// The keys.
    pub keyring: Keyring,
    /// The security codes.
    pub challenges: Challenges,
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

impl App {
    /// An app that has not read the catalog yet.
    #[must_use]
    pub fn new(store: Store, keyring: Keyring, challenges: Challenges) -> Self {
        Self {
            store,
            keyring,
            challenges,
            current: RwLock::new(None),
        }
    }

    /// The catalog in force, read again after ten seconds; empty before the first import.
    ///
    /// # Errors
    /// [`StoreError`] when the table cannot be read.
    pub async fn catalog_head(&self, now: Timestamp) -> Result<Arc<CatalogHead>, StoreError> {
        Ok(self
            .current(now)
            .await?
            .map_or_else(|| Arc::new(empty_head()), |current| current.head))
    }

    /// Reads the catalog before the first request: a function starts at full speed whatever its size, and the first
    /// connection to the tables is most of its first answer. Without tables the first request is told.
    pub async fn warm_up(&self, now: Timestamp) {
        if let Err(error) = self.catalog_head(now).await {
            tracing::warn!(error = %reply::chain(&error), "the tables are out of reach at the start");
        }
    }

    /// The last catalog read, however old; empty before the first. For answers given while the table is out of reach.
    #[must_use]
    pub fn last_catalog_head(&self) -> Arc<CatalogHead> {
        self.cached()
            .map_or_else(|| Arc::new(empty_head()), |current| current.head)
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
        let Some(Current { version, units, .. }) = self.current(now).await? else {
            return Ok(None);
        };
        let known = units
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(id)
            .cloned();
        if known.is_some() {
            return Ok(known);
        }
        let Some(entry) = self.store.catalog_unit(&version, id).await? else {
            return Ok(None);
        };
        let entry = Arc::new(entry);
        let mut units = units.write().unwrap_or_else(PoisonError::into_inner);
        if units.len() == UNITS_KEPT {
            units.clear();
        }
        units.insert(id.clone(), Arc::clone(&entry));
        Ok(Some(entry))
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
            _ => match self.store.head_in_force(&in_force).await? {
                Some(head) => Current {
                    version: in_force.version,
                    head: Arc::new(head),
                    read_at: now,
                    units: Arc::default(),
                },
                None => return Ok(None),
            },
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(current.clone());
        Ok(Some(current))
    }

    fn cached(&self) -> Option<Current> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A security code that was not accepted.
#[derive(Debug)]
pub struct RefusedCode {
    /// What is wrong with it.
    pub problem: Problem,
    /// For a native form that brought no worked code: the token of the typed one its next page asks for.
    pub typed_token: Option<String>,
}

impl App {
    /// Checks the security code of a request; the nonce, where there is one, is to be stored with what it pays for.
    ///
    /// # Errors
    /// [`StoreError`] when a wrong answer cannot be spent.
    pub async fn check_code(
        &self,
        wire: Wire,
        proof: &Proof<'_>,
        scope: &Scope<'_>,
        now: Timestamp,
    ) -> Result<Result<Option<Nonce>, RefusedCode>, StoreError> {
        let code = match self.challenges.check(proof, scope, now) {
            Ok(nonce) => return Ok(Ok(nonce)),
            Err(ChallengeError::Missing) => "missing",
            Err(ChallengeError::Malformed) => "malformed",
            Err(ChallengeError::Expired) => "expired",
            Err(ChallengeError::Wrong { nonce }) => {
                if let Some(nonce) = nonce {
                    self.store.spend(&nonce).await?;
                }
                "wrong"
            }
        };
        let typed = wire == Wire::Form && proof.altcha.is_none();
        Ok(Err(RefusedCode {
            problem: refused_code(code),
            typed_token: typed.then(|| self.challenges.issue_typed(scope, now).token),
        }))
    }
}

/// The problem of a security code; `code` says what is wrong with it.
#[must_use]
pub fn refused_code(code: &'static str) -> Problem {
    let error = FieldError {
        field: "security_code",
        code,
    };
    Problem {
        kind: ProblemKind::ChallengeRefused,
        errors: vec![error],
    }
}

/// The page that asks a native form for a typed code: 200 where none was given yet.
pub(crate) fn typed_code_page(
    context: &SiteContext<'_>,
    action: &str,
    values: TypedValues,
    problem: &Problem,
    token: &str,
) -> Response<Body> {
    let wrong = !problem.errors.iter().all(|error| error.code == "missing");
    let status = if wrong {
        problem.kind.status()
    } else {
        StatusCode::OK
    };
    let values = match values.first("attempt") {
        "" => values.with("attempt", &new_attempt()),
        _ => values,
    };
    let page = TypedCodePage {
        context,
        action,
        values: &values,
        token,
        wrong,
    };
    reply::page(status, page.render(), context.lang)
}

/// 128 random bits; empty where there is no randomness, and then a retry is told that it rated already.
pub(crate) fn new_attempt() -> String {
    let mut bits = [0; 16];
    match getrandom::fill(&mut bits) {
        Ok(()) => data_encoding::BASE64URL_NOPAD.encode(&bits),
        Err(_) => String::new(),
    }
}

fn empty_head() -> CatalogHead {
    let text = || Text {
        vi: String::new(),
        en: None,
    };
    CatalogHead {
        settings: Settings {
            province_name: text(),
            agency_name: text(),
            hotline: String::new(),
            email: String::new(),
            min_new_ratings: 5,
            min_official_ratings: 10,
            ranking_strata: Vec::new(),
            legal_basis: text(),
            consent_text: text(),
            retention_days: 90,
            opens: None,
            sample: false,
        },
        groups: Vec::new(),
        fields: Vec::new(),
        reasons: Vec::new(),
        questionnaires: Vec::new(),
    }
}
