//! What a proof of inclusion shows of a tree besides its leaf.

use std::collections::BTreeMap;

use crate::tree::Hash;

/// Hashes of parts of a log's tree, each by its leaves, from the first to before the last.
/// The hash of a range of leaves is one and the same in every tree that has those leaves
/// and is honest, however much the log has grown since.
pub(super) type Spans = BTreeMap<(u64, u64), Hash>;

/// Adds every part that a proof which holds names or leads through; `false` where it says
/// otherwise than another about the same leaves.
#[must_use]
pub(super) fn add(spans: &mut Spans, leaf: Hash, index: u64, size: u64, path: &[Hash]) -> bool {
    let mut siblings = Vec::with_capacity(path.len());
    let (mut begin, mut end) = (0, size);
    while end - begin > 1 {
        let middle = begin + (1 << (end - begin - 1).ilog2());
        if index < middle {
            siblings.push((middle, end));
            end = middle;
        } else {
            siblings.push((begin, middle));
            begin = middle;
        }
    }
    let mut put = |span, hash| *spans.entry(span).or_insert(hash) == hash;
    let (mut own, mut hash) = ((begin, end), leaf);
    let mut agrees = put(own, hash);
    for (span, sibling) in siblings.into_iter().rev().zip(path) {
        agrees &= put(span, *sibling);
        (own, hash) = if span.0 == own.1 {
            ((own.0, span.1), Hash::of_node(hash, *sibling))
        } else {
            ((span.0, own.1), Hash::of_node(*sibling, hash))
        };
        agrees &= put(own, hash);
    }
    agrees
}
