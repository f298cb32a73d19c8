//! The security code (mã an toàn): a proof of work the browser solves, or six digits a person reads or hears.
//!
//! Both are stateless: what the server must remember travels with the client, signed or sealed. Both are bound to one
//! [`Scope`], so that a solution is worth one rating; [`Challenges::check`] also hands back a [`Nonce`], which its caller
//! stores once where the request is refused.

pub mod client;
mod nonce;
mod picture;
mod proof_of_work;
mod scope;
mod speech;
mod typed_code;

use jiff::Timestamp;

use crate::domain::lang::Lang;
use crate::keyring::ChallengeKey;
pub use nonce::{ChallengeError, LIFETIME, LONGEST, Nonce};
pub use proof_of_work::Difficulty;
use proof_of_work::ProofOfWork;
pub use scope::{Commitment, CommitmentError, Purpose, Salt, Scope};
use typed_code::TypedCodes;
pub use typed_code::{TokenError, TypedChallenge};

/// The security-code values of a body, as posted; `None` where a name is absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Proof<'a> {
    /// Base64 of the ALTCHA payload: the challenge and its solution.
    pub altcha: Option<&'a str>,
    /// The salt the client committed to its scope with.
    pub salt: Option<&'a str>,
    /// The sealed token behind the image.
    pub typed_token: Option<&'a str>,
    /// The digits as typed.
    pub typed_answer: Option<&'a str>,
}

/// Issues and checks security codes.
#[derive(Clone)]
pub struct Challenges {
    work: ProofOfWork,
    typed: TypedCodes,
}

impl Challenges {
    /// Takes its own keys, or the keyring to draw them from.
    #[must_use]
    pub fn new(key: impl Into<ChallengeKey>, difficulty: Difficulty) -> Self {
        let key = key.into();
        Self {
            work: ProofOfWork::new(&key, difficulty),
            typed: TypedCodes::new(&key),
        }
    }

    /// A signed proof-of-work challenge for `commitment`: the JSON of an ALTCHA v2 challenge.
    ///
    /// Costs the server one PBKDF2 derivation; checking costs none.
    #[must_use]
    pub fn issue(&self, commitment: &Commitment, now: Timestamp) -> String {
        self.work.issue(commitment, now)
    }

    /// A typed code for `scope`, sealed: what the page hands to its image, its audio and its form.
    #[must_use]
    pub fn issue_typed(&self, scope: &Scope<'_>, now: Timestamp) -> TypedChallenge {
        self.typed.issue(scope, now)
    }

    /// The picture of a typed code, a PNG of 220 × 80 pixels; always the same for one token.
    ///
    /// # Errors
    /// [`TokenError`] for a token that is not ours or has expired.
    pub fn image(&self, token: &str, now: Timestamp) -> Result<Vec<u8>, TokenError> {
        self.typed.open(token, now).map(|code| picture::draw(&code))
    }

    /// The spoken digits of a typed code, a WAV of 8,000 eight-bit samples a second; always the same for one token and language.
    ///
    /// # Errors
    /// [`TokenError`] for a token that is not ours or has expired.
    pub fn audio(&self, token: &str, lang: Lang, now: Timestamp) -> Result<Vec<u8>, TokenError> {
        self.typed
            .open(token, now)
            .map(|code| speech::speak(&code, lang))
    }

    /// The digits of a typed code, for tests that stand in for someone who reads or hears it.
    ///
    /// # Errors
    /// [`TokenError`] for a token that is not ours or has expired.
    pub fn typed_answer(&self, token: &str, now: Timestamp) -> Result<String, TokenError> {
        let code = self.typed.open(token, now)?;
        Ok(code.answer.iter().map(u8::to_string).collect())
    }

    /// Whether `proof` is a security code for `scope`.
    ///
    /// The caller puts the nonce if it is absent where it refuses the request, and does not work on the request when it is
    /// there already: a code pays for one refusal. A request that succeeds needs no nonce: the rating's own key follows from
    /// the values the code is bound to, and a look-up repeated tells nothing new.
    ///
    /// # Errors
    /// [`ChallengeError`]; see its variants.
    pub fn check(
        &self,
        proof: &Proof<'_>,
        scope: &Scope<'_>,
        now: Timestamp,
    ) -> Result<Nonce, ChallengeError> {
        if let Some(altcha) = given(proof.altcha) {
            let salt = Salt::parse(proof.salt.unwrap_or_default())
                .map_err(|_| ChallengeError::Malformed)?;
            return self.work.check(altcha, &scope.commitment(&salt), now);
        }
        match (given(proof.typed_token), given(proof.typed_answer)) {
            (Some(token), Some(answer)) => self.typed.check(token, answer, scope, now),
            _ => Err(ChallengeError::Missing),
        }
    }
}

impl std::fmt::Debug for Challenges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Challenges(..)")
    }
}

fn given(value: Option<&str>) -> Option<&str> {
    value.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests;
