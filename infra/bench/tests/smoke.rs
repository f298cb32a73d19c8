//! The bench itself, on a few ratings: that it measures, not what.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

#[test]
fn every_part_measures_something_and_loses_no_rating() {
    let program = Path::new(env!("CARGO_BIN_EXE_bench"));
    let local = program.with_file_name("local");
    let hint = "`local` is not built: cargo build -p local, or test the workspace";
    assert!(local.is_file(), "{hint}");
    let out = tempfile::tempdir().unwrap();

    let ran = Command::new(program)
        .arg("--smoke")
        .arg("--out")
        .arg(out.path())
        .output()
        .unwrap();

    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let table = std::fs::read(out.path().join("bench.json")).unwrap();
    let table: Value = serde_json::from_slice(&table).unwrap();
    let sections = table["sections"].as_array().unwrap();
    assert!(sections.len() >= 10, "{table}");
    for section in sections {
        let lines = section["lines"].as_array().unwrap();
        let grid = section["grid"].as_array().map_or(0, Vec::len);
        assert!(lines.len() + grid > 1, "{section}");
        for line in lines {
            let value = line["value"].as_f64();
            assert!(value.is_some_and(|value| value >= 0.0), "{line}");
        }
    }
}
