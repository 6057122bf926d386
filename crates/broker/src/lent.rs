//! A hand-out on its way to its consumer.

use std::ops::Deref;
use std::sync::mpsc::Sender;

use crate::command::{Command, Queued, Unsent};
use crate::decide::hand_out::HandedOut;

/// A delivery that was granted and has not reached its consumer. Dropped, it goes back
/// as if it had never been granted, whatever became of the stream it was for: nobody
/// has seen it, so it is no failed try.
#[derive(Debug)]
pub struct Lent {
    handed_out: HandedOut,
    commands: Sender<Queued>,
    fate: Fate,
}

/// What becomes of a hand-out in the end.
#[derive(Debug)]
enum Fate {
    /// It goes back.
    Back,
    /// It is put aside.
    Aside,
    /// Its consumer has it.
    Sent,
}

impl Lent {
    pub(crate) const fn new(handed_out: HandedOut, commands: Sender<Queued>) -> Self {
        Self { handed_out, commands, fate: Fate::Back }
    }

    /// Its message cannot be read back: it is put aside, and no try is counted.
    pub fn unreadable(mut self) {
        self.fate = Fate::Aside;
    }

    /// It is on its way over the network: from here on the lease decides.
    pub fn sent(mut self) {
        self.fate = Fate::Sent;
    }
}

impl Deref for Lent {
    type Target = HandedOut;

    fn deref(&self) -> &HandedOut {
        &self.handed_out
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let HandedOut { key, number, .. } = self.handed_out;
        let is_readable = match self.fate {
            Fate::Back => true,
            Fate::Aside => false,
            Fate::Sent => return,
        };
        let command = Command::Unsent(Unsent { key, number, is_readable });
        // Where the sequencer is gone, so are the leases.
        drop(self.commands.send(Queued { command, _place: None }));
    }
}
