//! Schedule → cells compared with ratings, lost ratings counted, voids carried out, closed months sealed

// Many unit-months under way at once make a type deeper than the compiler looks by default.
#![recursion_limit = "256"]

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use thuocdo::config;
use thuocdo::handlers::reconcile_tallies;
use thuocdo::log;
use thuocdo::store::Store;

/// What the unit-months under way may still take; the next run takes up after them.
const MARGIN: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    log::start();
    log::outcome(serve())
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let store = Store::from_env(&config::aws())?;
    run(service_fn(async |event: LambdaEvent<Value>| {
        let end = event.context.deadline();
        let has_time = || SystemTime::now() + MARGIN < end;
        let report = reconcile_tallies::handle(&store, Timestamp::now(), has_time);
        Ok::<_, Error>(report.await?)
    }))
    .await
}
