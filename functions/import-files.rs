//! S3 event: a catalog or a dossier file was dropped.

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use thuocdo::config;
use thuocdo::handlers::import_files;
use thuocdo::keyring::Keyring;
use thuocdo::log;
use thuocdo::site::bucket::Bucket;
use thuocdo::store::Store;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    log::start();
    let aws = config::aws();
    let ratings = config::required("RATINGS_TABLE")?;
    let tally = config::required("TALLY_TABLE")?;
    let store = Store::new(aws_sdk_dynamodb::Client::new(&aws), ratings, tally);
    let bucket = config::required("DROP_BUCKET")?;
    let bucket = Bucket::new(config::s3(&aws), bucket);
    let keyring = Keyring::from_hex(&config::required("MASTER_KEY")?)?;
    let import = async |event: LambdaEvent<Value>| {
        let event = import_files::read_event(event.payload);
        let reports = import_files::handle(&store, &bucket, &keyring, event, Timestamp::now());
        reports.await.map(|reports| reports.len())
    };
    run(service_fn(import)).await
}
