//! The one writer: entries in, rows and index keys out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use barid_audit::entry::Entry;
use thiserror::Error;

use crate::draft::Draft;
use crate::engine::{Engine, EngineError};
use crate::find::ReadError;
use crate::meta::Meta;
use crate::row::{EventRow, MalformedEntry};
use crate::schema::META_KEY;

/// Writes the delivery log. There is one; it belongs to the thread that projects.
///
/// Give it only what the journal has on disk: an index that goes further than the
/// journal is how lost records are found out (SPINE §2.1).
pub struct Projector {
    engine: Engine,
    meta: Meta,
    /// Written here alone; read by every [`ReadView`](crate::ReadView).
    applied: Arc<AtomicU64>,
}

/// Entries could not be projected.
#[derive(Debug, Error)]
pub enum ProjectError {
    /// Entries are missing in front of one: a fault of ours.
    #[error("the delivery log goes on at position {expected}, not at {found}")]
    Gap {
        /// The next position.
        expected: u64,
        /// The position given.
        found: u64,
    },
    /// An entry cannot stand in the log: a fault of ours.
    #[error(transparent)]
    Malformed(#[from] MalformedEntry),
    /// The engine failed. It does not recover: close it and open the store again.
    #[error("cannot write the delivery log")]
    Engine(#[from] EngineError),
    /// What it goes on from is damaged: set the index aside.
    #[error("cannot go on with the delivery log")]
    Read(#[from] ReadError),
}

impl Projector {
    pub(crate) fn new(engine: Engine, meta: Meta, applied: Arc<AtomicU64>) -> Self {
        Self { engine, meta, applied }
    }

    /// The position of the entry that it needs next.
    #[must_use]
    pub const fn next_position(&self) -> u64 {
        self.meta.next_position
    }

    /// Writes entries, in the order of the journal, and how far they go. Entries
    /// that it already has are passed over.
    ///
    /// Readers see the rows when this returns, and none of them before; they
    /// outlive the process after the next [`flush`](Self::flush).
    ///
    /// # Errors
    /// [`ProjectError`]. Readers see nothing of the call, and it may be made again.
    pub fn project<'e>(
        &mut self,
        entries: impl IntoIterator<Item = &'e Entry>,
    ) -> Result<(), ProjectError> {
        let mut meta = self.meta.clone();
        let mut draft = Draft::new(&self.engine, meta.next_position);
        for entry in entries {
            if entry.position < meta.next_position {
                continue;
            }
            if entry.position > meta.next_position {
                let (expected, found) = (meta.next_position, entry.position);
                return Err(ProjectError::Gap { expected, found });
            }
            for row in EventRow::of_entry(entry)? {
                draft.add(&row)?;
                meta.newest = Some(row.cursor);
            }
            meta.next_position += 1;
        }
        if meta == self.meta {
            return Ok(());
        }
        // In the order of keys: rows before the indexes that name them.
        for (key, value) in &draft.into_writes() {
            self.engine.insert(key, value)?;
        }
        // A crash up to here leaves rows that the meta row does not count. They
        // are those of entries that the journal has on disk. The projection that
        // follows begins in front of them, and writes the same once more.
        self.engine.insert(META_KEY, &meta.encode())?;
        self.applied.store(meta.next_position, Ordering::Release);
        self.meta = meta;
        Ok(())
    }

    /// Hands what was written to the operating system; blocks. A power cut can
    /// still take it, or all of the index: the journal gives it back.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn flush(&mut self) -> Result<(), EngineError> {
        self.engine.flush()
    }

    /// Closes the index. Its files are free for the next opening a moment after the
    /// last [`ReadView`](crate::ReadView) is gone as well.
    pub fn close(self) {
        self.engine.close();
    }
}
