//! The record of what a disk was given, as `blklogwrites` of QEMU and `dm-log-writes` of
//! Linux write it.

use std::ops::Range;
use std::path::Path;

/// Sector of the record (`log-sector-size`), and of what is recorded.
pub(super) const SECTOR: usize = 512;

const MAGIC: u64 = 0x6a_7366_7773_6872;
const FLUSH: u64 = 1;
const FUA: u64 = 2;
const DISCARD: u64 = 4;

/// All that a disk was given, in order.
pub(super) struct Record {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// One thing that the disk was given.
struct Entry {
    /// Where it begins in the record.
    offset: u64,
    /// Byte of the disk.
    at: usize,
    flags: u64,
    /// Its data in the record.
    data: Range<usize>,
}

/// Bytes for the disk.
pub(super) struct Write<'a> {
    pub(super) at: usize,
    pub(super) bytes: &'a [u8],
    /// It is durable by itself (FUA).
    pub(super) is_durable: bool,
}

/// A FLUSH that was done, and the time until the next: by entries, and by the length that the
/// record had at its end.
pub(super) struct Cut {
    pub(super) at: usize,
    pub(super) next: usize,
    pub(super) until: u64,
}

impl Record {
    pub(super) fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).expect("the record can be read");
        assert_eq!(number(&bytes, 0), MAGIC, "a record of writes");
        let (mut entries, mut offset) = (Vec::new(), SECTOR);
        while offset < bytes.len() {
            let field = |place: usize| number(&bytes, offset + 8 * place);
            let [sector, sectors, flags] = [0, 1, 2].map(field);
            let length = if flags & DISCARD == 0 { bytes_of(sectors) } else { 0 };
            let data = offset + SECTOR..offset + SECTOR + length;
            let begins = u64::try_from(offset).expect("a length");
            offset = data.end;
            entries.push(Entry { offset: begins, at: bytes_of(sector), flags, data });
        }
        Self { bytes, entries }
    }

    /// Every moment from one FLUSH to the next.
    pub(super) fn flushes(&self) -> impl Iterator<Item = Cut> {
        let flushes = self.entries.iter().enumerate();
        let flushes = flushes.filter(|(_, entry)| entry.flags & FLUSH != 0);
        let flushes: Vec<_> = flushes.map(|(place, entry)| (place, entry.offset)).collect();
        (0..flushes.len()).map(move |number| {
            let next = flushes.get(number + 1).copied();
            let (next, until) = next.unwrap_or((usize::MAX, u64::MAX));
            Cut { at: flushes[number].0, next, until }
        })
    }

    /// What was written from one entry on, and before another.
    pub(super) fn between(&self, from: usize, to: usize) -> Vec<Write<'_>> {
        let entries = &self.entries[from..to.min(self.entries.len())];
        let writes = entries.iter().filter(|entry| !entry.data.is_empty());
        let write = |entry: &Entry| Write {
            at: entry.at,
            bytes: &self.bytes[entry.data.clone()],
            is_durable: entry.flags & FUA != 0,
        };
        writes.map(write).collect()
    }
}

fn number(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes[at..at + 8].try_into().expect("eight bytes");
    u64::from_le_bytes(eight)
}

fn bytes_of(sectors: u64) -> usize {
    usize::try_from(sectors).expect("a small disk") * SECTOR
}
