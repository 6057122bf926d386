//! Behind the receipt: durable entries into the delivery log.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use barid_audit::entry::Entry;
use barid_store::{ProjectError, Projector as StoreProjector};
use tokio::sync::watch;

use crate::caps;

pub(crate) struct Projector {
    pub(crate) store: StoreProjector,
    pub(crate) entries: Receiver<Vec<Arc<Entry>>>,
    /// Positions below this one can be found in the delivery log.
    pub(crate) projected: watch::Sender<u64>,
}

impl Projector {
    /// Runs until the writer is gone. A failure ends it and is only that of the
    /// index: the journal has everything, and the next start rebuilds.
    pub(crate) fn run(mut self) -> Result<(), ProjectError> {
        let mut unflushed = false;
        loop {
            match self.entries.recv_timeout(caps::INDEX_FLUSH) {
                Ok(group) => {
                    self.project(group)?;
                    unflushed = true;
                }
                Err(RecvTimeoutError::Timeout) if unflushed => {
                    self.store.flush()?;
                    unflushed = false;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(self.store.flush()?),
            }
        }
    }

    fn project(&mut self, first: Vec<Arc<Entry>>) -> Result<(), ProjectError> {
        // What has piled up meanwhile goes into one batch.
        let mut entries = first;
        while entries.len() < caps::GROUP_ENTRIES_MAX
            && let Ok(more) = self.entries.try_recv()
        {
            entries.extend(more);
        }
        let next = entries.last().map(|entry| entry.position + 1);
        self.store.project(entries.iter().map(AsRef::as_ref))?;
        if let Some(next) = next {
            self.projected.send_replace(next);
        }
        Ok(())
    }
}
