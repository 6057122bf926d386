//! Where the log's thread is told what it is wanted for, and that the writer is gone.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_audit::note::{NOTE_SIGNATURES_MAX, NoteSignature, WitnessKey};

/// What is wanted of the log.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    wanted: Mutex<Wanted>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Wanted {
    is_over: bool,
    is_distrusted: bool,
    cosignatures: Vec<Cosignature>,
    /// A head is waited for that has the leaf in front of this size.
    size: u64,
}

/// A cosignature of a head of this log.
#[derive(Clone, Debug)]
pub(super) struct Cosignature {
    /// Whose.
    pub(super) key: WitnessKey,
    /// Leaves of the head.
    pub(super) size: u64,
    pub(super) signature: NoteSignature,
}

/// Why the log's thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Woken {
    /// The writer is gone: the journal grows no more.
    pub(crate) is_over: bool,
    /// Files are damaged: they are to be made again.
    pub(crate) is_distrusted: bool,
    /// Size of the tree that somebody waits for.
    pub(crate) wanted: u64,
}

/// Tells the desk, by its end, that the writer is gone.
#[derive(Debug)]
pub(crate) struct Attendance(Arc<Desk>);

impl Drop for Attendance {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.changed.notify_all();
    }
}

impl Desk {
    /// Held by the writer while it writes.
    pub(crate) fn attend(self: &Arc<Self>) -> Attendance {
        Attendance(Arc::clone(self))
    }

    /// Has a head made with the leaf at this position.
    pub(super) fn hurry(&self, position: u64) {
        let mut wanted = self.lock();
        wanted.size = wanted.size.max(position.saturating_add(1));
        self.changed.notify_all();
    }

    /// Has the files made again from the journal.
    pub(crate) fn distrust(&self) {
        self.lock().is_distrusted = true;
        self.changed.notify_all();
    }

    /// Has a cosignature put under the head that it is of. Where many wait, later ones are
    /// asked for again with the next head.
    pub(super) fn cosigned(&self, cosignature: Cosignature) {
        let mut wanted = self.lock();
        if wanted.cosignatures.len() < NOTE_SIGNATURES_MAX {
            wanted.cosignatures.push(cosignature);
            self.changed.notify_all();
        }
    }

    /// The cosignatures that came since it was asked last.
    pub(super) fn cosignatures(&self) -> Vec<Cosignature> {
        std::mem::take(&mut self.lock().cosignatures)
    }

    /// Waits until the log is wanted for more than `size` leaves, the writer is gone, or
    /// so much time has passed.
    pub(super) fn wait(&self, size: u64, pause: Duration) -> Woken {
        let is_idle = |wanted: &mut Wanted| {
            let is_told = wanted.is_over || wanted.is_distrusted;
            !is_told && wanted.cosignatures.is_empty() && wanted.size <= size
        };
        let waited = self.changed.wait_timeout_while(self.lock(), pause, is_idle);
        let (wanted, _) = waited.unwrap_or_else(PoisonError::into_inner);
        Woken { is_over: wanted.is_over, is_distrusted: wanted.is_distrusted, wanted: wanted.size }
    }

    /// Who makes the files again has heard it.
    pub(super) fn trust(&self) {
        self.lock().is_distrusted = false;
    }

    fn lock(&self) -> MutexGuard<'_, Wanted> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
