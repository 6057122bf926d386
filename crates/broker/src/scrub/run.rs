//! The scrub in the background: a pass once a period, no faster than it may.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use barid_journal::{Blobs, Reader, Snapshots};
use tokio::sync::watch;

use super::{Damage, Looked, Part, Pass, View};
use crate::audit_log::AuditLog;
use crate::caps;
use crate::command::{Command, Queued};
use crate::writer::Progress;

/// How far the scrub is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scrubbing {
    /// Passes that came to their end since the start.
    pub passes: u64,
    /// Bytes read since the start.
    pub bytes: u64,
    /// Damages found in the pass before, or in this one so far.
    pub damages: u64,
}

/// The scrub's thread.
pub(crate) struct Scrub {
    pub(crate) reader: Reader,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) snapshots: Snapshots,
    pub(crate) audit_log: AuditLog,
    pub(crate) view: watch::Receiver<Option<barid_store::ReadView>>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) commands: Sender<Queued>,
    /// From the beginning of a pass to that of the next, at least.
    pub(crate) every: Duration,
    pub(crate) bytes_per_s: u64,
    pub(crate) told: watch::Sender<Scrubbing>,
    /// Ends with the writer.
    pub(crate) alive: Receiver<()>,
}

impl Scrub {
    /// Runs until the writer is gone. The first pass begins at once: nobody knows what
    /// happened to the disk while the node was down.
    pub(crate) fn run(self) {
        let is_there = self.wait_for_log();
        while is_there && self.pass() && self.rest(self.every) {}
    }

    /// Waits a while for the delivery log, so that the first pass looks at it too. Whether
    /// the writer is still there.
    fn wait_for_log(&self) -> bool {
        (0..caps::SCRUB_LOG_WAITS)
            .take_while(|_| self.view.borrow().is_none())
            .all(|_| self.rest(caps::SCRUB_LOG_WAIT))
    }

    /// Whether it came to its end.
    fn pass(&self) -> bool {
        let view = self.view.clone();
        let view: View = Box::new(move || view.borrow().clone());
        // Its head is read before the journal's end is: never one of later entries.
        let check = self.audit_log.check();
        let (blobs, snapshots) = (Arc::clone(&self.blobs), self.snapshots.clone());
        let pass = Pass::new(&self.reader, blobs, snapshots, check, view);
        let mut damages = 0;
        let mut unpaid = 0;
        for Looked { bytes, damages: found } in pass {
            unpaid += bytes.max(1);
            let known = damages;
            damages += found.len() as u64;
            self.told.send_modify(|told| {
                told.bytes += bytes;
                told.damages = told.damages.max(damages);
            });
            for (_, damage) in (known..caps::DAMAGES_TOLD_MAX).zip(found) {
                self.tell(damage);
            }
            // Small steps are paid for together: no pause is shorter than is worth it.
            let owed = unpaid.saturating_mul(1_000_000) / self.bytes_per_s.max(1);
            if owed >= caps::SCRUB_PAUSE_MIN_US {
                unpaid = 0;
                if !self.rest(Duration::from_micros(owed)) {
                    return false;
                }
            }
        }
        if damages > caps::DAMAGES_TOLD_MAX {
            tracing::error!(damages, "more is damaged than was named");
        }
        self.told.send_modify(|told| {
            told.passes += 1;
            told.damages = damages;
        });
        true
    }

    fn tell(&self, damage: Damage) {
        match damage.part {
            Part::Snapshot => {
                tracing::error!(%damage, "snapshot damaged; the next one replaces it")
            }
            Part::Log => {
                if self.progress.distrust_log() {
                    tracing::error!(%damage, "delivery log damaged; it is made again");
                }
            }
            Part::Tiles => {
                tracing::error!(%damage, "audit log damaged; it is made again");
                self.audit_log.distrust();
            }
            Part::Journal | Part::Body => {
                tracing::error!(%damage, "stored data damaged; nothing new is taken");
                // Where the sequencer is gone, the next start looks again.
                let command = Command::Damaged(Box::new(damage));
                drop(self.commands.send(Queued { command, _place: None }));
            }
        }
    }

    /// Waits; whether the writer is still there.
    fn rest(&self, pause: Duration) -> bool {
        self.alive.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
    }
}
