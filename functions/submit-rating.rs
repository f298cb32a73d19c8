//! `POST /api/ratings`

use jiff::Timestamp;
use lambda_http::Error;
use thuocdo::app::App;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::submit_rating;
use thuocdo::http::gateway;
use thuocdo::keyring::{Keyring, ProofKey};
use thuocdo::log;
use thuocdo::store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let store = Store::from_env(&config::aws())?;
    let proof_key = ProofKey::from_hex(&config::required("PROOF_KEY")?)?;
    let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?.with_proof_key(proof_key);
    let challenges = Challenges::new(&keyring, Difficulty::default());
    let app = App::new(store, keyring, challenges);
    app.warm_up(Timestamp::now()).await;
    gateway::run(|request| submit_rating::handle(&app, request, Timestamp::now())).await
}
