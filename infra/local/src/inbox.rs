//! The inbox: files put into `inbox/catalog` are imported and moved to `inbox/done`; files of dossiers and voids, which
//! hold slips' secrets and phones, are imported and deleted, and their reports are kept.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use thuocdo::site::bucket::Bucket;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::dispatch::Functions;
use crate::error::{BoxError, StartError, chain};
use crate::import::{Kind, REPORT, entries, import};
use crate::objects::Objects;
use crate::schedules::Publisher;

/// How often the folders are looked at; a file is taken when it was the same twice.
const LOOK: Duration = Duration::from_secs(2);
/// How long a file rests after a fault of ours.
const REST: Duration = Duration::from_secs(60);

/// The running watch over the inbox.
pub(crate) struct Inbox {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Size and time of every file of an entry: another stamp means someone is still writing.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

struct Watch {
    root: PathBuf,
    functions: Arc<Functions>,
    dropped: Bucket,
    objects: Objects,
    publisher: Arc<Publisher>,
    clock: Arc<Clock>,
    seen: HashMap<PathBuf, Stamp>,
    resting: HashMap<PathBuf, Instant>,
}

impl Inbox {
    /// Makes the folders and watches them.
    pub(crate) fn start(
        root: PathBuf,
        functions: Arc<Functions>,
        dropped: Bucket,
        objects: Objects,
        publisher: Arc<Publisher>,
        clock: Arc<Clock>,
    ) -> Result<Self, StartError> {
        for folder in Kind::ALL.map(Kind::folder).into_iter().chain(["done"]) {
            let path = root.join(folder);
            std::fs::create_dir_all(&path)
                .map_err(|source| StartError::Directory { path, source })?;
        }
        let (stop, mut stopped) = watch::channel(false);
        let mut watch = Watch {
            root,
            functions,
            dropped,
            objects,
            publisher,
            clock,
            seen: HashMap::new(),
            resting: HashMap::new(),
        };
        let task = tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = stopped.changed() => return,
                    () = tokio::time::sleep(LOOK) => watch.look().await,
                }
            }
        });
        Ok(Self { stop, task })
    }

    /// Ends the watch after the file under way.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

impl Watch {
    async fn look(&mut self) {
        // Files wait for the right time; the log tells why.
        if self.clock.now().is_err() {
            return;
        }
        let mut seen = HashMap::new();
        for kind in Kind::ALL {
            let folder = self.root.join(kind.folder());
            let found = entries(&folder).unwrap_or_else(|error| {
                tracing::warn!(cause = %error, "the inbox cannot be read");
                Vec::new()
            });
            for path in found {
                let Ok(stamp) = stamp(&path) else {
                    continue;
                };
                let settled = self.seen.get(&path) == Some(&stamp) && !stamp.is_empty();
                let resting = self.resting.get(&path);
                if settled && resting.is_none_or(|until| *until <= Instant::now()) {
                    self.take(kind, &path).await;
                }
                seen.insert(path, stamp);
            }
        }
        self.resting.retain(|path, _| seen.contains_key(path));
        self.seen = seen;
    }

    async fn take(&mut self, kind: Kind, path: &Path) {
        tracing::info!(file = %path.display(), "importing");
        let imported = import(&self.functions, &self.dropped, &self.objects, kind, path).await;
        let filed = match imported {
            Ok(imported) => {
                if kind == Kind::Catalog {
                    self.publisher.request_now();
                } else {
                    self.publisher.request();
                }
                self.file(kind, path, &imported.text)
            }
            Err(error) => Err(error),
        };
        match filed {
            Ok(report) => tracing::info!(report = %report.display(), "imported"),
            Err(error) => {
                tracing::error!(
                    file = %path.display(),
                    cause = chain(&*error),
                    "importing failed; the file is tried again in a minute"
                );
                self.resting.insert(path.to_owned(), Instant::now() + REST);
            }
        }
    }

    /// Leaves the report where the file was, and moves the file to `done`; in place of one that names citizens, which is
    /// deleted, a copy of its report goes there.
    fn file(&self, kind: Kind, path: &Path, text: &str) -> Result<PathBuf, BoxError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let report = path.with_file_name(format!("{name}{REPORT}"));
        std::fs::write(&report, text)?;
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let done = self.root.join("done").join(format!("{time}-{name}"));
        if kind.names_citizens() {
            std::fs::write(done.with_file_name(format!("{time}-{name}{REPORT}")), text)?;
            if path.is_dir() {
                std::fs::remove_dir_all(path)?;
            } else {
                std::fs::remove_file(path)?;
            }
        } else {
            std::fs::rename(path, done)?;
        }
        Ok(report)
    }
}

fn stamp(path: &Path) -> std::io::Result<Stamp> {
    let mut stamp = Stamp::new();
    let files = if path.is_dir() {
        entries(path)?
    } else {
        vec![path.to_owned()]
    };
    for file in files {
        let metadata = file.metadata()?;
        stamp.push((file, metadata.len(), metadata.modified().ok()));
    }
    Ok(stamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Stack};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_is_taken_when_it_rests_and_its_report_stays() {
        let stack = Stack::start(Options::for_tests()).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().to_owned();
        for folder in ["catalog", "dossiers", "done"] {
            std::fs::create_dir(root.join(folder)).unwrap();
        }
        let mut watch = Watch {
            root: root.clone(),
            functions: Arc::clone(&stack.functions),
            dropped: stack.drop.clone(),
            objects: stack.objects.clone(),
            publisher: Arc::clone(&stack.publisher),
            clock: Arc::clone(&stack.clock),
            seen: HashMap::new(),
            resting: HashMap::new(),
        };
        let file = root.join("dossiers/tháng 11.csv");

        std::fs::write(&file, "half a file").unwrap();
        watch.look().await;
        std::fs::write(&file, "a file that was still being written").unwrap();
        watch.look().await;
        assert!(file.exists());
        watch.look().await;
        watch.look().await;

        assert!(!file.exists());
        let report = root.join("dossiers/tháng 11.csv.report.txt");
        let report = std::fs::read_to_string(report).unwrap();
        assert!(!report.is_empty());
        let done: Vec<_> = std::fs::read_dir(root.join("done")).unwrap().collect();
        let [Ok(kept)] = &done[..] else {
            panic!("{done:?}");
        };
        assert!(kept.file_name().to_string_lossy().ends_with(REPORT));
        assert_eq!(std::fs::read_to_string(kept.path()).unwrap(), report);
        stack.stop().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_that_names_citizens_is_gone_from_the_disk_after_its_import() {
        const SECRET: &str = "0VQ6M-BI-MAT-CUA-PHIEU";
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let options = Options {
            data: Some(data.clone()),
            ..Options::for_tests()
        };
        let stack = Stack::start(options).await.unwrap();
        let text = format!("code,secret\n000.01.40.H17-261119-0042,{SECRET}\n");
        for (folder, name) in [("dossiers", "oct.csv"), ("voids/1", "loai.csv")] {
            std::fs::write(data.join("inbox").join(folder).join(name), &text).unwrap();
        }
        let gone = || {
            ["dossiers/oct.csv", "voids/1/loai.csv"]
                .iter()
                .all(|name| !data.join("inbox").join(name).exists())
        };
        while !gone() {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }

        let mut folders = vec![data];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = path.metadata().unwrap().file_type();
                if kind.is_dir() {
                    folders.push(path);
                    continue;
                }
                if !kind.is_file() {
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes
                    .windows(SECRET.len())
                    .any(|window| window == SECRET.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
        stack.stop().await;
    }
}
