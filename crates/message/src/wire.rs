//! From bytes to a protobuf message, in the one encoding that counts.

use bytes::Bytes;
use prost::Message;

use crate::fault::{At, Findings};
use crate::reason::Reason;

/// Decodes bytes. None where they are not the message expected.
pub(crate) fn decode<M: Message + Default>(
    bytes: &Bytes,
    at: At<'_>,
    findings: &mut Findings,
) -> Option<M> {
    let message = M::decode(bytes.clone()).ok();
    if message.is_none() {
        let text = "not the protobuf message expected here; encode it anew";
        findings.add(at, Reason::Malformed, "wire", text);
    }
    message
}

/// Notes an encoding that is not the canonical one.
///
/// Protobuf has many encodings of one meaning: unknown and doubled fields, other
/// orders, padded numbers. What does not re-encode to the same bytes is refused, so
/// that no two readers can see two messages in one.
pub(crate) fn canonical(
    message: &impl Message,
    bytes: &Bytes,
    at: At<'_>,
    findings: &mut Findings,
) {
    if message.encoded_len() != bytes.len() || message.encode_to_vec() != *bytes {
        let text = "not the canonical encoding: fields in order of number and once, defaults \
                    absent, shortest numbers, no unknown fields";
        findings.add(at, Reason::NotCanonical, "wire", text);
    }
}
