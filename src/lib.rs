//! Thước Đo: citizens rate the units and officials who handled their dossiers.
//!
//! Data flows one way: request → [`handlers`] → [`intake`] → [`store`] → stream → cells → [`site`] → bucket.
//! `ARCHITECTURE.md` draws the map and walks one rating through it.

pub use domain;

#[cfg(feature = "server")]
pub mod store;

#[cfg(feature = "server")]
pub mod challenge;
#[cfg(feature = "server")]
pub mod config;
pub mod http;
pub mod keyring;
#[cfg(feature = "server")]
pub mod log;
#[cfg(feature = "server")]
pub mod metric;
#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod seal;

#[cfg(feature = "server")]
pub mod intake;

#[cfg(feature = "server")]
pub mod handlers;
pub mod site;

rust_i18n::i18n!("locales", fallback = "vi");
