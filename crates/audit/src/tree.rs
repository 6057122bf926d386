//! The Merkle tree over the journal's leaves (RFC 6962 §2.1; RFC 9162 §2.1 for how proofs
//! are checked). A leaf is the bytes that the journal keeps of an entry, its index the
//! entry's position.

mod grower;
mod proof;
mod tile;

#[cfg(test)]
mod tests;

use std::fmt;

use aws_lc_rs::digest;

pub use grower::{Completed, Grower, LogFile};
pub use proof::{ProofError, consistency, inclusion, verify_consistency, verify_inclusion};
pub use tile::{BUNDLE_ENTRY_BYTES_MAX, Tile, TileError, bundle, bundle_entries, bundle_path};

/// Bytes of a hash.
pub const HASH_BYTES: usize = 32;

/// Levels of a tree of 2^64 leaves: the longest proof of inclusion.
pub const PROOF_HASHES_MAX: usize = 64;

/// A hash of the tree: of a leaf, of a node or of a whole tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; HASH_BYTES]);

impl Hash {
    /// Root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1).
    #[must_use]
    pub fn of_nothing() -> Self {
        sha256(&[])
    }

    /// Of a leaf: SHA-256(0x00 ‖ leaf).
    #[must_use]
    pub fn of_leaf(leaf: &[u8]) -> Self {
        sha256(&[&[0], leaf])
    }

    /// Of a node: SHA-256(0x01 ‖ left ‖ right). The byte in front keeps a node from passing
    /// for a leaf.
    #[must_use]
    pub fn of_node(left: Self, right: Self) -> Self {
        sha256(&[&[1], &left.0, &right.0])
    }

    /// From as many bytes as a hash has.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(context.finish().as_ref());
    Hash(hash)
}

/// Where complete subtrees are looked up, of 2^`level` leaves from leaf
/// `index << level` on.
pub trait Subtrees {
    /// Why one cannot be read.
    type Error;

    /// The root of a complete subtree.
    ///
    /// # Errors
    /// Where it cannot be read. It is asked only for what lies inside the tree.
    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The roots of the complete subtrees that a tree consists of, largest first: all that
/// is needed to go on, at most 64 hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// Of a tree that is stored.
    ///
    /// # Errors
    /// As its subtrees.
    pub fn of<S: Subtrees>(subtrees: &S, size: u64) -> Result<Self, S::Error> {
        let peaks: Result<_, _> =
            peaks(0, size).map(|(level, index)| subtrees.subtree(level, index)).collect();
        Ok(Self { size, peaks: peaks? })
    }

    /// Leaves of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, by its hash, and gives each subtree that it completes: level, index
    /// and root, the leaf itself first.
    pub fn push(&mut self, leaf: Hash) -> impl Iterator<Item = (u32, u64, Hash)> {
        let mut completed = vec![(0, self.size, leaf)];
        let (mut level, mut hash) = (0, leaf);
        // As many subtrees end here as the size has ones at its end.
        while self.size >> level & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            hash = Hash::of_node(left, hash);
            level += 1;
            completed.push((level, self.size >> level, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        completed.into_iter()
    }

    /// Root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(self.peaks.iter().copied()).unwrap_or_else(Hash::of_nothing)
    }
}

/// The root over the roots of complete subtrees, largest first.
fn fold(peaks: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    peaks.rev().reduce(|right, left| Hash::of_node(left, right))
}

/// The complete subtrees of the leaves `begin..end`, largest first. `begin` must be where
/// a subtree at least as large as the range may begin.
fn peaks(begin: u64, end: u64) -> impl DoubleEndedIterator<Item = (u32, u64)> {
    let length = end - begin;
    let levels = (0..u64::BITS).rev().filter(move |level| length >> level & 1 == 1);
    levels.map(move |level| {
        let before = length >> level >> 1 << level << 1;
        (level, (begin + before) >> level)
    })
}
