//! The one writer: blobs, then the group, then every answer that waited for it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_journal::journal::{AppendError, ReserveError};
use barid_journal::snapshots::WriteError as SnapshotError;
use barid_journal::space::DiskFailure;
use barid_journal::{Blobs, Claim, Journal, Snapshots, planted};
use barid_message::address::Address;
use tokio::sync::watch;

use crate::audit_log::Attendance;
use crate::caps;
use crate::clock::Clock;
use crate::command::{Command, Group, Queued};
use crate::figures::Figures;

#[cfg(test)]
mod tests;

/// What the writer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriterIs {
    /// Has a group to write.
    Busy,
    /// Waits for one.
    Idle,
    /// Has ended, and takes none any more.
    Gone,
}

/// How far the journal is, and whether there is room: shared by all threads.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) durable: AtomicU64,
    writer: Mutex<WriterIs>,
    writer_changed: Condvar,
    room_for_intake: AtomicBool,
    room_for_urgent: AtomicBool,
    room_for_deliveries: AtomicBool,
    /// Written by the sequencer alone.
    pressed: AtomicBool,
    /// The delivery log is not what was written.
    log_distrusted: AtomicBool,
}

impl Progress {
    pub(crate) fn new(durable: u64) -> Self {
        Self {
            durable: AtomicU64::new(durable),
            writer: Mutex::new(WriterIs::Busy),
            writer_changed: Condvar::new(),
            room_for_intake: AtomicBool::new(true),
            room_for_urgent: AtomicBool::new(true),
            room_for_deliveries: AtomicBool::new(true),
            pressed: AtomicBool::new(true),
            log_distrusted: AtomicBool::new(false),
        }
    }

    /// Whether nobody needs to wait for the writer.
    pub(crate) fn is_idle(&self) -> bool {
        *self.writer() != WriterIs::Busy
    }

    /// Waits until the writer waits for a group, or is gone.
    pub(crate) fn wait_idle(&self) {
        let mut writer = self.writer();
        while *writer == WriterIs::Busy {
            writer = self.writer_changed.wait(writer).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The writer is about to be given a group. One that is gone stays so, whoever comes
    /// first: nobody would ever say again that it waits. `false`: it is gone.
    #[must_use]
    pub(crate) fn set_busy(&self) -> bool {
        let mut writer = self.writer();
        if *writer == WriterIs::Gone {
            return false;
        }
        *writer = WriterIs::Busy;
        true
    }

    fn set_idle(&self) {
        self.set(WriterIs::Idle);
    }

    fn set_gone(&self) {
        self.set(WriterIs::Gone);
    }

    fn set(&self, is: WriterIs) {
        *self.writer() = is;
        self.writer_changed.notify_all();
    }

    fn writer(&self) -> MutexGuard<'_, WriterIs> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether intake asks the sequencer before it writes a message down, since what
    /// is refused behind that stays on the disk.
    pub(crate) fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Acquire)
    }

    pub(crate) fn set_pressed(&self, pressed: bool) {
        self.pressed.store(pressed, Ordering::Release);
    }

    /// Has the projector make the delivery log again. Whether nobody had said so before.
    pub(crate) fn distrust_log(&self) -> bool {
        !self.log_distrusted.swap(true, Ordering::AcqRel)
    }

    /// Whether the delivery log is to be made again, as far as nobody has begun to.
    pub(crate) fn is_log_distrusted(&self) -> bool {
        self.log_distrusted.load(Ordering::Acquire)
    }

    pub(crate) fn trust_log(&self) {
        self.log_distrusted.store(false, Ordering::Release);
    }

    /// Whether entries of this claim may be folded: their space is reserved.
    pub(crate) fn has_room(&self, claim: Claim) -> bool {
        match claim {
            Claim::Intake => self.room_for_intake.load(Ordering::Acquire),
            Claim::Urgent => self.room_for_urgent.load(Ordering::Acquire),
            Claim::Delivery => self.room_for_deliveries.load(Ordering::Acquire),
        }
    }
}

/// Why the writer stopped before it was told to: the process must end, and
/// recovery decides what survived.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The bodies of messages.
    #[error(transparent)]
    Blobs(#[from] barid_journal::blobs::SyncError),
    /// A group of the journal.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Space for the groups to come.
    #[error(transparent)]
    Reserve(#[from] ReserveError),
    /// A snapshot.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

pub(crate) struct Writer {
    pub(crate) journal: Journal,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) snapshots: Snapshots,
    pub(crate) groups: Receiver<Group>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) commands: Sender<Queued>,
    /// Tells the projector that the journal has grown.
    pub(crate) grown: SyncSender<()>,
    /// Tells the scrub, by its end, that the writer is gone.
    pub(crate) _alive: SyncSender<()>,
    /// Tells the audit log the same.
    pub(crate) _attends: Attendance,
    pub(crate) inboxes: std::collections::BTreeMap<Address, watch::Sender<()>>,
    pub(crate) peers: std::collections::BTreeMap<Arc<str>, watch::Sender<()>>,
}

