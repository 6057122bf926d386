//! Writing off a dead peer: two persons end what only it could have ended.
//!
//! **Invariant**: a number of a lane that may be with the peer stays what it was offered
//! as, although its deliveries have ended: the peer may have answered it, and its receipt
//! must find the same digest. It is cleared only when the peer has said that it expects
//! the number, in the session in which it goes out again ([`super::link::next`]).

use barid_audit::entry::{Body, Entry, Item};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::federation::v1::Lane;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;

use super::operator::bounded_text;
use super::take::Proven;
use super::{Node, Refusal, Said, about, plain};
use crate::caps;
use crate::state::link::{Link, Slot};
use crate::state::write_off::Proposal;
use crate::state::{DeliveryKey, State};

/// Names a proposal as people do: the peer is said too, so that a wrong number is not
/// taken for another peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProposalName {
    /// What the peer is called here; its identity, where it is not in the configuration
    /// any more.
    pub peer: String,
    /// Number of the proposal.
    pub id: u64,
}

/// Proposes to write off what is outstanding towards a peer. Ends nothing.
///
/// # Errors
/// NOT_FOUND: no such peer. WRONG_STATE: there is a proposal already.
pub fn propose(
    state: &State,
    now: Millis,
    operator: &str,
    peer: &str,
    why: String,
) -> Result<Entry, Refusal> {
    let peer = identity(state, peer)?;
    if let Some(Proposal { id, .. }) = proposal(state, peer).filter(|proposal| now < proposal.until)
    {
        let text = format!("proposal {id} to write it off waits; confirm or withdraw that one");
        return Err(Refusal::new(Reason::WrongState, text));
    }
    let facts = pb::WriteOffFacts {
        peer: peer.to_owned(),
        actor: operator.to_owned(),
        why: bounded_text(why),
        until_ms: now.0 + caps::WRITE_OFF_CONFIRM_MS,
        ..Default::default()
    };
    Ok(plain(state, now, Body::WriteOffProposed(facts)))
}

/// Confirms a proposal of another operator: all that is open towards the peer ends.
///
/// # Errors
/// NOT_FOUND: no such proposal waits. PROPOSAL_EXPIRED: it is too old.
/// SECOND_PERSON_NEEDED: it is the operator's own.
pub fn confirm(
    state: &State,
    now: Millis,
    operator: &str,
    name: &ProposalName,
) -> Result<Entry, Refusal> {
    let (peer, proposal) = named(state, name)?;
    if proposal.until <= now {
        let text = "it was proposed more than 24 hours ago; propose it again, if it still holds";
        return Err(Refusal::new(Reason::ProposalExpired, text));
    }
    if proposal.by == operator {
        let text = "you proposed it yourself; another operator has to look, and confirm it";
        return Err(Refusal::new(Reason::SecondPersonNeeded, text));
    }
    let facts = pb::WriteOffFacts {
        deliveries: outstanding(state, peer),
        ..decided(peer, operator, proposal)
    };
    Ok(plain(state, now, Body::WriteOffConfirmed(facts)))
}

/// Withdraws a proposal. Any operator may: it only leaves things as they are.
///
/// # Errors
/// NOT_FOUND: no such proposal waits.
pub fn withdraw(
    state: &State,
    now: Millis,
    operator: &str,
    name: &ProposalName,
) -> Result<Entry, Refusal> {
    let (peer, proposal) = named(state, name)?;
    Ok(plain(state, now, Body::WriteOffWithdrawn(decided(peer, operator, proposal))))
}

fn decided(peer: &str, operator: &str, proposal: &Proposal) -> pb::WriteOffFacts {
    pb::WriteOffFacts {
        peer: peer.to_owned(),
        actor: operator.to_owned(),
        proposed_position: proposal.id,
        ..Default::default()
    }
}

fn named<'a>(state: &'a State, name: &'a ProposalName) -> Result<(&'a str, &'a Proposal), Refusal> {
    let peer = identity(state, &name.peer)?;
    let proposal = proposal(state, peer).filter(|proposal| proposal.id == name.id);
    proposal.map(|proposal| (peer, proposal)).ok_or_else(|| {
        let text = "no such proposal waits for that peer; `barid peers` shows those that do";
        Refusal::new(Reason::NotFound, text)
    })
}

