//! Whole messages.

use std::path::Path;
use std::thread;

use barid_journal::blobs::{BLOB_BYTES_MAX, GetError, PutError, SyncError};
use barid_journal::{BlobRef, Fault};

use crate::node::{Node, ROOT};
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
        GetError::Disk(failure) => panic!("{failure}"),
    };
    assert_eq!(fault(BlobRef { offset: at.offset + 1, ..at }), Fault::Header);
    assert_eq!(fault(BlobRef { length: at.length - 1, ..at }), Fault::Checksum);
    assert_eq!(fault(BlobRef { length: u32::MAX, ..at }), Fault::Length);
    assert_eq!(fault(BlobRef { offset: 1 << 30, ..at }), Fault::Length);
    disk.edit(&Path::new(ROOT).join(format!("bodies/1/{:020}.seg", 0)), |bytes| bytes[30] ^= 1);
    assert_eq!(fault(at), Fault::Checksum);
    let missing = node.blobs.get(BlobRef { segment: 9, ..at }).unwrap_err();
    assert!(matches!(missing, GetError::Disk(_)), "{missing}");

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
