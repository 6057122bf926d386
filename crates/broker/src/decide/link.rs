//! The sending side of a link: numbers, offers, and the peer's receipts.

use barid_audit::entry::{Body, Entry};
use barid_journal::planted;
use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::federation::v1::{Answer, CustodyStatement, Lane, RecipientAnswer, SlotAnswer};
use barid_proto::journal::v1 as pb;
use bytes::Bytes;
use prost::Message as _;

use super::hand_out::is_permitted;
use super::settle::backoff_ms;
use super::{Node, Said, about, item, plain, write_off};
use crate::caps;
use crate::state::link::{Chain, Outbound, Slot, index, lane_of};
use crate::state::{Delivery, DeliveryKey, State};

/// What a peer did that the protocol of the link forbids. The session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What.
    pub reason: Reason,
    /// In which lane.
    pub lane: Lane,
    /// At which number.
    pub number: u64,
    /// Digest of what came.
    pub found: Bytes,
    /// Digest of what was known.
    pub expected: Bytes,
    /// Signed heads: the one that came, and the one that was known.
    pub heads: Option<Box<(Bytes, Bytes)>>,
}

impl Breach {
    /// A breach without digests.
    #[must_use]
    pub fn new(reason: Reason, lane: Lane, number: u64) -> Self {
        let (found, expected) = (Bytes::new(), Bytes::new());
        Self { reason, lane, number, found, expected, heads: None }
    }

    /// A log that is not what it was: the head that came, and the one that was known.
    #[must_use]
    pub fn of_a_log(reason: Reason, found: Bytes, expected: Bytes) -> Self {
        Self { heads: Some(Box::new((found, expected))), ..Self::new(reason, Lane::Unspecified, 0) }
    }

    pub(super) fn conflict(lane: Lane, number: u64, found: &[u8], expected: &[u8]) -> Self {
        Self {
            // What the peer wrote in the place of a digest may be of any length.
            found: Bytes::copy_from_slice(found.get(..32).unwrap_or(found)),
            expected: Bytes::copy_from_slice(expected),
            ..Self::new(Reason::SlotConflict, lane, number)
        }
    }

    /// The record of it.
    #[must_use]
    pub fn entry(&self, state: &State, now: Millis, peer: &str) -> Entry {
        let (found_head, expected_head) = self.heads.as_deref().cloned().unwrap_or_default();
        let facts = pb::MisbehaviourFacts {
            peer: peer.to_owned(),
            reason: self.reason.into(),
            lane: self.lane.into(),
            number: self.number,
            found: self.found.clone(),
            expected: self.expected.clone(),
            found_head,
            expected_head,
        };
        plain(state, now, Body::PeerMisbehaved(Box::new(facts)))
    }
}

/// A deferred delivery gets a number again.
#[must_use]
pub fn requeue(state: &State, node: &Node, now: Millis, key: DeliveryKey) -> Option<Entry> {
    let delivery = state.delivery(key)?;
    let outward = delivery.outward.as_ref()?;
    let slot = state.next_slot(&outward.peer, lane_of(delivery.message.precedence));
    let said = Said::new(Body::Requeued, Event::Queued, Reason::Unspecified);
    let mut entry = about(state, node, now, key, delivery, said);
    for item in &mut entry.items {
        item.facts.slot = slot;
    }
    Some(entry)
}

/// What goes out next in a lane.
#[derive(Debug)]
pub enum Next {
    /// This number.
    Slot(u64),
    /// Fold this, then ask again: a horizon, or the end of what may not go out.
    Entry(Entry),
    /// Nothing.
    Nothing,
}

