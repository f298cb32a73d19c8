//! What the outside may send Thước Đo, made up by a machine: one function of bytes for each boundary.
//!
//! A [`Target`] takes any bytes and panics when the product breaks a promise. `tests/replay.rs` runs each on its corpus
//! and on a short burst of changed inputs, with `cargo test`; `make fuzz` hands the same functions to libFuzzer.

pub mod burst;
mod documented;
mod html;
mod objects;
mod parts;
mod tables;
mod targets;
mod world;

use std::path::{Path, PathBuf};

/// One boundary of the product.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, also of its folder in `corpus/`.
    pub name: &'static str,
    /// Runs one input; panics when a promise is broken.
    pub run: fn(&[u8]),
    /// How the names of the sample events begin that are inputs of it too.
    events: &'static [&'static str],
    /// Inputs the replay makes up, in hundreds; fewer where one costs more.
    pub hundreds: usize,
}

/// Every target.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "gateway-event",
        run: targets::gateway_event::run,
        events: &[
            "submit-rating",
            "validate-receipt",
            "issue-challenge",
            "get-statistics",
        ],
        hundreds: 4,
    },
    Target {
        name: "gateway-request",
        run: targets::gateway_request::run,
        events: &[],
        hundreds: 4,
    },
    Target {
        name: "stream-event",
        run: targets::stream_event::run,
        events: &["aggregate-ratings"],
        hundreds: 2,
    },
    Target {
        name: "bucket-event",
        run: targets::bucket_event::run,
        events: &["import-files"],
        hundreds: 4,
    },
    Target {
        name: "receipt-code",
        run: targets::receipt_code::run,
        events: &[],
        hundreds: 100,
    },
    Target {
        name: "identifier",
        run: targets::identifier::run,
        events: &[],
        hundreds: 100,
    },
    Target {
        name: "security-code",
        run: targets::security_code::run,
        events: &[],
        hundreds: 20,
    },
    Target {
        name: "workbook",
        run: targets::import_file::workbook,
        events: &[],
        hundreds: 2,
    },
    Target {
        name: "csv",
        run: targets::import_file::csv,
        events: &[],
        hundreds: 2,
    },
    Target {
        name: "pages",
        run: targets::pages::run,
        events: &[],
        hundreds: 1,
    },
];

impl Target {
    /// The target named `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        TARGETS.into_iter().find(|target| target.name == name)
    }

    /// Inputs worth starting from, in the order of their files: the committed corpus, and the sample events it reads.
    ///
    /// # Errors
    /// When a folder or file cannot be read.
    pub fn corpus(&self) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = entries(&here.join("corpus").join(self.name))?;
        for file in entries(&here.join("../events"))? {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if self
                .events
                .iter()
                .any(|function| name.starts_with(function))
            {
                files.push(file.clone());
            }
        }
        files
            .into_iter()
            .map(|file| Ok((file.clone(), std::fs::read(file)?)))
            .collect()
    }
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    let mut files = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
