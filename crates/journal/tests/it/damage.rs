//! What is damage, and what is only the end of a write.

use std::path::{Path, PathBuf};

use barid_journal::{Chain, Claim, Claimant, Damage, OpenError, Recovered, Witness, journal};

use crate::node::{ROOT, open_journal, open_witnessed, record};
use crate::sim_disk::{Random, SimDisk};

const SECTOR: usize = 512;

fn segment(first_position: u64) -> PathBuf {
    Path::new(ROOT).join(format!("journal/1/{first_position:020}.seg"))
}

/// A journal of one segment with four groups, of 3, 2, 1 and 4 sectors; where
/// each begins, and the end of the last. Every group has one record.
fn four_groups() -> (SimDisk, Vec<usize>) {
    let disk = SimDisk::new(16 << 20);
    let (mut journal, _) = open_journal(&disk).unwrap();
    let mut random = Random::new(5);
    let mut offsets = vec![0];
    for (position, length) in (0..).zip([1200, 700, 20, 1800]) {
        let record = record(1, random.bytes(length / 2), random.bytes(length / 2));
        let bytes = journal::group_bytes(std::slice::from_ref(&record));
        journal.append(position, &[record]).unwrap();
        offsets.push(offsets.last().unwrap() + usize::try_from(bytes).unwrap());
    }
    drop(journal);
    (disk, offsets)
}

fn copy(disk: &SimDisk) -> SimDisk {
    disk.after_kill()
}

