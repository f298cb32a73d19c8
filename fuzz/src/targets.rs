//! One module for each boundary.

pub(crate) mod bucket_event;
pub(crate) mod gateway_event;
pub(crate) mod gateway_request;
pub(crate) mod hostile;
pub(crate) mod identifier;
pub(crate) mod import_file;
pub(crate) mod pages;
pub(crate) mod receipt_code;
pub(crate) mod security_code;
pub(crate) mod stream_event;
