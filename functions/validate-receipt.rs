//! `POST /api/receipts/validate`

use jiff::Timestamp;
use lambda_http::{Error, Request, run, service_fn, tracing};
use thuocdo::handlers::{App, validate_receipt};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let app = App::from_env().await?;
    run(service_fn(|request: Request| async {
        Ok::<_, Error>(validate_receipt::handle(&app, request, Timestamp::now()).await)
    }))
    .await
}
