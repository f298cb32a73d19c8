//! The whole of Thước Đo in one process, on embedded engines: for people trying it, for tests, and for a commune that
//! wants one machine.
//!
//! The handlers are those of the cloud, reached the way the cloud reaches them: [`gateway`] stands in for API Gateway,
//! [`stream`] for the event-source mapping, [`schedules`] for the scheduler, [`dynamo`] and [`s3`] for the services of
//! these names, [`server`] for the CDN. [`dispatch`] is the only module that names the handlers.

mod clock;
mod data;
pub mod dispatch;
pub mod dynamo;
pub mod error;
pub mod gateway;
pub mod headers;
mod import;
mod inbox;
pub mod list;
mod listen;
pub mod objects;
pub mod operator;
pub mod s3;
pub mod sample;
mod schedules;
pub mod server;
mod site;
mod sqlite;
mod stack;
pub mod stream;

use std::pin::Pin;

pub use error::StartError;
pub use stack::{Options, Rewire, Stack, TablesConfig};

/// A future of any type.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
