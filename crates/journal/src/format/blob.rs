//! A blob: one whole message, beside the journal.
//!
//! ```text
//! header   magic 8 · format u32 · enc_alg u16 · key_bucket u32
//!          · wrapped key length u16 · length u32 · CRC32C u32
//! then     wrapped key · bytes
//! ```
//!
//! The checksum covers everything but itself. `enc_alg` 0 is no encryption;
//! bucket and wrapped key have their place so that encryption at rest needs no
//! new format.

use bytes::Bytes;

use super::{FORMAT, Fault, Fields};

pub(crate) const BLOB_MAGIC: [u8; 8] = *b"\xFFBRDBLB\0";
pub(crate) const HEADER_BYTES: usize = 28;

/// The longest blob: a gRPC message of the largest size, with room to spare.
pub const BLOB_BYTES_MAX: usize = 512 << 10;

/// The longest frame.
pub(crate) const FRAME_BYTES_MAX: u64 = (HEADER_BYTES + BLOB_BYTES_MAX) as u64;

const CHECKED_HEADER_BYTES: usize = HEADER_BYTES - 4;
const NOT_ENCRYPTED: u16 = 0;

const _: () = assert!(HEADER_BYTES == 8 + 4 + 2 + 4 + 2 + 4 + 4);
const _: () = assert!(BLOB_BYTES_MAX <= u32::MAX as usize);

/// The frame of a blob of `length` = `bytes.len()` bytes.
pub(crate) fn encode(bytes: &[u8], length: u32) -> Vec<u8> {
    let mut frame = Vec::with_capacity(HEADER_BYTES + bytes.len());
    frame.extend_from_slice(&BLOB_MAGIC);
    frame.extend_from_slice(&FORMAT.to_be_bytes());
    frame.extend_from_slice(&NOT_ENCRYPTED.to_be_bytes());
    frame.extend_from_slice(&0_u32.to_be_bytes());
    frame.extend_from_slice(&0_u16.to_be_bytes());
    frame.extend_from_slice(&length.to_be_bytes());
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&frame), bytes);
    frame.extend_from_slice(&checksum.to_be_bytes());
    frame.extend_from_slice(bytes);
    frame
}

/// The bytes in a frame that must hold `length` of them.
pub(crate) fn decode(frame: &Bytes, length: u32) -> Result<Bytes, Fault> {
    let mut fields = Fields::new(frame);
    if fields.array() != Some(BLOB_MAGIC) {
        return Err(Fault::Header);
    }
    let header = (|| {
        Some((
            fields.u32()?,
            fields.u16()?,
            fields.u32()?,
            fields.u16()?,
            fields.u32()?,
            fields.u32()?,
        ))
    })();
    let (format, enc_alg, _key_bucket, wrapped_key_length, stored_length, checksum) =
        header.ok_or(Fault::Length)?;
    let actual = crc32c::crc32c(&frame[..CHECKED_HEADER_BYTES]);
    if crc32c::crc32c_append(actual, &frame[HEADER_BYTES..]) != checksum {
        return Err(Fault::Checksum);
    }
    if format != FORMAT {
        return Err(Fault::Format(format));
    }
    if enc_alg != NOT_ENCRYPTED || wrapped_key_length != 0 {
        return Err(Fault::Unsupported);
    }
    let bytes = frame.slice(HEADER_BYTES..);
    if stored_length != length || bytes.len() != super::size(length) {
        return Err(Fault::Length);
    }
    Ok(bytes)
}
