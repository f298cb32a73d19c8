//! The client's side of the proof of work, for tests and tools; browsers run `templates/static/js/security-code.js`.

use altcha::{Challenge, Payload, SolveChallengeOptions};
use data_encoding::BASE64;

use super::{Commitment, Salt, Scope};

/// The challenge could not be read or solved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the challenge has no solution we can find")]
pub struct SolveError;

/// One form about to be posted: the scope it commits to, under a salt of its own.
#[derive(Debug, Clone)]
pub struct Attempt {
    salt: Salt,
    commitment: Commitment,
}

/// The two fields to post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solved {
    /// Base64 of the ALTCHA payload.
    pub altcha: String,
    /// The salt of the commitment.
    pub salt: String,
}

impl Attempt {
    /// Commits to `scope` under a fresh salt.
    #[must_use]
    pub fn new(scope: &Scope<'_>) -> Self {
        let salt = Salt::random();
        Self {
            commitment: scope.commitment(&salt),
            salt,
        }
    }

    /// What `GET /api/challenge?scope=` is asked with.
    #[must_use]
    pub fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// Solves the challenge that `GET /api/challenge` answered.
    ///
    /// # Errors
    /// [`SolveError`] when it is no ALTCHA challenge or takes longer than 90 seconds.
    pub fn solve(&self, challenge_json: &str) -> Result<Solved, SolveError> {
        let challenge: Challenge = serde_json::from_str(challenge_json).map_err(|_| SolveError)?;
        let solution = altcha::solve_challenge(SolveChallengeOptions::new(&challenge))
            .map_err(|_| SolveError)?
            .ok_or(SolveError)?;
        let payload = Payload {
            challenge,
            solution,
        };
        let json = serde_json::to_vec(&payload).map_err(|_| SolveError)?;
        Ok(Solved {
            altcha: BASE64.encode(&json),
            salt: self.salt.as_str().to_owned(),
        })
    }
}
