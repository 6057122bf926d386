//! Grants that nobody has seen.

use barid_message::address::Address;

use super::{DeliveryKey, LeaseNumber, Phase, State};

impl State {
    /// Takes back what never reached its consumer, as if it had not been granted; gives
    /// the inbox where it is ready again. Not an entry, as the grant was none.
    pub fn give_back(&mut self, key: DeliveryKey, number: LeaseNumber) -> Option<Address> {
        self.ungrant(key, number, Phase::Ready)
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
