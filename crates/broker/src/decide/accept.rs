//! Submission: accept, recognise a repeat, or refuse.

use barid_agreement::Permit;
use barid_audit::entry::{Body, Entry, Item};
use barid_journal::planted;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::fault::Faults;
use barid_message::header::{Header, Lineage, Version};
use barid_message::id::MessageId;
use barid_message::signed::VerifiedMessage;
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1::{AgreementRef, MessageType};
use bytes::Bytes;
use prost::Message as _;

use super::quota::{self, Full};
use super::{Node, Refusal, apart, damage, entry_time, lineage, plain};
use crate::gate::{Admitted, Known};
use crate::state::State;
use crate::state::link::lane_of;

/// Where the bytes of a message lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Number of the blob segment.
    pub segment: u64,
    /// Offset in it (bytes).
    pub offset: u64,
    /// Length of the message (bytes).
    pub length: u32,
}

/// A message that passed the gate and lies on disk, not yet synced.
#[derive(Debug)]
pub struct Submission {
    /// The message and its permit.
    pub admitted: Admitted,
    /// Where its bytes lie.
    pub blob: Blob,
    /// Identity of the system that submitted it.
    pub submitted_by: String,
}

/// What would become of a message, whether its bytes lie on disk yet or not.
#[derive(Debug)]
pub enum Foreseen {
    /// It would be accepted.
    Accepted,
    /// Accepted before: the receipt of then.
    Repeat(Bytes),
    /// The id belongs to another header, accepted with this evidence.
    Conflict(Bytes),
    /// It would be refused.
    Refused(Refusal),
}

/// What becomes of a submission.
#[derive(Debug)]
pub enum Verdict {
    /// Accepted by this entry.
    Accepted(Entry),
    /// Accepted before: the receipt of then.
    Repeat(Bytes),
    /// The id belongs to another header: refused by this entry, which keeps both.
    Conflict(Entry),
    /// Refused.
    Refused(Refusal),
}

/// Decides a submission. `prior` are the entries at which this id, or one that the
/// message names, replaces or recalls, may have been accepted before.
#[must_use]
pub fn accept(
    state: &State,
    node: &Node,
    now: Millis,
    submission: &Submission,
    prior: &[Entry],
) -> Verdict {
    match foresee(state, node, now, &submission.admitted, prior) {
        // Whoever wrote it has slept since, longer than anybody may: it is to be sent again.
        Foreseen::Accepted if state.segments().is_removed(submission.blob.segment) => {
            let text = "the message waited too long to be decided; send it again";
            Verdict::Refused(Refusal::new(Reason::Overloaded, text).retry_after(1_000))
        }
        Foreseen::Accepted => Verdict::Accepted(accepted(state, node, now, submission, prior)),
        Foreseen::Repeat(evidence) => Verdict::Repeat(evidence),
        Foreseen::Conflict(first) => {
            Verdict::Conflict(conflict(state, node, now, submission, &first))
        }
        Foreseen::Refused(refusal) => Verdict::Refused(refusal),
    }
}

/// Says what [`accept`] would decide now. `prior` as there.
#[must_use]
pub fn foresee(
    state: &State,
    node: &Node,
    now: Millis,
    admitted: &Admitted,
    prior: &[Entry],
) -> Foreseen {
    let message = &admitted.message;
    let header = message.header();
    let earlier = accepted_before(header.origin(), &header.message_id(), prior);
    if let Some((entry, facts)) = &earlier
        && facts.header_digest == message.header_digest().0.as_slice()
    {
        // Told again, not decided anew: that needs no clock.
        return Foreseen::Repeat(entry.evidence.clone());
    }
    if state.clock_suspect() && !planted("trust-any-clock") {
        return Foreseen::Refused(clock_suspect());
    }
    if let Some(refusal) = damage::refusal(state) {
        return Foreseen::Refused(refusal);
    }
    if let Some((entry, _)) = earlier {
        return Foreseen::Conflict(entry.evidence.clone());
    }
    if state.dedupe().may_have_forgotten(&header.message_id()) {
        let text = "the id is older than those this node still knows; make a new message";
        return Foreseen::Refused(Refusal::new(Reason::TooOld, text));
    }
    if let Some(fault) = apart::mixed(message, prior) {
        return Foreseen::Refused(Faults::from(fault).into());
    }
    let is_stale = admitted.permit.registry_position() != state.registry().position();
    if is_stale && !planted("accept-stale-permit") {
        let text = "the registry changed while the message was checked; try again";
        return Foreseen::Refused(Refusal::new(Reason::RegistryChanged, text).retry_after(100));
    }
    if header.deliver_by() <= now || header.expires_at().is_some_and(|end| end <= now) {
        let text = "expires_at, deliver_by or retain_until has passed; make a new message";
        return Foreseen::Refused(Refusal::new(Reason::Expired, text));
    }
    if let Err(refusal) = lineage::check(state, header, prior) {
        return Foreseen::Refused(refusal);
    }
    if let Some(full) = quota::submission(state, node, header) {
        return Foreseen::Refused(used_up(&full));
    }
    Foreseen::Accepted
}

