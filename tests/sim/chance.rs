//! Chances that follow from a seed (SplitMix64).

/// A series of chances. The same seed gives the same series.
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another series, that follows from this one.
    pub(crate) const fn branch(&mut self) -> Self {
        Self(self.next())
    }

    /// Less than `limit`.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// From `least` to below `limit`.
    pub(crate) const fn between(&mut self, least: u64, limit: u64) -> u64 {
        least + self.below(limit - least)
    }

    /// A place in a list of so many.
    pub(crate) fn place(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap();
        usize::try_from(self.below(limit)).unwrap()
    }

    /// True in so many of a hundred times.
    pub(crate) const fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.place(things.len())]
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
