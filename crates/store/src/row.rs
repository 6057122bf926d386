//! Event rows: what the delivery log says of one event.

use barid_audit::entry::{self, Body, Entry, Item};
use barid_message::Reason;
use barid_message::address::{Address, AddressError};
use barid_message::id::{MessageId, MessageIdError};
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1::{AcceptedFacts, RefusedFacts};
use barid_proto::message::v1::{Kind, Precedence, Status};
use prost::Message as _;
use thiserror::Error;

use crate::cursor::Cursor;

#[cfg(test)]
mod tests;

/// Most bytes of [`EventRow::actor`]. A longer identity is cut, and ends in `…`;
/// the journal has all of it.
pub const ACTOR_BYTES_MAX: usize = 1_024;

/// Most bytes of a row's value: large values are where sled loses most (SPINE
/// §2.6).
const ROW_BYTES_MAX: usize = 2_048;

/// What remains beside the actor holds two addresses of 68 bytes, an id and ten
/// numbers.
const _: () = assert!(ACTOR_BYTES_MAX + 2 * (68 + 3) + 18 + 10 * 11 < ROW_BYTES_MAX);

/// First byte of a row's value.
const VERSION: u8 = 1;

const CUT: &str = "…";

/// One event of the delivery log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// Where it stands.
    pub cursor: Cursor,
    /// When.
    pub time: Millis,
    /// What.
    pub event: Event,
    /// Why; unspecified where there is no why.
    pub reason: Reason,
    /// Originating agency; absent where a refused message named none that held.
    pub origin_agency: Option<Address>,
    /// Message id; absent likewise.
    pub message_id: Option<MessageId>,
    /// Recipient; absent where the event is about all deliveries.
    pub recipient: Option<Address>,
    /// Kind of the message; unspecified with a refused submission.
    pub kind: Kind,
    /// Precedence of the message; unspecified likewise.
    pub precedence: Precedence,
    /// Status of the message; unspecified likewise.
    pub status: Status,
    /// Identity that caused it; empty = the node. At most [`ACTOR_BYTES_MAX`].
    pub actor: String,
    /// Tries so far, where the event counts them.
    pub tries: u32,
    /// Position of the ACCEPTED entry; absent with a refused submission.
    pub accepted_position: Option<u64>,
    /// Whether the entry holds evidence of this event.
    pub has_evidence: bool,
}

/// An entry with facts that no decision can have made: a fault of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the facts at {cursor} cannot stand in the delivery log")]
pub struct MalformedEntry {
    /// Where.
    pub cursor: Cursor,
    /// What is wrong with them.
    #[source]
    pub fault: FactsError,
}

