//! A card as a file that survives mail and paper: one block of base64 between two lines.

use barid_proto::federation::v1 as pb;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use prost::Message as _;

use super::CardError;
use crate::caps;

const BEGIN: &str = "-----BEGIN BARID CARD-----";
const END: &str = "-----END BARID CARD-----";
/// Characters of one line.
const LINE: usize = 64;

pub(super) fn encode(signed: &pb::SignedCard) -> String {
    let base64 = STANDARD.encode(signed.encode_to_vec());
    let mut text = format!("{BEGIN}\n");
    for (place, digit) in base64.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            text.push('\n');
        }
        text.push(digit);
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}

pub(super) fn decode(text: &str) -> Result<pb::SignedCard, CardError> {
    if text.len() > caps::CARD_TEXT_BYTES {
        return Err(CardError::TooLarge);
    }
    let inner = text
        .trim()
        .strip_prefix(BEGIN)
        .and_then(|rest| rest.strip_suffix(END))
        .ok_or(CardError::NoBlock)?;
    let base64: String = inner.split_ascii_whitespace().collect();
    let bytes: Bytes = STANDARD.decode(base64).or(Err(CardError::NoBlock))?.into();
    let signed = pb::SignedCard::decode(bytes.clone()).or(Err(CardError::Malformed))?;
    // What is not covered by the signature must not carry anything else either.
    if signed.encode_to_vec() == bytes { Ok(signed) } else { Err(CardError::NotCanonical) }
}