/// Finds what to offer next in a lane. What may no longer be sent ends here, since
/// behind this nobody but the peer can say what became of it (SPINE §1.6, §3.2).
#[must_use]
pub fn next(state: &State, node: &Node, now: Millis, peer: &str, lane: Lane) -> Next {
    let Some(outbound) = state.link(peer).map(|link| link.outbound(lane)) else {
        return Next::Nothing;
    };
    let number = outbound.next_offer;
    if number >= outbound.next || number >= outbound.next_unanswered + caps::LANE_WINDOW {
        return Next::Nothing;
    }
    if let Some(Slot::Transfer { accepted, deliveries, .. }) = outbound.slots.get(&number) {
        for (index, _) in deliveries {
            let key = DeliveryKey { accepted: *accepted, index: *index };
            let ended =
                state.delivery(key).and_then(|delivery| ended(state, node, now, key, delivery));
            if let Some(entry) = ended {
                return Next::Entry(entry);
            }
        }
    }
    let slot = outbound.slots.get(&number);
    let cleared = slot.and_then(|slot| write_off::clear(state, now, peer, lane, (number, slot)));
    if let Some(entry) = cleared {
        return Next::Entry(entry);
    }
    if number > outbound.horizon && !planted("send-before-horizon") {
        let facts = pb::LinkHorizonFacts {
            peer: peer.to_owned(),
            lane: lane.into(),
            horizon: number + caps::HORIZON_SLOTS - 1,
        };
        return Next::Entry(plain(state, now, Body::LinkHorizon(facts)));
    }
    Next::Slot(number)
}

fn ended(
    state: &State,
    node: &Node,
    now: Millis,
    key: DeliveryKey,
    delivery: &Delivery,
) -> Option<Entry> {
    if let Some(entry) = write_off::end(state, node, now, key) {
        return Some(entry);
    }
    let (end, event, reason) = delivery.message.end();
    let said = if end <= now && !state.clock_suspect() && now >= state.no_end_before() {
        Said::new(Body::Ended, event, reason)
    } else if !is_permitted(state, delivery) {
        Said::new(Body::Ended, Event::Refused, Reason::PermissionEnded)
    } else {
        return None;
    };
    Some(about(state, node, now, key, delivery, said))
}

/// What a receipt does.
#[derive(Debug)]
pub enum Received {
    /// Fold this.
    Entry(Box<Entry>),
    /// It says what is known already.
    Known,
    /// It says what cannot be.
    Breach(Breach),
}

/// Decides what a custody receipt means. Its signature was checked.
#[must_use]
pub fn received(
    state: &State,
    node: &Node,
    now: Millis,
    peer: &str,
    statement: &CustodyStatement,
    receipt: &Bytes,
) -> Received {
    let lane = statement.lane();
    let first = statement.answers.first().map_or(0, |answer| answer.number);
    let breach = |number| Received::Breach(Breach::new(Reason::LinkProtocol, lane, number));
    if index(lane).is_none()
        || statement.issuer != peer
        || statement.peer != node.identity
        || statement.peer_log_origin != state.log_origin()
    {
        return breach(first);
    }
    let Some(link) = state.link(peer) else {
        return breach(first);
    };
    if !link.log_origin().is_empty() && link.log_origin() != statement.log_origin {
        return Received::Breach(Breach::new(Reason::LogChanged, lane, first));
    }
    let outbound = link.outbound(lane);
    let last = statement.answers.last().map_or(0, |answer| answer.number);
    // Numbers are compared before anything is counted up from them: they may be any.
    if first == 0 || first > outbound.next_unanswered || !outbound.is_offered(last) {
        return breach(last);
    }
    let gapless = (first..).zip(&statement.answers).all(|(number, answer)| number == answer.number);
    let recipients = statement.answers.iter().map(|answer| answer.recipients.len()).sum::<usize>();
    let is_large = recipients > caps::RECEIPT_RECIPIENTS_MAX || receipt.len() > caps::RECEIPT_BYTES;
    if !gapless || is_large {
        return breach(last);
    }
    if last < outbound.next_unanswered {
        return Received::Known;
    }
    let fresh = statement.answers.iter().filter(|a| a.number >= outbound.next_unanswered);
    match settle(state, node, now, outbound, lane, fresh) {
        Err(breach) => Received::Breach(breach),
        Ok((_, chain)) if chain.0 != *statement.chain => breach(last),
        Ok((items, _)) => {
            let facts = pb::CustodyFacts {
                peer: peer.to_owned(),
                lane: lane.into(),
                first: outbound.next_unanswered,
                last,
                chain: statement.chain.clone(),
                receipt: receipt.clone(),
                log_origin: statement.log_origin.clone(),
            };
            let body = Body::CustodyReceived(Box::new(facts));
            Received::Entry(Box::new(Entry { items, ..plain(state, now, body) }))
        }
    }
}

