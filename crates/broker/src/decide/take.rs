//! The receiving side of a link: custody for what a peer sends, or the reason why not.

mod answers;

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_audit::evidence;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::fault::Faults;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::federation::v1::{Lane, RecipientAnswer, SlotAnswer};
use barid_proto::journal::v1 as pb;
use bytes::Bytes;
use prost::Message as _;

use super::accept::{Blob, accepted_facts, base_evidence};
use super::link::Breach;
use super::{Node, Said, entry_time, item, lineage, plain, write_off};
use crate::gate::{Admitted, Relayed};
use crate::state::link::{
    Inbound, LANES, evidence_facts, facts_digest, transfer_facts, void_facts,
};
use crate::state::{Phase, State};

pub use answers::is_hopeless;
use answers::{answers, other_header};

/// A slot that came whole.
#[derive(Debug)]
pub struct Slot {
    /// Identity of the peer.
    pub peer: String,
    /// Origin line of its log.
    pub log_origin: String,
    /// Which lane.
    pub lane: Lane,
    /// Its number.
    pub number: u64,
    /// What it holds.
    pub content: Content,
}

/// What a slot holds, as far as it was checked without knowing the state.
#[derive(Debug)]
pub enum Content {
    /// A message.
    Transfer(Box<Transfer>),
    /// A number without one.
    Void {
        /// SHA-256 of its header.
        header_digest: Bytes,
        /// Why.
        reason: Reason,
    },
    /// Evidence, whose signature holds.
    Evidence(Box<Proven>),
}

/// A message from a peer.
#[derive(Debug)]
pub struct Transfer {
    /// SHA-256 of its header.
    pub header_digest: Bytes,
    /// Recipients whose deliveries are handed over.
    pub recipients: Vec<Address>,
    /// The message as the gate for peers let it pass, or what is wrong with it.
    pub admitted: Result<Relayed, Faults>,
}

/// Evidence of a peer, whose signature holds.
#[derive(Debug)]
pub struct Proven {
    /// What it says.
    pub evidence: Evidence,
    /// Its bytes.
    pub bytes: Bytes,
    /// What proves it, without the bytes.
    pub proof: Bytes,
}

/// What becomes of a slot.
#[derive(Debug)]
pub enum Verdict {
    /// Fold this; the answer is in it.
    Entry(Box<Entry>),
    /// The same, and put on record that one id has two headers: the peer's node accepted
    /// both.
    Conflict(Box<Entry>, Breach),
    /// It was answered before in the same way.
    Known,
    /// Its message would be taken over: write its bytes, then ask again.
    Unwritten,
    /// It cannot be.
    Breach(Breach),
}

/// What is known about the place of a message.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where its bytes lie, if they were written.
    pub blob: Option<Blob>,
    /// Whether the disk has room for messages.
    pub has_room: bool,
    /// The entries at which its id, or one that it names, replaces or recalls, may have come
    /// before.
    pub prior: &'a [Entry],
}

/// Decides about the next slot of a lane. What nobody takes over is answered whether its
/// bytes were written or not.
#[must_use]
pub fn take(state: &State, node: &Node, now: Millis, slot: &Slot, place: Place<'_>) -> Verdict {
    let digest = digest(slot);
    let empty = Inbound::default();
    let inbound = state.link(&slot.peer).map_or(&empty, |link| link.inbound(slot.lane));
    let breach = |reason| Verdict::Breach(Breach::new(reason, slot.lane, slot.number));
    if slot.number > inbound.next_expected || !LANES.contains(&slot.lane) {
        return breach(Reason::LinkProtocol);
    }
    if slot.number < inbound.next_expected {
        return match inbound.answers.get(&slot.number) {
            Some(known) if known.answer.slot_digest == digest => Verdict::Known,
            Some(known) => Verdict::Breach(Breach::conflict(
                slot.lane,
                slot.number,
                &digest,
                &known.answer.slot_digest,
            )),
            None => breach(Reason::LinkProtocol),
        };
    }
    let answered = |recipients| pb::InboundSlot {
        peer: slot.peer.clone(),
        lane: slot.lane.into(),
        answer: Some(SlotAnswer { number: slot.number, slot_digest: digest.clone(), recipients }),
        log_origin: slot.log_origin.clone(),
    };
    let mut conflict = None;
    let entry = match &slot.content {
        Content::Void { .. } => plain(state, now, Body::SlotAnswered(answered(Vec::new()))),
        Content::Evidence(proven) => {
            proved(state, node, now, slot, proven, answered(Vec::new()), place.prior)
        }
        Content::Transfer(transfer) => {
            conflict = other_header(transfer, place.prior).map(|known| Breach {
                found: transfer.header_digest.clone(),
                expected: known.clone(),
                ..Breach::new(Reason::DuplicateIdConflict, slot.lane, slot.number)
            });
            let answers = answers(state, node, now, (&slot.peer, transfer), &place);
            let taken = answers.iter().any(|(_, is_new)| *is_new);
            let inbound = answered(answers.iter().map(|(answer, _)| *answer).collect());
            match (&transfer.admitted, place.blob) {
                (Ok(relayed), Some(blob)) if taken => taken_over(
                    state,
                    node,
                    now,
                    transfer,
                    (relayed, blob, place.prior),
                    &answers,
                    inbound,
                ),
                (Ok(_), None) if taken => return Verdict::Unwritten,
                _ => plain(state, now, Body::SlotAnswered(inbound)),
            }
        }
    };
    match conflict {
        Some(conflict) => Verdict::Conflict(Box::new(entry), conflict),
        None => Verdict::Entry(Box::new(entry)),
    }
}

