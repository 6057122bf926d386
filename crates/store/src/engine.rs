//! The engine: one sled tree, behind the few calls that this crate makes of it.
//!
//! sled 0.34.7 can panic on damaged files, on opening and later; every call goes
//! through one guard that makes an error of it.

use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

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
}

impl EngineError {
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

/// Keys from one to another, both included.
pub(crate) type Keys<'a> = RangeInclusive<&'a [u8]>;

/// A key and its value.
pub(crate) type Pair = (IVec, IVec);

/// The open tree. A clone is a handle on the same one.
#[derive(Clone)]
pub(crate) struct Engine(Db);

impl Engine {
    /// Opens the directory, or makes it. sled's own thread for flushing stays off:
    /// it would only log a failure and go on.
    pub(crate) fn open(directory: &Path, cache_bytes: u64) -> Result<Self, EngineError> {
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

    /// The first keys of a range with their values, at most `limit`.
    pub(crate) fn pairs(&self, range: Keys<'_>, limit: usize) -> Result<Vec<Pair>, EngineError> {
        guard(|| self.0.range(range).take(limit).collect())
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

fn guard<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, EngineError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(EngineError(Fault::Failed(error))),
        Err(_) => Err(EngineError(Fault::Panicked)),
    }
}
