//! What is acknowledged is on the disk, so that it survives a power cut.
//!
//! The engine's SQLite commits into its write-ahead log without waiting for the disk (`synchronous = NORMAL`): alone,
//! that survives the death of the process only. Waiting at every commit (`FULL`) would survive a power cut, at one write
//! to the disk for each request. Here the requests that wait while the disk works are committed one after the other,
//! then the log is written to the disk once for all of them, and only then are they answered.
//!
//! This keeps what `FULL` promises, because a commit is durable once its frames of the log are, no matter which call synced them;
//! SQLite itself syncs the log before it copies frames into the database, and the database before it reuses the log.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data::sync_folder;

/// Requests answered after one write to the disk, at most.
const TOGETHER: usize = 64;

type Sync = dyn Fn(&Path) -> io::Result<()> + Send + std::marker::Sync;

/// How answers wait for the disk.
#[derive(Clone)]
pub struct Disk {
    sync: Arc<Sync>,
    together: usize,
}

impl Default for Disk {
    fn default() -> Self {
        Self::with(TOGETHER, |log| File::open(log)?.sync_data())
    }
}

impl Disk {
    /// Answers up to `together` requests after each call of `sync` with the path of the write-ahead log.
    ///
    /// For measurements and tests: a `sync` that does nothing promises nothing.
    pub fn with(
        together: usize,
        sync: impl Fn(&Path) -> io::Result<()> + Send + std::marker::Sync + 'static,
    ) -> Self {
        Self {
            sync: Arc::new(sync),
            together,
        }
    }

    /// The log of the database at `path`, which must be open; its folder is synced, so that a new file stays found.
    pub(super) fn log_of(self, path: &Path) -> io::Result<Log> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push("-wal");
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        sync_folder(folder)?;
        Ok(Log {
            path: folder.join(name),
            disk: self,
        })
    }
}

/// The write-ahead log of an open database.
pub(super) struct Log {
    path: PathBuf,
    disk: Disk,
}

impl Log {
    /// Returns when every commit made before is on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        (self.disk.sync)(&self.path)
    }

    /// Requests answered after one sync, at most.
    pub(super) fn together(&self) -> usize {
        self.disk.together
    }
}
