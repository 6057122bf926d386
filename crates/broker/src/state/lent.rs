//! Grants that nobody has seen.

use barid_message::address::Address;

use super::{DeliveryKey, LeaseNumber, Phase, State};

impl State {
    /// Takes back what never reached its consumer, as if it had not been granted; gives
    /// the inbox where it is ready again. Not an entry, as the grant was none.
    pub fn give_back(&mut self, key: DeliveryKey, number: LeaseNumber) -> Option<Address> {
        self.ungrant(key, number, Phase::Ready)
    }

    /// Puts aside what could not be read back, as if it had not been granted. It is out
    /// of the line, so that others behind it go on.
    pub fn put_aside(&mut self, key: DeliveryKey, number: LeaseNumber) {
        self.ungrant(key, number, Phase::Unreadable);
    }

    fn ungrant(&mut self, key: DeliveryKey, number: LeaseNumber, phase: Phase) -> Option<Address> {
        let delivery = self.deliveries.get_mut(&key)?;
        if !matches!(delivery.phase, Phase::Leased(_)) || delivery.granted != Some(number) {
            // Answered, run out or released meanwhile.
            return None;
        }
        // Whoever holds the grant before this one may still answer.
        let before = LeaseNumber { attempt: number.attempt - 1, ..number };
        delivery.granted = (before.attempt > 0).then_some(before);
        let inbox = delivery.recipient.clone();
        self.set_phase(key, phase);
        Some(inbox)
    }
}