/// The digest by which both ends name the slot.
#[must_use]
pub fn digest(slot: &Slot) -> Bytes {
    let facts = match &slot.content {
        Content::Transfer(transfer) => {
            let header_digest = transfer.header_digest.clone();
            transfer_facts(slot.lane, slot.number, header_digest, &transfer.recipients)
        }
        Content::Void { header_digest, reason } => {
            void_facts(slot.lane, slot.number, header_digest, *reason)
        }
        Content::Evidence(proven) => {
            evidence_facts(slot.lane, slot.number, evidence::digest(&proven.bytes))
        }
    };
    Bytes::copy_from_slice(&facts_digest(&facts).0)
}

fn taken_over(
    state: &State,
    node: &Node,
    now: Millis,
    transfer: &Transfer,
    (relayed, blob, prior): (&Relayed, Blob, &[Entry]),
    answers: &[(RecipientAnswer, bool)],
    slot: pb::InboundSlot,
) -> Entry {
    let Relayed { admitted, acceptance, acceptance_digest } = relayed;
    let Admitted { message, permit } = admitted;
    let header = message.header();
    let facts = accepted_facts(message, permit, blob, &slot.peer);
    let time = entry_time(state, now);
    let mut evidence = base_evidence(state, node, time, header, message.header_digest().0);
    evidence.set_event(Event::RelayAccepted);
    let reason = lineage::told(state, header);
    evidence.set_reason(reason);
    evidence.next_holder.clone_from(&node.identity);
    evidence.agreement.clone_from(&facts.agreement);
    evidence.parent = acceptance_digest.clone();
    let taken = transfer.recipients.iter().zip(answers).filter(|(_, (_, is_new))| *is_new);
    let items = taken.map(|(recipient, _)| {
        let place = header.recipients().iter().position(|named| named.address == *recipient);
        Item {
            event: Event::Delivered,
            reason,
            facts: pb::DeliveryFacts {
                origin_agency: facts.origin_agency.clone(),
                message_id: facts.message_id.clone(),
                recipient: recipient.as_str().to_owned(),
                accepted_position: state.next_position(),
                delivery_index: place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0),
                kind: facts.kind,
                precedence: facts.precedence,
                status: facts.status,
                head_unknown: lineage::is_head_unknown(header, recipient, prior),
                ..Default::default()
            },
            evidence: Bytes::new(),
        }
    });
    let items = items.collect();
    let facts =
        pb::TakenFacts { message: Some(facts), slot: Some(slot), acceptance: acceptance.clone() };
    Entry {
        evidence: evidence.encode_to_vec().into(),
        items,
        ..plain(state, now, Body::Taken(Box::new(facts)))
    }
}

/// The delivery that evidence is about: originating agency, id, recipient.
#[must_use]
pub fn subject(evidence: &Evidence) -> Option<(Address, MessageId, Address)> {
    Some((
        Address::parse(&evidence.origin_agency).ok()?,
        MessageId::parse(&evidence.message_id).ok()?,
        Address::parse(&evidence.recipient).ok()?,
    ))
}

/// What a peer's evidence does here. Evidence about a delivery that has ended is kept:
/// where it says otherwise, it is a contradiction for people to look at.
fn proved(
    state: &State,
    node: &Node,
    now: Millis,
    slot: &Slot,
    proven: &Proven,
    answered: pb::InboundSlot,
    prior: &[Entry],
) -> Entry {
    let Proven { evidence, bytes, proof } = proven;
    let found = subject(evidence).and_then(|(origin, id, to)| state.find(&origin, &id, &to));
    let event = evidence.event();
    let found = found.filter(|(_, delivery)| {
        let with_peer = delivery.outward.as_ref().is_some_and(|out| *out.peer == *slot.peer);
        let is_gone = delivery.phase == Phase::Passed || state.is_offered(delivery);
        with_peer
            && is_gone
            && delivery.message.header_digest.0.as_slice() == evidence.header_digest
            && (is_final(event) || matches!(event, Event::Overdue | Event::DeadLettered))
    });
    if let Some(item) = write_off::contradiction(state, &slot.peer, proven, prior) {
        return Entry { items: vec![item], ..plain(state, now, Body::Contradicted(answered)) };
    }
    let body = Body::EvidenceTaken(answered);
    let Some((key, delivery)) = found else {
        return Entry { evidence: bytes.clone(), ..plain(state, now, body) };
    };
    let said = Said::new(body.clone(), event, evidence.reason());
    let mut item = item(state, node, now, 1, key, delivery, said);
    item.evidence = bytes.clone();
    item.facts.proof = proof.clone();
    Entry { items: vec![item], ..plain(state, now, body) }
}
