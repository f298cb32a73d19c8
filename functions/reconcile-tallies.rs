//! Schedule → cells compared with ratings, lost ratings counted

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;
use thuocdo::config;
use thuocdo::handlers::reconcile_tallies;
use thuocdo::store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let store = Store::from_env(&config::aws().await)?;
    run(service_fn(|_: LambdaEvent<Value>| async {
        Ok::<_, Error>(reconcile_tallies::handle(&store, Timestamp::now()).await?)
    }))
    .await
}
