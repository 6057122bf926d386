//! The engine: one sled tree, behind the few calls that this crate makes of it.
//!
//! sled 0.34.7 can panic on damaged files, on opening and later; every call goes
//! through one guard that makes an error of it.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::Duration;

use sled::{Db, IVec};
use thiserror::Error;

/// A call of the engine failed. The index is damaged, or the disk is full or
/// broken; the journal is not touched by it.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct EngineError(Fault);

#[derive(Debug, Error)]
enum Fault {
    #[error("the engine of the index failed")]
    Failed(#[source] sled::Error),
    #[error("the engine of the index panicked")]
    Panicked,
    #[error("another process has the index open")]
    InUse,
}

impl EngineError {
    /// Whether somebody else has the files open, who must not lose them.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self, Self(Fault::InUse))
    }

    /// Whether the disk is full.
    pub(crate) fn is_full(&self) -> bool {
        matches!(
            self,
            Self(Fault::Failed(sled::Error::Io(error)))
                if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        )
    }

    /// Whether the surroundings are at fault: a new, empty index would fail too,
    /// and this one may be whole.
    pub(crate) fn is_of_surroundings(&self) -> bool {
        let Self(Fault::Failed(sled::Error::Io(error))) = self else {
            return false;
        };
        matches!(
            error.kind(),
            ErrorKind::StorageFull
                | ErrorKind::QuotaExceeded
                | ErrorKind::ReadOnlyFilesystem
                | ErrorKind::PermissionDenied
                | ErrorKind::OutOfMemory
        )
    }
}

/// How long opening waits for whoever still holds the files' lock: sled lets go
/// of it not when its last handle is dropped but when the last task of its own
/// threads has ended, a few milliseconds later on a busy machine.
const LOCK_TRIES: u32 = 200;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Keys from one to another, both included.
pub(crate) type Keys<'a> = RangeInclusive<&'a [u8]>;

/// A key and its value.
pub(crate) type Pair = (IVec, IVec);

/// The open tree. A clone is a handle on the same one.
#[derive(Clone)]
pub(crate) struct Engine(Db);

impl Engine {
    /// Opens the directory, or makes it. sled's own thread for flushing stays off:
    /// it would only log a failure and go on. Files in use are waited for, 2 s.
    pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Self, EngineError> {
        if !is_free_in_time(directory) {
            return Err(EngineError(Fault::InUse));
        }
        let config =
            sled::Config::new().path(directory).cache_capacity(cache_bytes).flush_every_ms(None);
        guard(|| config.open()).map(Self)
    }

    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<IVec>, EngineError> {
        guard(|| self.0.get(key))
    }

    /// The first key of a range, with its value.
    pub(crate) fn first(&self, range: Keys<'_>) -> Result<Option<Pair>, EngineError> {
        guard(|| self.0.range(range).next().transpose())
    }

    /// The last key of a range, with its value.
    pub(crate) fn last(&self, range: Keys<'_>) -> Result<Option<Pair>, EngineError> {
        guard(|| self.0.range(range).next_back().transpose())
    }

    /// All of a range.
    #[cfg(test)]
    pub(crate) fn pairs(&self, range: Keys<'_>) -> Result<Vec<Pair>, EngineError> {
        guard(|| self.0.range(range).collect())
    }

    /// Writes one key. It is on disk after the next flush.
    ///
    /// There is no batch: one of 5,000 keys took 2 GiB of memory until long after
    /// it was written, and twice the CPU of single writes in the order of the keys
    /// (sled frees a page's old versions by the number of calls, and applies a
    /// batch in the order of a hash map).
    pub(crate) fn insert(&self, key: &[u8], value: &[u8]) -> Result<(), EngineError> {
        guard(|| self.0.insert(key, value)).map(drop)
    }

    /// Blocks until what was written is with the operating system.
    pub(crate) fn flush(&self) -> Result<(), EngineError> {
        guard(|| self.0.flush()).map(drop)
    }

    /// Closes this handle, the last one with its files; what comes of it matters
    /// to no one any more.
    pub(crate) fn close(self) {
        guard(|| {
            drop(self.0);
            Ok(())
        })
        .unwrap_or_default();
    }
}

/// Whether nobody holds sled's lock, or nobody any more after a while. A lock that
/// cannot be tried is left for sled to report.
fn is_free_in_time(directory: &Path) -> bool {
    let is_held = || {
        File::open(directory.join("db"))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
    };
    for _ in 1..LOCK_TRIES {
        if !is_held() {
            return true;
        }
        thread::sleep(LOCK_PAUSE);
    }
    !is_held()
}

fn guard<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError(Fault::Failed(error))),
        Err(_) => Err(EngineError(Fault::Panicked)),
    }
}