type Settled = (Vec<barid_audit::entry::Item>, Chain);

/// What the answers do to the deliveries, and where the chain of slots then stands.
fn settle<'a>(
    state: &State,
    node: &Node,
    now: Millis,
    outbound: &Outbound,
    lane: Lane,
    answers: impl Iterator<Item = &'a SlotAnswer>,
) -> Result<Settled, Breach> {
    let mut items = Vec::new();
    let mut chain = outbound.chain;
    for answer in answers {
        let number = answer.number;
        let Some(slot) = outbound.slots.get(&number) else {
            return Err(Breach::new(Reason::LinkProtocol, lane, number));
        };
        let digest: Digest = slot.digest(lane, number);
        if digest.0 != *answer.slot_digest {
            return Err(Breach::conflict(lane, number, &answer.slot_digest, &digest.0));
        }
        chain = chain.then(&digest.0);
        let Slot::Transfer { accepted, deliveries, .. } = slot else {
            continue;
        };
        if deliveries.len() != answer.recipients.len() {
            return Err(Breach::new(Reason::LinkProtocol, lane, number));
        }
        for ((index, _), answer) in deliveries.iter().zip(&answer.recipients) {
            let key = DeliveryKey { accepted: *accepted, index: *index };
            // Where its evidence was faster, the delivery has ended already.
            let Some(delivery) = state.delivery(key) else {
                continue;
            };
            let said = said(state, node, now, delivery, answer)
                .ok_or_else(|| Breach::new(Reason::LinkProtocol, lane, number))?;
            let place = u32::try_from(items.len() + 1).unwrap_or(u32::MAX);
            items.push(item(state, node, now, place, key, delivery, said));
        }
    }
    Ok((items, chain))
}

fn said(
    state: &State,
    node: &Node,
    now: Millis,
    delivery: &Delivery,
    answer: &RecipientAnswer,
) -> Option<Said> {
    let (end, event, end_reason) = delivery.message.end();
    let is_over = end <= now && !state.clock_suspect();
    let reason = answer.reason();
    let body = Body::Requeued;
    Some(match answer.answer() {
        Answer::Unspecified => return None,
        Answer::Taken if is_over && planted("two-finals") => Said::new(body, event, end_reason),
        Answer::Taken => Said::new(body, Event::RelayAccepted, Reason::Unspecified),
        // Held here again, and past its time.
        Answer::Deferred if is_over => Said::new(body, event, end_reason),
        Answer::Refused if matches!(reason, Reason::DeliverByPassed | Reason::ExpiresAtPassed) => {
            Said::new(body, event, end_reason)
        }
        Answer::Refused => Said::new(body, Event::Refused, reason),
        Answer::Deferred => {
            // As long as the peer asks for, but ever longer: it may defer for good.
            let tries = delivery.tries.saturating_add(1);
            let delay = answer.retry_after_ms.min(caps::NACK_DELAY_MAX_MS);
            let delay = delay.max(backoff_ms(&node.policy, tries));
            let said = Said::new(body, Event::Deferred, reason);
            Said { tries, not_before: Millis(now.0 + delay), ..said }
        }
    })
}

/// The bytes of a statement, as they are signed.
#[must_use]
pub fn statement_bytes(statement: &CustodyStatement) -> Bytes {
    statement.encode_to_vec().into()
}
