//! The whole of Thước Đo in one process, on embedded engines.

mod data;
pub mod dynamo;
pub mod error;
pub mod gateway;
pub mod headers;
mod listen;
pub mod objects;
pub mod s3;
pub mod server;
mod site;
mod sqlite;

use std::future::Future;
use std::pin::Pin;

/// A future of any type.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;
