//! Behind the receipt: what is durable goes into the delivery log.
//!
//! The entries come from the journal, not from the writer: it waits for nobody, and
//! what this thread has still before it lies on disk and takes no memory.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use barid_audit::entry::{Entry, EntryError};
use barid_journal::reader::ReadError;
use barid_journal::{Claim, Reader, Scan, StoredRecord};
use barid_store::{
    Log, OpenError, Opened, ProjectError, Projector as StoreProjector, ReadView, Store,
};
use tokio::sync::watch;

use crate::caps;
use crate::clock::Clock;
use crate::writer::Progress;

#[cfg(test)]
mod tests;

/// Where the delivery log lies.
pub(crate) struct Index {
    pub(crate) directory: PathBuf,
    pub(crate) log: Log,
    pub(crate) cache_bytes: u64,
}

impl Index {
    pub(crate) fn open(&self) -> Result<Opened, OpenError> {
        let opened = Store::open(&self.directory, &self.log, self.cache_bytes)?;
        if let Some(because) = &opened.rebuilt_because {
            tracing::warn!(%because, "delivery log set aside; it is rebuilt from the journal");
        }
        Ok(opened)
    }

    /// Moves a log that is not what was written out of the way; whether it is.
    fn set_aside(&self) -> bool {
        let moved = Store::set_aside(&self.directory);
        moved
            .inspect_err(|error| tracing::error!(%error, "damaged delivery log stays in its place"))
            .is_ok()
    }
}

pub(crate) struct Projector {
    pub(crate) index: Index,
    pub(crate) reader: Reader,
    pub(crate) progress: Arc<Progress>,
    pub(crate) clock: Arc<dyn Clock>,
    /// The journal has grown; ends with the writer.
    pub(crate) grown: Receiver<()>,
    /// The delivery log as readers find it; `None` while it is down.
    pub(crate) projected: watch::Sender<Option<ReadView>>,
}

/// Why the delivery log does not go on. The journal is not touched by it.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// A record could not be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record is not an entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The delivery log.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// It is not what was written.
    #[error("the delivery log is damaged, and made again from the journal")]
    Distrusted,
}

impl Projector {
    /// Runs until the writer is gone. A delivery log that fails is opened again, and
    /// brought up to date from the journal, which has everything.
    pub(crate) fn run(self, mut store: Option<Store>) {
        let mut pause = caps::INDEX_RETRY_MIN;
        loop {
            if let Some(store) = store.take() {
                match self.follow(store, &mut pause) {
                    Ok(()) => return,
                    Err(error) => {
                        tracing::error!(error = &error as &dyn Error, "delivery log is down");
                    }
                }
            }
            if self.progress.is_log_distrusted() && self.index.set_aside() {
                // A new one has not failed yet.
                self.progress.trust_log();
            } else if self.rest(pause) {
                pause = (2 * pause).min(caps::INDEX_RETRY_MAX);
            } else {
                return;
            }
            match self.index.open() {
                Ok(opened) => store = Some(opened.store),
                Err(error) => {
                    tracing::error!(error = &error as &dyn Error, "delivery log stays down");
                }
            }
        }
    }

    /// Waits out a pause, and until the disk has room for new messages: the last of it
    /// belongs to deliveries, not to an index. Whether the writer is still there.
    fn rest(&self, pause: Duration) -> bool {
        let began = self.now();
        loop {
            let left = pause.saturating_sub(self.now().saturating_sub(began));
            if left.is_zero() && self.progress.has_room(Claim::Intake) {
                return true;
            }
            let told = self.grown.recv_timeout(left.max(caps::INDEX_RETRY_MIN));
            if told == Err(RecvTimeoutError::Disconnected) {
                return false;
            }
        }
    }

    /// Keeps a delivery log up to date until it fails or the writer is gone, and
    /// closes it.
    fn follow(&self, store: Store, pause: &mut Duration) -> Result<(), Failure> {
        let (mut store, view) = store.split();
        let followed = self.project_all(&mut store, view, pause);
        drop(self.projected.send_replace(None));
        store.close();
        followed
    }

    fn project_all(
        &self,
        store: &mut StoreProjector,
        view: ReadView,
        pause: &mut Duration,
    ) -> Result<(), Failure> {
        // Readers get the log once it holds all that is durable now. What comes
        // meanwhile is no more than intake may be ahead, or soon will be.
        let owed = self.reader.next_position();
        let mut scan = self.reader.scan(store.next_position());
        let mut unflushed = None;
        let mut is_up = false;
        loop {
            if self.progress.is_log_distrusted() {
                return Err(Failure::Distrusted);
            }
            let batch = next_batch(&mut scan)?;
            if !batch.is_empty() {
                store.project(&batch)?;
                unflushed = unflushed.or_else(|| Some(self.now()));
            }
            if !is_up && store.next_position() >= owed {
                flush(store)?;
                (is_up, *pause) = (true, caps::INDEX_RETRY_MIN);
                self.projected.send_replace(Some(view.clone()));
            } else if is_up && !batch.is_empty() {
                self.projected.send_modify(|_| {});
            }
            let due = self.until_flush(unflushed);
            if due.is_zero() {
                flush(store)?;
                unflushed = None;
            } else if batch.is_empty() && self.is_over(store, due) {
                return flush(store);
            }
        }
    }

    /// Waits until the journal has grown; whether the writer is gone and everything
    /// that it wrote is in the delivery log.
    fn is_over(&self, store: &StoreProjector, due: Duration) -> bool {
        let is_gone = self.grown.recv_timeout(due) == Err(RecvTimeoutError::Disconnected);
        is_gone && store.next_position() == self.reader.next_position()
    }

    /// How long until the flush of what was written first since the last one.
    fn until_flush(&self, unflushed: Option<Duration>) -> Duration {
        let since = unflushed.map_or(Duration::ZERO, |since| self.now().saturating_sub(since));
        caps::INDEX_FLUSH.saturating_sub(since)
    }

    fn now(&self) -> Duration {
        self.clock.read().monotonic
    }
}

fn flush(store: &mut StoreProjector) -> Result<(), Failure> {
    Ok(store.flush().map_err(ProjectError::from)?)
}

/// As many of the next entries as a group may hold; none where there are no more.
fn next_batch(scan: &mut Scan) -> Result<Vec<Entry>, Failure> {
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
