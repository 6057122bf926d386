//! The receiving side of a link: custody for what a peer sends, or the reason why not.

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_audit::evidence;
use barid_message::address::Address;
use barid_message::fault::Faults;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_message::{Precedence, Reason};
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::federation::v1::{Answer, Lane, RecipientAnswer, SlotAnswer};
use barid_proto::journal::v1 as pb;
use bytes::Bytes;
use prost::Message as _;

use super::accept::{Blob, accepted_facts, base_evidence};
use super::link::Breach;
use super::{Node, Said, entry_time, item, plain, write_off};
use crate::caps;
use crate::gate::{Admitted, Relayed, permit_for};
use crate::state::link::{
    Inbound, LANES, evidence_facts, facts_digest, transfer_facts, void_facts,
};
use crate::state::{Phase, State};

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
    pub admitted: Result<Admission, Faults>,
}

/// A message that the gate for peers let pass.
#[derive(Debug)]
pub struct Admission {
    /// The message.
    pub relayed: Relayed,
    /// Where its bytes lie.
    pub blob: Blob,
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
    /// It was answered before in the same way.
    Known,
    /// It cannot be.
    Breach(Breach),
}

/// Decides about the next slot of a lane. `has_room` says whether the disk has room for
/// messages, `prior` are the entries at which this id may have come before.
#[must_use]
pub fn take(
    state: &State,
    node: &Node,
    now: Millis,
    slot: &Slot,
    has_room: bool,
    prior: &[Entry],
) -> Verdict {
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
    let entry = match &slot.content {
        Content::Void { .. } => plain(state, now, Body::SlotAnswered(answered(Vec::new()))),
        Content::Evidence(proven) => {
            proved(state, node, now, slot, proven, answered(Vec::new()), prior)
        }
        Content::Transfer(transfer) => {
            let answers = answers(state, node, now, transfer, has_room, prior);
            let taken = answers.iter().any(|(_, is_new)| *is_new);
            let recipients = answers.iter().map(|(answer, _)| *answer).collect();
            match &transfer.admitted {
                Ok(admission) if taken => {
                    let inbound = answered(recipients);
                    taken_over(state, node, now, transfer, admission, &answers, inbound)
                }
                _ => plain(state, now, Body::SlotAnswered(answered(recipients))),
            }
        }
    };
    Verdict::Entry(Box::new(entry))
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

/// The answer for each recipient, and whether its delivery begins here.
fn answers(
    state: &State,
    node: &Node,
    now: Millis,
    transfer: &Transfer,
    has_room: bool,
    prior: &[Entry],
) -> Vec<(RecipientAnswer, bool)> {
    let all = |answer: RecipientAnswer| vec![(answer, false); transfer.recipients.len()];
    let admission = match &transfer.admitted {
        Ok(admission) => admission,
        Err(faults) => return all(no(faults.first().reason)),
    };
    let message = &admission.relayed.admitted.message;
    let header = message.header();
    if state.clock_suspect() {
        return all(later(Reason::ClockSuspect, 60_000));
    }
    if header.deliver_by() <= now {
        return all(no(Reason::DeliverByPassed));
    }
    if header.expires_at().is_some_and(|end| end <= now) {
        return all(no(Reason::ExpiresAtPassed));
    }
    let (origin, id) = (header.origin(), header.message_id());
    let Some(earlier) = earlier(origin, &id, &transfer.header_digest, prior) else {
        return all(no(Reason::DuplicateIdConflict));
    };
    let answer = |recipient: &Address| {
        if earlier.contains(&recipient.as_str()) {
            return (yes(), false);
        }
        let is_named = header.recipients().iter().any(|named| named.address == *recipient);
        if !is_named || !state.registry().hosts(recipient) {
            return (no(Reason::RecipientNotPermitted), false);
        }
        if let Err(faults) = permit_for(state.registry(), header, [recipient]) {
            return (no(faults.first().reason), false);
        }
        if !has_room {
            return (later(Reason::StorageFull, 30_000), false);
        }
        let reserve = match header.precedence() {
            Precedence::Flash => caps::INBOX_FLASH_RESERVE,
            _ => 0,
        };
        let limit = node.policy.inbox_max + reserve;
        if state.inbox(recipient).is_some_and(|inbox| inbox.len() >= limit) {
            return (later(Reason::Overloaded, 5_000), false);
        }
        (yes(), true)
    };
    transfer.recipients.iter().map(answer).collect()
}

/// Recipients of this message that were taken over before; `None` where the id belongs
/// to another header.
fn earlier<'e>(
    origin: &Address,
    id: &MessageId,
    header_digest: &Bytes,
    prior: &'e [Entry],
) -> Option<Vec<&'e str>> {
    let id = id.to_string();
    let mut recipients = Vec::new();
    for entry in prior {
        let facts = match &entry.body {
            Body::Accepted(facts) => facts,
            Body::Taken(facts) => match &facts.message {
                Some(facts) => facts,
                None => continue,
            },
            _ => continue,
        };
        if facts.message_id != id || facts.origin_agency != origin.as_str() {
            continue;
        }
        if facts.header_digest != *header_digest {
            return None;
        }
        recipients.extend(entry.items.iter().map(|item| item.facts.recipient.as_str()));
    }
    Some(recipients)
}

