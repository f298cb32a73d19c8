//! The data directory: one process at a time, its key, and where each engine keeps its file.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use thuocdo::keyring::{Keyring, MASTER_KEY_LENGTH};

use crate::error::StartError;

/// Name of the tables' file in a data directory.
pub(crate) const TABLES: &str = "tables.sqlite";
/// Name of the tables' socket in a data directory.
pub(crate) const TABLES_SOCKET: &str = "tables.socket";

/// A data directory this process holds until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory where there is none, and takes it for this process.
    pub(crate) fn open(root: &Path) -> Result<Self, StartError> {
        let fault = |path: &Path| {
            let path = path.to_owned();
            move |source| StartError::Directory { path, source }
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(root)
            .map_err(fault(root))?;
        let root = root.canonicalize().map_err(fault(root))?;
        let path = root.join("lock");
        let lock = private_file()
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(fault(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartError::InUse { path: root }),
            Err(TryLockError::Error(source)) => {
                return Err(StartError::Directory { path, source });
            }
        }
        Ok(Self { root, _lock: lock })
    }

    /// Makes the engines' files where they are missing, so that SQLite keeps them, and its logs beside them, private.
    pub(crate) fn make_private(&self) -> Result<(), StartError> {
        for path in [self.tables(), self.objects(), self.ledger()] {
            let made = private_file().create(true).truncate(false).open(&path);
            made.map_err(|source| StartError::Directory { path, source })?;
        }
        Ok(())
    }

    /// Ratings, receipts, catalog, tallies and their stream.
    pub(crate) fn tables(&self) -> PathBuf {
        self.root.join(TABLES)
    }

    /// The objects of both buckets.
    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("objects.sqlite")
    }

    /// How far the stream is read, and what was given up.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("stream.sqlite")
    }

    /// The latest moment the clock has shown.
    pub(crate) fn last_seen(&self) -> PathBuf {
        self.root.join("last-seen")
    }

    /// Where people drop files for import.
    pub(crate) fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// There while the sample is being loaded.
    pub(crate) fn sample_begun(&self) -> PathBuf {
        self.root.join("sample.begun")
    }

    /// The socket through which commands of this user reach the tables while they run.
    pub(crate) fn tables_socket(&self) -> PathBuf {
        self.root.join(TABLES_SOCKET)
    }

    /// The environment with which other AWS tools reach the running engines.
    pub(crate) fn engines(&self) -> PathBuf {
        self.root.join("engines.env")
    }

    /// The master key; drawn once, when the directory is new.
    pub(crate) fn keyring(&self) -> Result<Keyring, StartError> {
        let path = self.root.join("master.key");
        let fault = |source| StartError::Directory {
            path: path.clone(),
            source,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if self.tables().exists() {
                    return Err(StartError::MasterKeyLost { path });
                }
                let text = draw_master_key().map_err(fault)?;
                write_private(&path, &format!("{text}\n")).map_err(fault)?;
                text
            }
            Err(error) => return Err(fault(error)),
        };
        Keyring::from_hex(&text).map_err(|_| StartError::MasterKey { path })
    }
}

/// A master key nobody has seen, in hexadecimal.
pub(crate) fn draw_master_key() -> std::io::Result<String> {
    let mut bytes = [0; MASTER_KEY_LENGTH];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(HEXLOWER.encode(&bytes))
}

/// Writes a file only its owner can read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut file = private_file().create(true).truncate(true).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    // The name is on the disk when the folder is.
    sync_folder(path.parent().unwrap_or(path))
}

/// Has the disk take the names in `folder`, where its file system knows how to.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_key_is_drawn_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("data");

        let data = DataDir::open(&root).unwrap();
        let first = data.keyring().unwrap().subkey("test");
        data.make_private().unwrap();
        let second = data.keyring().unwrap().subkey("test");
        let mode = |name: &str| root.join(name).metadata().unwrap().permissions().mode() & 0o777;

        assert_eq!(first, second);
        assert_eq!(mode("master.key"), 0o600);
        assert_eq!(mode("tables.sqlite"), 0o600);
        assert_eq!(mode("."), 0o700);
    }

    #[test]
    fn a_lost_key_is_not_replaced_over_data_made_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::open(directory.path()).unwrap();
        data.keyring().unwrap();
        std::fs::write(data.tables(), "").unwrap();
        std::fs::remove_file(directory.path().join("master.key")).unwrap();

        let outcome = data.keyring();

        assert!(matches!(outcome, Err(StartError::MasterKeyLost { .. })));
    }

    #[test]
    fn a_directory_serves_one_process_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let data = DataDir::open(directory.path()).unwrap();

        let second = DataDir::open(directory.path());
        drop(data);
        let third = DataDir::open(directory.path());

        assert!(matches!(second, Err(StartError::InUse { .. })));
        assert!(third.is_ok());
    }
}
