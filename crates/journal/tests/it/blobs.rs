//! Whole messages.

use std::path::Path;
use std::thread;

use barid_journal::blobs::{BLOB_BYTES_MAX, GetError, PutError, SyncError};
use barid_journal::journal::ReserveError;
use barid_journal::{BlobRef, Claim, Fault};

use crate::node::{Node, RESERVED_BYTES, ROOT, record};
use crate::sim_disk::{Failure, Loss, Random, SimDisk};

#[test]
fn threads_keep_blobs_beside_each_other() {
    let disk = SimDisk::new(64 << 20);
    let node = Node::open(&disk).unwrap();
    let put = |seed: u64| -> Vec<(BlobRef, Vec<u8>)> {
        let mut random = Random::new(seed);
        let messages = (0..40).map(|_| {
            let length = random.below(20_000);
            let message = random.bytes(length);
            (node.blobs.put(&message).unwrap(), message)
        });
        messages.collect()
    };
    let blobs: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || put(seed))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(blobs.iter().any(|(at, _)| at.segment > 0), "the run fills a segment");
    node.blobs.sync().unwrap();

    // One sync covers all of them, in every segment.
    let node = Node::open(&disk.after_power_cut(Loss::All)).unwrap();
    for (at, message) in &blobs {
        assert_eq!(node.blobs.get(*at).unwrap(), message);
    }
    let next = node.blobs.put(b"of the next start").unwrap();
    assert!(blobs.iter().all(|(at, _)| at.segment < next.segment), "a start has its own segment");
}

#[test]
fn a_restart_gives_back_what_was_not_written_to() {
    let disk = SimDisk::new(64 << 20);
    for _ in 0..5 {
        let node = Node::open(&disk).unwrap();
        // Zeros at the end are part of the message.
        let at = node.blobs.put(&[0; 1000]).unwrap();
        node.blobs.sync().unwrap();
        drop(node);
        assert_eq!(Node::open(&disk).unwrap().blobs.get(at).unwrap(), vec![0; 1000]);
    }
}

