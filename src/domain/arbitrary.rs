//! Arbitrary ratings and tallies, for tests of what must hold for all of them.

use std::ops::Range;

use jiff::civil::{Date, date};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::id::{FieldId, OfficialId, OptionCode, QuestionCode, ReasonCode, UnitId};
use super::period::Month;
use super::rating::{Answer, Attestation, Channel, Rating, RatingId, Satisfaction, Subject};
use super::tally::{CellKey, Counter, Tally};
use super::void::VoidReason;

/// Any valid identifier.
fn id() -> impl Strategy<Value = String> {
    prop_oneof!["[ab]", "[a-z0-9_-]{1,32}"]
}

/// A day of 2026 or 2027.
pub fn day() -> impl Strategy<Value = Date> {
    (2026..2028_i16, 1..=12_i8, 1..=28_i8).prop_map(|(year, month, day)| date(year, month, day))
}

fn answer() -> impl Strategy<Value = Answer> {
    let chosen = id().prop_map(|id| Answer::Option(OptionCode::parse(&id).unwrap()));
    prop_oneof![chosen, Just(Answer::Unanswered)]
}

/// Any counter of what ratings say, of any reason and answer.
fn counter_of_ratings() -> impl Strategy<Value = Counter> {
    prop_oneof![
        Just(Counter::Rated),
        Just(Counter::Satisfied),
        Just(Counter::NotSatisfied),
        id().prop_map(|id| Counter::Reason(ReasonCode::parse(&id).unwrap())),
        (id(), answer())
            .prop_map(|(id, answer)| Counter::Answer(QuestionCode::parse(&id).unwrap(), answer)),
    ]
}

/// Why a rating may be set aside.
pub fn void_reason() -> impl Strategy<Value = VoidReason> {
    prop::sample::select(VoidReason::ALL.to_vec())
}

/// Any counter, those of voids among them.
pub fn counter() -> impl Strategy<Value = Counter> {
    prop_oneof![
        4 => counter_of_ratings(),
        1 => counter_of_ratings().prop_map(|counter| Counter::Voided(Box::new(counter))),
        1 => void_reason().prop_map(Counter::VoidedFor),
    ]
}

/// A tally of a few counters.
pub fn tally() -> impl Strategy<Value = Tally> {
    vec((counter(), 0..100_u64), 0..8).prop_map(Tally::from_iter)
}

/// Any leaf cell.
pub fn cell_key() -> impl Strategy<Value = CellKey> {
    rating().prop_map(|rating| CellKey::of(&rating))
}

/// Any rating: of one unit, so that many share a month and some a cell.
pub fn rating() -> impl Strategy<Value = Rating> {
    let place = (
        option::of(prop_oneof!["an", "binh", "[a-z0-9_-]{1,32}"]),
        option::of(prop_oneof!["dat-dai", "[a-z0-9_-]{1,32}"]),
        prop::sample::select(Attestation::ALL.to_vec()),
        prop::sample::select(Channel::ALL.to_vec()),
        day(),
    );
    let opinion = (
        any::<bool>(),
        btree_set(id().prop_map(|id| ReasonCode::parse(&id).unwrap()), 1..4),
        btree_map(
            id().prop_map(|id| QuestionCode::parse(&id).unwrap()),
            answer(),
            0..4,
        ),
    );
    ("[a-z2-7]{26}", place, opinion).prop_map(|(id, place, (satisfied, reasons, answers))| {
        let (official, field, attestation, channel, date) = place;
        Rating {
            id: RatingId(id),
            subject: Subject {
                unit_id: UnitId::parse("48-20194").unwrap(),
                official_id: official.map(|id| OfficialId::parse(&id).unwrap()),
            },
            role: None,
            attestation,
            channel,
            field_id: field.map(|id| FieldId::parse(&id).unwrap()),
            satisfaction: if satisfied {
                Satisfaction::Satisfied
            } else {
                Satisfaction::NotSatisfied
            },
            reasons: if satisfied {
                Default::default()
            } else {
                reasons
            },
            questionnaire: None,
            answers,
            date,
            late: None,
        }
    })
}

/// So many ratings.
pub fn ratings(number: Range<usize>) -> impl Strategy<Value = Vec<Rating>> {
    vec(rating(), number)
}

/// So many ratings of one month.
pub fn ratings_of(month: Month, number: Range<usize>) -> impl Strategy<Value = Vec<Rating>> {
    let dated = move |mut rating: Rating| {
        rating.date = date(month.year, month.month, rating.date.day());
        rating
    };
    vec(rating().prop_map(dated), number)
}
