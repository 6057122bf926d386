//! What a message of each kind costs its writer and its reader, at its fullest: the
//! standard's own examples, which have nearly every field.

use std::time::Duration;

use barid_message::compose::compose;
use barid_message::examples::VALID;
use barid_message::registry::{KeyRegistry, RegisteredKey};
use barid_message::signed::{Check, SignedMessage};
use barid_message::time::Millis;
use bytes::Bytes;
use prost::Message as _;

use super::stages::computed;
use crate::vectors::{World, draft};
use crate::words;

/// Messages of each kind.
const MESSAGES: u32 = 256;

/// Processor time of one kind, on one thread.
pub(super) struct KindCost {
    pub(super) kind: String,
    /// Length of the signed message.
    pub(super) bytes: usize,
    /// Check, encode, sign and encode for the wire, for each message.
    pub(super) sign: Duration,
    /// Decode, verify the signature, parse and check by every rule, for each message.
    pub(super) verify: Duration,
}

/// Measures; needs no node.
pub(super) fn measure() -> anyhow::Result<Vec<KindCost>> {
    let world = World::new()?;
    let mut keys = KeyRegistry::new();
    let (key, valid_from) = (world.key.public().clone(), Millis(0));
    keys.insert(world.sender.clone(), RegisteredKey { key, valid_from, valid_until: None })?;
    let check = Check { keys: &keys, now: world.now, senders: std::slice::from_ref(&world.sender) };
    let mut costs = Vec::new();
    for (kind, text) in VALID {
        let drafts = (0..MESSAGES).map(|_| draft(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let mut wires = Vec::with_capacity(drafts.len());
        let begun = computed();
        for (number, draft) in (0_u32..).zip(drafts) {
            let mut random = [0; 10];
            random[..4].copy_from_slice(&number.to_be_bytes());
            let signed = compose(draft, world.now, random, &world.key)?;
            wires.push(Bytes::from(signed.encode_to_vec()));
        }
        let sign = computed().saturating_sub(begun) / MESSAGES;
        let begun = computed();
        for wire in &wires {
            SignedMessage::from_wire(wire)?.verify(&check)?;
        }
        let verify = computed().saturating_sub(begun) / MESSAGES;
        let bytes = wires.first().map_or(0, Bytes::len);
        costs.push(KindCost { kind: words::kind((*kind).into()), bytes, sign, verify });
    }
    Ok(costs)
}

#[cfg(test)]
mod tests {
    use super::measure;

    #[test]
    fn every_kind_is_signed_and_verified() {
        let costs = measure().unwrap();
        assert_eq!(costs.len(), 14);
        for cost in costs {
            assert!(cost.bytes > 0 && !cost.sign.is_zero() && !cost.verify.is_zero());
        }
    }
}
