//! Six digits to read from a picture or hear, for browsers that cannot work: no script, no WebCrypto.
//!
//! Nothing is stored when a code is issued. Its token carries the answer, the expiry, an identity and a digest of the
//! scope, sealed with XChaCha20-Poly1305 under a random 192-bit nonce (draft-irtf-cfrg-xchacha-03). The picture and the
//! recording are asked for before the scope is known, so the digest travels inside the box and is compared at the check.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

use super::nonce::{ChallengeError, LIFETIME, LONGEST, Nonce};
use super::scope::Scope;
use crate::keyring::ChallengeKey;

/// Digits of a code, each 0 to 9.
pub(super) const DIGITS: usize = 6;

const SEALING_NONCE: usize = 24;
const TAG: usize = 16;
const ID: usize = 16;
const SCOPE_DIGEST: usize = 32;
const CONTENT: usize = DIGITS + 8 + ID + SCOPE_DIGEST;
const SEALED: usize = SEALING_NONCE + CONTENT + TAG;

/// Nothing longer is read as an answer, in bytes: six full-width digits with spaces around each fit.
const MAX_ANSWER: usize = 64;

/// Ties a box to its use: sealed data of any other kind does not open as a token.
const ASSOCIATED_DATA: &[u8] = b"thuocdo-typed-code/1";

/// A typed code on its way to a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedChallenge {
    /// 136 base64url characters; for the hidden input `typed_token` and the addresses of picture and recording.
    pub token: String,
}

/// Why a token shows and speaks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours.
    #[error("the token is malformed")]
    Malformed,
    /// Ours, too late.
    #[error("the token has expired")]
    Expired,
}

impl From<TokenError> for ChallengeError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Malformed,
            TokenError::Expired => Self::Expired,
        }
    }
}

/// What a token holds.
pub(super) struct Code {
    /// Digits 0 to 9.
    pub(super) answer: [u8; DIGITS],
    id: [u8; ID],
    scope: [u8; SCOPE_DIGEST],
    expires: Timestamp,
}

impl Code {
    /// Randomness that is the code's own: whoever asks again gets the same bytes, and cannot average the noise away.
    pub(super) fn randomness(&self, medium: &str) -> StdRng {
        let seed = Sha256::new()
            .chain_update(self.id)
            .chain_update(self.answer)
            .chain_update(medium)
            .finalize();
        StdRng::from_seed(seed.into())
    }

    fn nonce(&self) -> Nonce {
        Nonce {
            id: HEXLOWER.encode(&self.id),
            expires: self.expires,
        }
    }
}

#[derive(Clone)]
pub(super) struct TypedCodes {
    cipher: XChaCha20Poly1305,
}

impl TypedCodes {
    pub(super) fn new(key: &ChallengeKey) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(key.typed_code().into()),
        }
    }

    pub(super) fn issue(&self, scope: &Scope<'_>, now: Timestamp) -> TypedChallenge {
        let mut random = rand::rng();
        let expires = now.as_second().saturating_add(LIFETIME.as_secs());
        let mut content = Vec::with_capacity(CONTENT);
        content.extend((0..DIGITS).map(|_| random.random_range(0..=9u8)));
        content.extend_from_slice(&expires.to_be_bytes());
        content.extend_from_slice(&random.random::<[u8; ID]>());
        content.extend_from_slice(&scope.unsalted_digest());
        let nonce = XNonce::from(random.random::<[u8; SEALING_NONCE]>());
        let payload = Payload {
            msg: &content,
            aad: ASSOCIATED_DATA,
        };
        let sealed = self
            .cipher
            .encrypt(&nonce, payload)
            .expect("a buffer of a hundred bytes can be sealed");
        TypedChallenge {
            token: BASE64URL_NOPAD.encode(&[nonce.as_slice(), &sealed].concat()),
        }
    }

    pub(super) fn open(&self, token: &str, now: Timestamp) -> Result<Code, TokenError> {
        let code = self.unseal(token).ok_or(TokenError::Malformed)?;
        if code.expires <= now {
            return Err(TokenError::Expired);
        }
        if code.expires.duration_since(now) > LONGEST {
            return Err(TokenError::Malformed);
        }
        Ok(code)
    }

    /// A token that opens is spent by any answer, and by an answer for another scope.
    pub(super) fn check(
        &self,
        token: &str,
        answer: &str,
        scope: &Scope<'_>,
        now: Timestamp,
    ) -> Result<Nonce, ChallengeError> {
        let code = self.open(token, now)?;
        let right_scope = code.scope.ct_eq(&scope.unsalted_digest());
        let right_answer = digits(answer).map_or(0.into(), |typed| code.answer.ct_eq(&typed));
        let nonce = code.nonce();
        if bool::from(right_scope & right_answer) {
            Ok(nonce)
        } else {
            Err(ChallengeError::Wrong { nonce: Some(nonce) })
        }
    }

    fn unseal(&self, token: &str) -> Option<Code> {
        let token = token.trim();
        if token.len() != (SEALED * 8).div_ceil(6) {
            return None;
        }
        let sealed = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<SEALING_NONCE>()?;
        let payload = Payload {
            msg: sealed,
            aad: ASSOCIATED_DATA,
        };
        let content = self.cipher.decrypt(&XNonce::from(*nonce), payload).ok()?;
        let (answer, rest) = content.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (id, rest) = rest.split_first_chunk()?;
        Some(Code {
            answer: *answer,
            id: *id,
            scope: rest.try_into().ok()?,
            expires: Timestamp::from_second(i64::from_be_bytes(*expires)).ok()?,
        })
    }
}

/// What was typed, as digits: full-width forms folded, white space dropped, a letter O taken for the zero it looks like.
fn digits(answer: &str) -> Option<[u8; DIGITS]> {
    if answer.len() > MAX_ANSWER {
        return None;
    }
    let typed: Option<Vec<u8>> = answer
        .nfkc()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            'o' | 'O' => Some(0),
            c => c.to_digit(10).and_then(|digit| u8::try_from(digit).ok()),
        })
        .collect();
    typed?.try_into().ok()
}