/// What a message is told that the gate refused, where that is not the gate's word: in
/// doubt the gate looked at the wrong time, and "expired" or "from the future" would be
/// a refusal for good.
#[must_use]
pub fn refused_in_doubt(state: &State) -> Option<Refusal> {
    state.clock_suspect().then(clock_suspect)
}

fn clock_suspect() -> Refusal {
    let text = "this node's clock is in doubt until an operator confirms it; keep the message and try again";
    Refusal::new(Reason::ClockSuspect, text).retry_after(60_000)
}

/// The receipt of an exact repeat. `prior` as for [`accept`].
#[must_use]
pub fn repeat(known: &Known, prior: &[Entry]) -> Option<Bytes> {
    let (entry, facts) = accepted_before(&known.origin, &known.id, prior)?;
    (facts.header_digest == known.header_digest.0.as_slice()).then(|| entry.evidence.clone())
}

fn accepted_before<'e>(
    origin: &Address,
    id: &MessageId,
    prior: &'e [Entry],
) -> Option<(&'e Entry, &'e pb::AcceptedFacts)> {
    let id = id.to_string();
    prior.iter().find_map(|entry| match &entry.body {
        Body::Accepted(facts)
            if facts.message_id == id
                && (facts.origin_agency == origin.as_str() || planted("dedupe-by-id-only")) =>
        {
            Some((entry, &**facts))
        }
        _ => None,
    })
}

/// The entry that keeps both headers of one id; `first` is the evidence of the first.
fn conflict(
    state: &State,
    node: &Node,
    now: Millis,
    submission: &Submission,
    first: &[u8],
) -> Entry {
    let message = &submission.admitted.message;
    let header = message.header();
    let time = entry_time(state, now);
    let mut evidence = base_evidence(state, node, time, header, message.header_digest().0);
    evidence.set_event(Event::SubmissionRejected);
    evidence.set_reason(Reason::DuplicateIdConflict);
    evidence.parent = barid_audit::evidence::digest(first);
    let mut facts = pb::RefusedFacts {
        identity: submission.submitted_by.clone(),
        origin_agency: header.origin().as_str().to_owned(),
        message_id: header.message_id().to_string(),
        header_digest: Bytes::copy_from_slice(&message.header_digest().0),
        blob_segment: submission.blob.segment,
        blob_offset: submission.blob.offset,
        blob_length: submission.blob.length,
        ..Default::default()
    };
    facts.set_reason(Reason::DuplicateIdConflict);
    let mut entry = plain(state, now, Body::SubmissionRefused(facts));
    entry.evidence = evidence.encode_to_vec().into();
    entry
}

fn used_up(full: &Full) -> Refusal {
    let text = match full {
        Full::Inbox(recipient) => format!("the inbox of {recipient} is full"),
        Full::Agency(agency) => {
            format!("{agency} has as many messages here that have not ended as it may")
        }
        Full::Peer => "the node has as many messages here that have not ended as it may".to_owned(),
        Full::Bodies => {
            let text = "messages take all the space that they may here; keep the message and try \
                        again, and tell the node's operator";
            return Refusal::new(Reason::StorageFull, text).retry_after(30_000);
        }
    };
    let text = format!("{text}; keep the message and try again");
    Refusal::new(Reason::Overloaded, text).retry_after(5_000)
}

/// Whether messages are refused now, or soon.
#[must_use]
pub fn is_pressed(state: &State, node: &Node) -> bool {
    state.clock_suspect() || state.damages().open() > 0 || quota::is_near(state, node)
}

