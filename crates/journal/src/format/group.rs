//! A group of records: what one sync makes durable.
//!
//! ```text
//! header   magic 8 · format u32 · epoch u64 · start_no u64 · group_no u64
//!          · first position u64 · count u32 · bytes u32 · CRC32C u32
//! record   frame length u32 · kind u16 · version u16 · position u64 · time_ms u64
//!          · leaf length u32 · leaf · side length u32 · side        (count times)
//! trailer  chain hash 32 · CRC32C u32 of records and chain hash
//! padding  zeros to the next sector
//! ```
//!
//! `bytes` counts the records alone. A group begins at a sector, so that a
//! sector belongs to one group and a header is written whole or not at all.

use bytes::{Buf, Bytes};

use super::{FORMAT, Fault, Fields, SECTOR, size};
use crate::chain::{Chain, HASH_BYTES, Link};

/// The first byte occurs in no UTF-8 text, so no text can pass for a group.
pub(crate) const GROUP_MAGIC: [u8; 8] = *b"\xFFBRDGRP\0";
pub(crate) const HEADER_BYTES: usize = 56;
pub(crate) const TRAILER_BYTES: usize = HASH_BYTES + 4;

/// What a record needs besides its leaf and side.
pub(crate) const RECORD_FIXED_BYTES: usize = 32;

/// The longest group, padding included. Bounds what a torn tail can hold, and
/// what a reader must hold in memory.
pub const GROUP_BYTES_MAX: u64 = 8 << 20;

/// What a group needs at most besides its records.
pub const GROUP_OVERHEAD_BYTES_MAX: u64 = (HEADER_BYTES + TRAILER_BYTES + SECTOR - 1) as u64;

const _: () = assert!(HEADER_BYTES == 8 + 4 + 8 * 4 + 4 * 2 + 4);
const _: () = assert!(RECORD_FIXED_BYTES == 4 + 2 * 2 + 8 * 2 + 4 * 2);
const _: () = assert!(HEADER_BYTES <= SECTOR, "a header lies in one sector");
const _: () =
    assert!(GROUP_BYTES_MAX <= u32::MAX as u64 && GROUP_BYTES_MAX.is_multiple_of(SECTOR as u64));

/// What is to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the record says; its numbers are the caller's.
    pub kind: u16,
    /// Version of the kind's meaning.
    pub version: u16,
    /// Milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// The permanent part: its hash goes into the chain.
    pub leaf: Bytes,
    /// The part that may have to be erased one day.
    pub side: Bytes,
}

impl Record {
    /// Bytes that it takes in a group.
    #[must_use]
    pub const fn frame_bytes(&self) -> u64 {
        (RECORD_FIXED_BYTES + self.leaf.len() + self.side.len()) as u64
    }
}

/// What was written down, as it was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its place in the journal, from 0 without a gap.
    pub position: u64,
    /// What the record says.
    pub kind: u16,
    /// Version of the kind's meaning.
    pub version: u16,
    /// Milliseconds since 1970 UTC.
    pub time_ms: u64,
    /// The permanent part.
    pub leaf: Bytes,
    /// The part that may have been erased.
    pub side: Bytes,
}

/// The header of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GroupHeader {
    pub(crate) epoch: u64,
    pub(crate) start_no: u64,
    pub(crate) group_no: u64,
    pub(crate) first_position: u64,
    pub(crate) count: u32,
    pub(crate) bytes: u32,
}

impl GroupHeader {
    /// Reads the header at the beginning of `bytes`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        let bytes = bytes.first_chunk::<HEADER_BYTES>().ok_or(Fault::Header)?;
        let (checked, checksum) = bytes.split_at(HEADER_BYTES - 4);
        if !bytes.starts_with(&GROUP_MAGIC) || crc32c::crc32c(checked).to_be_bytes() != *checksum {
            return Err(Fault::Header);
        }
        let mut fields = Fields::new(&checked[GROUP_MAGIC.len()..]);
        let (format, header) = Self::fields(&mut fields).ok_or(Fault::Header)?;
        if format != FORMAT {
            return Err(Fault::Format(format));
        }
        if header.count == 0 || header.extent() as u64 > GROUP_BYTES_MAX {
            return Err(Fault::Length);
        }
        Ok(header)
    }

    fn fields(fields: &mut Fields<'_>) -> Option<(u32, Self)> {
        let format = fields.u32()?;
        let header = Self {
            epoch: fields.u64()?,
            start_no: fields.u64()?,
            group_no: fields.u64()?,
            first_position: fields.u64()?,
            count: fields.u32()?,
            bytes: fields.u32()?,
        };
        Some((format, header))
    }

    fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&GROUP_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.start_no.to_be_bytes());
        bytes.extend_from_slice(&self.group_no.to_be_bytes());
        bytes.extend_from_slice(&self.first_position.to_be_bytes());
        bytes.extend_from_slice(&self.count.to_be_bytes());
        bytes.extend_from_slice(&self.bytes.to_be_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_be_bytes());
        bytes.try_into().expect("the fields above are as long as the header")
    }

    /// Bytes from the beginning of this group to where the next may begin.
    pub(crate) fn extent(&self) -> usize {
        extent(size(self.bytes))
    }

    /// The position after the group's last record.
    pub(crate) fn next_position(&self) -> u64 {
        self.first_position.saturating_add(u64::from(self.count))
    }
}

const fn extent(record_bytes: usize) -> usize {
    (HEADER_BYTES + record_bytes + TRAILER_BYTES).next_multiple_of(SECTOR)
}

