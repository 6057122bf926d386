//! What a node that has stopped kept in its journal.

use std::path::Path;
use std::sync::Arc;

use barid_audit::entry::Entry;
use barid_journal::{DataDir, Journal, OsDisk, data_dir, journal};
use history::{Book, Step, steps};

use super::Node;

/// All entries, in order.
pub(crate) fn entries(data: &Path) -> Vec<Entry> {
    let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
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

/// What a node of this identity wrote down, for the checker. All nodes of a test go by one
/// clock, which orders what they wrote.
pub(crate) fn book(identity: &str, node: &Node) -> Book {
    let entries = entries(&node.data());
    let steps = entries.iter().flat_map(|entry| {
        let (order, at) = (entry.time.0, entry.time);
        steps(entry).into_iter().map(move |what| Step { order, at, what })
    });
    // When it was killed is not known to the millisecond: nothing is held against it that
    // it did not say in time.
    Book { node: identity.to_owned(), steps: steps.collect(), awake: Vec::new() }
}
