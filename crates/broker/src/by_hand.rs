//! A broker without threads, for simulations: whoever holds it says when it decides and
//! when it writes. All else is the broker that runs in a node: its state, sequencer,
//! writer, journal and handle, over the given disk, clock and random bytes; so the same
//! calls give the same entries.
//!
//! It has no delivery log, which decides nothing and lies on a real disk: what would be
//! read from it is refused.

use std::sync::Arc;
use std::time::Duration;

use barid_journal::Record;

use crate::handle::Broker;
use crate::open::{Assembly, Recovery, WithLog, assemble, recover};
use crate::sequencer::Sequencer;
use crate::state::State;
use crate::writer::Writer;
use crate::{OpenError, Options, SequencerError, Start, Stopped, WriteError};

/// The broker. What is called on its handle waits until it is decided, and what was
/// decided until it is written.
pub struct ByHand {
    broker: Broker,
    sequencer: Sequencer,
    writer: Writer,
}

impl std::fmt::Debug for ByHand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ByHand").field("broker", &self.broker).finish_non_exhaustive()
    }
}

impl ByHand {
    /// Opens the data folder and rebuilds what is outstanding. What this start has to say
    /// is decided, and not yet written.
    ///
    /// # Errors
    /// As [`open`](crate::open).
    pub fn open(options: &Options) -> Result<(Self, Start), OpenError> {
        let Recovery { parts, state, beginning, start } = recover(options, WithLog::No)?;
        let Assembly { sequencer, mut writer, shared, .. } =
            assemble(options, parts, state, &beginning)?;
        writer.reserve()?;
        let broker = Broker { shared: Arc::new(shared) };
        Ok((Self { broker, sequencer, writer }, start))
    }

    /// Its handle.
    #[must_use]
    pub const fn broker(&self) -> &Broker {
        &self.broker
    }

    /// What is outstanding, as far as it is decided.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.sequencer.state
    }

    /// How long until something is due without a command.
    #[must_use]
    pub fn due_in(&self) -> Option<Duration> {
        self.sequencer.due_in()
    }

    /// Decides the next command, if there is one, and what is due. Gives whether there
    /// was one.
    ///
    /// # Errors
    /// [`SequencerError`]: the node would end.
    pub fn decide(&mut self) -> Result<bool, SequencerError> {
        let queued = self.sequencer.commands.try_recv().ok();
        let is_command = queued.is_some();
        self.sequencer.turn(queued)?;
        Ok(is_command)
    }

    /// Writes what was decided, and tells it. Gives what became durable; `None` where
    /// nothing was decided.
    ///
    /// # Errors
    /// [`WriteError`]: the node would end.
    pub fn write(&mut self) -> Result<Option<Vec<Record>>, WriteError> {
        let Some(group) = self.sequencer.take_group() else {
            return Ok(None);
        };
        let records = group.records.clone();
        self.writer.write(group)?;
        Ok(Some(records))
    }

    /// Holds space ready for the next group, as the writer does every second while it has
    /// nothing to write.
    ///
    /// # Errors
    /// [`WriteError`]: the node would end.
    pub fn reserve(&mut self) -> Result<(), WriteError> {
        self.writer.reserve()
    }

    /// Stops in order, with a last entry and a snapshot.
    ///
    /// # Errors
    /// [`Stopped`]: it could not.
    pub fn stop(mut self) -> Result<(), Stopped> {
        self.sequencer.last_words()?;
        self.write()?;
        Ok(())
    }
}
