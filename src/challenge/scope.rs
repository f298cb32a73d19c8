//! What a security code is good for, and how a client commits to it without telling.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

/// What the security code opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Saving a rating.
    Rate,
    /// Looking a receipt up.
    Validate,
}

impl Purpose {
    /// Its spelling in a commitment and on a form.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Validate => "validate",
        }
    }
}

/// The values a security code is bound to, raw as posted, empty when absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope<'a> {
    /// What it opens.
    pub purpose: Purpose,
    /// `unit` or `unit/official`; empty to look a receipt up.
    pub subject: &'a str,
    /// The receipt code.
    pub receipt_code: &'a str,
    /// The receipt's secret part.
    pub receipt_secret: &'a str,
    /// The rater's phone.
    pub phone: &'a str,
}

impl Scope<'_> {
    /// Commits to this scope under `salt`.
    ///
    /// SHA-256 over domain tag, salt, purpose, subject, receipt code, receipt secret and phone, each as UTF-8 behind its
    /// length in four big-endian bytes, so that no character can move from one field to its neighbour.
    #[must_use]
    pub fn commitment(&self, salt: &Salt) -> Commitment {
        Commitment(self.digest(&salt.0))
    }

    /// The same digest with an empty salt; only for use inside a sealed token.
    pub(super) fn unsalted_digest(&self) -> [u8; 32] {
        self.digest("")
    }

    fn digest(&self, salt: &str) -> [u8; 32] {
        let parts = [
            "thuocdo-scope/1",
            salt,
            self.purpose.code(),
            self.subject,
            self.receipt_code,
            self.receipt_secret,
            self.phone,
        ];
        let mut digest = Sha256::new();
        for part in parts {
            let length = u32::try_from(part.len()).expect("a request is far shorter than 4 GiB");
            digest.update(length.to_be_bytes());
            digest.update(part.as_bytes());
        }
        digest.finalize().into()
    }
}

/// 128 random bits chosen by the client, in 22 base64url characters: hides the scope until the form is posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salt(String);

impl Salt {
    /// Takes a salt as posted.
    ///
    /// # Errors
    /// [`CommitmentError`] unless it is exactly 16 bytes in unpadded base64url.
    pub fn parse(text: &str) -> Result<Self, CommitmentError> {
        decode::<16>(text).map(|_| Self(text.to_owned()))
    }

    /// A fresh salt.
    #[must_use]
    pub fn random() -> Self {
        Self(BASE64URL_NOPAD.encode(&rand::random::<[u8; 16]>()))
    }

    /// The 22 characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not the right number of bytes in unpadded base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a commitment is 43 base64url characters, its salt 22")]
pub struct CommitmentError;

/// A scope the server cannot read yet: 32 bytes, 43 base64url characters on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment([u8; 32]);

impl Commitment {
    /// Takes a commitment from an address.
    ///
    /// # Errors
    /// [`CommitmentError`] unless it is exactly 32 bytes in unpadded base64url.
    pub fn parse(text: &str) -> Result<Self, CommitmentError> {
        decode(text).map(Self)
    }
}

impl std::fmt::Display for Commitment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

fn decode<const N: usize>(text: &str) -> Result<[u8; N], CommitmentError> {
    if text.len() != (N * 8).div_ceil(6) {
        return Err(CommitmentError);
    }
    let bytes = BASE64URL_NOPAD
        .decode(text.as_bytes())
        .map_err(|_| CommitmentError)?;
    bytes.try_into().map_err(|_| CommitmentError)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: Scope<'_> = Scope {
        purpose: Purpose::Rate,
        subject: "48-1",
        receipt_code: "ab",
        receipt_secret: "c",
        phone: "",
    };

    #[test]
    fn no_character_can_move_between_fields() {
        let salt = Salt::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap();
        let moved = [
            Scope {
                receipt_code: "a",
                receipt_secret: "bc",
                ..SCOPE
            },
            Scope {
                receipt_code: "",
                receipt_secret: "abc",
                ..SCOPE
            },
            Scope {
                receipt_secret: "",
                phone: "c",
                ..SCOPE
            },
            Scope {
                subject: "48-1ab",
                receipt_code: "",
                ..SCOPE
            },
            Scope {
                purpose: Purpose::Validate,
                ..SCOPE
            },
        ];

        for other in moved {
            assert_ne!(
                other.commitment(&salt),
                SCOPE.commitment(&salt),
                "{other:?}"
            );
        }
        assert_ne!(
            SCOPE.commitment(&Salt::parse("AAAAAAAAAAAAAAAAAAAAAQ").unwrap()),
            SCOPE.commitment(&salt)
        );
    }

    #[test]
    fn salts_and_commitments_have_one_spelling() {
        assert!(Salt::parse(Salt::random().as_str()).is_ok());
        for wrong in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAA==",
            "AAAAAAAAAAAAAAAAAAAA+A",
        ] {
            assert_eq!(Salt::parse(wrong), Err(CommitmentError), "{wrong}");
        }
        let commitment = SCOPE.commitment(&Salt::random());
        assert_eq!(Commitment::parse(&commitment.to_string()), Ok(commitment));
        for wrong in [
            "",
            &"A".repeat(42),
            &"A".repeat(44),
            &"é".repeat(21),
            &format!("{}B", "A".repeat(42)),
        ] {
            assert_eq!(Commitment::parse(wrong), Err(CommitmentError), "{wrong}");
        }
    }
}
