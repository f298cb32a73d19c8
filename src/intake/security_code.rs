//! The security code of a request: checked before any table is read, and spent where the request is refused.

use jiff::Timestamp;

use super::Intake;
use crate::challenge::{ChallengeError, Nonce, Proof, Scope};
use crate::store::StoreError;

/// What shows that a person is there, and not a program that posts by the thousand.
#[derive(Debug, Clone, Copy)]
pub enum Presence<'a> {
    /// A security code, solved by the browser or typed from a picture.
    SecurityCode(Proof<'a>),
}

/// Why a security code was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeRefused {
    /// None was given.
    Missing,
    /// Not a security code.
    Malformed,
    /// Right once, too late now.
    Expired,
    /// For another request, a wrong answer, or used before.
    Wrong,
}

impl<K> Intake<K> {
    /// Checks what shows that a person is there; the nonce is to be spent where the request is refused.
    ///
    /// # Errors
    /// [`StoreError`] when a wrong answer cannot be spent.
    pub(super) async fn check_presence(
        &self,
        presence: &Presence<'_>,
        scope: &Scope<'_>,
        now: Timestamp,
    ) -> Result<Result<Nonce, CodeRefused>, StoreError> {
        let Presence::SecurityCode(proof) = presence;
        Ok(match self.challenges.check(proof, scope, now) {
            Ok(nonce) => Ok(nonce),
            Err(ChallengeError::Missing) => Err(CodeRefused::Missing),
            Err(ChallengeError::Malformed) => Err(CodeRefused::Malformed),
            Err(ChallengeError::Expired) => Err(CodeRefused::Expired),
            Err(ChallengeError::Wrong { nonce }) => {
                if let Some(nonce) = nonce {
                    self.store.spend(&nonce).await?;
                }
                Err(CodeRefused::Wrong)
            }
        })
    }
}
