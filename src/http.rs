//! Requests in, answers out: body limits, content types, and the one place where a problem becomes HTTP.

pub mod gateway;
pub mod problem;
pub(crate) mod reply;
pub mod request;

pub use problem::{FieldError, Problem, ProblemKind};
pub use request::{Form, RequestError};
