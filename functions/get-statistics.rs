//! `GET /api/statistics`

use aws_sdk_s3::Client;
use lambda_http::{Error, Request, run, service_fn, tracing};
use thuocdo::config;
use thuocdo::handlers::get_statistics;
use thuocdo::site::bucket::Bucket;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let aws = config::aws().await;
    let bucket = &Bucket::new(Client::new(&aws), config::required("SITE_BUCKET")?);
    run(service_fn(move |request: Request| async move {
        Ok::<_, Error>(get_statistics::handle(bucket, request).await)
    }))
    .await
}
