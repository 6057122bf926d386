//! Deciding: from state, command and time to an entry or a refusal. Pure.
//!
//! **Invariant**: no clock, no randomness, no I/O; an entry holds every value that
//! was decided, so that folding it again after years gives the same state.

pub mod accept;
pub mod apart;
pub mod clock;
pub mod damage;
pub mod hand_out;
pub mod hello;
pub mod lineage;
pub mod link;
pub mod operator;
pub mod quota;
pub mod refusals;
pub mod renew;
pub mod retention;
pub mod settle;
pub mod start;
pub mod take;
pub mod timers;
pub mod write_off;

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_audit::evidence;
use barid_message::Reason;
use barid_message::fault::{Fault, Faults};
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, Evidence, HandoverBasis};
use barid_proto::federation::v1::Lane;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;
use prost::Message as _;

use crate::caps;
use crate::lease::LeaseKey;
use crate::state::{Delivery, DeliveryKey, LeaseNumber, Phase, State};

/// What of the node itself enters decisions.
#[derive(Debug)]
pub struct Node {
    /// Identity, "spiffe://<trust domain>/node".
    pub identity: String,
    /// Seals lease tokens.
    pub lease_key: LeaseKey,
    /// What its operator may choose.
    pub policy: Policy,
}

/// What a node's operator may choose about deliveries. Every entry holds what was
/// decided by it, so it may change between starts.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Time a consumer has for its answer (ms).
    pub lease_ms: u64,
    /// Failed tries after which a delivery becomes a dead letter.
    pub tries_max: u32,
    /// First delay before a further try (ms); doubled with each, and less up to a quarter.
    pub retry_min_ms: u64,
    /// Longest delay before a further try that the node chooses (ms).
    pub retry_max_ms: u64,
    /// Deliveries waiting in one inbox, beyond which its senders are told to wait.
    pub inbox_max: usize,
    /// Messages of one agency that have not ended, beyond which it is told to wait.
    pub agency_max: usize,
    /// Messages taken over from one peer that have not ended, likewise.
    pub peer_max: usize,
    /// Bytes that the bodies of messages may take on the disk, likewise.
    pub bodies_bytes_max: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            lease_ms: caps::LEASE_MS,
            tries_max: caps::TRIES_MAX,
            retry_min_ms: caps::RETRY_MIN_MS,
            retry_max_ms: caps::RETRY_MAX_MS,
            inbox_max: caps::INBOX_MAX,
            agency_max: caps::AGENCY_MESSAGES_MAX,
            peer_max: caps::PEER_MESSAGES_MAX,
            bodies_bytes_max: u64::MAX,
        }
    }
}

/// A no, for the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What is wrong; the first decides the code.
    pub faults: Faults,
    /// Evidence that was journaled with the refusal, or that tells how it stands.
    pub evidence: Option<Bytes>,
    /// When trying again may help (ms).
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal for one reason, with a sentence that says what to do next.
    #[must_use]
    pub fn new(reason: Reason, description: impl Into<String>) -> Self {
        let path = String::new();
        let fault = Fault { path, reason, rule: "", description: description.into() };
        Self { faults: fault.into(), evidence: None, retry_after_ms: None }
    }

    /// The same, with advice when to try again (ms).
    #[must_use]
    pub fn retry_after(mut self, ms: u64) -> Self {
        self.retry_after_ms = Some(ms);
        self
    }

    /// The reason that decides the code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.faults.first().reason
    }
}

impl From<Faults> for Refusal {
    fn from(faults: Faults) -> Self {
        Self { faults, evidence: None, retry_after_ms: None }
    }
}

/// The time of an entry decided at `now`: never before the one in front of it.
fn entry_time(state: &State, now: Millis) -> Millis {
    now.max(state.last_time())
}

/// An entry without evidence or deliveries.
fn plain(state: &State, now: Millis, body: Body) -> Entry {
    Entry {
        position: state.next_position(),
        time: entry_time(state, now),
        body,
        evidence: Bytes::new(),
        items: Vec::new(),
    }
}

/// What is to be said of one delivery.
struct Said {
    body: Body,
    event: Event,
    reason: Reason,
    tries: u32,
    not_before: Millis,
    actor: String,
    lease: Option<LeaseNumber>,
    /// In an operator's own words.
    why: String,
}

