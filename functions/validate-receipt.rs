//! `POST /api/receipts/validate`

use std::process::ExitCode;

use jiff::Timestamp;
use lambda_http::Error;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::validate_receipt;
use thuocdo::http::gateway;
use thuocdo::intake::Intake;
use thuocdo::keyring::{ChallengeKey, ReceiptKey};
use thuocdo::log;
use thuocdo::store::Store;

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let store = Store::from_env(&config::aws())?;
    let receipt_key = config::required_key("RECEIPT_KEY", ReceiptKey::from_hex)?;
    let challenge_key = config::required_key("CHALLENGE_KEY", ChallengeKey::from_hex)?;
    let challenges = Challenges::new(challenge_key, Difficulty::default());
    let intake = Intake::new(store, receipt_key, challenges);
    intake.catalog.warm_up(Timestamp::now()).await;
    gateway::run(|request| validate_receipt::handle(&intake, request, Timestamp::now())).await
}
