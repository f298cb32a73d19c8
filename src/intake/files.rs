//! What came of a file that was handed in.

/// What came of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportOutcome {
    /// The catalog is now in force.
    CatalogReplaced {
        /// Its version.
        version: String,
        /// Units in it.
        units: usize,
        /// Officials in it.
        officials: usize,
        /// Units of the catalog before that are not in it.
        units_gone: Vec<String>,
        /// Officials of the catalog before that are not in it.
        officials_gone: usize,
    },
    /// The catalog was in force already.
    CatalogUnchanged {
        /// Its version.
        version: String,
    },
    /// The dossiers are known.
    Dossiers(DossierTotals),
    /// The approvals are on record.
    Voids(VoidTotals),
    /// The approvals of looser thresholds are on record.
    Loosenings(LooseningTotals),
    /// Nothing was taken over.
    Refused,
}

impl ImportOutcome {
    /// Its spelling in logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CatalogReplaced { .. } => "catalog_replaced",
            Self::CatalogUnchanged { .. } => "catalog_unchanged",
            Self::Dossiers(_) => "dossiers",
            Self::Voids(_) => "voids",
            Self::Loosenings(_) => "loosenings",
            Self::Refused => "refused",
        }
    }
}

/// What came of the rows of a void file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VoidTotals {
    /// Approved now.
    pub approved: u64,
    /// Approved by this seat before.
    pub before: u64,
    /// Rows this seat had given another reason for; that one stays.
    pub otherwise: Vec<u32>,
}

/// What came of the rows of a loosening file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LooseningTotals {
    /// Approved now.
    pub recorded: u64,
    /// Approved by this reviewer's group before.
    pub before: u64,
    /// Rows for whose quarter this reviewer's group had approved other values; those stay.
    pub conflicting: Vec<u32>,
}

/// What came of the rows of a dossier file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DossierTotals {
    /// New.
    pub created: u64,
    /// Brought up to date.
    pub updated: u64,
    /// Known as they are.
    pub unchanged: u64,
    /// Received so long ago that their receipts have expired.
    pub expired: u64,
    /// Rows whose dossier is known with another unit, field or day received; left as it was.
    pub contradicted: Vec<u32>,
}
