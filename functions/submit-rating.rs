//! `POST /api/ratings`

use jiff::Timestamp;
use lambda_http::{Error, Request, run, service_fn, tracing};
use thuocdo::handlers::{App, submit_rating};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    let app = App::from_env().await?;
    run(service_fn(|request: Request| async {
        Ok::<_, Error>(submit_rating::handle(&app, request, Timestamp::now()).await)
    }))
    .await
}
