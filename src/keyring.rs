//! Keyed fingerprints: what lets us recognise a receipt or a phone without keeping it.

use data_encoding::{BASE32_NOPAD, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::domain::period::Quarter;
use crate::domain::rating::{RatingId, Subject};
use crate::domain::receipt::{ReceiptCode, ReceiptSecret};

/// Bytes of the master key.
pub const MASTER_KEY_LENGTH: usize = 32;

/// The master key is not 64 hexadecimal digits.
#[derive(Debug, thiserror::Error)]
#[error("the master key must be 64 hexadecimal digits")]
pub struct MasterKeyError;

/// Sub-keys drawn from one master key, each for one purpose.
///
/// Every input is written with its length before it, so that no two different lists of parts share a message.
#[derive(Clone)]
pub struct Keyring {
    master: [u8; MASTER_KEY_LENGTH],
}

impl Keyring {
    /// Takes the master key in hexadecimal, as configuration carries it.
    ///
    /// # Errors
    /// [`MasterKeyError`] unless it is exactly 32 bytes.
    pub fn from_hex(master: &str) -> Result<Self, MasterKeyError> {
        let bytes = data_encoding::HEXLOWER_PERMISSIVE
            .decode(master.trim().as_bytes())
            .map_err(|_| MasterKeyError)?;
        Ok(Self {
            master: bytes.try_into().map_err(|_| MasterKeyError)?,
        })
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
    fn a_master_key_is_exactly_32_bytes() {
        assert!(Keyring::from_hex(&"0f".repeat(32)).is_ok());
        for wrong in ["", "0f", &"0f".repeat(31), &"zz".repeat(32)] {
            assert!(Keyring::from_hex(wrong).is_err(), "{wrong}");
        }
    }
}
