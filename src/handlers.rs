//! One module per function, same name: a request or event in, domain and store, a reply out.

pub mod aggregate_ratings;
pub mod answer;
pub mod get_statistics;
pub mod import_files;
pub mod issue_challenge;
pub mod publish_pages;
pub mod reconcile_tallies;
pub mod submit_rating;
pub mod validate_receipt;
