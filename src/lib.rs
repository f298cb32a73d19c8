//! Thước Đo: citizens rate the units and officials who handled their dossiers.
//!
//! Data flows one way: request → [`handlers`] → [`domain`] → [`store`] → stream → cells → [`site`] → bucket.
//! `ARCHITECTURE.md` draws the map and walks one rating through it.

pub mod domain;

pub mod store;

pub mod app;
pub mod challenge;
pub mod config;
pub mod http;
pub mod keyring;
pub mod metric;
pub mod openapi;
pub mod person;
pub mod seal;

pub mod handlers;
pub mod site;

rust_i18n::i18n!("locales", fallback = "vi");
