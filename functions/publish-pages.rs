//! Schedule → pages and files in the site's bucket

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use thuocdo::config;
use thuocdo::handlers::publish_pages;
use thuocdo::keyring::ProofKey;
use thuocdo::log;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let aws = config::aws();
    let store = Store::from_env(&aws)?;
    let bucket = Bucket::new(config::s3(&aws), config::required("SITE_BUCKET")?);
    let proof_key = ProofKey::from_hex(&config::required("PROOF_KEY")?)?;
    run(service_fn(|_: LambdaEvent<Value>| async {
        Ok::<_, Error>(publish_pages::handle(&store, &bucket, &proof_key, Timestamp::now()).await?)
    }))
    .await
}
