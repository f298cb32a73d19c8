//! What a rating takes from its dossier.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use jiff::civil::Date;
use sha2::{Digest, Sha256};

use super::catalog::OfficialRole;
use super::id::{FieldId, OfficialId, UnitId};
use super::receipt::{Receipt, Timeliness};

const NO_DAY: &str = "-";

/// What a rating takes from its dossier, as the receipt says it.
///
/// It is written as `field due returned official:role official:role …`, a day that is not known as `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handling {
    /// The unit that received it.
    pub unit_id: UnitId,
    /// Its field.
    pub field_id: FieldId,
    /// Those who handled it, with their part in it.
    pub officials: Vec<(OfficialId, OfficialRole)>,
    /// Day the result is due.
    pub due: Option<Date>,
    /// Day the result was returned.
    pub returned: Option<Date>,
}

impl Handling {
    /// Reads the handling of a dossier of `unit_id`; `None` for what cannot be read as one.
    #[must_use]
    pub fn parse(unit_id: &UnitId, text: &str) -> Option<Self> {
        let day = |text: &str| match text {
            NO_DAY => Some(None),
            text => text.parse().ok().map(Some),
        };
        let mut parts = text.split(' ');
        let field_id = FieldId::parse(parts.next()?).ok()?;
        let due = day(parts.next()?)?;
        let returned = day(parts.next()?)?;
        let officials = parts.map(|pair| {
            let (id, role) = pair.split_once(':')?;
            Some((OfficialId::parse(id).ok()?, OfficialRole::parse(role)?))
        });
        Some(Self {
            unit_id: unit_id.clone(),
            field_id,
            officials: officials.collect::<Option<_>>()?,
            due,
            returned,
        })
    }

    /// The part `official` had in it, if any.
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

    /// 128 bits of SHA-256 over all it says and the hash of the slip's secret part, in 26 lower-case characters.
    ///
    /// Whoever claims a receipt by it has said all of that right.
    #[must_use]
    pub fn digest(&self, secret_hash: Option<&str>) -> String {
        let said = self.to_string();
        let parts = [
            "thuocdo-handling/1",
            self.unit_id.as_str(),
            &said,
            secret_hash.unwrap_or_default(),
        ];
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        let digest = digest.finalize();
        BASE32_NOPAD.encode(&digest[..16]).to_ascii_lowercase()
    }
}

impl From<&Receipt> for Handling {
    fn from(receipt: &Receipt) -> Self {
        Self {
            unit_id: receipt.unit_id.clone(),
            field_id: receipt.field_id.clone(),
            officials: receipt.officials.clone(),
            due: receipt.due,
            returned: receipt.returned,
        }
    }
}

impl fmt::Display for Handling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.field_id)?;
        for day in [self.due, self.returned] {
            match day {
                Some(day) => write!(f, " {day}")?,
                None => write!(f, " {NO_DAY}")?,
            }
        }
        for (official, role) in &self.officials {
            write!(f, " {official}:{}", role.code())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn unit() -> UnitId {
        UnitId::parse("48-20242").unwrap()
    }

    fn handling() -> Handling {
        let official = |id: &str, role| (OfficialId::parse(id).unwrap(), role);
        Handling {
            unit_id: unit(),
            field_id: FieldId::parse("ho-tich").unwrap(),
            officials: vec![
                official("48-20242-01", OfficialRole::Desk),
                official("48-20242-02", OfficialRole::Settle),
            ],
            due: Some(date(2026, 11, 20)),
            returned: None,
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let written = "ho-tich 2026-11-20 - 48-20242-01:desk 48-20242-02:settle";

        assert_eq!(handling().to_string(), written);
        assert_eq!(Handling::parse(&unit(), written), Some(handling()));

        let bare = Handling {
            officials: Vec::new(),
            due: None,
            returned: Some(date(2026, 11, 9)),
            ..handling()
        };
        assert_eq!(bare.to_string(), "ho-tich - 2026-11-09");
        assert_eq!(Handling::parse(&unit(), "ho-tich - 2026-11-09"), Some(bare));
    }

    #[test]
    fn what_is_written_otherwise_is_nothing() {
        for text in [
            "",
            "ho-tich",
            "ho-tich -",
            "ho-tich - -  ",
            "Hộ tịch - -",
            "ho-tich 20-11-2026 -",
            "ho-tich - - 48-20242-01",
            "ho-tich - - 48-20242-01:chief",
            "ho-tich - - <b>:desk",
        ] {
            assert_eq!(Handling::parse(&unit(), text), None, "{text}");
        }
    }

    #[test]
    fn a_digest_stands_for_everything_that_is_said() {
        let digest = handling().digest(Some("a"));

        assert_eq!(digest, handling().digest(Some("a")));
        assert_eq!(digest.len(), 26);
        let mut others = vec![handling().digest(None), handling().digest(Some("b"))];
        let change = |change: fn(&mut Handling)| {
            let mut other = handling();
            change(&mut other);
            other.digest(Some("a"))
        };
        others.extend([
            change(|said| said.unit_id = UnitId::parse("48-20243").unwrap()),
            change(|said| said.field_id = FieldId::parse("dat-dai").unwrap()),
            change(|said| said.officials[1].1 = OfficialRole::Return),
            change(|said| said.officials.swap(0, 1)),
            change(|said| said.due = None),
            change(|said| said.returned = said.due),
        ]);
        for other in &others {
            assert_ne!(&digest, other);
        }
    }

    #[test]
    fn an_official_has_the_part_that_is_said() {
        let id = |text: &str| OfficialId::parse(text).unwrap();

        assert_eq!(
            handling().role(&id("48-20242-02")),
            Some(OfficialRole::Settle)
        );
        assert_eq!(handling().role(&id("48-20242-03")), None);
    }

    #[test]
    fn a_dossier_is_early_on_time_or_overdue_by_its_due_day() {
        let day = |day| date(2026, 11, day);
        let handling = |due: Option<i8>, returned: Option<i8>| Handling {
            due: due.map(day),
            returned: returned.map(day),
            ..handling()
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
                handling(due, returned).timeliness(day(20)),
                timeliness,
                "{due:?} {returned:?}"
            );
        }
    }
}
