//! `GET /api/statistics`

use std::process::ExitCode;

use lambda_http::Error;
use thuocdo::config;
use thuocdo::handlers::get_statistics;
use thuocdo::http::gateway;
use thuocdo::log;
use thuocdo::site::bucket::Bucket;

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let aws = config::aws();
    let bucket = Bucket::new(config::s3(&aws), config::required("SITE_BUCKET")?);
    gateway::run(|request| get_statistics::handle(&bucket, request)).await
}
