//! The books, shared by all who write in them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use super::ledger::Ledger;

/// The one [`Ledger`]. Cloning shares it.
#[derive(Clone, Default)]
pub(super) struct Book(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// Written by senders, consumers and readers of evidence; never held over an await.
    ledger: Mutex<Ledger>,
    changed: Notify,
}

impl Book {
    /// Writes something down.
    pub(super) fn note<R>(&self, write: impl FnOnce(&mut Ledger) -> R) -> R {
        let result = write(&mut self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.changed.notify_waiters();
        result
    }

    /// Looks something up.
    pub(super) fn read<R>(&self, read: impl FnOnce(&Ledger) -> R) -> R {
        read(&self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for something to be written; false where nothing at all was for so long.
    pub(super) async fn until(&self, patience: Duration, holds: impl Fn(&Ledger) -> bool) -> bool {
        loop {
            let changed = self.0.changed.notified();
            tokio::pin!(changed);
            // From here on no change is missed.
            changed.as_mut().enable();
            if self.read(&holds) {
                return true;
            }
            if timeout(patience, changed).await.is_err() {
                return self.read(&holds);
            }
        }
    }
}
