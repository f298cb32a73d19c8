//! What identifies a security code, how long it lives, and why it is not accepted.

use jiff::{SignedDuration, Timestamp};

/// How long a challenge is issued for; ten seconds below [`LONGEST`], so that clocks need not agree exactly.
pub const LIFETIME: SignedDuration = SignedDuration::from_secs(290);

/// No challenge is accepted that outlives now by more.
pub const LONGEST: SignedDuration = SignedDuration::from_secs(300);

/// A challenge's identity: stored only if absent, it makes the challenge single-use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce {
    /// 32 hexadecimal digits, drawn when the challenge was issued.
    pub id: String,
    /// From when the challenge is refused anyway and the nonce may be forgotten.
    pub expires: Timestamp,
}

/// Why a security code was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// None was given; an image without a typed answer counts as none.
    #[error("the security code is missing")]
    Missing,
    /// Not a security code at all.
    #[error("the security code is malformed")]
    Malformed,
    /// Right once, too late now.
    #[error("the security code has expired")]
    Expired,
    /// Forged, for another scope, or a wrong answer.
    #[error("the security code is wrong")]
    Wrong {
        /// To be stored all the same: an image is worth one try.
        nonce: Option<Nonce>,
    },
}
