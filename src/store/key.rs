//! Every key of both tables.
//!
//! Identifiers hold no `#` (see `domain::id`), so a key takes apart in one way only.
//!
//! | entity  | table   | PK                    | SK                                                | written by        | read by |
//! |---------|---------|-----------------------|---------------------------------------------------|-------------------|---------|
//! | rating  | Ratings | `U#<unit>#<yyyymm>`   | `R#<rid>`                                         | submit, count     | stream, reconcile, publish |
//! | suggestion | Ratings | `T#<unit>#<yyyymm>` | `S#<random>`                                     | submit            | managers |
//! | receipt | Ratings | `K#<HMAC(code)>`      | `RECEIPT`                                         | import, submit    | submit, validate |
//! | tries   | Ratings | `K#<HMAC(code)>`      | `TRIES#<yyyymmdd>`                                | submit, validate  | submit, validate |
//! | guard   | Ratings | `P#<HMAC(phone …)>`   | `G`                                               | submit            | submit |
//! | nonce   | Ratings | `N#<challenge id>`    | `N`                                               | submit, validate  | – |
//! | dossiers| Ratings | `D#<unit>#<yyyymm>`   | `COUNT`                                           | import            | publish |
//! | release | Ratings | `L#<unit>`            | `<yyyyqn>`                                        | publish           | publish |
//! | thresholds | Ratings | `L#`               | `THRESHOLDS`                                      | publish           | publish |
//! | manifest| Ratings | `L#<unit>`, `L#`      | `MANIFEST`                                        | publish           | publish |
//! | lease   | Ratings | `L#`                  | `LEASE`                                           | publish           | publish |
//! | counted | Ratings | `L#<unit>`            | `COUNTED`                                         | publish           | publish |
//! | frozen  | Ratings | `L#<unit>`            | `FROZEN`                                          | reconcile         | publish, reconcile |
//! | approval| Ratings | `V#<yyyymm>` filed    | `<unit>#<rid>#<seat>`                             | import            | import, reconcile |
//! | loosening | Ratings | `V#<yyyyqn>`        | `THRESHOLDS#<seat>`                               | import            | import, publish |
//! | void    | Ratings | `V#<yyyymm>`          | `<unit>#<rid>#VOID`                               | reconcile         | reconcile, auditors |
//! | absent  | Ratings | `V#<yyyymm>` looked   | `<unit>#<rid>#ABSENT`                             | reconcile         | reconcile |
//! | given back | Ratings | `B#<rid>`          | `B`                                               | reconcile         | submit |
//! | pointer | Ratings | `CATALOG`             | `CURRENT`                                         | import            | all |
//! | head    | Ratings | `CATALOG#<version>`   | `HEAD`                                            | import            | all |
//! | unit    | Ratings | `CATALOG#<version>`   | `UNIT#<unit>`                                     | import            | all |
//! | cell    | Tally   | `C#<unit>#<yyyymm>`   | `<attestation>#<official>#<field>#<channel>#<dd>` | count             | publish, reconcile |
//! | seal    | Tally   | `C#<unit>#<yyyymm>`   | `#SEAL`                                           | reconcile         | reconcile |
//! | later seal | Tally | `C#<unit>#<yyyymm>` | `#SEAL#<nnn>`, the last one counts                | an operator       | reconcile |
//! | difference | Tally | `C#<unit>#<yyyymm>` | `#DIFFERENCE`                                     | reconcile         | two people, on an alarm |
//! | progress| Tally   | `PROGRESS`            | `RECONCILE`                                       | reconcile         | reconcile |

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::civil::Date;

use crate::domain::id::UnitId;
use crate::domain::period::{Month, Quarter};
use crate::domain::rating::RatingId;
use crate::domain::tally::CellKey;
use crate::domain::void::Seat;

/// Attribute name of the partition key.
pub(crate) const PK: &str = "PK";
/// Attribute name of the sort key.
pub(crate) const SK: &str = "SK";
/// Sort key of a month's seal; a cell's never begins with `#`.
pub(crate) const SEAL: &str = "#SEAL";
/// Sort key of what holds a unit's releases back.
pub(crate) const FROZEN: &str = "FROZEN";
/// Sort key of what reconciling found amiss in a month.
pub(crate) const DIFFERENCE: &str = "#DIFFERENCE";

/// A primary key of either table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub(crate) pk: String,
    pub(crate) sk: String,
}

