//! Snapshots of the state.

use std::path::{Path, PathBuf};

use barid_journal::snapshots::{Unusable, WriteError};
use barid_journal::{Claimant, Damage, Durable, Fault, OpenError, Witness};

use crate::node::{Node, ROOT, record};
use crate::sim_disk::{Failure, Loss, SimDisk};

fn path(position: u64) -> PathBuf {
    Path::new(ROOT).join(format!("state/{position:020}.snap"))
}

/// A node with snapshots at 1, 2 and 3 of as many groups.
fn three_snapshots(disk: &SimDisk) -> (Node, Vec<Durable>) {
    let mut node = Node::open(disk).unwrap();
    let mut written = Vec::new();
    for position in 0..3 {
        let durable = node.journal.append(position, &[record(1, vec![1], vec![2])]).unwrap();
        node.snapshots.write(durable, format!("state {position}").as_bytes()).unwrap();
        written.push(durable);
    }
    (node, written)
}

#[test]
fn the_two_newest_are_kept_and_a_damaged_one_is_passed_over() {
    let disk = SimDisk::new(16 << 20);
    let (node, written) = three_snapshots(&disk);
    let kept = disk.files().into_keys().filter(|p| p.extension().is_some_and(|e| e == "snap"));
    assert_eq!(kept.collect::<Vec<_>>(), [path(2), path(3)]);

    let newest = node.snapshots.newest_valid().unwrap().newest.unwrap();
    assert_eq!((newest.position, newest.chain), (3, written[2].chain));
    assert_eq!(newest.body, "state 2");

    disk.edit(&path(3), |bytes| bytes[101] ^= 1);
    let found = node.snapshots.newest_valid().unwrap();
    assert_eq!(found.newest.as_ref().unwrap().position, 2);
    assert_eq!(found.damaged.len(), 1);
    assert_eq!(found.damaged[0].reason, Unusable::Fault(Fault::Checksum));
    // Both still say how far the journal was.
    let claimant = Claimant::Snapshot;
    let chain = Some(written[1].chain);
    let expected =
        [Witness { claimant, position: 3, chain: None }, Witness { claimant, position: 2, chain }];
    assert_eq!(found.witnesses(), expected);
}

#[test]
fn a_snapshot_under_another_name_or_of_another_epoch_is_not_used() {
    let disk = SimDisk::new(16 << 20);
    let (node, _) = three_snapshots(&disk);
    let older = disk.contents(&path(2));
    disk.edit(&path(3), |bytes| *bytes = older);
    let found = node.snapshots.newest_valid().unwrap();
    assert_eq!(found.damaged[0].reason, Unusable::Position);
    assert_eq!(found.newest.unwrap().position, 2);
}

#[test]
fn a_journal_shorter_than_a_snapshot_is_refused() {
    let disk = SimDisk::new(16 << 20);
    drop(three_snapshots(&disk));
    let segment = Path::new(ROOT).join(format!("journal/1/{:020}.seg", 0));
    disk.edit(&segment, |bytes| bytes[1024..].fill(0));
    let error = Node::open(&disk).map(|_| ()).unwrap_err();
    let Some(OpenError::DataLoss(loss)) = error.downcast_ref() else { panic!("{error}") };
    assert_eq!(loss.damage, Damage::Witness { claimant: Claimant::Snapshot, position: 3 });
    assert_eq!((loss.position, loss.offset), (2, 1024));
    assert!(error.to_string().contains("nothing but index/"), "{error}");
}

#[test]
fn a_crash_during_a_snapshot_leaves_the_ones_before() {
    for n in 0.. {
        let disk = SimDisk::new(16 << 20);
        let (mut node, _) = three_snapshots(&disk);
        let durable = node.journal.append(3, &[record(1, vec![1], vec![2])]).unwrap();
        disk.fail_at(n, Failure::PowerCut);
        let done = node.snapshots.write(durable, b"state 3").is_ok();
        for loss in [Loss::All, Loss::Nothing, Loss::Some(n), Loss::Some(n + 1)] {
            let node = Node::open(&disk.after_power_cut(loss)).unwrap();
            let found = node.snapshots.newest_valid().unwrap();
            assert!(found.damaged.is_empty(), "{:?}", found.damaged);
            let newest = found.newest.unwrap();
            assert!(newest.position == 4 || (newest.position == 3 && !done));
            // Whatever was left behind is in nobody's way.
            node.snapshots.write(durable, b"again").unwrap();
            assert_eq!(node.snapshots.newest_valid().unwrap().newest.unwrap().body, "again");
        }
        if done {
            assert!(n >= 6, "a snapshot has {n} changes");
            break;
        }
    }
}

#[test]
fn a_full_disk_costs_only_the_new_snapshot() {
    let disk = SimDisk::new(16 << 20);
    let (node, written) = three_snapshots(&disk);
    let used: usize = disk.files().values().map(Vec::len).sum();
    disk.set_capacity(used as u64 + 200);
    let error = node.snapshots.write(written[2], &[1; 5000]).unwrap_err();
    assert!(matches!(error, WriteError::Full), "{error}");
    assert_eq!(node.snapshots.newest_valid().unwrap().newest.unwrap().body, "state 2");
    let left: usize = disk.files().values().map(Vec::len).sum();
    assert_eq!(left, used, "a snapshot that failed takes no space");
}
