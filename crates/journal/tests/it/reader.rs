//! Reading while the writer goes on, on a real disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use barid_journal::journal::AppendError;
use barid_journal::reader::ReadError;
use barid_journal::{DataDir, Journal, OsDisk, Reader, data_dir, journal};

use crate::node::{open_journal, record, same};
use crate::sim_disk::{Random, SimDisk};

const RECORDS: u64 = 600;

fn nth(position: u64) -> barid_journal::Record {
    let mut random = Random::new(position);
    let (leaf, side) = (random.below(300), random.below(900));
    record(1, random.bytes(leaf), random.bytes(side))
}

/// Follows the journal to its last record, checking each and some before it.
fn follow(reader: &Reader, seed: u64, stop: &AtomicBool) {
    let mut random = Random::new(seed);
    let mut scan = reader.scan(0);
    let mut expected = 0;
    while expected < RECORDS && !stop.load(Ordering::Relaxed) {
        for stored in scan.by_ref() {
            let stored = stored.unwrap();
            assert_eq!(stored.position, expected);
            assert!(same(&stored, &nth(expected)));
            expected += 1;
        }
        let end = reader.next_position();
        if end > 0 {
            let position = random.below(end);
            assert!(same(&reader.read(position).unwrap(), &nth(position)));
        }
    }
    assert_eq!(expected, RECORDS);
}

/// Writes all records in groups of up to twelve.
fn write(journal: &mut Journal) -> Result<(), AppendError> {
    let mut random = Random::new(9);
    let mut next = 0;
    while next < RECORDS {
        let count = (random.below(12) + 1).min(RECORDS - next);
        let records: Vec<_> = (next..next + count).map(nth).collect();
        next = journal.append(next, &records)?.next_position;
    }
    Ok(())
}

#[test]
fn readers_see_what_is_durable_and_only_that() {
    let root = tempfile::tempdir().unwrap();
    let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
    let data = DataDir::open(Arc::new(OsDisk), root.path(), options).unwrap();
    let options = journal::Options { segment_bytes: 128 << 10, witnesses: Vec::new() };
    let (mut journal, _) = Journal::open(&data, &options).unwrap();
    let reader = journal.reader();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for seed in 0..2 {
            let (reader, stop) = (reader.clone(), &stop);
            scope.spawn(move || follow(&reader, seed, stop));
        }
        let written = write(&mut journal);
        stop.store(written.is_err(), Ordering::Relaxed);
        written.unwrap();
    });
    let end = reader.read(RECORDS).unwrap_err();
    assert!(matches!(end, ReadError::NotDurable { next_position: RECORDS, .. }), "{end}");
    assert_eq!(reader.scan(RECORDS).count(), 0);

    // The index that recovery builds finds the same.
    drop(journal);
    let (journal, _) = Journal::open(&data, &options).unwrap();
    let reader = journal.reader();
    for position in (0..RECORDS).step_by(7) {
        assert!(same(&reader.read(position).unwrap(), &nth(position)));
        let scanned = reader.scan(position).next().unwrap().unwrap();
        assert!(same(&scanned, &nth(position)));
    }
}

#[test]
fn what_was_damaged_under_a_running_node_is_named_and_not_returned() {
    let disk = SimDisk::new(16 << 20);
    let (mut journal, _) = open_journal(&disk).unwrap();
    for position in 0..3 {
        journal.append(position, &[nth(position)]).unwrap();
    }
    let path = disk.files().into_keys().find(|path| path.ends_with(format!("{:020}.seg", 0)));
    let second = usize::try_from(journal::group_bytes(&[nth(0)])).unwrap();
    disk.edit(&path.unwrap(), |bytes| bytes[second + 80] ^= 1);
    let reader = journal.reader();
    assert!(same(&reader.read(0).unwrap(), &nth(0)));
    assert!(matches!(reader.read(1), Err(ReadError::Damaged { position: 1, .. })));
    assert!(same(&reader.read(2).unwrap(), &nth(2)));
    let mut scan = reader.scan(0);
    assert!(scan.next().unwrap().is_ok());
    assert!(matches!(scan.next(), Some(Err(ReadError::Damaged { position: 1, .. }))));
    assert!(scan.next().is_none(), "a scan does not go on behind damage");
}

#[test]
fn a_group_at_another_position_kills_the_writer() {
    let disk = SimDisk::new(16 << 20);
    let (mut journal, _) = open_journal(&disk).unwrap();
    let error = journal.append(1, &[nth(0)]).unwrap_err();
    assert!(matches!(error, AppendError::Position { given: 1, expected: 0 }), "{error}");
    assert!(matches!(journal.append(0, &[nth(0)]), Err(AppendError::Dead)));
}
