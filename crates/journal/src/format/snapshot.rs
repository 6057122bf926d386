//! A snapshot of the state at a position.
//!
//! ```text
//! header   magic 8 · format u32 · epoch u64 · position u64 · chain hash 32
//!          · length u64 · SHA-256 of the header so far and the body
//! then     body
//! ```

use bytes::Bytes;

use super::{FORMAT, Fault, Fields};
use crate::chain::{Chain, HASH_BYTES, sha256};

pub(crate) const SNAPSHOT_MAGIC: [u8; 8] = *b"\xFFBRDSNP\0";
pub(crate) const HEADER_BYTES: usize = 100;

const CHECKED_HEADER_BYTES: usize = HEADER_BYTES - HASH_BYTES;

const _: () = assert!(HEADER_BYTES == 8 + 4 + 8 + 8 + HASH_BYTES + 8 + HASH_BYTES);

/// What a snapshot says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SnapshotHeader {
    pub(crate) epoch: u64,
    pub(crate) position: u64,
    pub(crate) chain: Chain,
}

impl SnapshotHeader {
    /// The header that stands before `body`.
    pub(crate) fn encode(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend_from_slice(&SNAPSHOT_MAGIC);
        bytes.extend_from_slice(&FORMAT.to_be_bytes());
        bytes.extend_from_slice(&self.epoch.to_be_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(self.chain.as_bytes());
        bytes.extend_from_slice(&(body.len() as u64).to_be_bytes());
        bytes.extend_from_slice(&sha256(&[&bytes, body]));
        bytes
    }

    /// Header and body of a whole file.
    pub(crate) fn decode(file: &Bytes) -> Result<(Self, Bytes), Fault> {
        let mut fields = Fields::new(file);
        if fields.array() != Some(SNAPSHOT_MAGIC) {
            return Err(Fault::Header);
        }
        let header = (|| {
            let format = fields.u32()?;
            let (epoch, position) = (fields.u64()?, fields.u64()?);
            let chain = Chain::from_bytes(fields.array()?);
            Some((format, Self { epoch, position, chain }, fields.u64()?, fields.array()?))
        })();
        let (format, header, length, digest) = header.ok_or(Fault::Length)?;
        let body = file.slice(HEADER_BYTES..);
        if body.len() as u64 != length {
            return Err(Fault::Length);
        }
        if sha256(&[&file[..CHECKED_HEADER_BYTES], &body]) != digest {
            return Err(Fault::Checksum);
        }
        if format != FORMAT {
            return Err(Fault::Format(format));
        }
        Ok((header, body))
    }
}
