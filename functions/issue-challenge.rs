//! `GET /api/challenge`, its image and its audio.

use std::process::ExitCode;

use jiff::Timestamp;
use lambda_http::Error;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::issue_challenge;
use thuocdo::http::gateway;
use thuocdo::keyring::ChallengeKey;
use thuocdo::log;

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let challenge_key = config::required_key("CHALLENGE_KEY", ChallengeKey::from_hex)?;
    let challenges = Challenges::new(challenge_key, Difficulty::default());
    gateway::run(|request| issue_challenge::handle(&challenges, request, Timestamp::now())).await
}
