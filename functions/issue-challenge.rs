//! `GET /api/challenge`, its image and its audio.

use jiff::Timestamp;
use lambda_http::{Error, Request, run, service_fn, tracing};
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::issue_challenge;
use thuocdo::keyring::Keyring;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?;
    let challenges = &Challenges::new(&keyring, Difficulty::default());
    run(service_fn(move |request: Request| async move {
        Ok::<_, Error>(issue_challenge::handle(challenges, request, Timestamp::now()).await)
    }))
    .await
}
