//! Schedule → pages and files in the site's bucket

use std::process::ExitCode;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use thuocdo::config;
use thuocdo::handlers::publish_pages;
use thuocdo::keyring::ProofKey;
use thuocdo::log;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let aws = config::aws();
    let store = Store::from_env(&aws)?;
    let bucket = Bucket::new(config::s3(&aws), config::required("SITE_BUCKET")?);
    let proof_key = config::required_key("PROOF_KEY", ProofKey::from_hex)?;
    run(service_fn(|_: LambdaEvent<Value>| async {
        Ok::<_, Error>(publish_pages::handle(&store, &bucket, &proof_key, Timestamp::now()).await?)
    }))
    .await
}
