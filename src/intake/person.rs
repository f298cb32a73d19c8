//! The name and phone of who rated without a receipt: sealed in a guard, and erased from it on request.

use jiff::Timestamp;

use crate::domain::period::{Month, Quarter, local_date};
use crate::domain::phone::Phone;
use crate::keyring::Keyring;
use crate::seal::{self, SealError};
use crate::store::guard::Erased;
use crate::store::{Store, StoreError};

/// Quarters back that a guard may still be of: a catalog may ask for ten years.
const QUARTERS: usize = 42;

/// Seals a name and phone given in `quarter` into the guard under `guard_hash`.
///
/// # Errors
/// [`SealError`] when there is no randomness.
pub fn seal(
    keyring: &Keyring,
    quarter: Quarter,
    guard_hash: &str,
    full_name: &str,
    phone: &Phone,
) -> Result<Vec<u8>, SealError> {
    let person = format!("{full_name}\n{}", phone.as_str());
    let key = keyring.sealing_key(quarter);
    seal::seal(&key, guard_hash.as_bytes(), person.as_bytes())
}

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
