//! The embedded engines, the stream and the web server, through the doors their callers use.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that meets the unexpected should stop at once"
)]

mod clients;
mod process;
mod s3;
mod stream;
mod tables;
mod web;
