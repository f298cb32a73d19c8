//! Keyed fingerprints: what lets us recognise a receipt or a phone without keeping it.

use data_encoding::{BASE32_NOPAD, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::id::UnitId;
use crate::domain::period::{Month, Quarter};
use crate::domain::proof::{self, Entries, Hash, Tracker};
use crate::domain::rating::{Rating, RatingId, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};

/// Bytes of the master key.
pub const MASTER_KEY_LENGTH: usize = 32;

/// A key is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("a key must be 64 hexadecimal digits")]
pub struct MasterKeyError;

/// Sub-keys drawn from one master key, each for one purpose.
///
/// Every input is written with its length before it, so that no two different lists of parts share a message.
#[derive(Clone)]
pub struct Keyring {
    master: [u8; MASTER_KEY_LENGTH],
    proof: Option<ProofKey>,
}

impl Keyring {
    /// Takes the master key in hexadecimal, as configuration carries it.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless it is exactly 32 bytes.
    pub fn from_hex(master: &str) -> Result<Self, MasterKeyError> {
        Ok(Self {
            master: key_from_hex(master)?,
            proof: None,
        })
    }

    /// The same with a proof key of its own, for a deployment whose publisher shall not hold the master key.
    #[must_use]
    pub fn with_proof_key(mut self, proof: ProofKey) -> Self {
        self.proof = Some(proof);
        self
    }

    /// The proof key: drawn from the master key unless there is one of its own.
    #[must_use]
    pub fn proof_key(&self) -> ProofKey {
        let drawn = || ProofKey(self.subkey("proof"));
        self.proof.clone().unwrap_or_else(drawn)
    }

    /// A key for `purpose` alone, 32 bytes.
    #[must_use]
    pub fn subkey(&self, purpose: &str) -> [u8; 32] {
        mac(&self.master, &[b"thuocdo/1", purpose.as_bytes()])
    }

    /// What a receipt is found by.
    #[must_use]
    pub fn receipt_hash(&self, code: &ReceiptCode) -> String {
        short(&mac(&self.subkey("receipt"), &[code.as_str().as_bytes()]))
    }

    /// What a receipt's secret part is checked by; bound to its code.
    #[must_use]
    pub fn secret_hash(&self, code: &ReceiptCode, secret: &ReceiptSecret) -> String {
        short(&mac(
            &self.subkey("secret"),
            &[code.as_str().as_bytes(), secret.as_str().as_bytes()],
        ))
    }

    /// The one rating a receipt gives for `subject`.
    #[must_use]
    pub fn receipt_rating_id(&self, code: &ReceiptCode, subject: &Subject) -> RatingId {
        RatingId(short(&mac(
            &self.subkey("rating"),
            &[
                b"receipt",
                code.as_str().as_bytes(),
                subject.to_string().as_bytes(),
            ],
        )))
    }

    /// What a phone's guard for `subject` in `quarter` is found by.
    #[must_use]
    pub fn phone_hash(&self, phone: &str, subject: &Subject, quarter: Quarter) -> String {
        let key = self.subkey(&format!("phone/{quarter}"));
        short(&mac(
            &key,
            &[phone.as_bytes(), subject.to_string().as_bytes()],
        ))
    }

    /// The one rating a phone gives for `subject` in `quarter`.
    #[must_use]
    pub fn phone_rating_id(&self, phone: &str, subject: &Subject, quarter: Quarter) -> RatingId {
        let key = self.subkey(&format!("phone-rating/{quarter}"));
        RatingId(short(&mac(
            &key,
            &[phone.as_bytes(), subject.to_string().as_bytes()],
        )))
    }

    /// Key that seals names and phones given in `quarter`.
    #[must_use]
    pub fn sealing_key(&self, quarter: Quarter) -> [u8; 32] {
        self.subkey(&format!("seal/{quarter}"))
    }

    /// Fingerprint of a rating's content, to tell a retry from a second opinion.
    #[must_use]
    pub fn content_digest(&self, parts: &[&[u8]]) -> String {
        short(&mac(&self.subkey("digest"), parts))
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyring(..)")
    }
}

fn key_from_hex(key: &str) -> Result<[u8; MASTER_KEY_LENGTH], MasterKeyError> {
    let bytes = data_encoding::HEXLOWER_PERMISSIVE
        .decode(key.trim().as_bytes())
        .map_err(|_| MasterKeyError)?;
    bytes.try_into().map_err(|_| MasterKeyError)
}

/// The key of what outsiders recount by (see [`proof`]): it makes trackers and salts, and opens no receipt or phone, so
/// those who publish need no other.
#[derive(Clone)]
pub struct ProofKey([u8; MASTER_KEY_LENGTH]);

impl ProofKey {
    /// Takes the key in hexadecimal, as configuration carries it.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless it is exactly 32 bytes.
    pub fn from_hex(key: &str) -> Result<Self, MasterKeyError> {
        key_from_hex(key).map(Self)
    }

    /// The tracker of a rating: the same for a retry, known to the citizen and to us.
    #[must_use]
    pub fn tracker(&self, id: &RatingId) -> Tracker {
        let key = mac(&self.0, &[b"tracker"]);
        Tracker::from_hash(&mac(&key, &[id.0.as_bytes()]))
    }

    /// The key that salts the commitments of one unit and month: what an auditor of that month is given.
    #[must_use]
    pub fn salt_key(&self, unit: &UnitId, month: Month) -> Hash {
        let month = month.to_string();
        mac(
            &self.0,
            &[b"salt", unit.as_str().as_bytes(), month.as_bytes()],
        )
    }

    /// The entries of `ratings`, all of `unit` and `month`: those that have been counted, those set aside among them.
    #[must_use]
    pub fn entries<'a>(
        &self,
        unit: &UnitId,
        month: Month,
        ratings: impl IntoIterator<Item = &'a Rating>,
    ) -> Entries {
        let key = self.salt_key(unit, month);
        let entry = |rating: &Rating| {
            let salt = mac(&key, &[rating.id.0.as_bytes()]);
            let tracker = self.tracker(&rating.id).hash();
            (tracker, proof::commitment(&salt, rating))
        };
        ratings.into_iter().map(entry).collect()
    }
}

