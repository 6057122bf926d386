//! The only place that reads a clock, and the judgement whether to believe it.

use std::time::{Duration, Instant, SystemTime};

use barid_message::time::Millis;

use crate::caps;

/// Both clocks, read at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Wall clock, UTC.
    pub wall: Millis,
    /// Monotonic clock, since an arbitrary moment.
    pub monotonic: Duration,
}

/// Where time comes from: the machine, or a simulation.
pub trait Clock: Send + Sync {
    /// Reads both clocks.
    fn read(&self) -> Reading;
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic part begins now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the clock")]
    fn read(&self) -> Reading {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Reading {
            wall: Millis(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX)),
            monotonic: self.start.elapsed(),
        }
    }
}

/// Holds wall clock against monotonic clock (SPINE §1.7). Posts have dead clock
/// batteries: a clock that jumped must not expire what is waiting.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    anchor: Reading,
}

impl Watch {
    /// Believes `now` from here on.
    #[must_use]
    pub const fn new(now: Reading) -> Self {
        Self { anchor: now }
    }

    /// Whether the wall clock at a start contradicts the journal: it stands before
    /// the newest entry, or more than 30 days after it.
    #[must_use]
    pub fn contradicts(wall: Millis, newest_entry: Millis) -> bool {
        wall < newest_entry || wall.0 - newest_entry.0 > caps::CLOCK_GAP_MAX_MS
    }

    /// What the time should be by the monotonic clock.
    #[must_use]
    pub fn believed(&self, now: Reading) -> Millis {
        let elapsed = now.monotonic.saturating_sub(self.anchor.monotonic).as_millis();
        Millis(self.anchor.wall.0.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX)))
    }

    /// Whether the clocks went apart by more than 5 min since they were believed.
    #[must_use]
    pub fn is_suspect(&self, now: Reading) -> bool {
        now.wall.0.abs_diff(self.believed(now).0) > caps::CLOCK_DRIFT_MAX_MS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(wall_s: u64, monotonic_s: u64) -> Reading {
        Reading { wall: Millis(wall_s * 1_000), monotonic: Duration::from_secs(monotonic_s) }
    }

    #[test]
    fn a_jump_of_more_than_five_minutes_is_suspect() {
        let watch = Watch::new(reading(1_000_000, 50));
        assert!(!watch.is_suspect(reading(1_000_100, 150)));
        assert!(!watch.is_suspect(reading(1_000_400, 150)));
        assert!(watch.is_suspect(reading(1_000_401, 100)));
        assert!(watch.is_suspect(reading(999_000, 150)));
    }

    #[test]
    fn a_start_before_the_newest_entry_or_a_month_after_it_is_suspect() {
        let newest = Millis(1_000_000);
        assert!(Watch::contradicts(Millis(999_999), newest));
        assert!(!Watch::contradicts(newest, newest));
        assert!(!Watch::contradicts(Millis(newest.0 + caps::CLOCK_GAP_MAX_MS), newest));
        assert!(Watch::contradicts(Millis(newest.0 + caps::CLOCK_GAP_MAX_MS + 1), newest));
    }
}