/// However the writer ends, by a panic too, the sequencer must not wait for it, nor
/// sit idle without it until something is asked of it.
struct Ending {
    progress: Arc<Progress>,
    commands: Sender<Queued>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.progress.set_gone();
        // As a rule it is the sequencer that ended first.
        drop(self.commands.send(Queued { command: Command::Stop, _place: None }));
    }
}

impl Writer {
    /// Runs until the sequencer is gone, or a write fails.
    pub(crate) fn run(mut self) -> Result<(), WriteError> {
        let _ending =
            Ending { progress: Arc::clone(&self.progress), commands: self.commands.clone() };
        self.write_all()
    }

    fn write_all(&mut self) -> Result<(), WriteError> {
        self.reserve()?;
        loop {
            self.progress.set_idle();
            // A sequencer that is gone may have left a last group.
            drop(self.commands.send(Queued { command: Command::WriterIdle, _place: None }));
            let group = loop {
                match self.groups.recv_timeout(Duration::from_secs(1)) {
                    Ok(group) => break group,
                    // Space may have come back meanwhile.
                    Err(RecvTimeoutError::Timeout) => self.reserve()?,
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            };
            self.write(group)?;
        }
    }

    pub(crate) fn write(&mut self, mut group: Group) -> Result<(), WriteError> {
        if planted("answer-before-barrier") {
            group.releases.drain(..).for_each(|release| release());
        }
        if !group.records.is_empty() {
            let began = self.clock.read().monotonic;
            if group.has_blobs && !planted("skip-body-sync") {
                // A crash before this leaves blobs that no entry names: dead weight
                // until retention, and nobody was told of them.
                self.blobs.sync()?;
            }
            // A crash before this returns leaves a group that is whole or torn, and
            // recovery keeps or drops it whole. Nobody was told of it either way.
            let durable = self.journal.append(group.first_position, &group.records)?;
            self.progress.durable.store(durable.next_position, Ordering::Release);
            let took = self.clock.read().monotonic.saturating_sub(began);
            self.figures.synced(group.records.len(), group.bytes, took);
            self.reserve()?;
        }
        // From here on the group exists, whatever happens: it may be told.
        for release in group.releases {
            release();
        }
        for inbox in &group.touched {
            if let Some(notify) = self.inboxes.get(inbox) {
                notify.send_replace(());
            }
        }
        for peer in &group.touched_peers {
            if let Some(notify) = self.peers.get(peer) {
                notify.send_replace(());
            }
        }
        if let Some(snapshot) = group.snapshot {
            self.snapshot(&snapshot)?;
        }
        // Never waits: a projector that was told before has not looked yet, and one
        // that is gone will not.
        self.grown.try_send(()).unwrap_or_default();
        Ok(())
    }

    /// Holds space ready for what may already be folded by the time the next group
    /// arrives, so that only a broken disk can fail an append.
    pub(crate) fn reserve(&mut self) -> Result<(), WriteError> {
        // Intake meets a failed sync of a new segment; it is the writer that ends.
        if self.blobs.is_dead() {
            return Err(barid_journal::blobs::SyncError::Dead.into());
        }
        let intake = self.has_reserved(Claim::Intake)?;
        let urgent = intake || self.has_reserved(Claim::Urgent)?;
        let deliveries = urgent || self.has_reserved(Claim::Delivery)?;
        if self.progress.room_for_intake.swap(intake, Ordering::AcqRel) != intake {
            if intake {
                tracing::info!("there is room on the disk again; messages are taken");
            } else {
                tracing::error!(
                    "the disk is nearly full; nothing but IMMEDIATE and FLASH is taken"
                );
            }
        }
        if self.progress.room_for_urgent.swap(urgent, Ordering::AcqRel) && !urgent {
            tracing::error!("the disk is full; nothing new is taken, deliveries go on");
        }
        self.progress.room_for_deliveries.store(deliveries, Ordering::Release);
        Ok(())
    }

    fn has_reserved(&mut self, claim: Claim) -> Result<bool, WriteError> {
        match self.journal.reserve(caps::RESERVE_BYTES, claim) {
            Ok(()) => Ok(true),
            Err(ReserveError::Full) => Ok(false),
            Err(ReserveError::Disk(failure)) if failure.is_passing() => {
                tracing::error!(%failure, "too many open files; nothing can be reserved");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A snapshot only saves time: if it cannot be written, the next start replays
    /// more.
    fn snapshot(&self, bytes: &[u8]) -> Result<(), WriteError> {
        match self.snapshots.write(self.journal.durable(), bytes) {
            Ok(()) => Ok(()),
            Err(SnapshotError::Full) => {
                tracing::warn!("no room for a snapshot; the next start takes longer");
                Ok(())
            }
            // A failed sync says nothing good of the journal's disk either.
            Err(SnapshotError::Disk(failure)) => Err(failure.into()),
        }
    }
}