fn yes() -> RecipientAnswer {
    RecipientAnswer { answer: Answer::Taken.into(), ..Default::default() }
}

/// Refused, or put off where the same bytes may be good later.
fn no(reason: Reason) -> RecipientAnswer {
    match reason {
        Reason::ClockSkew => later(reason, 60_000),
        Reason::RegistryChanged => later(reason, 1_000),
        Reason::StorageFull => later(reason, 30_000),
        _ => RecipientAnswer {
            answer: Answer::Refused.into(),
            reason: reason.into(),
            retry_after_ms: 0,
        },
    }
}

fn later(reason: Reason, retry_after_ms: u64) -> RecipientAnswer {
    RecipientAnswer { answer: Answer::Deferred.into(), reason: reason.into(), retry_after_ms }
}

fn taken_over(
    state: &State,
    node: &Node,
    now: Millis,
    transfer: &Transfer,
    admission: &Admission,
    answers: &[(RecipientAnswer, bool)],
    slot: pb::InboundSlot,
) -> Entry {
    let Relayed { admitted, acceptance, acceptance_digest } = &admission.relayed;
    let Admitted { message, permit } = admitted;
    let header = message.header();
    let facts = accepted_facts(message, permit, admission.blob, &slot.peer);
    let time = entry_time(state, now);
    let mut evidence = base_evidence(state, node, time, header, message.header_digest().0);
    evidence.set_event(Event::RelayAccepted);
    evidence.next_holder.clone_from(&node.identity);
    evidence.agreement.clone_from(&facts.agreement);
    evidence.parent = acceptance_digest.clone();
    let taken = transfer.recipients.iter().zip(answers).filter(|(_, (_, is_new))| *is_new);
    let items = taken.map(|(recipient, _)| {
        let place = header.recipients().iter().position(|named| named.address == *recipient);
        Item {
            event: Event::Delivered,
            reason: Reason::Unspecified,
            facts: pb::DeliveryFacts {
                origin_agency: facts.origin_agency.clone(),
                message_id: facts.message_id.clone(),
                recipient: recipient.as_str().to_owned(),
                accepted_position: state.next_position(),
                delivery_index: place.and_then(|place| u32::try_from(place).ok()).unwrap_or(0),
                kind: facts.kind,
                precedence: facts.precedence,
                status: facts.status,
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
    let name = (
        Address::parse(&evidence.origin_agency),
        MessageId::parse(&evidence.message_id),
        Address::parse(&evidence.recipient),
    );
    let found = match &name {
        (Ok(origin), Ok(id), Ok(recipient)) => state.find(origin, id, recipient),
        _ => None,
    };
    let event = evidence.event();
    let found = found.filter(|(_, delivery)| {
        let with_peer = delivery.outward.as_ref().is_some_and(|out| *out.peer == *slot.peer);
        let is_gone = delivery.phase == Phase::Passed || state.is_offered(delivery);
        with_peer
            && is_gone
            && delivery.message.facts.header_digest == evidence.header_digest
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
