//! Proofs that a leaf is in a tree, and that one tree is the beginning of another.

use super::{Hash, PROOF_HASHES_MAX, Subtrees, fold, peaks};

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf lies outside the tree.
    #[error("the proof is for a leaf that the tree does not have")]
    Outside,
    /// The older tree is larger than the newer, or has no leaves: that proves nothing.
    #[error("the proof is for trees of which the first is not a beginning of the second")]
    Sizes,
    /// It has too few or too many hashes.
    #[error("the proof has not as many hashes as it must have")]
    Length,
    /// It leads to another root.
    #[error("the proof leads to another root")]
    Root,
}

/// The hashes that lead from the leaf `index` to the root of the tree of `size` leaves
/// (RFC 6962 §2.1.1). Empty where `index` is not in the tree.
///
/// # Errors
/// As the subtrees.
pub fn inclusion<S: Subtrees>(subtrees: &S, index: u64, size: u64) -> Result<Vec<Hash>, S::Error> {
    let mut path = Vec::new();
    if index >= size {
        return Ok(path);
    }
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(root(subtrees, middle, end)?);
            end = middle;
        } else {
            path.push(root(subtrees, begin, middle)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// The hashes that lead from the root of the tree of `old` leaves to that of `new`
/// (RFC 6962 §2.1.2). Empty where `old` is 0, or not less than `new`.
///
/// # Errors
/// As the subtrees.
pub fn consistency<S: Subtrees>(subtrees: &S, old: u64, new: u64) -> Result<Vec<Hash>, S::Error> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return Ok(path);
    }
    let (mut begin, mut end) = (0, new);
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push(root(subtrees, middle, end)?);
            end = middle;
        } else {
            path.push(root(subtrees, begin, middle)?);
            begin = middle;
        }
    }
    // The whole of the older tree is known to whoever checks.
    if begin != 0 {
        path.push(root(subtrees, begin, end)?);
    }
    path.reverse();
    Ok(path)
}

/// Checks that the leaf with this hash is the `index`-th (from 0) of the tree with this
/// size and root (RFC 9162 §2.1.3.2).
///
/// # Errors
/// [`ProofError`]; each of them means that it proves nothing.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::Outside);
    }
    if proof.len() > PROOF_HASHES_MAX {
        return Err(ProofError::Length);
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            hash = Hash::of_node(*sibling, hash);
            // Levels where the last node has no sibling add nothing.
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::of_node(hash, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if hash == root { Ok(()) } else { Err(ProofError::Root) }
}

/// Checks that the tree of `old` leaves is the beginning of the tree of `new`
/// (RFC 9162 §2.1.4.2).
///
/// # Errors
/// [`ProofError`]; each of them means that it proves nothing.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: Hash,
    new_root: Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    if old == 0 || old > new {
        return Err(ProofError::Sizes);
    }
    if proof.len() > PROOF_HASHES_MAX {
        return Err(ProofError::Length);
    }
    if old == new {
        return match proof {
            [] if old_root == new_root => Ok(()),
            [] => Err(ProofError::Root),
            [..] => Err(ProofError::Length),
        };
    }
    let mut rest = proof.iter();
    // A complete older tree is a node of the newer one, and is not sent.
    let first =
        if old.is_power_of_two() { old_root } else { *rest.next().ok_or(ProofError::Length)? };
    let shift = (old - 1).trailing_ones();
    // All ones of 64 bits would be an older tree of 2^64 leaves.
    let (mut at, mut last) = ((old - 1) >> shift, (new - 1) >> shift);
    let (mut from_old, mut from_new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(ProofError::Length);
        }
        if at & 1 == 1 || at == last {
            from_old = Hash::of_node(*sibling, from_old);
            from_new = Hash::of_node(*sibling, from_new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            from_new = Hash::of_node(from_new, *sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(ProofError::Length);
    }
    if from_old == old_root && from_new == new_root { Ok(()) } else { Err(ProofError::Root) }
}

/// Leaves on the left of a tree of more than one: the largest power of two below its size.
const fn split(size: u64) -> u64 {
    1 << (u64::BITS - 1 - (size - 1).leading_zeros())
}

/// Root over the leaves `begin..end`.
fn root<S: Subtrees>(subtrees: &S, begin: u64, end: u64) -> Result<Hash, S::Error> {
    let hashes: Result<Vec<_>, _> =
        peaks(begin, end).map(|(level, index)| subtrees.subtree(level, index)).collect();
    Ok(fold(hashes?.into_iter()).unwrap_or_else(Hash::of_nothing))
}
