//! The embedded engines, the stream and the web server, through the doors their callers use.

mod clients;
mod process;
mod s3;
mod stream;
mod tables;
mod web;