impl std::fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProofKey(..)")
    }
}

/// HMAC-SHA-256 (RFC 2104) over `parts`, each behind its length as eight big-endian bytes.
#[must_use]
pub fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// 128 bits in 26 lower-case characters: collisions stay out of reach, keys stay short.
fn short(bytes: &[u8; 32]) -> String {
    const ENCODING: Encoding = BASE32_NOPAD;
    ENCODING.encode(&bytes[..16]).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_between_fields() {
        assert_ne!(mac(b"k", &[b"ab", b"c"]), mac(b"k", &[b"a", b"bc"]));
    }

    #[test]
    fn a_tracker_follows_from_the_rating_and_the_key() {
        let id = |text: &str| RatingId(text.to_owned());
        let key = ProofKey::from_hex(&"0f".repeat(32)).unwrap();
        let other = ProofKey::from_hex(&"1f".repeat(32)).unwrap();

        assert_eq!(key.tracker(&id("a")), key.tracker(&id("a")));
        assert_ne!(key.tracker(&id("a")), key.tracker(&id("b")));
        assert_ne!(key.tracker(&id("a")), other.tracker(&id("a")));
    }

    #[test]
    fn a_proof_key_of_its_own_replaces_the_one_drawn_from_the_master_key() {
        let id = RatingId("a".into());
        let own = ProofKey::from_hex(&"1f".repeat(32)).unwrap();
        let keyring = Keyring::from_hex(&"0f".repeat(32)).unwrap();
        let tracker = keyring.proof_key().tracker(&id);

        assert_ne!(tracker, own.tracker(&id));
        let keyring = keyring.with_proof_key(own.clone());
        assert_eq!(keyring.proof_key().tracker(&id), own.tracker(&id));
    }

    #[test]
    fn a_salt_key_opens_one_unit_and_month() {
        let key = ProofKey::from_hex(&"0f".repeat(32)).unwrap();
        let unit = |text: &str| UnitId::parse(text).unwrap();
        let month = |text: &str| Month::parse(text).unwrap();
        let keys = [("48-1", "202611"), ("48-1", "202612"), ("48-2", "202611")]
            .map(|(of, in_)| key.salt_key(&unit(of), month(in_)));

        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
    }

    #[test]
    fn a_master_key_is_exactly_32_bytes() {
        assert!(Keyring::from_hex(&"0f".repeat(32)).is_ok());
        for wrong in ["", "0f", &"0f".repeat(31), &"zz".repeat(32)] {
            assert!(Keyring::from_hex(wrong).is_err(), "{wrong}");
        }
    }
}
