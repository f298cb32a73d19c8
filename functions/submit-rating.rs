//! `POST /api/ratings`

use std::process::ExitCode;

use jiff::Timestamp;
use lambda_http::Error;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::submit_rating;
use thuocdo::http::gateway;
use thuocdo::intake::Intake;
use thuocdo::keyring::{ChallengeKey, Keyring, ProofKey, ReceiptKey};
use thuocdo::log;
use thuocdo::store::Store;

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let store = Store::from_env(&config::aws())?;
    let proof_key = config::required_key("PROOF_KEY", ProofKey::from_hex)?;
    let receipt_key = config::required_key("RECEIPT_KEY", ReceiptKey::from_hex)?;
    let keyring = config::required_key("MASTER_KEY", Keyring::from_hex)?
        .with_receipt_key(receipt_key)
        .with_proof_key(proof_key);
    let challenge_key = config::required_key("CHALLENGE_KEY", ChallengeKey::from_hex)?;
    let challenges = Challenges::new(challenge_key, Difficulty::default());
    let intake = Intake::new(store, keyring, challenges);
    intake.catalog.warm_up(Timestamp::now()).await;
    gateway::run(|request| submit_rating::handle(&intake, request, Timestamp::now())).await
}