fn accepted(
    state: &State,
    node: &Node,
    now: Millis,
    submission: &Submission,
    prior: &[Entry],
) -> Entry {
    let Submission { admitted, blob, submitted_by } = submission;
    let message = &admitted.message;
    let header = message.header();
    let time = entry_time(state, now);
    let facts = accepted_facts(message, &admitted.permit, *blob, submitted_by);
    let mut evidence = base_evidence(state, node, time, header, message.header_digest().0);
    evidence.set_event(Event::SubmissionAccepted);
    let reason = lineage::told(state, header);
    evidence.set_reason(reason);
    evidence.next_holder.clone_from(&node.identity);
    evidence.agreement.clone_from(&facts.agreement);
    let lane = lane_of(header.precedence());
    let item = |(index, recipient): (u32, &barid_message::header::Recipient)| {
        let peer = state.registry().peer_of(&recipient.address);
        let event = if peer.is_some() { Event::Queued } else { Event::Delivered };
        let facts = pb::DeliveryFacts {
            origin_agency: facts.origin_agency.clone(),
            message_id: facts.message_id.clone(),
            recipient: recipient.address.as_str().to_owned(),
            accepted_position: state.next_position(),
            delivery_index: index,
            kind: facts.kind,
            precedence: facts.precedence,
            status: facts.status,
            peer: peer.map_or_else(String::new, |peer| peer.identity.as_ref().into()),
            slot: peer.map_or(0, |peer| state.next_slot(&peer.identity, lane)),
            head_unknown: peer.is_none()
                && lineage::is_head_unknown(header, &recipient.address, prior),
            ..Default::default()
        };
        Item { event, reason, facts, evidence: Bytes::new() }
    };
    Entry {
        position: state.next_position(),
        time,
        items: (0..).zip(header.recipients()).map(item).collect(),
        body: Body::Accepted(Box::new(facts)),
        evidence: evidence.encode_to_vec().into(),
    }
}

/// What is kept of a message that was accepted or taken over.
pub(super) fn accepted_facts(
    message: &VerifiedMessage,
    permit: &Permit,
    blob: Blob,
    submitted_by: &str,
) -> pb::AcceptedFacts {
    let header = message.header();
    let agreement = AgreementRef {
        id: permit.agreement().id.clone(),
        version: permit.agreement().version,
        sha256: Bytes::copy_from_slice(&permit.agreement().sha256.0),
        clause: permit.agreement().clause.clone(),
    };
    pb::AcceptedFacts {
        origin_agency: header.origin().as_str().to_owned(),
        message_id: header.message_id().to_string(),
        header_digest: Bytes::copy_from_slice(&message.header_digest().0),
        blob_segment: blob.segment,
        blob_offset: blob.offset,
        blob_length: blob.length,
        kind: header.kind().into(),
        precedence: header.precedence().into(),
        status: header.status().into(),
        created_at_ms: header.created_at().0,
        deliver_by_ms: header.deliver_by().0,
        expires_at_ms: header.expires_at().map_or(0, |at| at.0),
        retain_until_ms: header.retain_until().map_or(0, |at| at.0),
        purposes: header.purposes().iter().map(|purpose| i32::from(*purpose)).collect(),
        agreement: Some(agreement),
        submitted_by: submitted_by.to_owned(),
        thread_id: header.thread_id().to_string(),
        r#type: match header.lineage() {
            Lineage::New => MessageType::Unspecified,
            Lineage::Update(_) => MessageType::Update,
            Lineage::Cancel(_) => MessageType::Cancel,
        }
        .into(),
        replaces: header.lineage().versions().iter().map(Version::to_proto).collect(),
    }
}

pub(super) fn base_evidence(
    state: &State,
    node: &Node,
    time: Millis,
    header: &Header,
    digest: [u8; 32],
) -> Evidence {
    Evidence {
        log_origin: state.log_origin().to_owned(),
        position: state.next_position(),
        index: 0,
        time: Some(time.to_proto()),
        issuer: node.identity.clone(),
        origin_agency: header.origin().as_str().to_owned(),
        message_id: header.message_id().to_string(),
        header_digest: Bytes::copy_from_slice(&digest),
        ..Default::default()
    }
}
