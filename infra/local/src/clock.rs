//! The time, as long as it can be right.
//!
//! A machine whose battery is empty starts in the past until a time server answers. A rating taken then would be dated
//! into a month that may be closed and sealed, and the unit would stay unpublished from then on. So the latest moment
//! seen is kept in the data directory, and nothing is taken while the clock is before it, or before the program was
//! built.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::data::write_private;
use crate::error::{BoxError, StartError};

/// How far the clock may go back: a time server corrects it by less.
const CORRECTION: SignedDuration = SignedDuration::from_mins(5);
/// How far the clock of the machine that built the program may have been ahead.
const OF_THE_BUILD: SignedDuration = SignedDuration::from_hours(24);

/// What is wrong with the clock.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClockError {
    /// It was later before.
    #[error(
        "the clock says {now}, but it was {seen} before; set it right, or, if it is right now and was wrong then, stop, \
         remove {} and start again", file.display()
    )]
    WentBack {
        /// What it says.
        now: Timestamp,
        /// The latest time it showed.
        seen: Timestamp,
        /// Where that is kept.
        file: PathBuf,
    },
    /// It is before the program was built.
    #[error("the clock says {now}, but the program was built on {built}; set it right")]
    BeforeBuild {
        /// What it says.
        now: Timestamp,
        /// When the program was built.
        built: Timestamp,
    },
}

/// The clock of a data directory.
#[derive(Debug)]
pub(crate) struct Clock {
    file: Option<PathBuf>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    latest: Timestamp,
    kept: Timestamp,
}

impl Clock {
    /// A clock that has seen what `file` says; without one, any time is right, because nothing outlives the process.
    pub(crate) fn open(file: Option<&Path>) -> Result<Self, StartError> {
        let mut latest = Timestamp::MIN;
        if let Some(path) = file {
            let fault = |source| StartError::Directory {
                path: path.to_owned(),
                source,
            };
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    let seen = text.trim().parse().map_err(std::io::Error::other);
                    latest = seen.map_err(fault)?;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(fault(error)),
            }
        }
        Ok(Self {
            file: file.map(Path::to_owned),
            seen: Mutex::new(Seen {
                latest,
                kept: latest,
            }),
        })
    }

    /// The time.
    ///
    /// # Errors
    /// [`ClockError`] when the clock cannot be right.
    pub(crate) fn now(&self) -> Result<Timestamp, ClockError> {
        self.check(Timestamp::now())
    }

    /// The time, remembered on the disk: a later start refuses to go back before it.
    ///
    /// # Errors
    /// [`ClockError`] when the clock cannot be right, or the file cannot be written.
    pub(crate) fn now_kept(&self) -> Result<Timestamp, BoxError> {
        let now = self.now()?;
        self.keep()?;
        Ok(now)
    }

    fn check(&self, now: Timestamp) -> Result<Timestamp, ClockError> {
        let Some(file) = &self.file else {
            return Ok(now);
        };
        if now + OF_THE_BUILD < built() {
            return Err(ClockError::BeforeBuild {
                now,
                built: built(),
            });
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_until(seen.latest) > CORRECTION {
            return Err(ClockError::WentBack {
                now,
                seen: seen.latest,
                file: file.clone(),
            });
        }
        seen.latest = seen.latest.max(now);
        Ok(now)
    }

    fn keep(&self) -> std::io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let latest = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if seen.latest <= seen.kept {
                return Ok(());
            }
            seen.latest
        };
        write_private(file, &format!("{latest}\n"))?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.kept = seen.kept.max(latest);
        Ok(())
    }
}

/// When this program was built.
fn built() -> Timestamp {
    const SECONDS: &str = env!("BUILT_AT");
    let seconds = SECONDS.parse().unwrap_or_default();
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_is_refused_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("last-seen");
        let now = Timestamp::now();
        let minutes = SignedDuration::from_mins;
        let clock = Clock::open(Some(&file)).unwrap();

        let later = now + minutes(60 * 24 * 5);
        assert!(clock.check(later).is_ok());
        clock.keep().unwrap();
        let again = Clock::open(Some(&file)).unwrap();

        for clock in [&clock, &again] {
            assert_eq!(clock.check(later - minutes(4)).unwrap(), later - minutes(4));
            let refused = clock.check(later - minutes(6)).unwrap_err().to_string();
            assert!(refused.contains("last-seen"), "{refused}");
            assert!(clock.check(later + minutes(1)).is_ok());
        }
        std::fs::remove_file(&file).unwrap();
        assert!(Clock::open(Some(&file)).unwrap().check(now).is_ok());
    }

    #[test]
    fn a_clock_before_the_build_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::open(Some(&folder.path().join("last-seen"))).unwrap();

        let refused = clock.check(Timestamp::from_second(978_307_200).unwrap());
        let battery_was_empty = clock.check(built() - SignedDuration::from_hours(25));

        assert!(matches!(refused, Err(ClockError::BeforeBuild { .. })));
        assert!(battery_was_empty.is_err());
        assert!(clock.check(built()).is_ok());
        let in_memory = Clock::open(None).unwrap();
        assert!(in_memory.check(Timestamp::UNIX_EPOCH).is_ok());
    }

    #[test]
    fn a_file_that_holds_no_time_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("last-seen");
        std::fs::write(&file, "yesterday").unwrap();

        let refused = Clock::open(Some(&file)).unwrap_err();

        assert!(refused.to_string().contains("last-seen"), "{refused}");
    }
}
