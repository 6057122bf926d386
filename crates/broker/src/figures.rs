//! What is measured while the node runs. No state: a start begins at zero, nothing here
//! decides anything, and all of it is sums, without names.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_message::Reason;

/// Upper bounds of what a sync takes (µs): an SSD, a disk, one that is failing.
pub const SYNC_BOUNDS_US: [u64; 11] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_000_000, 10_000_000];
/// Upper bounds of the entries in one group.
pub const GROUP_BOUNDS: [u64; 8] = [1, 4, 16, 64, 128, 256, 512, 1_024];

/// How often what was measured lay at or below each of some bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram<const N: usize> {
    /// Upper bounds, ascending.
    pub bounds: [u64; N],
    /// How often a value lay at or below the bound, and above the one before it.
    pub counts: [u64; N],
    /// How often it lay above all of them.
    pub beyond: u64,
    /// Sum of the values.
    pub sum: u64,
}

impl<const N: usize> Histogram<N> {
    const fn new(bounds: [u64; N]) -> Self {
        Self { bounds, counts: [0; N], beyond: 0, sum: 0 }
    }

    fn observe(&mut self, value: u64) {
        let place = self.bounds.iter().position(|bound| value <= *bound);
        match place.and_then(|place| self.counts.get_mut(place)) {
            Some(count) => *count += 1,
            None => self.beyond += 1,
        }
        self.sum = self.sum.saturating_add(value);
    }
}

/// What was measured since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Time that a group took to be written and synced (µs).
    pub sync_us: Histogram<{ SYNC_BOUNDS_US.len() }>,
    /// Entries of a group.
    pub group_entries: Histogram<{ GROUP_BOUNDS.len() }>,
    /// Bytes of all groups.
    pub group_bytes: u64,
    /// Time of the newest (µs); `None`: nothing was written yet.
    pub last_sync_us: Option<u64>,
    /// Calls and answers that were refused, by reason.
    pub refused: BTreeMap<Reason, u64>,
}

/// Where the threads of the broker put what they measure.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Measured>);

impl Default for Measured {
    fn default() -> Self {
        Self {
            sync_us: Histogram::new(SYNC_BOUNDS_US),
            group_entries: Histogram::new(GROUP_BOUNDS),
            group_bytes: 0,
            last_sync_us: None,
            refused: BTreeMap::new(),
        }
    }
}

impl Figures {
    /// A group of so many entries and bytes is durable, after so long.
    pub(crate) fn synced(&self, entries: usize, bytes: usize, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut measured = self.lock();
        measured.sync_us.observe(us);
        measured.group_entries.observe(entries as u64);
        measured.group_bytes = measured.group_bytes.saturating_add(bytes as u64);
        measured.last_sync_us = Some(us);
    }

    /// Something was refused.
    pub(crate) fn refused(&self, reason: Reason) {
        *self.lock().refused.entry(reason).or_default() += 1;
    }

    pub(crate) fn read(&self) -> Measured {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Measured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_counted_once_at_the_first_bound_that_holds_it() {
        let figures = Figures::default();
        for us in [0, 250, 251, 10_000_001] {
            figures.synced(1, 100, Duration::from_micros(us));
        }
        figures.synced(2_000, 100, Duration::from_micros(600));
        let measured = figures.read();
        assert_eq!(measured.sync_us.counts[..4], [2, 1, 1, 0]);
        assert_eq!(measured.sync_us.beyond, 1);
        assert_eq!(measured.sync_us.sum, 250 + 251 + 10_000_001 + 600);
        assert_eq!((measured.group_entries.counts[0], measured.group_entries.beyond), (4, 1));
        assert_eq!((measured.group_bytes, measured.last_sync_us), (500, Some(600)));
        assert!(SYNC_BOUNDS_US.is_sorted() && GROUP_BOUNDS.is_sorted());
    }
}
