//! How long things took, as ranks.

use std::time::Duration;

use serde::Serialize;

use super::report::micros;

/// Ranks of many durations, in microseconds. The nearest rank: each is a duration that
/// was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Latency {
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
}

impl Latency {
    /// All zero where nothing was measured.
    pub(super) fn of(mut durations: Vec<Duration>) -> Self {
        durations.sort_unstable();
        let rank = |percent: usize| {
            let rank = (durations.len() * percent).div_ceil(100);
            durations.get(rank.saturating_sub(1)).copied().map_or(0, micros)
        };
        Self { p50_us: rank(50), p99_us: rank(99), max_us: rank(100) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Latency;

    #[test]
    fn ranks_are_durations_that_were_measured() {
        let all = (1..=200).rev().map(Duration::from_micros).collect();
        assert_eq!(Latency::of(all), Latency { p50_us: 100, p99_us: 198, max_us: 200 });
        let one = vec![Duration::from_micros(7)];
        assert_eq!(Latency::of(one), Latency { p50_us: 7, p99_us: 7, max_us: 7 });
        assert_eq!(Latency::of(Vec::new()), Latency::default());
    }
}
