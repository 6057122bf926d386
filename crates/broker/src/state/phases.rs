//! Where open deliveries stand, and what time and consumers do to that. What is here
//! is no entry of its own, or is said by one that was folded.

use barid_journal::planted;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_message::{Precedence, Status};

use super::{Delivery, DeliveryKey, Grant, LeaseNumber, Phase, State};

impl State {
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
        let open = self.deliveries.values().map(|delivery| &*delivery.message);
        self.dedupe.forget_before(now, open);
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

    pub(super) fn leave_phase(&mut self, key: DeliveryKey) {
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
            Phase::Deferred(at) => {
                self.timers.deferrals.remove(&(*at, key));
            }
            Phase::Dead(_) | Phase::Unreadable | Phase::Queued | Phase::Passed => {}
        }
    }

    pub(super) fn enter_phase(&mut self, key: DeliveryKey) {
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
                if !planted("lease-without-end") {
                    self.timers.leases.insert((grant.expires, key));
                }
            }
            Phase::Deferred(at) => {
                self.timers.deferrals.insert((*at, key));
            }
            Phase::Queued => self.enter_slot(key),
            Phase::Dead(_) | Phase::Unreadable | Phase::Passed => {}
        }
    }
}

fn class(delivery: &Delivery) -> (Precedence, Status) {
    (delivery.message.precedence, delivery.message.status)
}
