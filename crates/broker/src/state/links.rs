//! What entries and sessions do to the links.

use std::sync::Arc;

use barid_audit::entry::Item;
use barid_audit::evidence;
use barid_journal::planted;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::federation::v1::Lane;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;

use super::link::{Answered, Chain, Inbound, LANES, Link, Slot, lane_of};
use super::write_off::WrittenOff;
use super::{Delivery, DeliveryKey, Phase, State};
use crate::caps;

impl State {
    /// The link with a peer; one that nothing was said on yet is empty.
    #[must_use]
    pub fn link(&self, peer: &str) -> Option<&Link> {
        self.links.get(peer)
    }

    /// All links that were ever used, by peer.
    pub fn links(&self) -> impl Iterator<Item = (&Arc<str>, &Link)> {
        self.links.iter()
    }

    /// The next number of a lane towards a peer.
    #[must_use]
    pub fn next_slot(&self, peer: &str, lane: Lane) -> u64 {
        self.links.get(peer).map_or(1, |link| link.outbound(lane).next)
    }

    /// Whether the peer may have this delivery, although it has given no receipt.
    #[must_use]
    pub fn is_offered(&self, delivery: &Delivery) -> bool {
        delivery.phase == Phase::Queued
            && delivery.outward.as_ref().is_some_and(|outward| {
                let lane = lane_of(delivery.message.precedence);
                let link = self.links.get(&outward.peer);
                link.is_some_and(|link| link.outbound(lane).is_offered(outward.slot))
            })
    }

    /// The open delivery of a message to a recipient.
    #[must_use]
    pub fn find(
        &self,
        origin: &Address,
        id: &MessageId,
        recipient: &Address,
    ) -> Option<(DeliveryKey, &Delivery)> {
        self.dedupe.positions(origin, id).into_iter().find_map(|accepted| {
            let first = DeliveryKey { accepted, index: 0 };
            let last = DeliveryKey { accepted, index: u32::MAX };
            self.deliveries.range(first..=last).map(|(key, delivery)| (*key, delivery)).find(
                |(_, delivery)| {
                    delivery.recipient == *recipient
                        && delivery.message.id == *id
                        && delivery.message.origin == *origin
                },
            )
        })
    }

    /// The first deferred delivery whose time has come.
    #[must_use]
    pub fn deferral_due(&self, now: Millis) -> Option<DeliveryKey> {
        self.timers.deferrals.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }

    /// A new session of a peer begins: commands of older ones are refused from here
    /// on. Gives its number. Not an entry.
    pub fn fence(&mut self, peer: &str) -> u64 {
        let link = self.links.entry(peer.into()).or_default();
        link.session += 1;
        link.session
    }

    /// The peer has said where it stands: what it has not got is held here again.
    /// `expected` is the next number that it expects, by lane. Not an entry.
    pub fn begin_session(&mut self, peer: &str, expected: [u64; 5], unanswered: [u64; 5]) {
        let link = self.links.entry(peer.into()).or_default();
        let mut held = Vec::new();
        for ((outbound, inbound), (expected, unanswered)) in link
            .outbound
            .iter_mut()
            .zip(&mut link.inbound)
            .zip(expected.into_iter().zip(unanswered))
        {
            outbound.next_offer = expected.max(outbound.next_unanswered);
            if planted("resume-one-too-far") && outbound.next_offer < outbound.next {
                outbound.next_offer += 1;
            }
            inbound.answers = inbound.answers.split_off(&unanswered);
            held.extend(outbound.slots.range(outbound.next_offer..).filter_map(|(_, slot)| {
                match slot {
                    Slot::Transfer { accepted, deliveries, .. } => {
                        Some((*accepted, deliveries.clone()))
                    }
                    Slot::Void { .. } | Slot::Evidence { .. } => None,
                }
            }));
        }
        // In doubt no more: their deadlines count again.
        for (accepted, deliveries) in held {
            for (index, _) in deliveries {
                let key = DeliveryKey { accepted, index };
                if let Some(delivery) = self.deliveries.get(&key) {
                    let (end, ..) = delivery.message.end();
                    self.timers.deadlines.insert((end, key));
                }
            }
        }
    }

    /// The next number of a lane goes out.
    pub fn offered(&mut self, peer: &str, lane: Lane) {
        if let Some(link) = self.links.get_mut(peer) {
            link.outbound_mut(lane).next_offer += 1;
        }
    }

    pub(super) fn horizon_raised(&mut self, facts: &pb::LinkHorizonFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        link.outbound_mut(facts.lane()).horizon = facts.horizon;
    }

