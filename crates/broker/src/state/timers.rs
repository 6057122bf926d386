//! What time will bring: deadlines, lease ends, next tries.

use std::collections::BTreeSet;

use barid_message::time::Millis;

use super::DeliveryKey;

/// Sorted sets; the first of each is the next to fall due.
///
/// **Invariant**: every open delivery has a deadline here, unless it is handed out and
/// was said to be overdue: then the end of its lease brings the deadline back.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Timers {
    pub(super) deadlines: BTreeSet<(Millis, DeliveryKey)>,
    pub(super) leases: BTreeSet<(Millis, DeliveryKey)>,
    pub(super) retries: BTreeSet<(Millis, DeliveryKey)>,
    /// Deliveries that a peer deferred.
    pub(super) deferrals: BTreeSet<(Millis, DeliveryKey)>,
    /// Deliveries that are written off: due at once.
    pub(super) write_offs: BTreeSet<DeliveryKey>,
}

impl Timers {
    /// When the next of them falls due.
    pub(super) fn next(&self, with_deadlines: bool) -> Option<Millis> {
        if !self.write_offs.is_empty() {
            return Some(Millis(0));
        }
        let deadline = self.deadlines.first().filter(|_| with_deadlines);
        [deadline, self.leases.first(), self.retries.first(), self.deferrals.first()]
            .into_iter()
            .flatten()
            .map(|(at, _)| *at)
            .min()
    }
}
