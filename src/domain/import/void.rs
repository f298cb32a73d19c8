//! Rows of a void file to approvals.

use super::fields::{MAX_NAME, required_word};
use super::finding::Cause;
use super::row::RowReader;
use crate::id::{OfficialId, UnitId};
use crate::phone::Phone;
use crate::rating::{RatingId, Subject};
use crate::receipt::ReceiptCode;
use crate::void::VoidReason;

/// A rating that one person wants set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voidable {
    /// Whom it is of.
    pub subject: Subject,
    /// Which of them.
    pub named: Named,
    /// Why.
    pub reason: VoidReason,
}

/// What a rating is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// The receipt it was given with.
    Receipt(ReceiptCode),
    /// The phone it was given with.
    Phone(Phone),
    /// Its own identifier, as a detector reports it.
    Rating(RatingId),
}

const REASONS: &[(&str, &[&str], VoidReason)] = &[
    (
        "not_the_rater",
        &["người khác dùng mã"],
        VoidReason::NotTheRater,
    ),
    ("under_pressure", &["bị ép buộc"], VoidReason::UnderPressure),
    ("fraud", &["gian lận"], VoidReason::Fraud),
    ("trial", &["đánh giá thử"], VoidReason::Trial),
];

/// Characters of a rating's identifier.
const RATING_ID_LENGTH: usize = 26;

/// The rating in `row`, and why it is to be set aside.
pub fn read(row: &mut RowReader) -> Option<Voidable> {
    let unit_id = row.required_id("unit", UnitId::parse);
    let official_id = row.id("official", OfficialId::parse);
    let reason = required_word(row, "reason", REASONS);
    let receipt = row.text("receipt_code", MAX_NAME).map(|text| {
        let code = ReceiptCode::parse(&text).map(Named::Receipt);
        code.map_err(|_| ("receipt_code", Cause::BadReceiptCode))
    });
    let phone = row.text("phone", MAX_NAME).map(|text| {
        let phone = Phone::parse(&text).map(Named::Phone);
        phone.map_err(|_| ("phone", Cause::BadPhone))
    });
    let rating = row.text("rating", MAX_NAME).map(|text| {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
        match text.len() == RATING_ID_LENGTH && text.bytes().all(allowed) {
            true => Ok(Named::Rating(RatingId(text))),
            false => Err(("rating", Cause::BadRatingId)),
        }
    });
    let mut given = [receipt, phone, rating].into_iter().flatten();
    let named = match (given.next(), given.next()) {
        (Some(Ok(named)), None) => Some(named),
        (Some(Err((column, cause))), None) => {
            row.fault(column, cause);
            None
        }
        _ => {
            row.fault("receipt_code", Cause::OneNameOnly);
            None
        }
    };
    if !row.sound() {
        return None;
    }
    Some(Voidable {
        subject: Subject {
            unit_id: unit_id?,
            official_id,
        },
        named: named?,
        reason: reason?,
    })
}