fn proposal<'a>(state: &'a State, peer: &str) -> Option<&'a Proposal> {
    state.link(peer).and_then(Link::proposal)
}

/// A peer by its name, or by its identity: one that was taken out of the configuration
/// has no name any more, but what was sent to it may still be open.
fn identity<'a>(state: &'a State, peer: &'a str) -> Result<&'a str, Refusal> {
    let by_name = state.registry().peers().find(|known| known.name == peer);
    by_name
        .map(|known| known.identity.as_ref())
        .or_else(|| state.link(peer).map(|_| peer))
        .ok_or_else(|| {
            let text = "there is no such peer; `barid peers` shows them";
            Refusal::new(Reason::NotFound, text)
        })
}

/// Open deliveries towards a peer.
#[must_use]
pub fn outstanding(state: &State, peer: &str) -> u64 {
    let open = state.deliveries().filter(|(_, delivery)| {
        delivery.outward.as_ref().is_some_and(|outward| *outward.peer == *peer)
    });
    open.count() as u64
}

/// Ends a delivery that is written off, wherever it stands.
#[must_use]
pub fn end(state: &State, node: &Node, now: Millis, key: DeliveryKey) -> Option<Entry> {
    let delivery = state.delivery(key).filter(|_| state.is_written_off(key))?;
    let link = state.link(&delivery.outward.as_ref()?.peer)?;
    let actor = link.written_off().by.as_ref().to_owned();
    let said = Said::new(Body::WrittenOff, Event::NonDelivered, Reason::WrittenOff);
    Some(about(state, node, now, key, delivery, Said { actor, ..said }))
}

/// Takes out of a number what has ended, before it goes out. `None` where nothing has.
#[must_use]
pub fn clear(
    state: &State,
    now: Millis,
    peer: &str,
    lane: Lane,
    (number, slot): (u64, &Slot),
) -> Option<Entry> {
    let Slot::Transfer { accepted, deliveries, .. } = slot else {
        return None;
    };
    let is_open = |index| {
        let key = DeliveryKey { accepted: *accepted, index };
        state.delivery(key).is_some()
    };
    let ended: Vec<u32> =
        deliveries.iter().map(|(index, _)| *index).filter(|index| !is_open(*index)).collect();
    if ended.is_empty() {
        return None;
    }
    let is_written_off = state.link(peer).is_some_and(|link| *accepted < link.written_off().before);
    // Else the peer has told the end of what it says it never took.
    let reason = if is_written_off { Reason::WrittenOff } else { Reason::AlreadyFinal };
    let facts = pb::SlotClearedFacts {
        peer: peer.to_owned(),
        lane: lane.into(),
        number,
        delivery_indexes: ended,
        reason: reason.into(),
    };
    Some(plain(state, now, Body::SlotCleared(facts)))
}

/// What is recorded where a peer's evidence says that a delivery reached somebody which
/// had ended here before: written off, as a rule; else the peer tells two ends, or the end
/// of what it never got. That it ended without being delivered contradicts nothing.
/// `prior` are the entries at which its message may have been accepted.
#[must_use]
pub fn contradiction(state: &State, peer: &str, proven: &Proven, prior: &[Entry]) -> Option<Item> {
    let Proven { evidence, bytes, proof } = proven;
    if !matches!(evidence.event(), Event::HandedOver | Event::Refused) {
        return None;
    }
    let accepted = prior.iter().find(|entry| match &entry.body {
        Body::Accepted(facts) => {
            facts.message_id == evidence.message_id
                && facts.origin_agency == evidence.origin_agency
                && facts.header_digest == evidence.header_digest
        }
        _ => false,
    })?;
    let item = accepted
        .items
        .iter()
        .find(|item| item.facts.recipient == evidence.recipient && item.facts.peer == peer)?;
    let key = DeliveryKey { accepted: accepted.position, index: item.facts.delivery_index };
    if state.delivery(key).is_some() {
        return None;
    }
    let facts = pb::DeliveryFacts {
        accepted_position: accepted.position,
        slot: 0,
        proof: proof.clone(),
        ..item.facts.clone()
    };
    Some(Item {
        event: Event::Contradiction,
        reason: evidence.reason(),
        facts,
        evidence: Bytes::clone(bytes),
    })
}