/// What is wrong with an entry's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FactsError {
    /// An address.
    #[error("an address is none")]
    Address(#[from] AddressError),
    /// A message id.
    #[error("a message id is none")]
    MessageId(#[from] MessageIdError),
    /// More items than a place can number.
    #[error("there are more than 65,535 items")]
    Items,
}

impl EventRow {
    /// The rows that an entry gives: one for a message accepted or refused, one
    /// for each of its items, none for anything else.
    ///
    /// # Errors
    /// [`MalformedEntry`].
    pub fn of_entry(entry: &Entry) -> Result<Vec<Self>, MalformedEntry> {
        let own = Cursor::entry(entry.position);
        let head = match &entry.body {
            Body::Accepted(facts) => Some(Self::of_acceptance(entry, facts)),
            Body::SubmissionRefused(facts) => Some(Self::of_refusal(entry, facts)),
            Body::Taken(facts) => facts.message.as_ref().map(|facts| {
                let event = Event::RelayAccepted;
                Self::of_acceptance(entry, facts).map(|row| Self { event, ..row })
            }),
            Body::Restarted(_)
            | Body::RegistryChanged(_)
            | Body::RefusalsCounted(_)
            | Body::HandedOver
            | Body::Returned
            | Body::DeadLettered
            | Body::Ended
            | Body::Overdue
            | Body::Retried
            | Body::ReadOpened(_)
            | Body::ReadClosed(_)
            | Body::Clock(_)
            | Body::LinkHorizon(_)
            | Body::SlotAnswered(_)
            | Body::EvidenceTaken(_)
            | Body::CustodyReceived(_)
            | Body::Requeued
            | Body::PeerMisbehaved(_)
            | Body::WriteOffProposed(_)
            | Body::WriteOffWithdrawn(_)
            | Body::WriteOffConfirmed(_)
            | Body::WrittenOff
            | Body::SlotCleared(_)
            | Body::Contradicted(_)
            | Body::PeerRenewed(_)
            | Body::Damage(_)
            | Body::BodiesRemoved(_)
            | Body::Stopped => None,
        };
        let head = head.map(|row| row.map_err(|fault| MalformedEntry { cursor: own, fault }));
        let items = (1_u32..).zip(&entry.items).map(|(number, item)| {
            let Ok(index) = u16::try_from(number) else {
                return Err(MalformedEntry { cursor: own, fault: FactsError::Items });
            };
            let cursor = Cursor { index, ..own };
            Self::of_item(entry, cursor, item).map_err(|fault| MalformedEntry { cursor, fault })
        });
        head.into_iter().chain(items).collect()
    }

    /// Whether the delivery ends with this event (SPINE §3.3).
    #[must_use]
    pub const fn is_final(&self) -> bool {
        entry::is_final(self.event)
    }

    fn of_acceptance(entry: &Entry, facts: &AcceptedFacts) -> Result<Self, FactsError> {
        Ok(Self {
            cursor: Cursor::entry(entry.position),
            time: entry.time,
            event: Event::SubmissionAccepted,
            reason: Reason::Unspecified,
            origin_agency: Some(Address::parse(&facts.origin_agency)?),
            message_id: Some(MessageId::parse(&facts.message_id)?),
            recipient: None,
            kind: facts.kind(),
            precedence: facts.precedence(),
            status: facts.status(),
            actor: cut(&facts.submitted_by),
            tries: 0,
            accepted_position: Some(entry.position),
            has_evidence: !entry.evidence.is_empty(),
        })
    }

    fn of_refusal(entry: &Entry, facts: &RefusedFacts) -> Result<Self, FactsError> {
        Ok(Self {
            cursor: Cursor::entry(entry.position),
            time: entry.time,
            event: Event::SubmissionRejected,
            reason: facts.reason(),
            origin_agency: present(&facts.origin_agency).map(Address::parse).transpose()?,
            message_id: present(&facts.message_id).map(MessageId::parse).transpose()?,
            recipient: None,
            kind: Kind::Unspecified,
            precedence: Precedence::Unspecified,
            status: Status::Unspecified,
            actor: cut(&facts.identity),
            tries: 0,
            accepted_position: None,
            has_evidence: !entry.evidence.is_empty(),
        })
    }

    fn of_item(entry: &Entry, cursor: Cursor, item: &Item) -> Result<Self, FactsError> {
        let facts = &item.facts;
        Ok(Self {
            cursor,
            time: entry.time,
            event: item.event,
            reason: item.reason,
            origin_agency: Some(Address::parse(&facts.origin_agency)?),
            message_id: Some(MessageId::parse(&facts.message_id)?),
            recipient: Some(Address::parse(&facts.recipient)?),
            kind: facts.kind(),
            precedence: facts.precedence(),
            status: facts.status(),
            actor: cut(&facts.actor),
            tries: facts.tries,
            accepted_position: Some(facts.accepted_position),
            has_evidence: !item.evidence.is_empty(),
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let Self {
            cursor: _,
            time,
            event,
            reason,
            origin_agency,
            message_id,
            recipient,
            kind,
            precedence,
            status,
            actor,
            tries,
            accepted_position,
            has_evidence,
        } = self;
        let text = |address: &Option<Address>| {
            address.as_ref().map_or_else(String::new, |address| address.as_str().to_owned())
        };
        let stored = Stored {
            time_ms: time.0,
            event: (*event).into(),
            reason: (*reason).into(),
            origin_agency: text(origin_agency),
            message_id: message_id.map_or_else(Vec::new, |id| id.as_bytes().to_vec()),
            recipient: text(recipient),
            kind: (*kind).into(),
            precedence: (*precedence).into(),
            status: (*status).into(),
            actor: actor.clone(),
            tries: *tries,
            accepted_position: *accepted_position,
            has_evidence: *has_evidence,
        };
        let mut value = vec![VERSION];
        value.extend(stored.encode_to_vec());
        value
    }

    /// `None`: the value is damaged.
    pub(crate) fn decode(cursor: Cursor, value: &[u8]) -> Option<Self> {
        let (&VERSION, stored) = value.split_first()? else {
            return None;
        };
        let stored = Stored::decode(stored).ok()?;
        Some(Self {
            cursor,
            time: Millis(stored.time_ms),
            event: stored.event.try_into().ok()?,
            reason: stored.reason.try_into().ok()?,
            origin_agency: present(&stored.origin_agency).map(Address::parse).transpose().ok()?,
            message_id: match stored.message_id.as_slice() {
                [] => None,
                bytes => Some(MessageId::from_bytes(bytes.try_into().ok()?).ok()?),
            },
            recipient: present(&stored.recipient).map(Address::parse).transpose().ok()?,
            kind: stored.kind.try_into().ok()?,
            precedence: stored.precedence.try_into().ok()?,
            status: stored.status.try_into().ok()?,
            actor: stored.actor,
            tries: stored.tries,
            accepted_position: stored.accepted_position,
            has_evidence: stored.has_evidence,
        })
    }
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(uint64, tag = "1")]
    time_ms: u64,
    #[prost(int32, tag = "2")]
    event: i32,
    #[prost(int32, tag = "3")]
    reason: i32,
    #[prost(string, tag = "4")]
    origin_agency: String,
    #[prost(bytes = "vec", tag = "5")]
    message_id: Vec<u8>,
    #[prost(string, tag = "6")]
    recipient: String,
    #[prost(int32, tag = "7")]
    kind: i32,
    #[prost(int32, tag = "8")]
    precedence: i32,
    #[prost(int32, tag = "9")]
    status: i32,
    #[prost(string, tag = "10")]
    actor: String,
    #[prost(uint32, tag = "11")]
    tries: u32,
    #[prost(uint64, optional, tag = "12")]
    accepted_position: Option<u64>,
    #[prost(bool, tag = "13")]
    has_evidence: bool,
}

fn present(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn cut(actor: &str) -> String {
    if actor.len() <= ACTOR_BYTES_MAX {
        return actor.to_owned();
    }
    let end = actor.floor_char_boundary(ACTOR_BYTES_MAX - CUT.len());
    [&actor[..end], CUT].concat()
}
