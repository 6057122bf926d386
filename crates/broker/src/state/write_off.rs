//! Peers that are written off: who proposed it, who confirmed it, what still has to end.
//!
//! A write-off covers what was accepted before its confirmation and is still open then.
//! Its deliveries end one entry each, in batches, behind the confirmation: a crash in
//! between goes on where it was, since what is left follows from the entries.

use std::sync::Arc;

use barid_audit::entry::Entry;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::link::{Link, Slot};
use super::{DeliveryKey, State};

/// A proposal to write a peer off, neither confirmed nor withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Position of its entry, by which people name it.
    pub id: u64,
    /// Operator who made it, and who cannot confirm it.
    pub by: String,
    /// Why.
    pub why: String,
    /// When it was made.
    pub at: Millis,
    /// From then on it cannot be confirmed.
    pub until: Millis,
}

/// What was written off of a peer so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WrittenOff {
    /// Deliveries accepted before this position; 0 = none.
    pub before: u64,
    /// Operator who confirmed that.
    pub by: Arc<str>,
    /// Deliveries that ended so.
    pub ended: u64,
    /// Times that the peer's evidence said otherwise than a final here.
    pub contradictions: u64,
    /// When it did so last.
    pub contradicted_at: Millis,
}

impl State {
    /// The first delivery that is written off and still open.
    #[must_use]
    pub fn write_off_due(&self) -> Option<DeliveryKey> {
        self.timers.write_offs.first().copied()
    }

    /// Whether a delivery that is open is written off.
    #[must_use]
    pub fn is_written_off(&self, key: DeliveryKey) -> bool {
        self.timers.write_offs.contains(&key)
    }

    pub(super) fn write_off_proposed(&mut self, id: u64, at: Millis, facts: &pb::WriteOffFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        link.proposal = Some(Proposal {
            id,
            by: facts.actor.clone(),
            why: facts.why.clone(),
            at,
            until: Millis(facts.until_ms),
        });
    }

    pub(super) fn write_off_withdrawn(&mut self, facts: &pb::WriteOffFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        link.proposal = None;
    }

    /// Everything open towards the peer here is from before this position.
    pub(super) fn write_off_confirmed(&mut self, position: u64, facts: &pb::WriteOffFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        link.proposal = None;
        link.written_off.before = position;
        link.written_off.by = facts.actor.as_str().into();
        let covered = self.deliveries.iter().filter(|(_, delivery)| {
            delivery.outward.as_ref().is_some_and(|outward| *outward.peer == *facts.peer)
        });
        self.timers.write_offs.extend(covered.map(|(key, _)| *key));
    }

    /// A delivery is taken in: from a snapshot it may be one that is written off.
    pub(super) fn enter_write_off(&mut self, key: DeliveryKey) {
        let outward = self.deliveries.get(&key).and_then(|delivery| delivery.outward.as_ref());
        let link = outward.and_then(|outward| self.links.get(&outward.peer));
        if link.is_some_and(|link| key.accepted < link.written_off.before) {
            self.timers.write_offs.insert(key);
        }
    }

    pub(super) fn written_off(&mut self, entry: &Entry) {
        for item in &entry.items {
            let link = self.links.entry(item.facts.peer.as_str().into()).or_default();
            link.written_off.ended += 1;
        }
    }

    pub(super) fn contradicted(&mut self, at: Millis, peer: &str) {
        let link = self.links.entry(peer.into()).or_default();
        link.written_off.contradictions += 1;
        link.written_off.contradicted_at = at;
    }

    /// The peer has not taken the number: it goes out without what has ended.
    pub(super) fn slot_cleared(&mut self, facts: &pb::SlotClearedFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        let Some(slot) = link.outbound_mut(facts.lane()).slots.get_mut(&facts.number) else {
            return;
        };
        if let Slot::Transfer { header_digest, deliveries, .. } = slot {
            deliveries.retain(|(index, _)| !facts.delivery_indexes.contains(index));
            if deliveries.is_empty() {
                let header_digest = header_digest.clone();
                *slot = Slot::Void { header_digest, reason: facts.reason() };
            }
        }
    }
}

impl Link {
    /// The proposal to write the peer off; it may be too old to be confirmed.
    #[must_use]
    pub const fn proposal(&self) -> Option<&Proposal> {
        self.proposal.as_ref()
    }

    /// What was written off so far.
    #[must_use]
    pub const fn written_off(&self) -> &WrittenOff {
        &self.written_off
    }

    pub(super) fn proposal_to_snapshot(&self) -> Option<pb::SnapshotProposal> {
        self.proposal.as_ref().map(|proposal| pb::SnapshotProposal {
            position: proposal.id,
            actor: proposal.by.clone(),
            why: proposal.why.clone(),
            proposed_at_ms: proposal.at.0,
            until_ms: proposal.until.0,
        })
    }
}

impl From<pb::SnapshotProposal> for Proposal {
    fn from(kept: pb::SnapshotProposal) -> Self {
        Self {
            id: kept.position,
            by: kept.actor,
            why: kept.why,
            at: Millis(kept.proposed_at_ms),
            until: Millis(kept.until_ms),
        }
    }
}
