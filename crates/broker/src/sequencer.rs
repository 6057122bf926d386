//! The one place where order is made: commands in, groups of entries out.
//!
//! While the writer syncs one group, the next is collected here. Nothing that was
//! decided is told to anyone before the group is durable: every answer travels with
//! it as a release.

mod deciding;
mod linking;
mod operating;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::time::Duration;

use barid_audit::commitment::Entropy;
use barid_audit::entry::{Body, Entry};
use barid_journal::{Blobs, Reader};
use barid_message::time::Millis;
use tokio::sync::watch;

use crate::caps;
use crate::clock::{Clock, Reading, Watch};
use crate::command::{Command, Group, Queued, Reply};
use crate::decide::accept::is_pressed;
use crate::decide::refusals::Windows;
use crate::decide::timers::{self, Due};
use crate::decide::{Node, operator, retention, start};
use crate::figures::Figures;
use crate::random::{NoRandom, Random};
use crate::registry::Registry;
use crate::state::{FoldError, State};
use crate::writer::Progress;

/// Why the sequencer stopped before it was told to. Each of them ends the process.
#[derive(Debug, thiserror::Error)]
pub enum SequencerError {
    /// An entry of our own could not be folded.
    #[error("an entry that was just decided does not fold; this is a fault of this program")]
    Fold(#[from] FoldError),
    /// The machine gives no randomness.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// The writer is gone; it says why.
    #[error("the journal's writer stopped")]
    Writer,
}

/// How much journal lies between two snapshots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SnapshotEvery(pub(crate) u64);

pub(crate) struct Sequencer {
    pub(crate) state: State,
    pub(crate) node: Arc<Node>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) watch: Watch,
    pub(crate) reader: Reader,
    pub(crate) progress: Arc<Progress>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) commands: Receiver<Queued>,
    pub(crate) groups: SyncSender<Group>,
    pub(crate) windows: Windows,
    /// When a conflict of ids was last refused of which nothing is kept.
    pub(crate) unkept: Millis,
    pub(crate) pending: Group,
    /// Entries folded and not yet durable, for the comparison with repeats.
    pub(crate) recent: VecDeque<Arc<Entry>>,
    pub(crate) snapshot_every: SnapshotEvery,
    pub(crate) since_snapshot: u64,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) blobs: Arc<Blobs>,
    /// When it was last asked which bodies may go.
    pub(crate) removal_asked: Millis,
    /// The registry in force, for all who check before the sequencer decides.
    pub(crate) registry: Arc<watch::Sender<Arc<Registry>>>,
}

/// Whether the loop goes on.
enum Flow {
    Continue,
    Stop,
}

impl Sequencer {
    /// Runs until it is told to stop, or cannot go on.
    pub(crate) fn run(mut self) -> Result<(), SequencerError> {
        loop {
            if matches!(self.step()?, Flow::Stop) {
                return self.stop();
            }
        }
    }

    /// One command, or one turn of the timers, and the hand-over of a group.
    fn step(&mut self) -> Result<Flow, SequencerError> {
        let now = self.now()?;
        let queued = self.next_command(now)?;
        let stops = matches!(queued, Some(Queued { command: Command::Stop, .. }));
        self.turn(queued)?;
        if self.is_full() {
            // Back-pressure: nothing more is decided until the writer is free.
            self.progress.wait_idle();
            self.hand_over()?;
        }
        Ok(if stops { Flow::Stop } else { Flow::Continue })
    }

    /// Decides one command, if there is one, and what is due.
    pub(crate) fn turn(&mut self, queued: Option<Queued>) -> Result<(), SequencerError> {
        if let Some(Queued { command, .. }) = queued {
            let now = self.now()?;
            self.handle(command, now)?;
        }
        let now = self.now()?;
        self.tick(now)?;
        self.progress.set_pressed(self.is_pressed(now));
        Ok(())
    }