impl Key {
    pub(crate) fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self {
            pk: pk.into(),
            sk: sk.into(),
        }
    }

    pub(crate) fn ratings_partition(unit: &UnitId, month: Month) -> String {
        format!("U#{unit}#{month}")
    }

    pub(crate) fn rating(unit: &UnitId, month: Month, id: &RatingId) -> Self {
        Self::new(Self::ratings_partition(unit, month), format!("R#{}", id.0))
    }

    pub(crate) fn suggestion(unit: &UnitId, month: Month, key: &str) -> Self {
        Self::new(format!("T#{unit}#{month}"), format!("S#{key}"))
    }

    pub(crate) fn receipt(hash: &str) -> Self {
        Self::new(format!("K#{hash}"), "RECEIPT")
    }

    pub(crate) fn tries(hash: &str, day: Date) -> Self {
        Self::new(
            format!("K#{hash}"),
            format!("TRIES#{}", day.strftime("%Y%m%d")),
        )
    }

    pub(crate) fn guard(hash: &str) -> Self {
        Self::new(format!("P#{hash}"), "G")
    }

    pub(crate) fn nonce(id: &str) -> Self {
        Self::new(format!("N#{id}"), "N")
    }

    pub(crate) fn dossier_count(unit: &UnitId, month: Month) -> Self {
        Self::new(format!("D#{unit}#{month}"), "COUNT")
    }

    pub(crate) fn releases_partition(unit: &UnitId) -> String {
        format!("L#{unit}")
    }

    pub(crate) fn release(unit: &UnitId, quarter: Quarter) -> Self {
        Self::new(Self::releases_partition(unit), quarter.to_string())
    }

    /// The manifest of a unit's pages, or of those that belong to no unit.
    pub(crate) fn manifest(unit: Option<&UnitId>) -> Self {
        Self::new(format!("L#{}", unit.map_or("", UnitId::as_str)), "MANIFEST")
    }

    /// The thresholds of every quarter that began.
    pub(crate) fn quarter_thresholds() -> Self {
        Self::new("L#", "THRESHOLDS")
    }

    /// A reviewer's approval of looser thresholds for a quarter.
    pub(crate) fn loosening(quarter: Quarter, seat: Seat) -> Self {
        Self::new(
            format!("V#{quarter}"),
            format!("THRESHOLDS#{}", seat.code()),
        )
    }

    /// Who publishes now.
    pub(crate) fn lease() -> Self {
        Self::new("L#", "LEASE")
    }

    /// What is published of the lists of a unit's counted ratings.
    pub(crate) fn counted(unit: &UnitId) -> Self {
        Self::new(Self::releases_partition(unit), "COUNTED")
    }

    pub(crate) fn catalog_pointer() -> Self {
        Self::new("CATALOG", "CURRENT")
    }

    pub(crate) fn catalog_partition(version: &str) -> String {
        format!("CATALOG#{version}")
    }

    pub(crate) fn catalog_head(version: &str) -> Self {
        Self::new(Self::catalog_partition(version), "HEAD")
    }

    pub(crate) fn catalog_unit(version: &str, unit: &UnitId) -> Self {
        Self::new(Self::catalog_partition(version), format!("UNIT#{unit}"))
    }

    pub(crate) fn cells_partition(unit: &UnitId, month: Month) -> String {
        format!("C#{unit}#{month}")
    }

    pub(crate) fn cell(cell: &CellKey) -> Self {
        Self::new(
            Self::cells_partition(&cell.unit_id, cell.month),
            cell.sort_key(),
        )
    }

    pub(crate) fn month_seal(unit: &UnitId, month: Month) -> Self {
        Self::new(Self::cells_partition(unit, month), SEAL)
    }

    /// The seal that replaces the first `number` ones.
    pub(crate) fn later_month_seal(unit: &UnitId, month: Month, number: usize) -> Self {
        let sk = format!("{SEAL}#{number:03}");
        Self::new(Self::cells_partition(unit, month), sk)
    }

    pub(crate) fn difference(unit: &UnitId, month: Month) -> Self {
        Self::new(Self::cells_partition(unit, month), DIFFERENCE)
    }

    pub(crate) fn progress() -> Self {
        Self::new("PROGRESS", "RECONCILE")
    }

    pub(crate) fn frozen(unit: &UnitId) -> Self {
        Self::new(Self::releases_partition(unit), FROZEN)
    }

    pub(crate) fn approvals_partition(month: Month) -> String {
        format!("V#{month}")
    }

    pub(crate) fn approval(unit: &UnitId, month: Month, id: &RatingId, seat: Seat) -> Self {
        let sk = format!("{unit}#{}#{}", id.0, seat.code());
        Self::new(Self::approvals_partition(month), sk)
    }

    /// Last part of the sort key of a void's record.
    pub(crate) const VOID: &str = "VOID";
    /// Last part of the sort key that says there is no such rating.
    pub(crate) const ABSENT: &str = "ABSENT";

    pub(crate) fn void(unit: &UnitId, month: Month, id: &RatingId) -> Self {
        let sk = format!("{unit}#{}#{}", id.0, Self::VOID);
        Self::new(Self::approvals_partition(month), sk)
    }

    pub(crate) fn absent(unit: &UnitId, month: Month, id: &RatingId) -> Self {
        let sk = format!("{unit}#{}#{}", id.0, Self::ABSENT);
        Self::new(Self::approvals_partition(month), sk)
    }

    /// What lets the receipt of a voided rating rate its subject once more.
    pub(crate) fn given_back(id: &RatingId) -> Self {
        Self::new(format!("B#{}", id.0), "B")
    }

    /// The key as the SDK takes it.
    pub(crate) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            (PK.to_owned(), AttributeValue::S(self.pk.clone())),
            (SK.to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}
