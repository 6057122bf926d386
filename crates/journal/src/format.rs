//! The frames on disk. Numbers are big-endian and of fixed width; a checksum is
//! CRC32C; what an earlier release wrote is never given another meaning.

pub(crate) mod blob;
pub(crate) mod group;
pub(crate) mod snapshot;

/// The format of everything in a data folder. 0 may still change until the
/// audit log is built; from 1 on, a change is a new number.
pub const FORMAT: u32 = 0;

/// What a disk writes whole or not at all, in bytes.
pub(crate) const SECTOR: usize = 512;

/// What is wrong with bytes that were read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// No readable header stands where one must.
    #[error("there is no readable header")]
    Header,
    /// Written in a format that this program does not know.
    #[error("it is written in format {0}, which this program does not know")]
    Format(u32),
    /// A part of this kind is not built: what it says cannot be read.
    #[error("it uses a feature that this program does not have")]
    Unsupported,
    /// The file ends before the frame does, or the frame is not as long as it
    /// has to be.
    #[error("it is cut short")]
    Length,
    /// The checksum does not match.
    #[error("its checksum does not match")]
    Checksum,
    /// The checksum matches and the records inside do not add up.
    #[error("its records do not add up")]
    Records,
    /// It does not continue the hash chain.
    #[error("it does not continue the hash chain")]
    Chain,
}

/// Reads fixed-width fields one after the other.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*field)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
}

/// A stored 32-bit length as a size in memory.
pub(crate) fn size(length: u32) -> usize {
    usize::try_from(length).expect("this program runs where a usize has at least 32 bits")
}

const _: () = assert!(usize::BITS >= 32, "lengths of 32 bits must fit in memory");

#[cfg(test)]
mod tests;