    /// The next command. With a group waiting and the writer free, only what is
    /// already here is taken along.
    fn next_command(&mut self, now: Millis) -> Result<Option<Queued>, SequencerError> {
        if !self.pending.is_empty() && self.progress.is_idle() {
            return match self.commands.try_recv() {
                Ok(queued) => Ok(Some(queued)),
                Err(TryRecvError::Empty) => self.hand_over().map(|()| None),
                Err(TryRecvError::Disconnected) => Ok(Some(stop())),
            };
        }
        Ok(match self.commands.recv_timeout(self.until_timer(now)) {
            Ok(queued) => Some(queued),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(stop()),
        })
    }

    fn next_timer(&self) -> Option<Millis> {
        self.state.next_timer().into_iter().chain(self.windows.next()).min()
    }

    /// How long until something is due without a command.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        let now = self.time(self.clock.read());
        self.next_timer().map(|at| Duration::from_millis(at.0.saturating_sub(now.0)))
    }

    fn until_timer(&self, now: Millis) -> Duration {
        wait(self.next_timer(), now, self.progress.has_room(barid_journal::Claim::Delivery))
    }

    fn is_full(&self) -> bool {
        self.pending.bytes >= caps::GROUP_BYTES_MAX
            || self.pending.records.len() >= caps::GROUP_ENTRIES_MAX
            || self.pending.releases.len() >= 4 * caps::GROUP_ENTRIES_MAX
    }

    fn is_pressed(&self, now: Millis) -> bool {
        is_pressed(&self.state, &self.node)
            || now.0.saturating_sub(self.unkept.0) < caps::UNKEPT_PRESSES_MS
    }

    fn hand_over(&mut self) -> Result<(), SequencerError> {
        let group = self.group();
        if !self.progress.set_busy() {
            return Err(SequencerError::Writer);
        }
        self.groups.send(group).map_err(|_why| SequencerError::Writer)
    }

    /// What was collected; none where that is nothing.
    pub(crate) fn take_group(&mut self) -> Option<Group> {
        (!self.pending.is_empty()).then(|| self.group())
    }

    fn group(&mut self) -> Group {
        let mut group = std::mem::take(&mut self.pending);
        self.since_snapshot += group.bytes as u64;
        if self.since_snapshot >= self.snapshot_every.0 {
            self.since_snapshot = 0;
            self.state.forget_before(self.state.last_time());
            group.snapshot = Some(self.state.to_snapshot());
        }
        let durable = self.progress.durable();
        while self.recent.front().is_some_and(|entry| entry.position < durable) {
            self.recent.pop_front();
        }
        group
    }

    fn stop(mut self) -> Result<(), SequencerError> {
        self.last_words()?;
        self.progress.wait_idle();
        self.hand_over()
    }

    /// The last entry, and a snapshot with its group. What is still leased comes again
    /// after the next start.
    pub(crate) fn last_words(&mut self) -> Result<(), SequencerError> {
        let now = self.now()?;
        while let Some(entry) = self.windows.close_all(&self.state, now) {
            self.commit(entry)?;
        }
        self.commit(start::stopped(&self.state, now))?;
        self.since_snapshot = self.snapshot_every.0;
        Ok(())
    }

    /// The time to decide by: the wall clock while it is believed, else what the
    /// monotonic clock makes of the time when it was.
    fn now(&mut self) -> Result<Millis, SequencerError> {
        let reading = self.clock.read();
        if !self.state.clock_suspect() && self.watch.is_suspect(reading) {
            let believed = self.watch.believed(reading);
            tracing::error!("clock jumped; nothing new is taken until an operator confirms it");
            self.commit(operator::clock(&self.state, believed, true, ""))?;
        }
        Ok(self.time(reading))
    }

    fn time(&self, reading: Reading) -> Millis {
        if self.state.clock_suspect() { self.watch.believed(reading) } else { reading.wall }
    }

    /// Folds an entry into the state and puts it into the group.
    pub(crate) fn commit(&mut self, entry: Entry) -> Result<Arc<Entry>, SequencerError> {
        let mut entropy = [0; 32];
        self.random.fill(&mut entropy)?;
        let encoded = entry.encode(&Entropy(entropy));
        self.touch_peers(&entry);
        self.state.fold(&entry)?;
        if let Body::Accepted(_) | Body::Taken(_) = &entry.body {
            self.pending.has_blobs = true;
            let recipients = entry.items.iter().map(|item| item.facts.recipient.as_str());
            let touched = recipients
                .filter_map(|recipient| barid_message::address::Address::parse(recipient).ok());
            self.pending.touched.extend(touched);
        } else if let Body::SubmissionRefused(facts) = &entry.body {
            self.pending.has_blobs |= facts.blob_length > 0;
        } else if let (Body::Retried, [item]) = (&entry.body, entry.items.as_slice()) {
            let recipient = barid_message::address::Address::parse(&item.facts.recipient);
            self.pending.touched.extend(recipient);
        }
        let entry = Arc::new(entry);
        self.pending.push(&entry, encoded);
        self.recent.push_back(Arc::clone(&entry));
        Ok(entry)
    }

    /// Answers once everything folded so far is durable.
    fn release<T: Send + 'static>(&mut self, reply: Reply<T>, value: T) {
        self.pending.releases.push(Box::new(move || {
            // Whoever asked may have gone; what was decided stands.
            drop(reply.send(value));
        }));
    }

    /// Others check by the registry that was just folded once it is durable. Until then,
    /// what they have checked by the older is refused, and checked again.
    fn publish_registry(&mut self) {
        let (published, registry) = (Arc::clone(&self.registry), Arc::clone(self.state.registry()));
        self.pending.releases.push(Box::new(move || drop(published.send_replace(registry))));
    }

    fn tick(&mut self, now: Millis) -> Result<(), SequencerError> {
        let woken = self.state.wake(now);
        self.pending.touched.extend(woken);
        if !self.progress.has_room(barid_journal::Claim::Delivery) {
            // Nothing can be written down: what is due stays due.
            return Ok(());
        }
        for _ in 0..caps::TIMER_BATCH_MAX {
            match timers::due(&self.state, &self.node, now) {
                Due::Entry(entry) => drop(self.commit(entry)?),
                Due::PutOff(due, until) => self.state.put_off(due, until),
                Due::Nothing => break,
            }
        }
        while let Some(entry) = self.windows.close(&self.state, now) {
            self.commit(entry)?;
        }
        self.let_bodies_go(now)
    }

    /// Bodies are unlinked once it is durable that they are. A crash in between leaves
    /// them for the next start.
    fn let_bodies_go(&mut self, now: Millis) -> Result<(), SequencerError> {
        if now.0.saturating_sub(self.removal_asked.0) < caps::REMOVAL_EVERY_MS {
            return Ok(());
        }
        self.removal_asked = now;
        let Some(entry) = retention::removal(&self.state, now, self.blobs.written_from()) else {
            return Ok(());
        };
        let entry = self.commit(entry)?;
        let blobs = Arc::clone(&self.blobs);
        self.pending.releases.push(Box::new(move || {
            if let Body::BodiesRemoved(facts) = &entry.body {
                let numbers = facts.segments.iter().map(|segment| segment.number);
                if let Err(error) = blobs.remove(numbers) {
                    tracing::error!(%error, "bodies stay on the disk until the next start");
                }
            }
        }));
        Ok(())
    }
}

/// How long to wait for a command until a timer is due. Without room what is due stays
/// due, and looking at it again at once would only burn a core.
fn wait(next: Option<Millis>, now: Millis, has_room: bool) -> Duration {
    let least = if has_room { 1 } else { 100 };
    let ms = next.map_or(1_000, |at| at.0.saturating_sub(now.0).clamp(least, 1_000));
    Duration::from_millis(ms)
}

fn stop() -> Queued {
    Queued { command: Command::Stop, _place: None }
}

impl Progress {
    /// Positions below this one are durable.
    pub(crate) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_and_cannot_be_written_down_is_not_looked_at_without_pause() {
        let (due, now) = (Some(Millis(5)), Millis(10));
        assert_eq!(wait(due, now, true), Duration::from_millis(1));
        assert_eq!(wait(due, now, false), Duration::from_millis(100));
        assert_eq!(wait(Some(Millis(260)), now, false), Duration::from_millis(250));
        assert_eq!(wait(None, now, false), Duration::from_secs(1));
    }
}
