//! `POST /api/receipts/validate`

use jiff::Timestamp;
use lambda_http::Error;
use thuocdo::app::App;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::validate_receipt;
use thuocdo::http::gateway;
use thuocdo::keyring::Keyring;
use thuocdo::log;
use thuocdo::store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let store = Store::from_env(&config::aws())?;
    let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?;
    let challenges = Challenges::new(&keyring, Difficulty::default());
    let app = App::new(store, keyring, challenges);
    app.warm_up(Timestamp::now()).await;
    gateway::run(|request| validate_receipt::handle(&app, request, Timestamp::now())).await
}
