//! Behind the receipt: what is durable goes into the delivery log.
//!
//! The entries come from the journal, not from the writer: it waits for nobody, and
//! what this thread has still before it lies on disk and takes no memory.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use barid_audit::entry::{Entry, EntryError};
use barid_journal::reader::ReadError;
use barid_journal::{Reader, Scan, StoredRecord};
use barid_store::{ProjectError, Projector as StoreProjector};
use tokio::sync::watch;

use crate::caps;
use crate::clock::Clock;

#[cfg(test)]
mod tests;

pub(crate) struct Projector {
    pub(crate) store: StoreProjector,
    pub(crate) reader: Reader,
    pub(crate) clock: Arc<dyn Clock>,
    /// The journal has grown; ends with the writer.
    pub(crate) grown: Receiver<()>,
    /// Positions below this one can be found in the delivery log.
    pub(crate) projected: watch::Sender<u64>,
}

/// Why the delivery log does not go on. The journal is not touched by it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A record could not be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record is not an entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The delivery log.
    #[error(transparent)]
    Project(#[from] ProjectError),
}

impl Projector {
    /// Runs until the writer is gone. A failure ends it and is only that of the
    /// index: the journal has everything, and the next start rebuilds.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let mut scan = self.reader.scan(self.store.next_position());
        let mut unflushed = None;
        loop {
            let batch = next_batch(&mut scan)?;
            if !batch.is_empty() {
                self.store.project(&batch)?;
                self.projected.send_replace(self.store.next_position());
                unflushed = unflushed.or_else(|| Some(self.now()));
            }
            let due = self.until_flush(unflushed);
            if due.is_zero() {
                self.flush()?;
                unflushed = None;
            } else if batch.is_empty() && self.is_over(due) {
                return self.flush();
            }
        }
    }

    /// Waits until the journal has grown; whether the writer is gone and everything
    /// that it wrote is in the delivery log.
    fn is_over(&self, due: Duration) -> bool {
        let is_gone = self.grown.recv_timeout(due) == Err(RecvTimeoutError::Disconnected);
        is_gone && self.store.next_position() == self.reader.next_position()
    }

    /// How long until the flush of what was written first since the last one.
    fn until_flush(&self, unflushed: Option<Duration>) -> Duration {
        let since = unflushed.map_or(Duration::ZERO, |since| self.now().saturating_sub(since));
        caps::INDEX_FLUSH.saturating_sub(since)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.store.flush().map_err(ProjectError::from)?)
    }

    fn now(&self) -> Duration {
        self.clock.read().monotonic
    }
}

/// As many of the next entries as a group may hold; none where there are no more.
pub(crate) fn next_batch(scan: &mut Scan) -> Result<Vec<Entry>, Failure> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while bytes < caps::GROUP_BYTES_MAX
        && batch.len() < caps::GROUP_ENTRIES_MAX
        && let Some(record) = scan.next().transpose()?
    {
        bytes += record.leaf.len() + record.side.len();
        batch.push(decode(record)?);
    }
    Ok(batch)
}

pub(crate) fn decode(record: StoredRecord) -> Result<Entry, EntryError> {
    let StoredRecord { position, kind, version, leaf, side, .. } = record;
    Entry::decode(position, kind, version, &leaf, side)
}
