//! When to try again: the published table, with jitter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How often and how fast a call is tried again. The default is the published
/// table: 4 attempts, 0.2 s doubling to 5 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; at least one is made.
    pub attempts: u32,
    /// Pause before the second attempt.
    pub first: Duration,
    /// No pause is longer.
    pub ceiling: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 4, first: Duration::from_millis(200), ceiling: Duration::from_secs(5) }
    }
}

/// A source of jitter (SplitMix64): good enough to keep clients apart, useless
/// for secrets. Shared by all calls of a client.
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// From a seed: another for each client.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between half of `pause` and the whole of it.
    fn spread(&self, pause: Duration) -> Duration {
        let half = pause / 2;
        let half_us = u64::try_from(half.as_micros()).unwrap_or(u64::MAX - 1);
        half + Duration::from_micros(self.next() % (half_us + 1))
    }
}

/// The published `retryThrottling`: 10 tokens, one lost with each failure, a tenth won
/// with each success, and no further attempt while 5 or fewer are left. A node that is
/// down for many calls is then not asked four times as often.
#[derive(Debug)]
pub(super) struct Throttle {
    /// Tokens, in tenths.
    tenths: AtomicU64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { tenths: AtomicU64::new(Self::MOST) }
    }
}

impl Throttle {
    const MOST: u64 = 100;
    const FAILURE: u64 = 10;

    /// A call ended well.
    pub(super) fn succeeded(&self) {
        self.change(|tenths| (tenths + 1).min(Self::MOST));
    }

    /// An attempt failed in passing; says whether there may be another.
    pub(super) fn failed(&self) -> bool {
        self.change(|tenths| tenths.saturating_sub(Self::FAILURE)) > Self::MOST / 2
    }

    fn change(&self, change: impl Fn(u64) -> u64) -> u64 {
        let update = |tenths| Some(change(tenths));
        let before = self.tenths.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
        before.map_or(0, change)
    }
}

/// Pauses of one series of attempts.
#[derive(Debug)]
pub struct Backoff {
    policy: RetryPolicy,
    failures: u32,
}

impl Backoff {
    /// With no failure yet.
    pub fn new(policy: RetryPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// After a number of failures.
    pub(super) fn after(policy: RetryPolicy, failures: u32) -> Self {
        Self { policy, failures }
    }

    /// After a success: begin again with the shortest pause.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure; gives the pause before the next attempt, however many
    /// there were.
    pub fn pause(&mut self, jitter: &Jitter) -> Duration {
        let doubled = self.policy.first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        jitter.spread(doubled.min(self.policy.ceiling))
    }

    /// Counts a failure; `None` once the policy's attempts are used up.
    pub(super) fn pause_if_left(&mut self, jitter: &Jitter) -> Option<Duration> {
        let pause = self.pause(jitter);
        (self.failures < self.policy.attempts).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::{Backoff, Jitter, RetryPolicy, Throttle};

    #[test]
    fn pauses_follow_the_published_table() {
        let jitter = Jitter::new(7);
        let mut backoff = Backoff::new(RetryPolicy::default());
        for whole_ms in [200, 400, 800, 1600, 3200, 5000, 5000] {
            let pause = backoff.pause(&jitter).as_millis();
            assert!((whole_ms / 2..=whole_ms).contains(&pause), "{pause}");
        }
        backoff.reset();
        assert!(backoff.pause(&jitter).as_millis() <= 200);
    }

    #[test]
    fn four_attempts_have_three_pauses() {
        let jitter = Jitter::new(7);
        let mut backoff = Backoff::new(RetryPolicy::default());
        let pauses = std::iter::from_fn(|| backoff.pause_if_left(&jitter)).count();
        assert_eq!(pauses, 3);
    }

    #[test]
    fn most_calls_failing_end_the_further_attempts() {
        let throttle = Throttle::default();
        let may_retry: Vec<bool> = (0..6).map(|_| throttle.failed()).collect();
        assert_eq!(may_retry, [true, true, true, true, false, false]);
        for _ in 0..20 {
            throttle.succeeded();
        }
        assert!(!throttle.failed(), "6 were left, and one is lost");
        for _ in 0..20 {
            throttle.succeeded();
        }
        assert!(throttle.failed(), "7 were left");
    }

    #[test]
    fn jitter_comes_from_the_seed_alone() {
        let series = |seed| {
            let jitter = Jitter::new(seed);
            let mut backoff = Backoff::new(RetryPolicy::default());
            [(); 5].map(|()| backoff.pause(&jitter))
        };
        assert_eq!(series(1), series(1));
        assert_ne!(series(1), series(2));
    }
}
