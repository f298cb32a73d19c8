//! S3 event: a catalog or a dossier file was dropped.

use std::process::ExitCode;

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use thuocdo::config;
use thuocdo::handlers::import_files;
use thuocdo::keyring::{Keyring, ReceiptKey};
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
    let ratings = config::required("RATINGS_TABLE")?;
    let tally = config::required("TALLY_TABLE")?;
    let store = Store::new(aws_sdk_dynamodb::Client::new(&aws), ratings, tally);
    let bucket = config::required("DROP_BUCKET")?;
    let bucket = Bucket::new(config::s3(&aws), bucket);
    let receipt_key = config::required_key("RECEIPT_KEY", ReceiptKey::from_hex)?;
    let keyring = config::required_key("MASTER_KEY", Keyring::from_hex)?;
    let keyring = keyring.with_receipt_key(receipt_key);
    let import = async |event: LambdaEvent<Value>| {
        let event = import_files::read_event(event.payload);
        let reports = import_files::handle(&store, &bucket, &keyring, event, Timestamp::now());
        reports.await.map(|reports| reports.len())
    };
    run(service_fn(import)).await
}
