//! Writes down when the program was built: a clock before that is wrong.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo:rerun-if-changed=Cargo.toml");
    println!("cargo:rerun-if-changed=src");
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.map_or(0, |now| now.as_secs()).to_string();
    // Builds that must be the same byte for byte set a time of their own.
    let seconds = std::env::var("SOURCE_DATE_EPOCH").unwrap_or(seconds);
    println!("cargo:rustc-env=BUILT_AT={seconds}");
}
