//! Proof of work after ALTCHA v2: find the counter whose PBKDF2 key starts as the challenge says.
//!
//! The protocol's earlier version signed its fields run together, so that digits could be moved from one field into the
//! next and an old solution made to look young (CVE-2025-68113). Version 2 signs canonical JSON, and here the scope and
//! the expiry are inside it.

use std::collections::BTreeMap;

use altcha::{Challenge, ChallengeParameters, CreateChallengeOptions, HmacAlgorithm, Payload};
use data_encoding::{BASE64, HEXLOWER};
use jiff::Timestamp;
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::nonce::{ChallengeError, LIFETIME, LONGEST, Nonce};
use super::scope::Commitment;
use crate::keyring::ChallengeKey;

/// The only algorithm we issue and accept.
const ALGORITHM: &str = "PBKDF2/SHA-256";

/// Bytes of a derived key; the first half is published, the second proves the work.
const KEY_LENGTH: usize = 32;

/// The longest payload that is decoded, in characters; ours are about 850.
const MAX_PAYLOAD: usize = 2_048;

/// How much work a proof of work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difficulty {
    /// PBKDF2 rounds of one attempt.
    pub(super) rounds: u32,
    /// The solution is one of `0..=max_counter`, each as likely: half of them are tried on average.
    pub(super) max_counter: u32,
}

impl Default for Difficulty {
    /// What citizens' browsers solve: about 500 attempts of 1,000 rounds, a fraction of a second on a phone.
    fn default() -> Self {
        Self {
            rounds: 1_000,
            max_counter: 1_000,
        }
    }
}

impl Difficulty {
    /// The same protocol at a hundred-thousandth of the work, so that tests do not wait.
    #[must_use]
    pub fn for_tests() -> Self {
        Self {
            rounds: 2,
            max_counter: 5,
        }
    }
}

#[derive(Clone)]
pub(super) struct ProofOfWork {
    difficulty: Difficulty,
    signature_key: String,
    key_signature_key: String,
}

impl ProofOfWork {
    pub(super) fn new(key: &ChallengeKey, difficulty: Difficulty) -> Self {
        Self {
            difficulty,
            signature_key: HEXLOWER.encode(key.signature()),
            key_signature_key: HEXLOWER.encode(key.solution()),
        }
    }

    /// The challenge as JSON. Its counter is uniform over the whole range: were small counters left out, who reads this
    /// source would skip them and honest browsers would not.
    pub(super) fn issue(&self, commitment: &Commitment, now: Timestamp) -> String {
        let challenge = altcha::create_challenge(CreateChallengeOptions {
            algorithm: ALGORITHM.to_owned(),
            cost: self.difficulty.rounds,
            counter: Some(rand::random_range(0..=self.difficulty.max_counter)),
            data: Some(self.data(commitment)),
            expires_at: Some(now.as_second().saturating_add(LIFETIME.as_secs())),
            hmac_signature_secret: Some(self.signature_key.clone()),
            hmac_key_signature_secret: Some(self.key_signature_key.clone()),
            key_length: KEY_LENGTH,
            ..CreateChallengeOptions::default()
        })
        .expect("the algorithm is known and the counter sets the prefix");
        serde_json::to_string(&challenge).expect("a challenge holds only texts and numbers")
    }

    /// Checks a payload at the price of two HMACs, whatever it says: no key is derived.
    ///
    /// The claimed parameters are signed anew together with the signature of the claimed key. Only the parameters we
    /// issued and the key we derived then give the signature we gave. Expiry is judged against `now`, not the system's clock.
    pub(super) fn check(
        &self,
        altcha: &str,
        commitment: &Commitment,
        now: Timestamp,
    ) -> Result<Nonce, ChallengeError> {
        let wrong = || ChallengeError::Wrong { nonce: None };
        let payload = decode(altcha).ok_or(ChallengeError::Malformed)?;
        let key = HEXLOWER
            .decode(payload.solution.derived_key.as_bytes())
            .map_err(|_| ChallengeError::Malformed)?;
        let Challenge {
            mut parameters,
            signature: Some(claimed),
        } = payload.challenge
        else {
            return Err(wrong());
        };
        if !self.are_ours(&parameters, commitment) || key.len() != KEY_LENGTH {
            return Err(wrong());
        }
        let claimed_key_signature = parameters.key_signature.take();
        let expected = altcha::sign_challenge(
            &HmacAlgorithm::Sha256,
            &mut parameters,
            Some(&key),
            &self.signature_key,
            Some(&self.key_signature_key),
        )
        .ok()
        .and_then(|challenge| challenge.signature)
        .ok_or_else(wrong)?;
        let signed = bool::from(claimed.as_bytes().ct_eq(expected.as_bytes()));
        if !signed || parameters.key_signature != claimed_key_signature {
            return Err(wrong());
        }
        let expires_at = parameters.expires_at.ok_or_else(wrong)?;
        let expires = Timestamp::from_second(expires_at).map_err(|_| wrong())?;
        if expires <= now {
            return Err(ChallengeError::Expired);
        }
        if expires.duration_since(now) > LONGEST {
            return Err(wrong());
        }
        Ok(Nonce {
            id: parameters.nonce,
            expires,
        })
    }

    /// Whether everything that is the same in each of our challenges for this scope is so here.
    fn are_ours(&self, parameters: &ChallengeParameters, commitment: &Commitment) -> bool {
        parameters.algorithm == ALGORITHM
            && parameters.cost == self.difficulty.rounds
            && parameters.key_length == KEY_LENGTH
            && parameters.memory_cost.is_none()
            && parameters.parallelism.is_none()
            && parameters.data.as_ref() == Some(&self.data(commitment))
    }

    /// What is signed beside the protocol's own fields; `maxCounter` tells a browser how far it has come.
    fn data(&self, commitment: &Commitment) -> BTreeMap<String, Value> {
        BTreeMap::from([
            ("maxCounter".to_owned(), self.difficulty.max_counter.into()),
            ("scope".to_owned(), commitment.to_string().into()),
        ])
    }
}

fn decode(altcha: &str) -> Option<Payload> {
    let text = altcha.trim();
    if text.len() > MAX_PAYLOAD {
        return None;
    }
    let json = BASE64.decode(text.as_bytes()).ok()?;
    serde_json::from_slice(&json).ok()
}
