//! The bytes of a file, without those that are zero: segments are megabytes long and
//! almost empty.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::SECTOR;

const ZEROS: [u8; SECTOR] = [0; SECTOR];

/// Whether a part of a sector is all zeros.
pub(super) fn is_zero(part: &[u8]) -> bool {
    // Comparing slices is a memcmp, which a loop over bytes is not.
    part == &ZEROS[..part.len()]
}

#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    length: usize,
    /// Those that are not all zeros.
    sectors: BTreeMap<usize, Arc<[u8; SECTOR]>>,
}

impl Content {
    pub(super) const fn len(&self) -> usize {
        self.length
    }

    /// Cuts, or adds zeros.
    pub(super) fn resize(&mut self, length: usize) {
        if length < self.length {
            self.sectors.split_off(&length.div_ceil(SECTOR));
            let end = length.next_multiple_of(SECTOR).min(self.length);
            self.put(&vec![0; end - length], length);
        }
        self.length = length;
    }

    /// Fills the buffer, which lies within the length.
    pub(super) fn read(&self, buffer: &mut [u8], offset: usize) {
        buffer.fill(0);
        let end = offset + buffer.len();
        for (number, sector) in self.sectors.range(offset / SECTOR..end.div_ceil(SECTOR)) {
            let start = number * SECTOR;
            let (from, to) = (start.max(offset), (start + SECTOR).min(end));
            buffer[from - offset..to - offset].copy_from_slice(&sector[from - start..to - start]);
        }
    }

    /// Writes; what lies beyond the length makes it longer.
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        self.length = self.length.max(offset + bytes.len());
        self.put(bytes, offset);
    }

    fn put(&mut self, mut bytes: &[u8], mut offset: usize) {
        while !bytes.is_empty() {
            let (number, within) = (offset / SECTOR, offset % SECTOR);
            let (now, rest) = bytes.split_at(bytes.len().min(SECTOR - within));
            if self.has(number) || !is_zero(now) {
                let mut sector = self.sectors.get(&number).map_or(ZEROS, |kept| **kept);
                sector[within..within + now.len()].copy_from_slice(now);
                self.set(number, (sector != ZEROS).then(|| Arc::new(sector)));
            }
            offset += now.len();
            bytes = rest;
        }
    }

    fn set(&mut self, number: usize, sector: Option<Arc<[u8; SECTOR]>>) {
        match sector {
            Some(sector) => drop(self.sectors.insert(number, sector)),
            None => drop(self.sectors.remove(&number)),
        }
    }

    /// Whether one of these sectors holds anything but zeros.
    pub(super) fn has_any(&self, sectors: &Range<usize>) -> bool {
        self.sectors.range(sectors.clone()).next().is_some()
    }

    /// Whether a sector holds anything but zeros.
    pub(super) fn has(&self, sector: usize) -> bool {
        self.sectors.contains_key(&sector)
    }

    /// Sectors from there on that hold anything but zeros.
    pub(super) fn sectors_from(&self, sector: usize) -> impl Iterator<Item = usize> {
        self.sectors.range(sector..).map(|(number, _)| *number)
    }

    /// A sector becomes what it is there, as far as that reaches.
    pub(super) fn take(&mut self, sector: usize, from: &Self) {
        let end = ((sector + 1) * SECTOR).min(from.length);
        if sector * SECTOR < end {
            self.length = self.length.max(end);
            self.set(sector, from.sectors.get(&sector).cloned());
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.length];
        self.read(&mut bytes, 0);
        bytes
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        let mut content = Self::default();
        content.write(&bytes, 0);
        content
    }
}
