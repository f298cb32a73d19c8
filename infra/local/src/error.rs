//! Why the system cannot start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// A cause of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The system did not start; nothing of it is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on, most often because another process does.
    #[error("cannot listen on {address}")]
    Address {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The data directory cannot be made, read or written.
    #[error("cannot use the data directory {}", path.display())]
    Directory {
        /// The file or directory at fault.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another process works in the data directory.
    #[error("the data directory {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The master key's file is unreadable as a key.
    #[error("{} does not hold a master key of 64 hexadecimal digits", path.display())]
    MasterKey {
        /// The file.
        path: PathBuf,
    },
    /// There is data but no key: receipts and phones in it could never be recognised again.
    #[error("{} is missing, but the directory holds data made with it; restore the file", path.display())]
    MasterKeyLost {
        /// The file.
        path: PathBuf,
    },
    /// An embedded engine does not start.
    #[error("cannot start the {engine}")]
    Engine {
        /// Which one.
        engine: &'static str,
        /// What it says.
        source: BoxError,
    },
    /// The sample cannot be loaded.
    #[error("cannot load the sample from {}", path.display())]
    Sample {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong.
        source: BoxError,
    },
}

impl StartError {
    pub(crate) fn engine<E: Into<BoxError>>(engine: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Engine {
            engine,
            source: source.into(),
        }
    }
}

/// An error and all its causes in one line.
#[must_use]
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        line.push_str(": ");
        line.push_str(&source.to_string());
        cause = source.source();
    }
    line.replace('\n', " ")
}