    pub(super) fn slot_answered(&mut self, slot: &pb::InboundSlot) {
        let link = self.links.entry(slot.peer.as_str().into()).or_default();
        link.log_origin.clone_from(&slot.log_origin);
        let Some(answer) = &slot.answer else {
            return;
        };
        let inbound = link.inbound_mut(slot.lane());
        inbound.next_expected = answer.number + 1;
        inbound.chain = inbound.chain.then(&answer.slot_digest);
        let answered = Answered { answer: answer.clone(), chain: inbound.chain };
        inbound.answers.insert(answer.number, answered);
        // The peer leaves no more than a window unanswered: what lies further back has
        // reached it.
        let oldest = answer.number.saturating_sub(caps::LANE_WINDOW);
        if inbound.answers.first_key_value().is_some_and(|(number, _)| *number < oldest) {
            inbound.answers = inbound.answers.split_off(&oldest);
        }
    }

    pub(super) fn custody_received(&mut self, facts: &pb::CustodyFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        link.log_origin.clone_from(&facts.log_origin);
        let outbound = link.outbound_mut(facts.lane());
        outbound.next_unanswered = facts.last + 1;
        outbound.next_offer = outbound.next_offer.max(outbound.next_unanswered);
        outbound.slots = outbound.slots.split_off(&outbound.next_unanswered);
        outbound.chain = Chain::from_slice(&facts.chain);
    }

    pub(super) fn evidence_queued(&mut self, peer: Option<Arc<str>>, position: u64, item: &Item) {
        let Some(peer) = peer else {
            return;
        };
        let outbound = self.links.entry(peer).or_default().outbound_mut(Lane::Evidence);
        let number = item.facts.evidence_slot;
        outbound.next = number + 1;
        let slot = Slot::Evidence { position, index: 1, digest: evidence::digest(&item.evidence) };
        outbound.slots.insert(number, slot);
    }

    /// A delivery takes its place in the slot whose number it has.
    pub(super) fn enter_slot(&mut self, key: DeliveryKey) {
        let Some(delivery) = self.deliveries.get(&key) else {
            return;
        };
        let Some(outward) = &delivery.outward else {
            return;
        };
        let lane = lane_of(delivery.message.precedence);
        let link = self.links.entry(Arc::clone(&outward.peer)).or_default();
        let outbound = link.outbound_mut(lane);
        outbound.next = outbound.next.max(outward.slot + 1);
        let place = (key.index, delivery.recipient.clone());
        let empty = || Slot::Transfer {
            accepted: key.accepted,
            header_digest: delivery.message.header_digest.to_bytes(),
            deliveries: Vec::new(),
        };
        let slot = outbound.slots.entry(outward.slot).or_insert_with(empty);
        if let Slot::Transfer { deliveries, .. } = slot
            && !deliveries.contains(&place)
        {
            deliveries.push(place);
        }
    }

    /// A delivery that ended before it was sent leaves its slot; the last one leaves a
    /// void.
    pub(super) fn leave_slot(&mut self, key: DeliveryKey, reason: Reason) {
        let Some(delivery) = self.deliveries.get(&key) else {
            return;
        };
        let Some(outward) = delivery.outward.as_ref().filter(|_| delivery.phase == Phase::Queued)
        else {
            return;
        };
        let lane = lane_of(delivery.message.precedence);
        let header_digest = delivery.message.header_digest.to_bytes();
        let Some(link) = self.links.get_mut(&outward.peer) else {
            return;
        };
        let Some(slot) = link.outbound_mut(lane).slots.get_mut(&outward.slot) else {
            return;
        };
        if let Slot::Transfer { deliveries, .. } = slot {
            deliveries.retain(|(index, _)| *index != key.index);
            if deliveries.is_empty() {
                *slot = Slot::Void { header_digest, reason };
            }
        }
    }

    /// Links as a snapshot keeps them.
    pub(super) fn links_to_snapshot(&self) -> Vec<pb::SnapshotLink> {
        let links = self.links.iter().map(|(peer, link)| pb::SnapshotLink {
            peer: peer.as_ref().to_owned(),
            log_origin: link.log_origin.clone(),
            lanes: LANES.iter().map(|lane| lane_to_snapshot(link, *lane)).collect(),
            proposal: link.proposal_to_snapshot(),
            written_off_before: link.written_off.before,
            written_off_by: link.written_off.by.as_ref().to_owned(),
            written_off: link.written_off.ended,
            contradictions: link.written_off.contradictions,
            contradicted_at_ms: link.written_off.contradicted_at.0,
            misbehaviour: link.misbehaviour_to_snapshot(),
        });
        links.collect()
    }

