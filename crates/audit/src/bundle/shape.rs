//! From the bytes of a file to a bundle in the one encoding that it has.

use barid_proto::audit::v1 as pb;
use bytes::Bytes;
use prost::Message as _;

use super::Refused;
use super::caps::{BUNDLE_BYTES_MAX, EVIDENCE_MAX, FIELDS_MAX, LOGS_MAX};

/// Version of the format.
pub(super) const VERSION: u32 = 1;

/// Which fields of a message are messages themselves: what is counted before anything is
/// decoded. Fields of bytes are not looked into.
struct Level(&'static [(u64, Self)]);

const LEAF: Level = Level(&[]);
const ENVELOPE: Level = Level(&[(3, LEAF)]);
const SIGNED_EVIDENCE: Level = Level(&[(2, ENVELOPE), (3, Level(&[(5, ENVELOPE)])), (4, LEAF)]);
const RECORD: Level = Level(&[(3, LEAF)]);
const LOG: Level = Level(&[(4, RECORD)]);
const BUNDLE: Level = Level(&[(2, Level(&[(1, ENVELOPE)])), (3, SIGNED_EVIDENCE), (4, LOG)]);

pub(super) fn decode(bytes: &Bytes) -> Result<pb::EvidenceBundle, Refused> {
    if bytes.len() > BUNDLE_BYTES_MAX {
        return Err(Refused::TooLarge);
    }
    let mut left = FIELDS_MAX;
    count(bytes, &BUNDLE, &mut left)?;
    let bundle = pb::EvidenceBundle::decode(bytes.clone()).map_err(|_why| Refused::Malformed)?;
    // Unknown and doubled fields, padded numbers, another order: bytes that nobody signed.
    if bundle.encoded_len() != bytes.len() || bundle.encode_to_vec() != *bytes {
        return Err(Refused::NotCanonical);
    }
    if bundle.version != VERSION {
        return Err(Refused::Version(bundle.version));
    }
    if bundle.logs.len() > LOGS_MAX || bundle.evidence.len() > EVIDENCE_MAX {
        return Err(Refused::TooLarge);
    }
    Ok(bundle)
}

/// Counts fields down, without a copy of any.
fn count(mut bytes: &[u8], level: &Level, left: &mut usize) -> Result<(), Refused> {
    while !bytes.is_empty() {
        *left = left.checked_sub(1).ok_or(Refused::TooLarge)?;
        let key = varint(&mut bytes).ok_or(Refused::Malformed)?;
        let (number, wire_type) = (key >> 3, key & 7);
        match wire_type {
            0 => drop(varint(&mut bytes).ok_or(Refused::Malformed)?),
            2 => {
                let length = varint(&mut bytes).and_then(|length| usize::try_from(length).ok());
                let field = length.and_then(|length| bytes.split_at_checked(length));
                let (field, rest) = field.ok_or(Refused::Malformed)?;
                if let Some((_, inner)) = level.0.iter().find(|(known, _)| *known == number) {
                    count(field, inner, left)?;
                }
                bytes = rest;
            }
            _ => return Err(Refused::Malformed),
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..70).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
