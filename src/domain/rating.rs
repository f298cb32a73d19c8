//! A rating: whom, how satisfied, why, and how sure we are that the rater was there.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::civil::Date;

use super::dossier::OfficialRole;
use super::id::{
    FieldId, IdError, OfficialId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode, UnitId,
};

/// Longest suggestion, in characters.
pub const MAX_SUGGESTION: usize = 1_000;

/// Days a suggestion is kept for the managers who read it; the privacy page says so.
pub const SUGGESTION_DAYS: i64 = 365;

code_enum!(
    /// The two-way verdict every rating carries.
    Satisfaction {
        /// Hài lòng.
        Satisfied = "satisfied",
        /// Chưa hài lòng.
        NotSatisfied = "not_satisfied",
    }
);

code_enum!(
    /// Whether the rater took part in a procedure; the two are separate strata everywhere.
    RaterKind {
        /// Gives a receipt code.
        Participant = "participant",
        /// Gives name and phone.
        NonParticipant = "non_participant",
    }
);

code_enum!(
    /// How sure we are that the rater was there, surest first.
    Attestation {
        /// A receipt code with its secret part.
        DossierVerified = "dossier_verified",
        /// A dossier the one-stop software opened at that counter.
        DeviceSession = "device_session",
        /// The code of a receipt whose slip carries no secret part.
        DossierClaimed = "dossier_claimed",
        /// Name and phone.
        PhoneDeclared = "phone_declared",
        /// Typed in by a clerk from a paper form.
        PaperEntry = "paper_entry",
    }
);

impl Attestation {
    /// The stratum results are kept apart by.
    #[must_use]
    pub fn rater_kind(self) -> RaterKind {
        match self {
            Self::PhoneDeclared => RaterKind::NonParticipant,
            Self::DossierVerified
            | Self::DeviceSession
            | Self::DossierClaimed
            | Self::PaperEntry => RaterKind::Participant,
        }
    }
}

code_enum!(
    /// Where a rating was given.
    Channel {
        /// Phone or computer.
        Web = "web",
        /// Touch screen at the desk.
        Kiosk = "kiosk",
        /// Paper form.
        Paper = "paper",
    }
);

/// Who is rated: a unit, or an official of a unit. Written `unit` or `unit/official`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The unit.
    pub unit_id: UnitId,
    /// The official, unless the unit itself is rated.
    pub official_id: Option<OfficialId>,
}

impl Subject {
    /// Reads `unit` or `unit/official`.
    ///
    /// # Errors
    /// [`IdError`] when either part is not an identifier.
    pub fn parse(input: &str) -> Result<Self, IdError> {
        let (unit, official) = match input.split_once('/') {
            Some((unit, official)) => (unit, Some(official)),
            None => (input, None),
        };
        Ok(Self {
            unit_id: UnitId::parse(unit)?,
            official_id: official.map(OfficialId::parse).transpose()?,
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.official_id {
            Some(official) => write!(f, "{}/{official}", self.unit_id),
            None => self.unit_id.fmt(f),
        }
    }
}

/// An answer to one question; leaving it open is a value of its own, never full marks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// One of the question's options.
    Option(OptionCode),
    /// Asked and left open.
    Unanswered,
}

/// The name of a rating in the tables: base-32 of HMAC(key, what can be rated once | subject).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RatingId(pub String);

/// A rating as it is stored and counted.
///
/// Holds no phone, name, receipt code, address, or time finer than the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rating {
    /// Deterministic, so that sending twice is one rating.
    pub id: RatingId,
    /// Who is rated.
    pub subject: Subject,
    /// What the official did for the dossier; only in ratings that earlier versions stored.
    pub role: Option<OfficialRole>,
    /// How sure we are.
    pub attestation: Attestation,
    /// Where it was given.
    pub channel: Channel,
    /// The dossier's field; none for those who took no part.
    pub field_id: Option<FieldId>,
    /// The verdict.
    pub satisfaction: Satisfaction,
    /// At least one when not satisfied, none otherwise.
    pub reasons: BTreeSet<ReasonCode>,
    /// The questionnaire and version answered.
    pub questionnaire: Option<(QuestionnaireId, u32)>,
    /// One per question asked.
    pub answers: BTreeMap<QuestionCode, Answer>,
    /// The day in Asia/Ho_Chi_Minh it was submitted.
    pub date: Date,
    /// Whether the dossier was late; only in ratings that earlier versions stored.
    pub late: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_reads_back_as_written() {
        for text in ["48-20194", "48-20194/o-1"] {
            assert_eq!(Subject::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "/", "a/", "/b", "a/b/c", "a#b"] {
            assert_eq!(Subject::parse(text), Err(IdError), "{text}");
        }
    }
}
