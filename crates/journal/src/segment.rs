//! Names of numbered files, and reading a segment piece by piece.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::format::SECTOR;

pub(crate) const SEGMENT_SUFFIX: &str = ".seg";
pub(crate) const SNAPSHOT_SUFFIX: &str = ".snap";

/// Digits of a `u64`, so that names sort as their numbers do.
const DIGITS: usize = 20;

/// How much is read at once where the length is not known before.
const WINDOW_BYTES: u64 = 1 << 20;

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The name of a file that is known by a number.
pub(crate) fn name(number: u64, suffix: &str) -> String {
    format!("{number:020}{suffix}")
}

/// The numbers of the files with this suffix in a folder, ascending. Other
/// names are left alone.
pub(crate) fn numbers(disk: &dyn Disk, dir: &Path, suffix: &str) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> =
        disk.list(dir)?.iter().filter_map(|name| number(name, suffix)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

fn number(name: &OsStr, suffix: &str) -> Option<u64> {
    let digits = name.to_str()?.strip_suffix(suffix)?;
    let plain = digits.len() == DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// Whether every byte is zero.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    // Comparing slices is a memcmp, which a loop over bytes is not.
    bytes.chunks(ZEROS.len()).all(|piece| piece == &ZEROS[..piece.len()])
}

/// Writes zeros from one offset to another.
pub(crate) fn write_zeros(file: &dyn DiskFile, mut from: u64, to: u64) -> io::Result<()> {
    while from < to {
        let piece = usize::try_from(to - from).unwrap_or(ZEROS.len()).min(ZEROS.len());
        file.write_at(&ZEROS[..piece], from)?;
        from += piece as u64;
    }
    Ok(())
}

/// `length` bytes of a file.
pub(crate) fn read(file: &dyn DiskFile, offset: u64, length: u64) -> io::Result<Bytes> {
    let length = usize::try_from(length)
        .expect("no single read is longer than a snapshot, which was in memory once");
    let mut buffer = vec![0; length];
    file.read_at(&mut buffer, offset)?;
    Ok(buffer.into())
}

/// A file read from its beginning to its end, in few large reads.
#[derive(Debug)]
pub(crate) struct Window {
    file: Arc<dyn DiskFile>,
    length: u64,
    start: u64,
    bytes: Bytes,
}

impl Window {
    pub(crate) fn new(file: Arc<dyn DiskFile>) -> io::Result<Self> {
        let length = file.len()?;
        Ok(Self { file, length, start: 0, bytes: Bytes::new() })
    }

    /// Length of the file.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Up to `wanted` bytes from `offset`; fewer only at the end of the file.
    pub(crate) fn get(&mut self, offset: u64, wanted: u64) -> io::Result<Bytes> {
        let wanted = wanted.min(self.length.saturating_sub(offset));
        let held = self.start..self.start + self.bytes.len() as u64;
        if offset < held.start || offset + wanted > held.end {
            let ahead = wanted.max(WINDOW_BYTES).min(self.length.saturating_sub(offset));
            self.bytes = read(&*self.file, offset, ahead)?;
            self.start = offset;
        }
        let from = position_in(&self.bytes, offset - self.start);
        let to = position_in(&self.bytes, offset - self.start + wanted);
        Ok(self.bytes.slice(from..to))
    }

    /// The end of the last sector from `offset` on that is not all zeros.
    pub(crate) fn end_of_content(&mut self, mut offset: u64) -> io::Result<Option<u64>> {
        let mut end = None;
        while offset < self.length {
            let piece = self.get(offset, WINDOW_BYTES)?;
            if is_zero(&piece) {
                offset += piece.len() as u64;
                continue;
            }
            for sector in piece.chunks(SECTOR) {
                offset += sector.len() as u64;
                if !is_zero(sector) {
                    end = Some(offset);
                }
            }
        }
        Ok(end)
    }
}

fn position_in(bytes: &Bytes, offset: u64) -> usize {
    usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()))
}
