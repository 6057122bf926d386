//! Folding: what each entry does to the state, decided long before.

use std::sync::Arc;

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_journal::planted;
use barid_message::Reason;
use barid_message::address::{Address, AddressError};
use barid_message::id::MessageIdError;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;

use super::message::{Acceptance, FactsError};
use super::{Delivery, DeliveryKey, Message, Origin, Outward, Phase, State};
use crate::caps;
use crate::registry::{Registry, RegistryError};

/// Why an entry cannot be folded: a newer program wrote it, or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// It is not the next one.
    #[error("entry {found} stands where entry {expected} belongs")]
    Position {
        /// The position that was due.
        expected: u64,
        /// The position found.
        found: u64,
    },
    /// An address in it.
    #[error("entry {0} holds a malformed address")]
    Address(u64, #[source] AddressError),
    /// A message id in it.
    #[error("entry {0} holds a malformed message id")]
    Id(u64, #[source] MessageIdError),
    /// The registry in it.
    #[error("entry {0} holds a registry that cannot be used")]
    Registry(u64, #[source] RegistryError),
    /// It is about a delivery that is not open.
    #[error("entry {0} is about a delivery that is not open")]
    NoDelivery(u64),
    /// It lacks facts.
    #[error("entry {0} lacks facts of its kind")]
    Facts(u64),
}

impl State {
    /// Folds the next entry.
    ///
    /// # Errors
    /// [`FoldError`], with the state unchanged but for what the entry's earlier
    /// items did; the caller gives up on the whole state.
    pub fn fold(&mut self, entry: &Entry) -> Result<(), FoldError> {
        if entry.position != self.next_position {
            return Err(FoldError::Position {
                expected: self.next_position,
                found: entry.position,
            });
        }
        match &entry.body {
            Body::Restarted(facts) => self.restarted(facts, entry.time),
            Body::RegistryChanged(facts) => {
                self.registry_is(entry, Registry::new(facts.clone(), entry.position))?;
            }
            Body::PeerRenewed(facts) => {
                let peer = facts.peer.clone().ok_or(FoldError::Facts(entry.position))?;
                self.registry_is(entry, self.registry.renewed(peer, entry.position))?;
            }
            Body::Accepted(facts) => self.accepted(entry, facts, None)?,
            Body::SubmissionRefused(facts) => {
                self.totals.refused += 1;
                self.segments.refused(facts, entry.time);
            }
            Body::RefusalsCounted(facts) => self.totals.refused += facts.count,
            Body::Clock(facts) => self.clock_is(entry, facts),
            Body::HandedOver
            | Body::Returned
            | Body::DeadLettered
            | Body::Ended
            | Body::Overdue
            | Body::Retried
            | Body::Requeued => self.items(entry)?,
            Body::LinkHorizon(facts) => self.horizon_raised(facts),
            Body::Taken(facts) => self.taken(entry, facts)?,
            Body::SlotAnswered(slot) => self.slot_answered(slot),
            Body::EvidenceTaken(slot) => {
                self.items(entry)?;
                self.slot_answered(slot);
            }
            Body::CustodyReceived(facts) => {
                self.items(entry)?;
                self.custody_received(facts);
            }
            Body::WriteOffProposed(facts) => {
                self.write_off_proposed(entry.position, entry.time, facts);
            }
            Body::WriteOffWithdrawn(facts) => self.write_off_withdrawn(facts),
            Body::WriteOffConfirmed(facts) => self.write_off_confirmed(entry.position, facts),
            Body::WrittenOff => {
                self.items(entry)?;
                self.written_off(entry);
            }
            Body::SlotCleared(facts) => self.slot_cleared(facts),
            Body::Damage(facts) => self.damaged(facts),
            Body::BodiesRemoved(facts) => self.segments.unlinked(facts),
            // Its delivery has ended: the item says so to people, and changes nothing.
            Body::Contradicted(slot) => {
                self.contradicted(entry.time, &slot.peer);
                self.slot_answered(slot);
            }
            Body::PeerMisbehaved(facts) => self.misbehaved(entry.time, facts),
            Body::ReadOpened(_) | Body::ReadClosed(_) | Body::Stopped => {}
        }
        self.next_position += 1;
        self.last_time = entry.time;
        Ok(())
    }

    fn clock_is(&mut self, entry: &Entry, facts: &pb::ClockFacts) {
        self.clock_suspect = facts.suspect;
        if !facts.suspect {
            self.advance_retries(entry.time.0.saturating_sub(facts.wall_clock_ms));
        }
    }

    fn taken(&mut self, entry: &Entry, facts: &pb::TakenFacts) -> Result<(), FoldError> {
        let (Some(message), Some(slot)) = (&facts.message, &facts.slot) else {
            return Err(FoldError::Facts(entry.position));
        };
        let peer = slot.peer.as_str().into();
        let from = Origin { peer, acceptance: facts.acceptance.clone() };
        self.accepted(entry, message, Some(from))?;
        self.slot_answered(slot);
        Ok(())
    }

    fn registry_is(
        &mut self,
        entry: &Entry,
        registry: Result<Registry, RegistryError>,
    ) -> Result<(), FoldError> {
        let registry = registry.map_err(|error| FoldError::Registry(entry.position, error))?;
        self.registry = Arc::new(registry);
        Ok(())
    }

    fn restarted(&mut self, facts: &pb::RestartedFacts, time: Millis) {
        self.start_no = facts.start_no;
        self.log_origin.clone_from(&facts.log_origin);
        self.forget_before(time);
        self.count_as_offered();
        let leased: Vec<_> = self.timers.leases.iter().map(|(_, key)| *key).collect();
        for key in leased {
            self.set_phase(key, Phase::Ready);
        }
        for delivery in self.deliveries.values_mut() {
            // Grants are not journaled: any of them may have been handed out.
            delivery.redelivered = !planted("forget-hand-outs");
            delivery.granted = None;
        }
    }

    fn accepted(
        &mut self,
        entry: &Entry,
        facts: &pb::AcceptedFacts,
        from: Option<Origin>,
    ) -> Result<(), FoldError> {
        let position = entry.position;
        let (time, evidence) = (entry.time, entry.evidence.clone());
        let acceptance = Acceptance { position, time, evidence, from };
        let message = Message::new(facts, acceptance, &mut self.agreements);
        let message = Arc::new(message.map_err(|error| match error {
            FactsError::Address(error) => FoldError::Address(position, error),
            FactsError::Id(error) => FoldError::Id(position, error),
            FactsError::Digest => FoldError::Facts(position),
        })?);
        self.dedupe.insert(&message.origin, &message.id, entry.position);
        self.totals.accepted += 1;
        self.segments.accepted(facts);
        self.replaced((position, time), facts).ok_or(FoldError::Facts(position))?;
        for item in &entry.items {
            self.totals.deliveries += 1;
            let facts = &item.facts;
            let key = DeliveryKey { accepted: entry.position, index: facts.delivery_index };
            let outward = (!facts.peer.is_empty())
                .then(|| Outward { peer: facts.peer.as_str().into(), slot: facts.slot });
            let delivery = Delivery {
                message: Arc::clone(&message),
                recipient: Address::parse(&item.facts.recipient)
                    .map_err(|error| FoldError::Address(position, error))?,
                phase: if outward.is_some() { Phase::Queued } else { Phase::Ready },
                outward,
                tries: 0,
                last_reason: Reason::Unspecified,
                overdue: false,
                redelivered: false,
                head_unknown: facts.head_unknown,
                granted: None,
                event: item.event,
            };
            self.open(key, delivery);
        }
        Ok(())
    }

    /// Takes a delivery in.
    pub(super) fn open(&mut self, key: DeliveryKey, delivery: Delivery) {
        if delivery.outward.is_none() {
            self.inboxes.entry(delivery.recipient.clone()).or_default().add();
        }
        if !self.is_open(key.accepted) {
            self.holders.add(&delivery.message);
        }
        self.segments.opened(delivery.message.blob.segment);
        self.deliveries.insert(key, delivery);
        self.enter_phase(key);
        self.enter_write_off(key);
    }

    fn items(&mut self, entry: &Entry) -> Result<(), FoldError> {
        entry.items.iter().try_for_each(|item| self.item(entry, item))
    }

    fn item(&mut self, entry: &Entry, item: &Item) -> Result<(), FoldError> {
        let facts = &item.facts;
        let key = DeliveryKey { accepted: facts.accepted_position, index: facts.delivery_index };
        let Some(delivery) = self.deliveries.get(&key) else {
            return Err(FoldError::NoDelivery(entry.position));
        };
        if facts.evidence_slot != 0 {
            let peer = delivery.message.from.as_ref().map(|from| Arc::clone(&from.peer));
            self.evidence_queued(peer, entry.position, item);
        }
        if is_final(item.event) {
            let is_with_peer = matches!(
                entry.body,
                Body::EvidenceTaken(_) | Body::CustodyReceived(_) | Body::WrittenOff
            );
            if !is_with_peer {
                // Decided here, so the peer does not have it: its number is void, or
                // goes on without it.
                self.leave_slot(key, item.reason);
            }
            self.close(key, item.event);
            return Ok(());
        }
        let phase = match item.event {
            // A peer's word about what it has: nobody here may try it again or end it.
            _ if matches!(entry.body, Body::EvidenceTaken(_)) => None,
            Event::RelayAccepted => Some(Phase::Passed),
            Event::Deferred => {
                if let Some(outward) =
                    self.deliveries.get_mut(&key).and_then(|delivery| delivery.outward.as_mut())
                {
                    outward.slot = 0;
                }
                Some(Phase::Deferred(Millis(facts.not_before_ms)))
            }
            Event::Queued => {
                if let Some(outward) =
                    self.deliveries.get_mut(&key).and_then(|delivery| delivery.outward.as_mut())
                {
                    outward.slot = facts.slot;
                }
                Some(Phase::Queued)
            }
            Event::Returned => Some(Phase::Delayed(Millis(facts.not_before_ms))),
            Event::DeadLettered => Some(Phase::Dead(entry.time)),
            Event::Retried => Some(Phase::Ready),
            _ => None,
        };
        if let Some(phase) = phase {
            self.set_phase(key, phase);
        }
        if let Some(delivery) = self.deliveries.get_mut(&key) {
            delivery.event = item.event;
            match item.event {
                Event::Overdue => delivery.overdue = true,
                Event::Retried => delivery.tries = 0,
                Event::RelayAccepted | Event::Queued => {}
                _ => {
                    delivery.tries = facts.tries;
                    delivery.last_reason = item.reason;
                    delivery.redelivered = true;
                }
            }
        }
        Ok(())
    }

    fn close(&mut self, key: DeliveryKey, event: Event) {
        self.leave_phase(key);
        let Some(delivery) = self.deliveries.remove(&key) else {
            return;
        };
        if !self.is_open(key.accepted) {
            self.holders.remove(&delivery.message);
        }
        self.segments.closed(delivery.message.blob.segment);
        let (end, ..) = delivery.message.end();
        self.timers.deadlines.remove(&(end, key));
        self.timers.deadlines.remove(&(Millis(end.0 + caps::OVERDUE_AFTER_MS), key));
        self.timers.deadlines.remove(&(self.no_end_before, key));
        self.timers.write_offs.remove(&key);
        if delivery.outward.is_none()
            && let Some(inbox) = self.inboxes.get_mut(&delivery.recipient)
        {
            inbox.remove();
        }
        let totals = &mut self.totals;
        *match event {
            Event::HandedOver => &mut totals.handed_over,
            Event::Refused => &mut totals.refused_deliveries,
            Event::Expired => &mut totals.expired,
            _ => &mut totals.non_delivered,
        } += 1;
    }
}