    /// Links from a snapshot.
    pub(super) fn restore_links(&mut self, links: Vec<pb::SnapshotLink>) -> Option<()> {
        for kept in links {
            if kept.lanes.len() != LANES.len() {
                return None;
            }
            let mut link = Link {
                log_origin: kept.log_origin,
                proposal: kept.proposal.map(Into::into),
                written_off: WrittenOff {
                    before: kept.written_off_before,
                    by: kept.written_off_by.into(),
                    ended: kept.written_off,
                    contradictions: kept.contradictions,
                    contradicted_at: Millis(kept.contradicted_at_ms),
                },
                misbehaviour: kept.misbehaviour.map(Into::into),
                ..Link::default()
            };
            for (lane, kept) in LANES.iter().zip(kept.lanes) {
                restore_lane(&mut link, *lane, kept)?;
            }
            self.links.insert(kept.peer.into(), link);
        }
        Some(())
    }

    /// After a start everything up to the horizon may be with the peer.
    pub(super) fn count_as_offered(&mut self) {
        for link in self.links.values_mut() {
            for outbound in &mut link.outbound {
                if planted("reuse-lane-number") && outbound.next > outbound.next_unanswered {
                    outbound.next -= 1;
                }
                outbound.next_offer = (outbound.horizon + 1).max(outbound.next_unanswered);
            }
        }
    }
}

fn lane_to_snapshot(link: &Link, lane: Lane) -> pb::SnapshotLane {
    let (outbound, inbound) = (link.outbound(lane), link.inbound(lane));
    pb::SnapshotLane {
        next: outbound.next,
        next_unanswered: outbound.next_unanswered,
        horizon: outbound.horizon,
        chain: Bytes::copy_from_slice(&outbound.chain.0),
        slots: outbound.slots.iter().map(|(number, slot)| kept(*number, slot)).collect(),
        next_expected: inbound.next_expected,
        answered_chain: Bytes::copy_from_slice(&inbound.chain.0),
        answers: inbound.answers.values().map(|answered| answered.answer.clone()).collect(),
        chains: inbound
            .answers
            .values()
            .map(|answered| Bytes::copy_from_slice(&answered.chain.0))
            .collect(),
    }
}

fn kept(number: u64, slot: &Slot) -> pb::SnapshotSlot {
    match slot {
        Slot::Transfer { accepted, header_digest, deliveries } => pb::SnapshotSlot {
            number,
            digest: header_digest.clone(),
            position: *accepted,
            places: deliveries
                .iter()
                .map(|(index, recipient)| pb::SnapshotPlace {
                    delivery_index: *index,
                    recipient: recipient.as_str().to_owned(),
                })
                .collect(),
            ..Default::default()
        },
        Slot::Void { header_digest, reason } => pb::SnapshotSlot {
            number,
            digest: header_digest.clone(),
            reason: (*reason).into(),
            ..Default::default()
        },
        Slot::Evidence { position, index, digest } => pb::SnapshotSlot {
            number,
            digest: digest.clone(),
            position: *position,
            index: *index,
            ..Default::default()
        },
    }
}

fn restored(slot: pb::SnapshotSlot) -> Option<Slot> {
    let reason = slot.reason();
    let place = |place: pb::SnapshotPlace| {
        Some((place.delivery_index, Address::parse(&place.recipient).ok()?))
    };
    Some(match (slot.index, slot.places.is_empty()) {
        (0, true) => Slot::Void { header_digest: slot.digest, reason },
        (0, false) => Slot::Transfer {
            accepted: slot.position,
            header_digest: slot.digest,
            deliveries: slot.places.into_iter().map(place).collect::<Option<_>>()?,
        },
        (index, _) => Slot::Evidence { position: slot.position, index, digest: slot.digest },
    })
}

fn restore_lane(link: &mut Link, lane: Lane, kept: pb::SnapshotLane) -> Option<()> {
    let outbound = link.outbound_mut(lane);
    outbound.next = kept.next;
    outbound.next_unanswered = kept.next_unanswered;
    outbound.horizon = kept.horizon;
    outbound.next_offer = (kept.horizon + 1).max(kept.next_unanswered);
    outbound.chain = Chain::from_slice(&kept.chain);
    for slot in kept.slots {
        outbound.slots.insert(slot.number, restored(slot)?);
    }
    let answered = kept.answers.into_iter().zip(&kept.chains).map(|(answer, chain)| {
        (answer.number, Answered { answer, chain: Chain::from_slice(chain) })
    });
    *link.inbound_mut(lane) = Inbound {
        next_expected: kept.next_expected,
        chain: Chain::from_slice(&kept.answered_chain),
        answers: answered.collect(),
    };
    Some(())
}
