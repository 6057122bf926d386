//! What a node that has stopped kept of a peer's misdeeds.

use std::path::Path;

use barid_audit::entry::{Body, Entry};
use barid_message::Reason;
use barid_proto::journal::v1::MisbehaviourFacts;

use crate::harness::entries;

/// What a peer was put on record for, in order.
pub(in crate::federation) fn lies(data: &Path, peer: &str) -> Vec<MisbehaviourFacts> {
    let found = entries(data).into_iter().filter_map(|entry| match entry.body {
        Body::PeerMisbehaved(facts) if facts.peer == peer => Some(*facts),
        _ => None,
    });
    found.collect()
}

/// Why a peer was put on record, in order.
pub(in crate::federation) fn misbehaviour(data: &Path, peer: &str) -> Vec<Reason> {
    lies(data, peer).iter().map(MisbehaviourFacts::reason).collect()
}

/// How often a peer was put on record in a count alone.
pub(super) fn counted(data: &Path, peer: &str) -> u64 {
    let counts = entries(data).into_iter().map(|entry| match entry.body {
        Body::RefusalsCounted(facts) if facts.identity == peer => facts.count,
        _ => 0,
    });
    counts.sum()
}

/// How often a newer card of a peer came into force.
pub(super) fn renewals(data: &Path, peer: &str) -> usize {
    let is_of = |entry: &Entry| match &entry.body {
        Body::PeerRenewed(facts) => facts.peer.as_ref().is_some_and(|it| it.identity == peer),
        _ => false,
    };
    entries(data).iter().filter(|entry| is_of(entry)).count()
}
