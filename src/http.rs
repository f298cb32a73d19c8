//! Requests in, answers out: body limits, content types, and the one place where a problem becomes HTTP.

#[cfg(feature = "server")]
pub mod gateway;
pub mod problem;
#[cfg(feature = "server")]
pub(crate) mod reply;
#[cfg(feature = "server")]
pub mod request;

pub use problem::{Problem, ProblemKind};
#[cfg(feature = "server")]
pub use request::Form;