impl Said {
    fn new(body: Body, event: Event, reason: Reason) -> Self {
        Self {
            body,
            event,
            reason,
            tries: 0,
            not_before: Millis(0),
            actor: String::new(),
            lease: None,
            why: String::new(),
        }
    }
}

/// An entry about one delivery, with its evidence where the event yields some.
fn about(
    state: &State,
    node: &Node,
    now: Millis,
    key: DeliveryKey,
    delivery: &Delivery,
    said: Said,
) -> Entry {
    let body = said.body.clone();
    let items = vec![item(state, node, now, 1, key, delivery, said)];
    Entry { items, ..plain(state, now, body) }
}

/// What the next entry says of one delivery, in its `index`th item from 1.
fn item(
    state: &State,
    node: &Node,
    now: Millis,
    index: u32,
    key: DeliveryKey,
    delivery: &Delivery,
    said: Said,
) -> Item {
    let Said { body: _, event, reason, tries, not_before, actor, lease, why } = said;
    let time = entry_time(state, now);
    let message = &delivery.message;
    let evidence = if yields_evidence(event) {
        let mut evidence = statement(state, node, time, index, message);
        evidence.set_event(event);
        evidence.set_reason(reason);
        evidence.recipient = delivery.recipient.as_str().to_owned();
        evidence.parent = evidence::digest(&message.evidence);
        if event == Event::HandedOver {
            evidence.set_basis(HandoverBasis::Node);
        }
        let is_in_doubt = !is_final(event)
            || reason == Reason::WrittenOff
                && (delivery.phase == Phase::Passed || state.is_offered(delivery));
        if let Some(outward) = delivery.outward.as_ref().filter(|_| is_in_doubt) {
            // In doubt, the peer had it last.
            evidence.next_holder = outward.peer.as_ref().to_owned();
        } else if matches!(event, Event::HandedOver | Event::Overdue) {
            // In doubt, the recipient's own system had it last.
            evidence.next_holder = delivery.recipient.as_str().to_owned();
        } else if !is_final(event) {
            evidence.next_holder.clone_from(&node.identity);
        }
        evidence.encode_to_vec().into()
    } else {
        Bytes::new()
    };
    let facts = pb::DeliveryFacts {
        origin_agency: message.origin.as_str().to_owned(),
        message_id: message.id.to_string(),
        recipient: delivery.recipient.as_str().to_owned(),
        accepted_position: key.accepted,
        delivery_index: key.index,
        tries,
        not_before_ms: not_before.0,
        actor,
        kind: message.kind.into(),
        precedence: message.precedence.into(),
        status: message.status.into(),
        lease_start_no: lease.map_or(0, |number| number.start_no),
        lease_attempt: lease.map_or(0, |number| number.attempt),
        peer: delivery.outward.as_ref().map_or_else(String::new, |out| out.peer.as_ref().into()),
        slot: delivery.outward.as_ref().map_or(0, |outward| outward.slot),
        evidence_slot: match &message.from {
            Some(from) if !evidence.is_empty() => state.next_slot(&from.peer, Lane::Evidence),
            _ => 0,
        },
        proof: Bytes::new(),
        why,
        head_unknown: false,
    };
    Item { event, reason, facts, evidence }
}

/// Evidence about a message in the next entry, as far as all evidence is alike.
fn statement(
    state: &State,
    node: &Node,
    time: Millis,
    index: u32,
    message: &crate::state::Message,
) -> Evidence {
    Evidence {
        log_origin: state.log_origin().to_owned(),
        position: state.next_position(),
        index,
        time: Some(time.to_proto()),
        issuer: node.identity.clone(),
        origin_agency: message.origin.as_str().to_owned(),
        message_id: message.id.to_string(),
        header_digest: message.header_digest.to_bytes(),
        agreement: message.agreement.as_deref().cloned(),
        ..Default::default()
    }
}

/// RETURNED and RETRIED are between the node and the recipient's system; all else
/// is for the sender.
const fn yields_evidence(event: Event) -> bool {
    is_final(event) || matches!(event, Event::Overdue | Event::DeadLettered | Event::RelayAccepted)
}