#[test]
fn damage_and_nonsense_are_named() {
    let disk = SimDisk::new(64 << 20);
    let node = Node::open(&disk).unwrap();
    let at = node.blobs.put(b"a message").unwrap();
    let fault = |at| match node.blobs.get(at).unwrap_err() {
        GetError::Damaged { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(fault(BlobRef { offset: at.offset + 1, ..at }), Fault::Header);
    assert_eq!(fault(BlobRef { length: at.length - 1, ..at }), Fault::Checksum);
    assert_eq!(fault(BlobRef { length: u32::MAX, ..at }), Fault::Length);
    assert_eq!(fault(BlobRef { offset: 1 << 30, ..at }), Fault::Length);
    disk.edit(&Path::new(ROOT).join(format!("bodies/1/{:020}.seg", 0)), |bytes| bytes[30] ^= 1);
    assert_eq!(fault(at), Fault::Checksum);
    let missing = node.blobs.get(BlobRef { segment: 9, ..at }).unwrap_err();
    assert!(matches!(missing, GetError::Missing { .. }), "{missing}");

    assert_eq!(node.blobs.put(&[]).unwrap().length, 0);
    node.blobs.put(&vec![1; BLOB_BYTES_MAX]).unwrap();
    let large = node.blobs.put(&vec![1; BLOB_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(large, PutError::TooLarge { .. }), "{large}");
}

#[test]
fn after_a_failed_sync_nothing_is_kept() {
    let disk = SimDisk::new(64 << 20);
    let node = Node::open(&disk).unwrap();
    node.blobs.put(b"a message").unwrap();
    disk.fail_at(0, Failure::Error);
    assert!(matches!(node.blobs.sync(), Err(SyncError::Disk(_))));
    assert!(matches!(node.blobs.sync(), Err(SyncError::Dead)));
    assert!(matches!(node.blobs.put(b"another"), Err(PutError::Dead)));
}

/// Changes of the disk with which a segment is made; the last is its folder's sync.
const CHANGES_OF_A_SEGMENT: u64 = 4;

#[test]
fn too_many_open_files_pass() {
    for change in [0, CHANGES_OF_A_SEGMENT - 1] {
        let disk = SimDisk::new(64 << 20);
        let node = Node::open(&disk).unwrap();
        disk.fail_at(change, Failure::TooManyFiles);
        assert!(matches!(node.blobs.put(b"a message"), Err(PutError::Disk(_))));
        assert!(disk.has_failed() && !node.blobs.is_dead());
        let at = node.blobs.put(b"a message").unwrap();
        node.blobs.sync().unwrap();
        assert_eq!(&node.blobs.get(at).unwrap()[..], b"a message");
    }
}

#[test]
fn a_segment_whose_sync_failed_ends_it() {
    for change in 0..CHANGES_OF_A_SEGMENT {
        let disk = SimDisk::new(64 << 20);
        let node = Node::open(&disk).unwrap();
        disk.fail_at(change, Failure::Error);
        assert!(matches!(node.blobs.put(b"a message"), Err(PutError::Disk(_))));
        assert!(node.blobs.is_dead(), "{change}");
    }
}

#[test]
fn the_journal_outlives_too_many_open_files() {
    let disk = SimDisk::new(64 << 20);
    let mut node = Node::open(&disk).unwrap();
    let fill = |node: &mut Node| {
        let record = record(2, vec![1; 4 << 10], Vec::new());
        node.journal.append(node.journal.durable().next_position, &[record]).unwrap();
    };
    let mut refused = 0;
    for round in 0..16 {
        fill(&mut node);
        disk.fail_at(round % 4, Failure::TooManyFiles);
        match node.journal.reserve(RESERVED_BYTES, Claim::Intake) {
            Err(ReserveError::Disk(failure)) if failure.is_passing() => refused += 1,
            done => done.unwrap(),
        }
        disk.fail_at(u64::MAX, Failure::Error);
        node.journal.reserve(RESERVED_BYTES, Claim::Intake).unwrap();
    }
    assert!(refused > 0);
    fill(&mut node);
    drop(node);
    assert_eq!(Node::open(&disk.after_kill()).unwrap().recovered.next_position, 17);
}

#[test]
fn what_is_let_go_of_is_gone_for_good_and_says_so() {
    let disk = SimDisk::new(64 << 20);
    let mut at = Vec::new();
    for _ in 0..3 {
        let node = Node::open(&disk).unwrap();
        at.push(node.blobs.put(b"a message").unwrap());
        node.blobs.sync().unwrap();
        assert_eq!(node.blobs.written_from(), at.last().unwrap().segment);
    }
    let node = Node::open(&disk).unwrap();
    assert!(node.blobs.get(at[1]).is_ok(), "open, and read from an open file");
    let removed = [at[1].segment, at[2].segment];
    node.blobs.remove(removed).unwrap();
    for at in &at[1..] {
        let told = node.blobs.get(*at).unwrap_err();
        assert!(matches!(told, GetError::Removed { .. }), "{told}");
        assert!(matches!(node.blobs.recheck(*at), Err(GetError::Removed { .. })));
    }
    assert!(node.blobs.get(at[0]).is_ok());
    assert_eq!(node.blobs.put(b"next").unwrap().segment, 3, "a number is used once");

    // A crash may leave some of them, and the next start lets them go again.
    let node = Node::open(&disk.after_power_cut(Loss::All)).unwrap();
    node.blobs.remove(removed).unwrap();
    assert!(matches!(node.blobs.get(at[1]), Err(GetError::Removed { .. })));
    let bodies = Path::new(ROOT).join("bodies/1");
    let left = disk.files().into_keys().filter(|path| path.starts_with(&bodies)).count();
    assert!(left <= 2, "what was kept, and what is written to");
    assert!(node.blobs.put(b"next").unwrap().segment > 2);
}
