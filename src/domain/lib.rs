//! What a rating is and how ratings add up: no AWS, no async, no clock.

#[macro_use]
mod code;

#[cfg(any(test, feature = "testing"))]
#[expect(clippy::unwrap_used, reason = "made-up values for tests are valid")]
pub mod arbitrary;
pub mod catalog;
mod crockford;
pub mod dossier;
pub mod form;
pub mod id;
pub mod import;
mod input_method;
pub mod lang;
pub mod month_seal;
pub mod period;
pub mod phone;
pub mod proof;
pub mod publication;
pub mod rating;
pub mod receipt;
pub mod score;
pub mod tally;
pub mod text;
pub mod void;
