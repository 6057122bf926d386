//! What a node that has stopped kept in its journal.

use std::path::Path;
use std::sync::Arc;

use barid_audit::entry::{Body, Entry};
use barid_journal::{DataDir, Journal, OsDisk, data_dir, journal};
use barid_message::Reason;
use barid_proto::journal::v1::MisbehaviourFacts;

/// All entries, in order.
pub(super) fn entries(data: &Path) -> Vec<Entry> {
    let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0 };
    let data = DataDir::open(Arc::new(OsDisk), data, options).expect("what the node left");
    let options = journal::Options { segment_bytes: 1 << 20, witnesses: Vec::new() };
    let (journal, _) = Journal::open(&data, &options).expect("what the node left");
    let records = journal.reader().scan(0).map(|record| record.expect("it can be read"));
    let entries = records.map(|record| {
        let (kind, version) = (record.kind, record.version);
        Entry::decode(record.position, kind, version, &record.leaf, record.side)
    });
    entries.map(|entry| entry.expect("an entry")).collect()
}

/// What a peer was put on record for, in order.
pub(super) fn lies(data: &Path, peer: &str) -> Vec<MisbehaviourFacts> {
    let found = entries(data).into_iter().filter_map(|entry| match entry.body {
        Body::PeerMisbehaved(facts) if facts.peer == peer => Some(facts),
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
