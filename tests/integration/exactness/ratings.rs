//! Ratings of every kind, each from its number and the seed alone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::date;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use thuocdo::domain::id::{
    FieldId, OfficialId, OptionCode, QuestionCode, QuestionnaireId, ReasonCode, UnitId,
};
use thuocdo::domain::period::Month;
use thuocdo::domain::rating::{
    Answer, Attestation, Channel, Rating, RatingId, Satisfaction, Subject,
};

pub(super) struct Ratings {
    seed: u64,
    units: u64,
}

impl Ratings {
    pub(super) fn new(seed: u64, units: u64) -> Self {
        Self { seed, units }
    }

    /// The moment of every submission.
    pub(super) fn now(&self) -> Timestamp {
        "2026-11-21T05:00:00Z".parse().unwrap()
    }

    /// Every unit-month that ratings fall into.
    pub(super) fn places(&self) -> Vec<(UnitId, Month)> {
        let months = [
            Month {
                year: 2026,
                month: 10,
            },
            Month {
                year: 2026,
                month: 11,
            },
        ];
        (0..self.units)
            .flat_map(|unit| months.map(|month| (unit_id(unit), month)))
            .collect()
    }

    /// The rating `index`; another version of it differs in its verdict and nothing it is found by.
    pub(super) fn version(&self, index: usize, version: u64) -> Rating {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(
            self.seed ^ (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        );
        let mut below = |bound: u64| random.random_range(0..bound);
        let unit = below(self.units);
        let official = below(4);
        let attestation = [
            Attestation::DossierVerified,
            Attestation::DossierClaimed,
            Attestation::PhoneDeclared,
        ][below(3) as usize];
        let day = match below(3) {
            0 => date(2026, 10, 31),
            _ => date(2026, 11, 20 + below(2) as i8),
        };
        let satisfied = (below(4) > 0) ^ (version == 1);
        let reasons = (1..=3)
            .filter(|_| !satisfied && below(2) == 0)
            .map(|code| ReasonCode::parse(&format!("r{code}")).unwrap());
        let reasons: BTreeSet<_> = reasons.collect();
        let answers: BTreeMap<_, _> = (1..=below(4))
            .map(|question| {
                let answer = match below(4) {
                    0 => Answer::Unanswered,
                    option => Answer::Option(OptionCode::parse(&format!("o{option}")).unwrap()),
                };
                (
                    QuestionCode::parse(&format!("cs{question}")).unwrap(),
                    answer,
                )
            })
            .collect();
        Rating {
            id: RatingId(format!("r{index:08}")),
            subject: Subject {
                unit_id: unit_id(unit),
                official_id: (official > 0)
                    .then(|| OfficialId::parse(&format!("o-{official}")).unwrap()),
            },
            role: None,
            attestation,
            channel: Channel::Web,
            field_id: (attestation != Attestation::PhoneDeclared)
                .then(|| FieldId::parse("dat-dai").unwrap()),
            satisfaction: if satisfied {
                Satisfaction::Satisfied
            } else {
                Satisfaction::NotSatisfied
            },
            reasons,
            questionnaire: (!answers.is_empty())
                .then(|| (QuestionnaireId::parse("web").unwrap(), 1)),
            answers,
            date: day,
            late: None,
        }
    }
}

fn unit_id(unit: u64) -> UnitId {
    UnitId::parse(&format!("u-{unit:03}")).unwrap()
}