/// Bytes that a group of these records takes in a segment.
#[must_use]
pub fn group_bytes(records: &[Record]) -> u64 {
    let records: u64 = records.iter().map(Record::frame_bytes).sum();
    (records + (HEADER_BYTES + TRAILER_BYTES) as u64).next_multiple_of(SECTOR as u64)
}

/// Where a group stands: all of its header that its records do not say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) epoch: u64,
    pub(crate) start_no: u64,
    pub(crate) group_no: u64,
    pub(crate) first_position: u64,
    /// The chain before the group.
    pub(crate) chain: Chain,
}

/// Writes a group into `out`, which is cleared before, and gives the chain
/// after it. The caller has checked [`group_bytes`] against
/// [`GROUP_BYTES_MAX`], so every length fits its field.
pub(crate) fn encode(out: &mut Vec<u8>, place: &Place, records: &[Record]) -> Chain {
    out.clear();
    out.resize(HEADER_BYTES, 0);
    let mut link = Link::after(place.chain);
    for (position, record) in (place.first_position..).zip(records) {
        link.leaf(&record.leaf);
        encode_record(out, position, record);
    }
    let chain = link.finish();
    let header = GroupHeader {
        epoch: place.epoch,
        start_no: place.start_no,
        group_no: place.group_no,
        first_position: place.first_position,
        count: stored_length(records.len()),
        bytes: stored_length(out.len() - HEADER_BYTES),
    };
    out[..HEADER_BYTES].copy_from_slice(&header.encode());
    out.extend_from_slice(chain.as_bytes());
    let checksum = crc32c::crc32c(&out[HEADER_BYTES..]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out.resize(header.extent(), 0);
    chain
}

fn encode_record(out: &mut Vec<u8>, position: u64, record: &Record) {
    let frame = RECORD_FIXED_BYTES - 4 + record.leaf.len() + record.side.len();
    out.extend_from_slice(&stored_length(frame).to_be_bytes());
    out.extend_from_slice(&record.kind.to_be_bytes());
    out.extend_from_slice(&record.version.to_be_bytes());
    out.extend_from_slice(&position.to_be_bytes());
    out.extend_from_slice(&record.time_ms.to_be_bytes());
    for part in [&record.leaf, &record.side] {
        out.extend_from_slice(&stored_length(part.len()).to_be_bytes());
        out.extend_from_slice(part);
    }
}

fn stored_length(length: usize) -> u32 {
    u32::try_from(length).expect("no part of a group is longer than GROUP_BYTES_MAX")
}

/// A group whose checksums match.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    header: GroupHeader,
    chain: Chain,
    records: Bytes,
}

impl Group {
    /// Checks the group that `header` begins; `bytes` is its whole extent.
    pub(crate) fn open(header: GroupHeader, bytes: &Bytes) -> Result<Self, Fault> {
        if bytes.len() != header.extent() {
            return Err(Fault::Length);
        }
        let records_end = HEADER_BYTES + size(header.bytes);
        let (checked, rest) =
            bytes[HEADER_BYTES..].split_at(records_end - HEADER_BYTES + HASH_BYTES);
        let (checksum, padding) = rest.split_at(4);
        if crc32c::crc32c(checked).to_be_bytes() != *checksum || padding.iter().any(|&b| b != 0) {
            return Err(Fault::Checksum);
        }
        let (_, chain) = checked.split_last_chunk::<HASH_BYTES>().ok_or(Fault::Length)?;
        let chain = Chain::from_bytes(*chain);
        Ok(Self { header, chain, records: bytes.slice(HEADER_BYTES..records_end) })
    }

    /// Bytes that it takes in its segment.
    pub(crate) fn extent(&self) -> u64 {
        self.header.extent() as u64
    }

    /// Its records, which share the memory of the group.
    pub(crate) fn records(&self) -> Records {
        Records {
            rest: self.records.clone(),
            position: self.header.first_position,
            remaining: self.header.count,
        }
    }

    /// The chain after this group, if it continues `previous`.
    pub(crate) fn chain_after(&self, previous: Chain) -> Result<Chain, Fault> {
        let mut link = Link::after(previous);
        for record in self.records() {
            link.leaf(&record?.leaf);
        }
        if link.finish() == self.chain { Ok(self.chain) } else { Err(Fault::Chain) }
    }
}

/// The records of a group in order; ends after the first fault.
#[derive(Debug)]
pub(crate) struct Records {
    rest: Bytes,
    position: u64,
    remaining: u32,
}

impl Iterator for Records {
    type Item = Result<StoredRecord, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 && self.rest.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_none() {
            self.remaining = 0;
            self.rest.clear();
        }
        Some(record.ok_or(Fault::Records))
    }
}

impl Records {
    fn record(&mut self) -> Option<StoredRecord> {
        self.remaining = self.remaining.checked_sub(1)?;
        let frame = size(self.rest.try_get_u32().ok()?);
        if frame > self.rest.len() {
            return None;
        }
        let mut rest = self.rest.split_to(frame);
        let kind = rest.try_get_u16().ok()?;
        let version = rest.try_get_u16().ok()?;
        let position = rest.try_get_u64().ok()?;
        let time_ms = rest.try_get_u64().ok()?;
        let leaf = part(&mut rest)?;
        let side = part(&mut rest)?;
        if position != self.position || !rest.is_empty() {
            return None;
        }
        self.position = position.checked_add(1)?;
        Some(StoredRecord { position, kind, version, time_ms, leaf, side })
    }
}

fn part(rest: &mut Bytes) -> Option<Bytes> {
    let length = size(rest.try_get_u32().ok()?);
    if length > rest.len() { None } else { Some(rest.split_to(length)) }
}