/// Opens; damage must leave every file as it was.
fn open(disk: &SimDisk) -> Result<Recovered, Damage> {
    let before = disk.journal();
    match open_journal(disk) {
        Ok((_, recovered)) => Ok(recovered),
        Err(OpenError::DataLoss(loss)) => {
            assert!(disk.journal() == before, "damage was touched");
            Err(loss.damage)
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_tail_cut_at_a_sector_is_torn_and_the_rest_stands() {
    let (disk, offsets) = four_groups();
    let (last, end) = (offsets[3], offsets[4]);
    for cut in (last..end).step_by(SECTOR) {
        let disk = copy(&disk);
        disk.edit(&segment(0), |bytes| bytes[cut..end].fill(0));
        let recovered = open(&disk).unwrap();
        assert_eq!(recovered.next_position, 3);
        let dropped = if cut == last { 0 } else { end - last };
        assert_eq!(recovered.dropped_bytes, dropped as u64);
        let (journal, _) = open_journal(&disk).unwrap();
        assert_eq!(journal.reader().scan(0).count(), 3);
    }
}

#[test]
fn a_tail_without_one_sector_of_zeros_is_never_dropped() {
    let (disk, offsets) = four_groups();
    let (last, end) = (offsets[3], offsets[4]);
    for cut in last + 1..end {
        let disk = copy(&disk);
        let mut padding = false;
        disk.edit(&segment(0), |bytes| {
            padding = bytes[cut..end].iter().all(|&byte| byte == 0);
            bytes[cut..end].fill(0);
        });
        // A cut inside a sector happens to no disk. It is torn where the
        // header and one sector of zeros show it, else it is damage.
        let torn = cut >= last + 56 && cut <= end - SECTOR;
        match open(&disk) {
            Ok(recovered) if padding => assert_eq!(recovered.next_position, 4),
            Ok(recovered) => {
                assert!(torn, "dropped when cut at {cut}");
                assert_eq!(recovered.next_position, 3);
            }
            Err(damage) => {
                assert!(!torn && !padding, "refused when cut at {cut}");
                assert!(matches!(damage, Damage::Group(_)));
            }
        }
    }
}

#[test]
fn any_sectors_of_the_tail_may_be_missing() {
    let (disk, offsets) = four_groups();
    let (last, end) = (offsets[3], offsets[4]);
    let sectors = (end - last) / SECTOR;
    for missing in 1..1_u32 << sectors {
        let disk = copy(&disk);
        disk.edit(&segment(0), |bytes| {
            for sector in (0..sectors).filter(|sector| missing & (1 << sector) != 0) {
                bytes[last + sector * SECTOR..][..SECTOR].fill(0);
            }
        });
        assert_eq!(open(&disk).unwrap().next_position, 3, "missing {missing:b}");
    }
}

#[test]
fn a_flipped_bit_anywhere_in_a_group_is_damage() {
    let (disk, offsets) = four_groups();
    for at in 0..offsets[4] {
        let disk = copy(&disk);
        disk.edit(&segment(0), |bytes| bytes[at] ^= 1 << (at % 8));
        let damage = open(&disk).unwrap_err();
        assert!(matches!(damage, Damage::Group(_)), "byte {at}: {damage:?}");
    }
}

#[test]
fn missing_sectors_of_an_earlier_group_are_damage() {
    let (disk, offsets) = four_groups();
    for at in (0..offsets[3]).step_by(SECTOR) {
        let disk = copy(&disk);
        disk.edit(&segment(0), |bytes| bytes[at..at + SECTOR].fill(0));
        assert!(matches!(open(&disk).unwrap_err(), Damage::Group(_)), "sector at {at}");
    }
}

#[test]
fn a_torn_later_group_proves_the_one_before() {
    let (disk, offsets) = four_groups();
    // The third group is gone, and of the fourth only the header is there.
    disk.edit(&segment(0), |bytes| {
        bytes[offsets[2]..offsets[3]].fill(0);
        bytes[offsets[3] + SECTOR..].fill(0);
    });
    assert!(matches!(open(&disk).unwrap_err(), Damage::Group(_)));
}

#[test]
fn a_cut_file_is_damage_wherever_it_is_cut() {
    let (disk, offsets) = four_groups();
    for length in [0, 1, 511, 512, offsets[1], offsets[2] + 1, offsets[3], offsets[4]] {
        let disk = copy(&disk);
        disk.edit(&segment(0), |bytes| bytes.truncate(length));
        let damage = open(&disk).unwrap_err();
        assert!(matches!(damage, Damage::Cut | Damage::Group(_)), "at {length}: {damage:?}");
    }
}

#[test]
fn a_group_in_the_wrong_place_is_damage() {
    let (disk, offsets) = four_groups();
    // The third group once more, behind the fourth.
    disk.edit(&segment(0), |bytes| bytes.copy_within(offsets[2]..offsets[3], offsets[4]));
    assert_eq!(open(&disk), Err(Damage::Misplaced));
}

fn open_with(disk: &SimDisk, position: u64, chain: Option<Chain>) -> Result<Recovered, Damage> {
    let witness = Witness { claimant: Claimant::Index, position, chain };
    match open_witnessed(disk, vec![witness]) {
        Ok((_, recovered)) => Ok(recovered),
        Err(OpenError::DataLoss(loss)) => Err(loss.damage),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_witness_keeps_a_torn_group_from_being_dropped() {
    let (disk, offsets) = four_groups();
    disk.edit(&segment(0), |bytes| bytes[offsets[4] - SECTOR..].fill(0));
    let claimant = Claimant::Index;
    let lost = Err(Damage::Witness { claimant, position: 4 });
    assert_eq!(open_with(&copy(&disk), 4, None), lost);
    assert_eq!(open_with(&copy(&disk), 3, None).unwrap().next_position, 3);
    // Nor may whole groups, or the whole journal, go unnoticed.
    disk.edit(&segment(0), |bytes| bytes.fill(0));
    assert_eq!(open_with(&copy(&disk), 4, None), lost);
    let fresh = SimDisk::new(16 << 20);
    assert_eq!(open_with(&fresh, 4, None), lost);
}

#[test]
fn a_witness_of_another_history_is_believed() {
    let (disk, _) = four_groups();
    let claimant = Claimant::Index;
    let other = Some(Chain::from_bytes([7; 32]));
    for position in 0..=4 {
        let damage = open_with(&copy(&disk), position, other).unwrap_err();
        assert_eq!(damage, Damage::History { claimant, position });
    }
    let chain = open(&copy(&disk)).unwrap().chain;
    assert_eq!(open_with(&disk, 4, Some(chain)).unwrap().chain, chain);
}

/// A journal of many segments: their first positions.
fn many_segments() -> (SimDisk, Vec<u64>) {
    let disk = SimDisk::new(16 << 20);
    let mut random = Random::new(6);
    let mut position = 0;
    for _ in 0..3 {
        let (mut journal, recovered) = open_journal(&disk).unwrap();
        assert_eq!(recovered.next_position, position);
        for _ in 0..7 {
            journal.reserve(4000, Claim::Intake).unwrap();
            journal.append(position, &[record(1, random.bytes(900), random.bytes(900))]).unwrap();
            position += 1;
        }
    }
    let names = disk
        .journal()
        .into_keys()
        .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".seg")?.parse().ok());
    let firsts: Vec<u64> = names.collect();
    assert!(firsts.len() > 5, "{firsts:?}");
    (disk, firsts)
}

fn remove(disk: &SimDisk, first: u64) {
    use barid_journal::Disk as _;
    disk.remove(&segment(first)).unwrap();
}

#[test]
fn a_missing_segment_is_damage() {
    let (disk, firsts) = many_segments();
    for (index, first) in firsts.iter().enumerate().take(firsts.len() - 1) {
        let disk = copy(&disk);
        remove(&disk, *first);
        let next_segment = firsts[index + 1];
        assert_eq!(open(&disk), Err(Damage::Missing { next_segment }), "without {first}");
    }
}

#[test]
fn a_segment_that_lost_its_groups_is_damage_unless_it_is_the_last() {
    let (disk, firsts) = many_segments();
    for first in &firsts[..firsts.len() - 1] {
        let disk = copy(&disk);
        disk.edit(&segment(*first), |bytes| bytes.fill(0));
        assert!(open(&disk).is_err(), "segment {first} is empty");
    }
}

#[test]
fn the_bodies_of_a_journal_that_is_gone_are_noticed() {
    let disk = SimDisk::new(16 << 20);
    let mut ledger = crate::node::Ledger::default();
    crate::node::live(&disk, &mut ledger, 1, 1).unwrap();
    let disk = copy(&disk);
    remove(&disk, 0);
    assert_eq!(open(&disk), Err(Damage::Gone));
}

#[test]
fn an_older_copy_of_the_last_segment_is_a_shorter_journal() {
    let (disk, firsts) = many_segments();
    let last = *firsts.last().unwrap();
    let whole = disk.contents(&segment(last));
    let shorter = copy(&disk);
    shorter.edit(&segment(last), |bytes| bytes.fill(0));
    assert_eq!(
        open_with(&shorter, 21, None),
        Err(Damage::Witness { claimant: Claimant::Index, position: 21 })
    );
    shorter.edit(&segment(last), |bytes| *bytes = whole);
    assert_eq!(open_with(&shorter, 21, None).unwrap().next_position, 21);
}
