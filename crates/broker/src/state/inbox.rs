//! One inbox: what waits in it, by precedence.

use std::collections::{BTreeMap, BTreeSet};

use barid_message::{Precedence, Status};

use super::DeliveryKey;

/// Order of hand-out.
pub const PRECEDENCES: [Precedence; 4] =
    [Precedence::Flash, Precedence::Immediate, Precedence::Priority, Precedence::Routine];

/// The deliveries of one recipient. Within a precedence and status they are handed
/// out in acceptance order.
#[derive(Debug, Default)]
pub struct Inbox {
    ready: BTreeMap<(Precedence, Status), BTreeSet<DeliveryKey>>,
    len: usize,
}

impl Inbox {
    /// Open deliveries, whatever their phase.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing is open.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Deliveries ready to be handed out: highest precedence first, then oldest.
    pub fn ready<'a>(&'a self, statuses: &'a [Status]) -> impl Iterator<Item = DeliveryKey> + 'a {
        PRECEDENCES.iter().flat_map(move |precedence| {
            let sets = statuses.iter().filter_map(|status| self.ready.get(&(*precedence, *status)));
            merge(sets.map(|set| set.iter().copied()).collect())
        })
    }

    pub(super) const fn add(&mut self) {
        self.len += 1;
    }

    pub(super) const fn remove(&mut self) {
        self.len -= 1;
    }

    pub(super) fn make_ready(&mut self, class: (Precedence, Status), key: DeliveryKey) {
        self.ready.entry(class).or_default().insert(key);
    }

    pub(super) fn unready(&mut self, class: (Precedence, Status), key: DeliveryKey) {
        if let Some(set) = self.ready.get_mut(&class) {
            set.remove(&key);
        }
    }
}

/// Merges sorted runs: acceptance order across statuses.
fn merge<I: Iterator<Item = DeliveryKey>>(runs: Vec<I>) -> impl Iterator<Item = DeliveryKey> {
    let mut runs: Vec<_> = runs.into_iter().map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let next = runs
            .iter_mut()
            .enumerate()
            .filter_map(|(run, keys)| keys.peek().map(|key| (*key, run)))
            .min()?;
        runs[next.1].next()
    })
}
