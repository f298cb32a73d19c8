//! The stream of `Ratings` → cells

use std::process::ExitCode;

use aws_lambda_events::dynamodb::Event;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use thuocdo::config;
use thuocdo::handlers::aggregate_ratings;
use thuocdo::log;
use thuocdo::store::Store;

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let store = Store::from_env(&config::aws())?;
    run(service_fn(|event: LambdaEvent<Event>| async {
        Ok::<_, Error>(aggregate_ratings::handle(&store, event.payload).await)
    }))
    .await
}
