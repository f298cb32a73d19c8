//! The system through its outer doors: requests, events, the template, the browser.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop at once"
)]

mod bootstraps;
mod browser;
mod cdn;
mod check;
mod count;
mod erase;
mod events;
mod exactness;
mod faults;
mod fixture;
mod import;
mod kill;
mod life;
mod linkage;
mod metrics;
mod model;
mod publish;
mod races;
mod reconcile;
mod recount;
mod statistics;
mod stuffing;
mod submit;
mod support;
mod template;
mod thresholds;
mod trial;
mod validate;
mod void;
