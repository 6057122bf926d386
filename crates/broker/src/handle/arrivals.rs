//! The messages of one session on their way to the disk and the sequencer, one by one: a
//! peer that is refused again and again must not fill the disk with what is refused.

use std::collections::HashSet;

use barid_journal::BlobRef;
use barid_journal::blobs::PutError;
use tokio::sync::oneshot;

use super::linking::no_room;
use super::{Broker, Taking};
use crate::caps;
use crate::command::{Arriving, Command, LinkCommand, LinkEnd, Written};
use crate::decide::accept::Blob;
use crate::decide::quota::claim;
use crate::decide::take::{Content, Slot, is_hopeless};
use crate::state::dedupe::fingerprint;

/// Hands the checked slots of one session to the sequencer.
#[derive(Debug)]
pub struct Arrivals {
    broker: Broker,
    session: u64,
    lately: Lately,
}

impl Broker {
    /// For the slots of a session of a peer.
    #[must_use]
    pub fn link_arrivals(&self, session: u64) -> Arrivals {
        Arrivals { broker: self.clone(), session, lately: Lately::default() }
    }
}

impl Arrivals {
    /// Hands over a slot, whose message is written, not yet synced: only here, in order,
    /// so that neither a slot that ends the session nor a newer session leaves messages
    /// behind. Where it may be refused, the sequencer is asked first. Slots are decided in
    /// the order of these calls.
    ///
    /// # Errors
    /// [`LinkEnd::Full`] where a message cannot be written, [`LinkEnd::Stopping`].
    pub async fn take(&mut self, slot: Slot) -> Result<Taking, LinkEnd> {
        let place = self.broker.place().await;
        let (reply, taken) = oneshot::channel();
        let mut arriving = Box::new(Arriving { session: self.session, slot, reply });
        // With its place taken, as submissions are.
        if self.may_be_refused(&arriving.slot.content) {
            let (go_on, told) = oneshot::channel();
            self.broker.arrives(arriving, Written::No(go_on), None)?;
            arriving = match told.await {
                Ok(arriving) => arriving,
                Err(_answered) => return Ok(Taking(taken)),
            };
        }
        let written = self.broker.write(&mut arriving.slot.content)?;
        self.broker.arrives(arriving, written, place)?;
        Ok(Taking(taken))
    }

    /// Whether a message may be one of those that are refused, by what is known outside
    /// the sequencer.
    fn may_be_refused(&mut self, content: &Content) -> bool {
        let Content::Transfer(transfer) = content else {
            return false;
        };
        let Ok(relayed) = &transfer.admitted else {
            return false;
        };
        let shared = &self.broker.shared;
        let header = relayed.admitted.message.header();
        let (origin, id) = (header.origin(), header.message_id());
        // Noted in any case: those behind it are compared with it.
        let is_again = !self.lately.insert(fingerprint(origin, &id));
        is_again
            || !shared.dedupe.positions(origin, &id).is_empty()
            || shared.dedupe.may_have_forgotten(&id)
            || shared.progress.is_pressed()
            || !shared.progress.has_room(claim(header.precedence()))
            || is_hopeless(&self.broker.registry(), self.broker.now(), transfer)
    }
}

impl Broker {
    fn write(&self, content: &mut Content) -> Result<Written, LinkEnd> {
        let Content::Transfer(transfer) = content else {
            return Ok(Written::Nothing);
        };
        let Ok(relayed) = &transfer.admitted else {
            return Ok(Written::Nothing);
        };
        let message = &relayed.admitted.message;
        let claim = claim(message.header().precedence());
        match self.shared.blobs.put_for(claim, &message.wire()) {
            Ok(BlobRef { segment, offset, length }) => {
                Ok(Written::At(Blob { segment, offset, length }))
            }
            Err(PutError::Full) => {
                // Deferred: receipts and evidence may still pass.
                transfer.admitted = Err(no_room());
                Ok(Written::Nothing)
            }
            Err(error) => {
                tracing::error!(%error, "message of a peer not written");
                Err(LinkEnd::Full)
            }
        }
    }

    fn arrives(
        &self,
        arriving: Box<Arriving>,
        written: Written,
        place: Option<tokio::sync::OwnedSemaphorePermit>,
    ) -> Result<(), LinkEnd> {
        let command = Command::Link(LinkCommand::Take(arriving, written));
        self.send(command, place).map_err(|_why| LinkEnd::Stopping)
    }
}

/// Ids handed over that the fold may not have seen yet: as many as there are places for
/// commands, and up to as many before them.
#[derive(Debug, Default)]
struct Lately {
    newer: HashSet<u64>,
    older: HashSet<u64>,
}

impl Lately {
    /// Whether it is new among them.
    fn insert(&mut self, fingerprint: u64) -> bool {
        if self.newer.len() >= caps::COMMANDS_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(fingerprint) && !self.older.contains(&fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_again_while_as_many_commands_may_be_on_their_way() {
        let mut lately = Lately::default();
        assert!(lately.insert(0) && !lately.insert(0));
        let many = caps::COMMANDS_MAX as u64;
        assert!((1..many).all(|id| lately.insert(id)));
        assert!(!lately.insert(1), "of all that have a place the first is known");
        assert!((many..2 * many).all(|id| lately.insert(id)));
        assert!(!lately.insert(many), "and the newest, but not all there ever were");
        assert!(lately.newer.len() + lately.older.len() <= 2 * caps::COMMANDS_MAX);
    }
}
