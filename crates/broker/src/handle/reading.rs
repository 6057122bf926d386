//! Reading back what is durable.

use std::fmt::Display;

use barid_audit::entry::{Body, Entry};
use barid_journal::StoredRecord;
use barid_journal::blobs::GetError;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1 as wire;
use barid_store::Cursor;
use bytes::Bytes;

use super::{Broker, log_down};
use crate::caps;
use crate::command::{Command, Operation, Queued};
use crate::decide::Refusal;
use crate::kept::{Kept, KeptError};
use crate::lease::{Named, Token};
use crate::state::Message;

/// Entries passed over to reach the next one wanted. Records are kept in runs of
/// 64 KiB, about a hundred entries: to begin a new run costs as much.
const NEIGHBOURS: u64 = 64;

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its final event.
    pub event: Event,
    /// It ended by the answer to the very hand-out asked about.
    pub by_this: bool,
    /// Its final evidence.
    pub evidence: Bytes,
}

/// Evidence as the journal keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Its bytes.
    pub evidence: Bytes,
    /// What proves it where another node signed it; empty: this node signs it.
    pub proof: Bytes,
    /// It says otherwise than the final that its delivery had before.
    pub contradicts: bool,
}

impl Broker {
    /// Records that somebody begins to read; gives the position of the record.
    ///
    /// # Errors
    /// [`Refusal`] where the node is stopping, or cannot write: then nothing may be read.
    pub async fn read_opened(&self, facts: pb::ReadFacts) -> Result<u64, Refusal> {
        self.operate(|reply| Operation::ReadOpened(facts, reply)).await
    }

    /// Records that a reading ended. Never waits.
    pub fn read_closed(&self, facts: pb::ReadFacts) {
        let command = Command::Operate(Operation::ReadClosed(facts));
        // Where the sequencer is gone, the next start ends all readings.
        drop(self.shared.commands.send(Queued { command, _place: None }));
    }

    /// Waits, at most a second, until the delivery log holds all that is durable now.
    ///
    /// # Errors
    /// [`Refusal`] where it is down.
    pub async fn wait_projected(&self) -> Result<(), Refusal> {
        let durable = self.durable();
        let mut projected = self.projected();
        let caught_up =
            projected.wait_for(|log| log.as_ref().is_some_and(|log| log.applied() >= durable));
        // Behind after a second: the answer is then as old as that.
        drop(tokio::time::timeout(caps::PROJECTION_WAIT, caught_up).await);
        self.view().map(drop)
    }

    /// Reads a durable entry.
    ///
    /// # Errors
    /// [`Refusal`] where it is not durable or cannot be read back.
    pub fn entry(&self, position: u64) -> Result<Entry, Refusal> {
        let record = self.shared.reader.read(position).map_err(|error| unreadable(&error))?;
        decode(record)
    }

    /// Reads evidence by position and index, in ascending order; empty where an entry
    /// has none there. Neighbours are read in one go.
    ///
    /// # Errors
    /// [`Refusal`] where some cannot be read back.
    pub fn evidence(
        &self,
        places: impl IntoIterator<Item = (u64, u32)>,
    ) -> Result<Vec<Told>, Refusal> {
        let mut found = Vec::new();
        let mut scan = self.shared.reader.scan(0);
        let mut next = 0;
        let mut entry: Option<Entry> = None;
        for (position, index) in places {
            if entry.as_ref().is_none_or(|entry| entry.position != position) {
                if position < next || position - next > NEIGHBOURS {
                    scan = self.shared.reader.scan(position);
                    next = position;
                }
                let ahead = usize::try_from(position - next).unwrap_or(usize::MAX);
                let record = scan.nth(ahead).ok_or_else(gone)?;
                next = position + 1;
                entry = Some(decode(record.map_err(|error| unreadable(&error))?)?);
            }
            found.push(entry.as_ref().map(|entry| told(entry, index)).unwrap_or_default());
        }
        Ok(found)
    }

    /// How a delivery ended whose hand-out a token names: an answer may come twice,
    /// when the connection broke before the first was confirmed. `None` where the token
    /// was not given to the caller, or the delivery has not ended.
    ///
    /// # Errors
    /// [`Refusal`] where the delivery log is down.
    pub async fn ended(&self, caller: &str, token: &[u8]) -> Result<Option<Ended>, Refusal> {
        let Some((token, id, recipient)) = self.handed_out(caller, token) else {
            return Ok(None);
        };
        self.wait_projected().await?;
        let view = self.view()?;
        let rows = tokio::task::block_in_place(|| view.message(&id)).map_err(|error| {
            tracing::error!(%error, "delivery log cannot be read");
            log_down()
        })?;
        let ended = rows.iter().find(|row| {
            row.is_final()
                && row.accepted_position == Some(token.key.accepted)
                && row.recipient.as_ref() == Some(&recipient)
        });
        Ok(ended.and_then(|row| self.final_of(&token, row.cursor)))
    }

