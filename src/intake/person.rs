//! Names and phones of people who rated without a receipt, where earlier versions kept them, erased on request.
//!
//! This version keeps neither: the keyed hash of a phone is enough to let it rate once a quarter. Earlier versions sealed
//! both into the guard, until the catalog's retention was over.

use jiff::Timestamp;

use crate::domain::period::{Month, local_date};
use crate::domain::phone::Phone;
use crate::keyring::Keyring;
use crate::seal;
use crate::store::guard::Erased;
use crate::store::{Store, StoreError};

/// Quarters back that a guard may still be of: a catalog may ask for ten years.
const QUARTERS: usize = 42;

/// Erases the name and phone of everybody who rated as `phone`, from every guard that still holds them.
///
/// Their ratings stay and count: nothing in them leads to a person. Guards sealed under a master key that was dropped
/// cannot be opened by anybody, and stay as they are.
///
/// # Errors
/// [`StoreError`] when the table fails; doing it again is safe.
pub async fn erase(
    store: &Store,
    keyring: &Keyring,
    phone: &Phone,
    now: Timestamp,
) -> Result<Erased, StoreError> {
    let today = local_date(now);
    let quarters = std::iter::successors(Some(Month::of(today).quarter()), |q| Some(q.previous()));
    let keys: Vec<_> = quarters
        .take(QUARTERS)
        .map(|quarter| keyring.sealing_key(quarter))
        .collect();
    let is_theirs = |guard_hash: &str, sealed: &[u8]| {
        let opened = |key| seal::open(key, guard_hash.as_bytes(), sealed).ok();
        let person = keys.iter().find_map(opened).unwrap_or_default();
        person.rsplit(|byte| *byte == b'\n').next() == Some(phone.as_str().as_bytes())
    };
    store.erase_guards(is_theirs, today).await
}
