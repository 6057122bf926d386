//! Folding: what each entry does to the state, decided long before.

use std::sync::Arc;

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_message::address::{Address, AddressError};
use barid_message::id::{MessageId, MessageIdError};
use barid_message::time::Millis;
use barid_message::{Precedence, Reason, Status};
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;

use super::{Delivery, DeliveryKey, Grant, LeaseNumber, Message, Phase, State};
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
                let registry = Registry::new(facts.clone(), entry.position)
                    .map_err(|error| FoldError::Registry(entry.position, error))?;
                self.registry = Arc::new(registry);
            }
            Body::Accepted(facts) => self.accepted(entry, facts)?,
            Body::SubmissionRefused(_) => self.totals.refused += 1,
            Body::RefusalsCounted(facts) => self.totals.refused += facts.count,
            Body::Clock(facts) => {
                self.clock_suspect = facts.suspect;
                if !facts.suspect {
                    self.advance_retries(entry.time.0.saturating_sub(facts.wall_clock_ms));
                }
            }
            Body::HandedOver
            | Body::Returned
            | Body::DeadLettered
            | Body::Ended
            | Body::Overdue
            | Body::Retried => {
                for item in &entry.items {
                    self.item(entry, item)?;
                }
            }
            Body::ReadOpened(_) | Body::ReadClosed(_) | Body::Stopped => {}
        }
        self.next_position += 1;
        self.last_time = entry.time;
        Ok(())
    }

    fn restarted(&mut self, facts: &pb::RestartedFacts, time: Millis) {
        self.start_no = facts.start_no;
        self.log_origin.clone_from(&facts.log_origin);
        self.dedupe.forget_before(time);
        let leased: Vec<_> = self.timers.leases.iter().map(|(_, key)| *key).collect();
        for key in leased {
            self.set_phase(key, Phase::Ready);
        }
        for delivery in self.deliveries.values_mut() {
            // Grants are not journaled: any of them may have been handed out.
            delivery.redelivered = true;
            delivery.granted = None;
        }
    }

    fn accepted(&mut self, entry: &Entry, facts: &pb::AcceptedFacts) -> Result<(), FoldError> {
        let address = |text: &str| {
            Address::parse(text).map_err(|error| FoldError::Address(entry.position, error))
        };
        let message = Arc::new(Message {
            position: entry.position,
            accepted_at: entry.time,
            origin: address(&facts.origin_agency)?,
            id: MessageId::parse(&facts.message_id)
                .map_err(|error| FoldError::Id(entry.position, error))?,
            facts: detached(facts),
            evidence: Bytes::copy_from_slice(&entry.evidence),
        });
        self.dedupe.insert(&message.origin, &message.id, entry.position);
        self.totals.accepted += 1;
        for (index, item) in (0..).zip(&entry.items) {
            self.totals.deliveries += 1;
            let key = DeliveryKey { accepted: entry.position, index };
            let delivery = Delivery {
                message: Arc::clone(&message),
                recipient: address(&item.facts.recipient)?,
                tries: 0,
                phase: Phase::Ready,
                last_reason: Reason::Unspecified,
                overdue: false,
                redelivered: false,
                granted: None,
                event: item.event,
            };
            self.open(key, delivery);
        }
        Ok(())
    }

    /// Takes a delivery in.
    pub(super) fn open(&mut self, key: DeliveryKey, delivery: Delivery) {
        self.inboxes.entry(delivery.recipient.clone()).or_default().add();
        self.deliveries.insert(key, delivery);
        self.enter_phase(key);
    }

    fn item(&mut self, entry: &Entry, item: &Item) -> Result<(), FoldError> {
        let facts = &item.facts;
        let key = DeliveryKey { accepted: facts.accepted_position, index: facts.delivery_index };
        if !self.deliveries.contains_key(&key) {
            return Err(FoldError::NoDelivery(entry.position));
        }
        if is_final(item.event) {
            self.close(key, item.event);
            return Ok(());
        }
        let phase = match item.event {
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
        let (end, ..) = delivery.message.end();
        self.timers.deadlines.remove(&(end, key));
        self.timers.deadlines.remove(&(Millis(end.0 + caps::OVERDUE_AFTER_MS), key));
        self.timers.deadlines.remove(&(self.no_end_before, key));
        if let Some(inbox) = self.inboxes.get_mut(&delivery.recipient) {
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

    /// Hands a delivery out. Not an entry: after a start every open delivery counts
    /// as possibly handed out (SPINE §3.4).
    pub fn grant(&mut self, key: DeliveryKey, grant: Grant, number: LeaseNumber) {
        self.set_phase(key, Phase::Leased(grant));
        if let Some(delivery) = self.deliveries.get_mut(&key) {
            delivery.granted = Some(number);
        }
    }

    /// Gives a lease more time.
    pub fn renew(&mut self, key: DeliveryKey, until: Millis) {
        let Some(Delivery { phase: Phase::Leased(grant), .. }) = self.deliveries.get(&key) else {
            return;
        };
        let renewed = Grant { expires: until, ..grant.clone() };
        self.set_phase(key, Phase::Leased(renewed));
    }

    /// Deliveries whose time for the next try has come are ready again.
    pub fn wake(&mut self, now: Millis) -> Vec<Address> {
        let mut woken = Vec::new();
        while let Some((at, key)) = self.timers.retries.first().copied()
            && at <= now
        {
            self.set_phase(key, Phase::Ready);
            woken.extend(self.deliveries.get(&key).map(|delivery| delivery.recipient.clone()));
        }
        woken
    }

    /// The first delivery whose lease has run out.
    #[must_use]
    pub fn lease_due(&self, now: Millis) -> Option<DeliveryKey> {
        self.timers.leases.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }

    /// Takes back what a stream holds, which is no failed try; gives the inboxes
    /// that have something ready now. Not an entry, as the hand-out was none.
    pub fn release(&mut self, stream: u64, consumer: &str) -> Vec<Address> {
        let mut released = Vec::new();
        for key in self.held_by(stream, consumer) {
            self.set_phase(key, Phase::Ready);
            if let Some(delivery) = self.deliveries.get_mut(&key) {
                delivery.redelivered = true;
                released.push(delivery.recipient.clone());
            }
        }
        released
    }

    fn held_by(&self, stream: u64, consumer: &str) -> Vec<DeliveryKey> {
        let is_held = |key: &DeliveryKey| {
            matches!(self.deliveries.get(key), Some(Delivery { phase: Phase::Leased(grant), .. })
                if grant.stream == stream && *grant.consumer == *consumer)
        };
        self.timers.leases.iter().map(|(_, key)| *key).filter(is_held).collect()
    }

    /// The first delivery whose deadline has to be looked at. Nothing while the
    /// clock is in doubt.
    #[must_use]
    pub fn deadline_due(&self, now: Millis) -> Option<(Millis, DeliveryKey)> {
        self.timers.deadlines.first().copied().filter(|(at, _)| !self.clock_suspect && *at <= now)
    }

    /// Looks at a deadline again later, or never.
    pub fn put_off(&mut self, due: (Millis, DeliveryKey), until: Option<Millis>) {
        self.timers.deadlines.remove(&due);
        self.timers.deadlines.extend(until.map(|at| (at, due.1)));
    }

    /// When the next timer falls due.
    #[must_use]
    pub fn next_timer(&self) -> Option<Millis> {
        self.timers.next(!self.clock_suspect)
    }

    /// Forgets ids too old to be accepted again. Not an entry: the gate refuses them
    /// by their age.
    pub fn forget_before(&self, now: Millis) {
        self.dedupe.forget_before(now);
    }

    /// Nothing ends by itself before `until`. Not an entry: it only delays.
    pub fn hold_ends(&mut self, until: Millis) {
        self.no_end_before = until;
    }

    pub(super) fn set_phase(&mut self, key: DeliveryKey, phase: Phase) {
        self.leave_phase(key);
        if let Some(delivery) = self.deliveries.get_mut(&key) {
            delivery.phase = phase;
        }
        self.enter_phase(key);
    }

    fn leave_phase(&mut self, key: DeliveryKey) {
        let Some(delivery) = self.deliveries.get(&key) else {
            return;
        };
        match &delivery.phase {
            Phase::Ready => {
                if let Some(inbox) = self.inboxes.get_mut(&delivery.recipient) {
                    inbox.unready(class(delivery), key);
                }
            }
            Phase::Delayed(at) => {
                self.timers.retries.remove(&(*at, key));
            }
            Phase::Leased(grant) => {
                self.timers.leases.remove(&(grant.expires, key));
            }
            Phase::Dead(_) | Phase::Unreadable => {}
        }
    }

    fn enter_phase(&mut self, key: DeliveryKey) {
        let Some(delivery) = self.deliveries.get(&key) else {
            return;
        };
        if !matches!(delivery.phase, Phase::Leased(_)) {
            // While a lease ran, its deadline may have been looked at for the last time.
            let (end, ..) = delivery.message.end();
            self.timers.deadlines.insert((end, key));
        }
        match &delivery.phase {
            Phase::Ready => {
                if let Some(inbox) = self.inboxes.get_mut(&delivery.recipient) {
                    inbox.make_ready(class(delivery), key);
                }
            }
            Phase::Delayed(at) => {
                self.timers.retries.insert((*at, key));
            }
            Phase::Leased(grant) => {
                self.timers.leases.insert((grant.expires, key));
            }
            Phase::Dead(_) | Phase::Unreadable => {}
        }
    }
}

/// Facts with bytes of their own: those of an entry that was read back are slices of up
/// to 1 MiB of journal, which they would hold in memory as long as they are held.
fn detached(facts: &pb::AcceptedFacts) -> pb::AcceptedFacts {
    let mut own = facts.clone();
    own.header_digest = Bytes::copy_from_slice(&facts.header_digest);
    if let Some(agreement) = &mut own.agreement {
        agreement.sha256 = Bytes::copy_from_slice(&agreement.sha256);
    }
    own
}

fn class(delivery: &Delivery) -> (Precedence, Status) {
    (delivery.message.precedence(), delivery.message.status())
}
