//! A full disk refuses new messages, loses nothing, and lets the node finish.

use std::path::Path;

use barid_journal::journal::ReserveError;
use barid_journal::{BlobRef, Claim, OpenError, blobs};

use crate::node::{Node, RESERVED_BYTES, ROOT, SEGMENT_BYTES, URGENT_BYTES, record};
use crate::sim_disk::{Random, SimDisk};

const CAPACITY: u64 = 2 << 20;

/// Accepts messages until the disk is full; how many.
fn fill(node: &mut Node, told: &mut Vec<(BlobRef, Vec<u8>)>) -> u64 {
    let mut random = Random::new(3);
    for accepted in 0.. {
        let message = random.bytes(3000);
        let at = match node.blobs.put(&message) {
            Ok(at) => at,
            Err(blobs::PutError::Full) => return accepted,
            Err(error) => panic!("{error}"),
        };
        match node.journal.reserve(RESERVED_BYTES, Claim::Intake) {
            Ok(()) => {}
            Err(ReserveError::Full) => return accepted,
            Err(error) => panic!("{error}"),
        }
        node.blobs.sync().unwrap();
        append(node, random.bytes(1500));
        told.push((at, message));
    }
    unreachable!("the disk has an end")
}

fn append(node: &mut Node, leaf: Vec<u8>) {
    let position = node.journal.durable().next_position;
    node.journal.append(position, &[record(1, leaf, Vec::new())]).unwrap();
}

#[test]
fn a_full_disk_refuses_intake_delivers_on_and_accepts_again() {
    let disk = SimDisk::new(CAPACITY);
    let mut told = Vec::new();
    let mut node = Node::open(&disk).unwrap();
    for round in 1..=5 {
        let accepted = fill(&mut node, &mut told);
        assert!(accepted > 20, "round {round} accepted {accepted}");
        // What is in the house can still be delivered.
        for _ in 0..20 {
            node.journal.reserve(RESERVED_BYTES, Claim::Delivery).unwrap();
            append(&mut node, vec![2; 1500]);
        }
        let full = node.journal.reserve(RESERVED_BYTES, Claim::Intake);
        assert!(matches!(full, Err(ReserveError::Full)), "{full:?}");
        disk.set_capacity(CAPACITY * (round + 1));
        node.journal.reserve(RESERVED_BYTES, Claim::Intake).unwrap();
    }
    for (at, message) in &told {
        assert_eq!(node.blobs.get(*at).unwrap(), message);
    }
    let records = node.reader.scan(0).map(Result::unwrap).count() as u64;
    assert_eq!(records, node.journal.durable().next_position);
}

#[test]
fn delivery_goes_on_into_the_ballast_and_then_refuses_before_it_folds() {
    let disk = SimDisk::new(CAPACITY);
    let mut node = Node::open(&disk).unwrap();
    fill(&mut node, &mut Vec::new());
    let mut delivered = 0;
    loop {
        match node.journal.reserve(RESERVED_BYTES, Claim::Delivery) {
            Ok(()) => append(&mut node, vec![2; 1500]),
            Err(ReserveError::Full) => break,
            Err(error) => panic!("{error}"),
        }
        delivered += 1;
    }
    assert!(delivered > 15, "the ballast was good for {delivered} groups");
    assert!(!disk.files().contains_key(&Path::new(ROOT).join("ballast")));
    disk.set_capacity(2 * CAPACITY);
    node.journal.reserve(RESERVED_BYTES, Claim::Delivery).unwrap();
    node.journal.reserve(RESERVED_BYTES, Claim::Intake).unwrap();
    assert!(disk.files().contains_key(&Path::new(ROOT).join("ballast")));
}

#[test]
fn a_segment_that_turns_out_too_short_is_replaced() {
    let disk = SimDisk::new(CAPACITY);
    let mut node = Node::open(&disk).unwrap();
    fill(&mut node, &mut Vec::new());
    for bytes in [2 << 10, 3 << 10, 5 << 10, 7 << 10].repeat(3) {
        node.journal.reserve(bytes, Claim::Delivery).unwrap();
        node.journal.reserve(RESERVED_BYTES, Claim::Delivery).unwrap();
        append(&mut node, vec![2; 1500]);
    }
    let told = node.journal.durable();
    assert_eq!(node.reader.scan(0).map(Result::unwrap).count() as u64, told.next_position);
    assert_eq!(Node::open(&disk.after_kill()).unwrap().recovered.chain, told.chain);
}

#[test]
fn a_node_starts_on_a_full_disk_for_as_long_as_the_ballast_lasts() {
    let disk = SimDisk::new(CAPACITY);
    let mut node = Node::open(&disk).unwrap();
    fill(&mut node, &mut Vec::new());
    let records = node.journal.durable().next_position;
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set_capacity(used as u64);

    let disk = disk.after_kill();
    let mut node = Node::open(&disk).unwrap();
    assert_eq!(node.recovered.next_position, records);
    append(&mut node, vec![1]);
    let full = node.journal.reserve(RESERVED_BYTES, Claim::Intake);
    assert!(matches!(full, Err(ReserveError::Full)), "{full:?}");

    // Without it, the start says so and has changed nothing.
    let disk = disk.after_kill();
    let ballast = Path::new(ROOT).join("ballast");
    if disk.files().contains_key(&ballast) {
        disk.edit(&ballast, Vec::clear);
    }
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set_capacity(used as u64 - 64 * 1024);
    let before = disk.journal();
    let error = Node::open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(OpenError::Full { .. })), "{error}");
    assert_eq!(disk.journal(), before);
}

#[test]
fn urgent_messages_have_space_that_others_have_not() {
    let disk = SimDisk::new(CAPACITY);
    let mut node = Node::open(&disk).unwrap();
    fill(&mut node, &mut Vec::new());
    let mut urgent = 0;
    loop {
        match node.journal.reserve(RESERVED_BYTES, Claim::Urgent) {
            Ok(()) => append(&mut node, vec![2; 1500]),
            Err(ReserveError::Full) => break,
            Err(error) => panic!("{error}"),
        }
        let routine = node.journal.reserve(RESERVED_BYTES, Claim::Intake);
        assert!(matches!(routine, Err(ReserveError::Full)), "{routine:?}");
        urgent += 1;
    }
    // Each takes a segment of its own, so much is reserved for it.
    let room = URGENT_BYTES / SEGMENT_BYTES;
    assert!(urgent >= room - 1, "{urgent} urgent groups, and there was room for {room}");
    assert!(disk.files().contains_key(&Path::new(ROOT).join("ballast")), "untouched");
    node.journal.reserve(RESERVED_BYTES, Claim::Delivery).unwrap();
}
