//! Nothing that was acknowledged is lost, wherever the power goes, whatever of
//! the unsynced writes the disk keeps, and whatever the cache pretends.

use crate::node::{Ledger, Node, live};
use crate::sim_disk::{Failure, Loss, SimDisk};

const CAPACITY: u64 = 64 << 20;
const GROUPS: u64 = 6;

const LOSSES: [Loss; 3] = [Loss::All, Loss::Nothing, Loss::Some(1)];

fn used_disk() -> (SimDisk, Ledger) {
    let disk = SimDisk::new(CAPACITY);
    let mut ledger = Ledger::default();
    live(&disk, &mut ledger, 3, 1).unwrap();
    (disk.after_kill(), ledger)
}

/// Recovers, and lives on after it; both must succeed.
fn recover(disk: &SimDisk, ledger: &mut Ledger) {
    live(disk, ledger, 2, 99).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    let disk = disk.after_power_cut(Loss::All);
    ledger.check(&Node::open(&disk).unwrap());
}

/// Runs `each` for a disk that fails at its n-th change, for every n.
fn at_every_change(failure: Failure, mut each: impl FnMut(u64, SimDisk, Ledger)) {
    let (fresh, used) = ((SimDisk::new(CAPACITY), Ledger::default()), used_disk());
    for (start, told) in [fresh, used] {
        for n in 0.. {
            let (disk, mut ledger) = (start.after_kill(), told.clone());
            disk.fail_at(n, failure);
            let result = live(&disk, &mut ledger, GROUPS, 7);
            if !disk.has_failed() {
                result.unwrap();
                assert!(n > 60, "the run has only {n} changes");
                break;
            }
            assert!(result.is_err(), "a failure at change {n} went unnoticed");
            each(n, disk, ledger);
        }
    }
}

#[test]
fn a_power_cut_at_any_change_loses_nothing() {
    at_every_change(Failure::PowerCut, |_, disk, ledger| {
        for loss in LOSSES {
            recover(&disk.after_power_cut(loss), &mut ledger.clone());
        }
    });
}

#[test]
fn a_second_power_cut_during_recovery_loses_nothing() {
    at_every_change(Failure::PowerCut, |n, disk, ledger| {
        for (seed, loss) in (n..).zip([Loss::All, Loss::Nothing, Loss::Some(n)]) {
            let disk = disk.after_power_cut(loss);
            disk.fail_at((seed * 7) % 23, Failure::PowerCut);
            let mut ledger = ledger.clone();
            let _failed = live(&disk, &mut ledger, 2, seed);
            for loss in [Loss::All, Loss::Some(seed)] {
                recover(&disk.after_power_cut(loss), &mut ledger.clone());
            }
        }
    });
}

#[test]
fn every_change_of_recovery_may_be_the_last() {
    let (disk, ledger) = used_disk();
    // The power goes while the last group is being written.
    let mut killed = ledger;
    disk.fail_at(40, Failure::PowerCut);
    live(&disk, &mut killed, GROUPS, 3).unwrap_err();
    for loss in LOSSES {
        let torn = disk.after_power_cut(loss);
        for n in 0.. {
            let (disk, mut ledger) = (torn.after_kill(), killed.clone());
            disk.fail_at(n, Failure::PowerCut);
            if live(&disk, &mut ledger, 2, n).is_ok() {
                assert!(n > 25, "the run has only {n} changes");
                break;
            }
            for loss in LOSSES {
                recover(&disk.after_power_cut(loss), &mut ledger.clone());
            }
        }
    }
}

#[test]
fn a_killed_node_does_not_trust_the_cache() {
    at_every_change(Failure::PowerCut, |n, disk, ledger| {
        // The next process sees all that was written, synced or not; what it
        // then acknowledges must survive a power cut of its own.
        let mut ledger = ledger;
        let disk = disk.after_kill();
        disk.fail_at(n % 31, Failure::PowerCut);
        let _failed = live(&disk, &mut ledger, 1, n);
        recover(&disk.after_power_cut(Loss::All), &mut ledger);
    });
}

#[test]
fn an_io_error_at_any_change_is_not_survived_and_loses_nothing() {
    at_every_change(Failure::Error, |n, disk, mut ledger| {
        // Started again on the same cache, which shows writes that a failed
        // sync has forgotten; then the power goes.
        let disk = disk.after_kill();
        live(&disk, &mut ledger, 1, n).unwrap_or_else(|error| panic!("{n}: {error}: {error:?}"));
        for loss in [Loss::All, Loss::Some(n)] {
            recover(&disk.after_power_cut(loss), &mut ledger.clone());
        }
    });
}

#[test]
fn a_failed_journal_stays_dead() {
    let disk = SimDisk::new(CAPACITY);
    let mut node = Node::open(&disk).unwrap();
    let record = crate::node::record(1, vec![1], vec![2]);
    let records = std::slice::from_ref(&record);
    node.journal.append(0, records).unwrap();
    disk.fail_at(1, Failure::Error);
    let failed = node.journal.append(1, records).unwrap_err();
    assert!(failed.to_string().contains("cannot sync"), "{failed}");
    for _ in 0..3 {
        assert!(node.journal.append(1, records).is_err());
        assert!(node.journal.reserve(1, barid_journal::Claim::Delivery).is_err());
    }
    assert_eq!(node.reader.next_position(), 1);
    assert!(node.reader.read(1).is_err());
}
