//! Chances of a campaign, from a seed that is told: the same seed breaks the same things in
//! the same order.

use std::time::Duration;

use super::{random, say};

/// A series of numbers that nobody expects (SplitMix64).
pub(crate) struct Chance(u64);

impl Chance {
    /// From a seed.
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// From `BARID_SEED`, or from anywhere; says on stderr from where.
    pub(crate) fn seeded(test: &str) -> Self {
        let asked = std::env::var_os("BARID_SEED").and_then(|text| text.to_str()?.parse().ok());
        let [a, b, c, d, ..] = random();
        let seed = asked.unwrap_or_else(|| u32::from_le_bytes([a, b, c, d]).into());
        say(&format!("{test}: BARID_SEED={seed}"));
        Self(seed)
    }

    /// Another series, that follows from this one.
    pub(crate) fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// Less than `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).expect("a number of something");
        usize::try_from(self.next() % limit).expect("less than the limit")
    }

    /// Less than so many milliseconds.
    pub(crate) fn millis(&mut self, limit: usize) -> Duration {
        Duration::from_millis(u64::try_from(self.below(limit)).expect("a small number"))
    }

    /// True once in so many times.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Puts things into another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
