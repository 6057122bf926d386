//! A disk as a power cut leaves it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::record::{SECTOR, Write};
use crate::harness::Chance;

/// Bytes that are looked at together: what is zeros need not be written.
const PIECE: usize = 64 << 10;

/// What becomes of writes that no FLUSH has covered.
#[derive(Clone, Copy, Debug)]
pub(super) enum Model {
    /// All are lost.
    Strict,
    /// All are kept.
    Lenient,
    /// Each is kept, lost, or torn at a sector.
    Random,
}

impl Model {
    pub(super) const ALL: [Self; 3] = [Self::Strict, Self::Lenient, Self::Random];
}

/// What is on the disk for sure.
pub(super) struct Image {
    bytes: Vec<u8>,
    at: usize,
}

impl Image {
    /// As it was before anything was recorded.
    pub(super) const fn new(bytes: Vec<u8>) -> Self {
        Self { bytes, at: 0 }
    }

    /// Entries of the record that are in it.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// A FLUSH is done, and with it everything before the entry `to`.
    pub(super) fn apply(&mut self, writes: &[Write<'_>], to: usize) {
        for write in writes {
            put(&mut self.bytes, write.at, write.bytes);
        }
        self.at = to;
    }

    /// Writes it to a file, with these writes behind the FLUSH.
    pub(super) fn write(
        &self,
        file: &Path,
        behind: &[Write<'_>],
        model: Model,
        chance: &mut Chance,
    ) {
        let mut bytes = self.bytes.clone();
        for write in behind {
            let sectors = write.bytes.len() / SECTOR;
            let kept = match model {
                Model::Strict if !write.is_durable => 0,
                Model::Random if !write.is_durable => match chance.below(3) {
                    0 => 0,
                    1 => chance.below(sectors + 1),
                    _ => sectors,
                },
                _ => sectors,
            };
            put(&mut bytes, write.at, &write.bytes[..kept * SECTOR]);
        }
        let file = File::create(file).expect("made");
        file.set_len(u64::try_from(bytes.len()).expect("a length")).expect("that long");
        for (number, piece) in bytes.chunks(PIECE).enumerate() {
            if piece != &[0; PIECE][..piece.len()] {
                let at = u64::try_from(number * PIECE).expect("a length");
                file.write_all_at(piece, at).expect("written");
            }
        }
    }
}

fn put(disk: &mut [u8], at: usize, bytes: &[u8]) {
    disk[at..at + bytes.len()].copy_from_slice(bytes);
}
