//! What a process used and wrote.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::task::JoinSet;

/// CPU time and memory of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// CPU time of all its threads, ended ones too.
    pub cpu: Duration,
    /// Resident memory, in bytes.
    pub resident: u64,
    /// The most resident memory it ever had, in bytes.
    pub peak: u64,
    /// Resident memory that is no file's, in bytes.
    pub anonymous: u64,
}

/// What process `pid` used so far.
///
/// # Errors
/// When it is gone.
pub(crate) fn usage(pid: u32) -> io::Result<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let bytes = |name: &str| -> io::Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        // A process that has ended keeps its line but no memory.
        kib.map(|kib| kib * 1024)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    Ok(Usage {
        cpu: cpu(pid)?,
        resident: bytes("VmRSS")?,
        peak: bytes("VmHWM")?,
        anonymous: bytes("RssAnon")?,
    })
}

/// CPU time of process `pid`, exact to the nanosecond.
pub(crate) fn cpu(pid: u32) -> io::Result<Duration> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    let clock: ClockId = clock_getcpuclockid(Pid::from_raw(pid))?;
    Ok(clock.now()?.into())
}

/// Most of a log that is kept, in bytes.
const LOG_LIMIT: usize = 1024 * 1024;

/// Standard output and error of a process, as they come.
#[derive(Debug)]
pub(crate) struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    readers: JoinSet<()>,
}

impl Log {
    pub(crate) fn of(child: &mut Child) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let mut readers = JoinSet::new();
        if let Some(out) = child.stdout.take() {
            readers.spawn(copy(out, Arc::clone(&text)));
        }
        if let Some(err) = child.stderr.take() {
            readers.spawn(copy(err, Arc::clone(&text)));
        }
        Self { text, readers }
    }

    pub(crate) fn text(&self) -> String {
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The whole of it, once the process has ended.
    pub(crate) async fn finish(&mut self) -> String {
        // A child of the process may hold the pipe open.
        let all = async { while self.readers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), all).await;
        self.text()
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, text: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let mut text = text.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LOG_LIMIT.saturating_sub(text.len());
        text.extend_from_slice(&chunk[..length.min(room)]);
    }
}
