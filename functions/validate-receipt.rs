//! `POST /api/receipts/validate`

use jiff::Timestamp;
use lambda_http::{Error, Request, run, service_fn, tracing};
use thuocdo::app::App;
use thuocdo::challenge::{Challenges, Difficulty};
use thuocdo::config;
use thuocdo::handlers::validate_receipt;
use thuocdo::keyring::Keyring;
use thuocdo::store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let store = Store::from_env(&config::aws().await)?;
    let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?;
    let challenges = Challenges::new(&keyring, Difficulty::default());
    let app = App::new(store, keyring, challenges);
    run(service_fn(|request: Request| async {
        Ok::<_, Error>(validate_receipt::handle(&app, request, Timestamp::now()).await)
    }))
    .await
}
