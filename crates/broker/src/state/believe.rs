//! What changes when a clock that was in doubt is believed again.

use barid_message::time::Millis;

use super::{Delivery, Grant, Phase, State};

impl State {
    /// The clock is believed again from `now` on. Every lease that runs begins anew, until
    /// `until`: by the clock of before it might run for days, or be over already. Before
    /// then nothing ends by itself, and all deadlines are looked at afresh.
    pub fn believe_clock(&mut self, now: Millis, until: Millis) {
        let leased: Vec<_> = self.timers.leases.iter().map(|(_, key)| *key).collect();
        for key in leased {
            if let Some(Delivery { phase: Phase::Leased(grant), .. }) = self.deliveries.get(&key) {
                let anew = Grant { since: now, expires: until, ..grant.clone() };
                self.set_phase(key, Phase::Leased(anew));
            }
        }
        let ends = self.deliveries.iter().map(|(key, delivery)| (delivery.message.end().0, *key));
        self.timers.deadlines = ends.collect();
        self.hold_ends(until);
    }

    /// Next tries come earlier by this much (ms): they were set by a clock that ran so
    /// far ahead of the one that is believed now.
    pub(super) fn advance_retries(&mut self, by: u64) {
        for (at, key) in std::mem::take(&mut self.timers.retries) {
            self.set_phase(key, Phase::Delayed(Millis(at.0.saturating_sub(by))));
        }
        for (at, key) in std::mem::take(&mut self.timers.deferrals) {
            self.set_phase(key, Phase::Deferred(Millis(at.0.saturating_sub(by))));
        }
    }
}