    /// The hand-out that a token names, if it was given to the caller.
    fn handed_out(&self, caller: &str, token: &[u8]) -> Option<(Token, MessageId, Address)> {
        let token = Token::parse(token)?;
        let entry = self.entry(token.key.accepted).ok()?;
        // A message from a peer has items for the recipients here alone.
        let item = entry.items.iter().find(|item| item.facts.delivery_index == token.key.index)?;
        let id = MessageId::parse(&item.facts.message_id).ok()?;
        let origin = Address::parse(&item.facts.origin_agency).ok()?;
        let recipient = Address::parse(&item.facts.recipient).ok()?;
        let delivery = Named { id: &id, origin: &origin, recipient: &recipient };
        let is_for = self.shared.node.lease_key.is_for(&token, delivery, caller);
        is_for.then_some((token, id, recipient))
    }

    fn final_of(&self, token: &Token, place: Cursor) -> Option<Ended> {
        let entry = self.entry(place.position).ok()?;
        let final_item = entry.items.get(usize::from(place.index).checked_sub(1)?)?;
        let facts = &final_item.facts;
        Some(Ended {
            event: final_item.event,
            by_this: (facts.lease_start_no, facts.lease_attempt)
                == (token.number.start_no, token.number.attempt),
            evidence: final_item.evidence.clone(),
        })
    }

    /// Reads an accepted message back.
    ///
    /// # Errors
    /// [`Refusal`] DATA_LOSS where it cannot be read back.
    pub fn message(&self, facts: &pb::AcceptedFacts) -> Result<wire::SignedMessage, Refusal> {
        self.read(&Kept::accepted(facts), &facts.origin_agency, &facts.message_id)
    }

    /// Reads a message with an open delivery back.
    ///
    /// # Errors
    /// [`Refusal`] DATA_LOSS where it cannot be read back.
    pub fn open_message(&self, message: &Message) -> Result<wire::SignedMessage, Refusal> {
        self.read(&Kept::open(message), &message.origin, &message.id)
    }

    fn read(
        &self,
        kept: &Kept,
        origin: &dyn Display,
        id: &dyn Display,
    ) -> Result<wire::SignedMessage, Refusal> {
        kept.read(&self.shared.blobs).map_err(|error| match error {
            KeptError::Get(GetError::Removed { .. }) => let_go(),
            error => lost(origin, id, &error),
        })
    }

    /// The facts of an accepted message by the position of its entry.
    ///
    /// # Errors
    /// [`Refusal`] where there is no such entry.
    pub fn accepted(&self, position: u64) -> Result<(pb::AcceptedFacts, Bytes), Refusal> {
        let entry = self.entry(position)?;
        match entry.body {
            Body::Accepted(facts) => Ok((*facts, entry.evidence)),
            _ => Err(Refusal::new(Reason::NotFound, "no message was accepted there")),
        }
    }
}

/// Nothing where the entry has no evidence there.
fn told(entry: &Entry, index: u32) -> Told {
    let Some(place) = index.checked_sub(1) else {
        // The word of a peer about nothing that is open here: not this node's to sign.
        if matches!(entry.body, Body::EvidenceTaken(_)) {
            return Told::default();
        }
        return Told { evidence: entry.evidence.clone(), ..Told::default() };
    };
    let item = usize::try_from(place).ok().and_then(|place| entry.items.get(place));
    item.map_or_else(Told::default, |item| Told {
        evidence: item.evidence.clone(),
        proof: item.facts.proof.clone(),
        contradicts: item.event == Event::Contradiction,
    })
}

fn decode(record: StoredRecord) -> Result<Entry, Refusal> {
    let StoredRecord { position, kind, version, leaf, side, .. } = record;
    Entry::decode(position, kind, version, &leaf, side).map_err(|error| unreadable(&error))
}

fn gone() -> Refusal {
    Refusal::new(Reason::Internal, "the journal ends before what the delivery log names")
}

fn lost(
    origin_agency: &dyn Display,
    message_id: &dyn Display,
    error: &dyn std::error::Error,
) -> Refusal {
    tracing::error!(%error, %message_id, %origin_agency, "message cannot be read back");
    let text = "the message is lost or damaged on the node's disk; its operator must put back an undamaged copy of the disk";
    Refusal::new(Reason::DataLoss, text)
}

fn let_go() -> Refusal {
    let text = "the message's bytes are gone: all its deliveries have ended, and it was not to be kept \
                longer; its evidence stays";
    Refusal::new(Reason::NotFound, text)
}

pub(super) fn unreadable(error: &dyn std::error::Error) -> Refusal {
    tracing::error!(%error, "stored data cannot be read back");
    let text = "the node cannot read back what it stored; its operator must look at its disk";
    Refusal::new(Reason::Internal, text)
}
