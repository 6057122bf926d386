//! Journal files that somebody wrote on purpose: their checksums are right.

use std::path::PathBuf;

use barid_journal::{Claimant, OpenError, Recovered, StoredRecord, Witness};

use crate::node::{Ledger, live, open_journal, open_witnessed};
use crate::sim_disk::{Random, SimDisk};

const SECTOR: usize = 512;

/// Cases of one run unless `BARID_FUZZ` says otherwise.
const CASES: u64 = 600;

// A group's bytes, as format/group.rs has them.
const MAGIC: &[u8] = b"\xFFBRDGRP\0";
const HEADER: usize = 56;
const CHAIN: usize = 32;
/// Offset and length of a header's numbers: format, epoch, start, group, first position,
/// count, bytes.
const NUMBERS: [(usize, usize); 7] = [(8, 4), (12, 8), (20, 8), (28, 8), (36, 8), (44, 4), (48, 4)];

/// Whoever can write the files can make their checksums fit. What the chain covers cannot
/// be changed so; and no number in a file makes a reader panic, take memory without
/// bound, or shorten a history that somebody outside of it has seen.
#[test]
fn a_file_with_right_checksums_is_read_as_it_was_or_not_at_all() {
    let disk = SimDisk::new(16 << 20);
    let mut ledger = Ledger::default();
    for seed in 1..4 {
        live(&disk, &mut ledger, 8, seed).unwrap();
    }
    let (_, whole) = open_journal(&disk.after_kill()).unwrap();
    let segments: Vec<PathBuf> = disk.journal().into_keys().collect();
    assert!(segments.len() > 3, "several segments");
    let first: u64 = number("BARID_SEED").unwrap_or(1);
    let (mut refused, mut opened) = (0, 0);
    for seed in first..first + number("BARID_FUZZ").unwrap_or(CASES) {
        let mut random = Random::new(seed);
        let hostile = disk.after_kill();
        for _ in 0..=random.below(3) {
            change(&hostile, &segments, &mut random);
        }
        let Some(found) = found(&hostile, &whole, seed) else {
            refused += 1;
            continue;
        };
        opened += 1;
        let read = found.iter().map(|stored| &stored.leaf);
        let written = ledger.records.iter().map(|record| &record.leaf);
        assert!(read.eq(written), "BARID_SEED={seed}: another history");
    }
    println!("{refused} refused, {opened} read as they were");
    assert!(refused > 0 && opened > 0, "nothing was tried");
}

/// What a journal over these files holds, whose end a witness has seen. `None` where it is
/// refused, with all files as they were.
fn found(disk: &SimDisk, whole: &Recovered, seed: u64) -> Option<Vec<StoredRecord>> {
    let before = disk.journal();
    let (position, chain) = (whole.next_position, Some(whole.chain));
    let witness = Witness { claimant: Claimant::Index, position, chain };
    match open_witnessed(disk, vec![witness]) {
        Ok((journal, _)) => {
            let found: Result<Vec<_>, _> = journal.reader().scan(0).collect();
            let found = found.unwrap_or_else(|error| panic!("BARID_SEED={seed}: {error}"));
            // Read one by one as well: by offset, not in passing.
            for stored in &found {
                let again = journal.reader().read(stored.position).unwrap();
                assert!(again == *stored, "BARID_SEED={seed}");
            }
            Some(found)
        }
        Err(OpenError::DataLoss(_)) => {
            assert!(disk.journal() == before, "BARID_SEED={seed}: what is refused was touched");
            None
        }
        Err(error) => panic!("BARID_SEED={seed}: {error}"),
    }
}

/// One act against one of the files.
fn change(disk: &SimDisk, segments: &[PathBuf], random: &mut Random) {
    // Every other time the last, where what is missing may pass for a write that was cut.
    let last = segments.len() - 1;
    let path = &segments[if random.below(2) == 0 { last } else { pick(random, last) }];
    let other = disk.contents(&segments[pick(random, segments.len())]);
    disk.edit(path, |bytes| match random.below(9) {
        0..3 => with_group(bytes, random, |group, random| {
            let (offset, length) = NUMBERS[pick(random, NUMBERS.len())];
            put_number(&mut group[offset..offset + length], random);
        }),
        3..5 => with_group(bytes, random, |group, random| {
            // A number of a record, or a byte of it.
            let records = group.len() - HEADER - CHAIN - 4;
            let at = HEADER + pick(random, records.saturating_sub(8).max(1));
            let length = [1, 2, 4, 8][pick(random, 4)].min(group.len() - at);
            put_number(&mut group[at..at + length], random);
        }),
        5 => {
            // Sectors of another file, or of another place in this one.
            let sectors = 1 + pick(random, 4);
            let from = SECTOR * pick(random, (other.len() / SECTOR).max(1));
            let to = SECTOR * pick(random, (bytes.len() / SECTOR).max(1));
            let length = (sectors * SECTOR).min(other.len() - from).min(bytes.len() - to);
            bytes[to..to + length].copy_from_slice(&other[from..from + length]);
        }
        6 => {
            let length = pick(random, bytes.len() + 1);
            bytes.truncate(length);
        }
        7 => {
            // As if the rest had never been written.
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at / SECTOR);
            let from = (SECTOR * pick(random, used + 1)).min(bytes.len());
            bytes[from..].fill(0);
        }
        _ => {
            let length = random.below(3 * SECTOR as u64);
            bytes.extend(random.bytes(length));
        }
    });
}

/// Changes one of a file's groups and makes its checksums fit.
fn with_group(bytes: &mut [u8], random: &mut Random, change: impl FnOnce(&mut [u8], &mut Random)) {
    let places: Vec<_> = (0..bytes.len())
        .step_by(SECTOR)
        .filter(|at| bytes[*at..].starts_with(MAGIC) && bytes.len() - at >= HEADER)
        .collect();
    if places.is_empty() {
        return;
    }
    let at = places[pick(random, places.len())];
    let length = u32::from_be_bytes(bytes[at + 48..at + 52].try_into().unwrap());
    let end = at + HEADER + usize::try_from(length).unwrap() + CHAIN + 4;
    let Some(group) = bytes.get_mut(at..end) else {
        return;
    };
    change(group, random);
    let (header, rest) = group.split_at_mut(HEADER);
    seal(header);
    seal(rest);
}

/// Puts the checksum of what is before it into the last four bytes.
fn seal(bytes: &mut [u8]) {
    let (covered, checksum) = bytes.split_at_mut(bytes.len() - 4);
    checksum.copy_from_slice(&crc32c::crc32c(covered).to_be_bytes());
}

/// A number that somebody would try.
fn put_number(place: &mut [u8], random: &mut Random) {
    let mut wide = [0; 8];
    wide[8 - place.len()..].copy_from_slice(place);
    let now = u64::from_be_bytes(wide);
    let tried = match random.below(7) {
        0 => 0,
        1 => 1,
        2 => now.wrapping_add(1),
        3 => now.wrapping_sub(1),
        4 => u64::MAX,
        5 => u64::MAX >> 1,
        _ => random.below(u64::MAX),
    };
    place.copy_from_slice(&tried.to_be_bytes()[8 - place.len()..]);
}

fn pick(random: &mut Random, below: usize) -> usize {
    usize::try_from(random.below(below as u64)).unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable)?.to_str()?.parse().ok()
}
