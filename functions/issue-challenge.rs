//! `GET /api/challenge`, its image and its audio.

use jiff::Timestamp;
use lambda_http::Error;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::issue_challenge;
use thuocdo::http::gateway;
use thuocdo::keyring::Keyring;
use thuocdo::log;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?;
    let challenges = Challenges::new(&keyring, Difficulty::default());
    gateway::run(|request| issue_challenge::handle(&challenges, request, Timestamp::now())).await
}
