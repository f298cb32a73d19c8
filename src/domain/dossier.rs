//! Dossiers (hồ sơ): who handled them, where they stand, whether they are in time, and the receipt that lets them be rated.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::id::{FieldId, OfficialId, UnitId};

code_enum!(
    /// What an official does for a dossier (S08, S10).
    OfficialRole {
        /// Hướng dẫn.
        Guide = "guide",
        /// Tiếp nhận.
        Receive = "receive",
        /// Giải quyết (thụ lý).
        Settle = "settle",
        /// Trả kết quả.
        Return = "return",
        /// Công chức một cửa: receives and returns.
        Desk = "desk",
    }
);

code_enum!(
    /// Where a dossier stands.
    DossierStatus {
        /// Received, being settled.
        Open = "open",
        /// Result returned.
        Returned = "returned",
        /// Supplement requested.
        Supplement = "supplement",
        /// Refused.
        Refused = "refused",
    }
);

/// Whether a dossier was settled in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timeliness {
    /// Before its due day (trước hạn).
    Early,
    /// On its due day (đúng hạn).
    OnTime,
    /// After its due day, or still open past it (quá hạn).
    Overdue,
}

/// A dossier's receipt: what its code lets a citizen rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The unit that received it.
    pub unit_id: UnitId,
    /// Those who handled it, with their part in it.
    pub officials: Vec<(OfficialId, OfficialRole)>,
    /// Its field.
    pub field_id: FieldId,
    /// Its procedure, by name, where known.
    pub procedure: Option<String>,
    /// Where it stands.
    pub status: DossierStatus,
    /// Day received.
    pub received: Date,
    /// Day the result is due.
    pub due: Option<Date>,
    /// Day the result was returned.
    pub returned: Option<Date>,
}

impl Receipt {
    /// The part `official` had in the dossier, if any.
    #[must_use]
    pub fn role(&self, official: &OfficialId) -> Option<OfficialRole> {
        let handled = self.officials.iter().find(|(id, _)| id == official);
        handled.map(|(_, role)| *role)
    }

    /// Whether the dossier is in time at `today`; `None` while it is open and not yet due.
    #[must_use]
    pub fn timeliness(&self, today: Date) -> Option<Timeliness> {
        let due = self.due?;
        match self.returned {
            Some(returned) if returned < due => Some(Timeliness::Early),
            Some(returned) if returned == due => Some(Timeliness::OnTime),
            Some(_) => Some(Timeliness::Overdue),
            None => (today > due).then_some(Timeliness::Overdue),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn receipt() -> Receipt {
        let official = |id: &str, role| (OfficialId::parse(id).unwrap(), role);
        Receipt {
            unit_id: UnitId::parse("48-20242").unwrap(),
            officials: vec![
                official("48-20242-01", OfficialRole::Desk),
                official("48-20242-02", OfficialRole::Settle),
            ],
            field_id: FieldId::parse("ho-tich").unwrap(),
            procedure: None,
            status: DossierStatus::Open,
            received: date(2026, 11, 2),
            due: Some(date(2026, 11, 20)),
            returned: None,
        }
    }

    #[test]
    fn an_official_has_the_part_that_the_receipt_names() {
        let id = |text: &str| OfficialId::parse(text).unwrap();

        assert_eq!(
            receipt().role(&id("48-20242-02")),
            Some(OfficialRole::Settle)
        );
        assert_eq!(receipt().role(&id("48-20242-03")), None);
    }

    #[test]
    fn a_dossier_is_early_on_time_or_overdue_by_its_due_day() {
        let day = |day| date(2026, 11, day);
        let receipt = |due: Option<i8>, returned: Option<i8>| Receipt {
            due: due.map(day),
            returned: returned.map(day),
            ..receipt()
        };
        for (due, returned, timeliness) in [
            (Some(10), Some(9), Some(Timeliness::Early)),
            (Some(10), Some(10), Some(Timeliness::OnTime)),
            (Some(10), Some(11), Some(Timeliness::Overdue)),
            (Some(19), None, Some(Timeliness::Overdue)),
            (Some(20), None, None),
            (Some(21), None, None),
            (None, Some(9), None),
        ] {
            assert_eq!(
                receipt(due, returned).timeliness(day(20)),
                timeliness,
                "{due:?} {returned:?}"
            );
        }
    }
}
