//! Leases: who was handed what, and the token that answers it.
//!
//! A token names its delivery in clear and is sealed to inbox, delivery, attempt and
//! consumer by an HMAC under a key that only the node has (SPINE §3.4). Holding
//! somebody else's token gains nothing: the caller's own identity is part of what is
//! checked.

use aws_lc_rs::{constant_time, hmac};

use barid_message::address::Address;
use barid_message::id::MessageId;

use crate::state::{Delivery, DeliveryKey, LeaseNumber};

const MAC_BYTES: usize = 16;
/// Bytes of a token: position, index, start, attempt, MAC.
pub const TOKEN_BYTES: usize = 8 + 4 + 8 + 4 + MAC_BYTES;

/// The node's key for tokens. Derived from a secret that outlives restarts.
pub struct LeaseKey(hmac::Key);

impl std::fmt::Debug for LeaseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LeaseKey(..)")
    }
}

/// A token as a caller presents it, not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which delivery it claims.
    pub key: DeliveryKey,
    /// Which hand-out it claims.
    pub number: LeaseNumber,
    mac: [u8; MAC_BYTES],
}

impl LeaseKey {
    /// Derives the key from the node's secret.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = hmac::sign(&root, b"barid lease token v1");
        Self(hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()))
    }

    /// The token for one hand-out.
    #[must_use]
    pub fn token(
        &self,
        key: DeliveryKey,
        delivery: &Delivery,
        number: LeaseNumber,
        consumer: &str,
    ) -> [u8; TOKEN_BYTES] {
        let mut token = [0; TOKEN_BYTES];
        token[..8].copy_from_slice(&key.accepted.to_be_bytes());
        token[8..12].copy_from_slice(&key.index.to_be_bytes());
        token[12..20].copy_from_slice(&number.start_no.to_be_bytes());
        token[20..24].copy_from_slice(&number.attempt.to_be_bytes());
        token[24..].copy_from_slice(&self.mac(delivery.into(), number, consumer));
        token
    }

    /// Whether the token was given to `consumer` for this delivery.
    #[must_use]
    pub fn is_for(&self, token: &Token, delivery: Named<'_>, consumer: &str) -> bool {
        let mac = self.mac(delivery, token.number, consumer);
        constant_time::verify_slices_are_equal(&mac, &token.mac).is_ok()
    }

    fn mac(&self, delivery: Named<'_>, number: LeaseNumber, consumer: &str) -> [u8; MAC_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        // Every part but the last has a fixed length or an end of its own: addresses
        // hold no NUL.
        context.update(delivery.id.as_bytes());
        context.update(&number.start_no.to_be_bytes());
        context.update(&number.attempt.to_be_bytes());
        context.update(delivery.origin.as_str().as_bytes());
        context.update(&[0]);
        context.update(delivery.recipient.as_str().as_bytes());
        context.update(&[0]);
        context.update(consumer.as_bytes());
        let mut mac = [0; MAC_BYTES];
        mac.copy_from_slice(&context.sign().as_ref()[..MAC_BYTES]);
        mac
    }
}

/// A delivery by its names, whether it is still open or not.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Message id.
    pub id: &'a MessageId,
    /// Originating agency.
    pub origin: &'a Address,
    /// Recipient.
    pub recipient: &'a Address,
}

impl<'a> From<&'a Delivery> for Named<'a> {
    fn from(delivery: &'a Delivery) -> Self {
        Self {
            id: &delivery.message.id,
            origin: &delivery.message.origin,
            recipient: &delivery.recipient,
        }
    }
}

impl Token {
    /// Reads a token. `None` where it has not the form of one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; TOKEN_BYTES] = bytes.try_into().ok()?;
        Some(Self {
            key: DeliveryKey {
                accepted: u64::from_be_bytes(part(bytes, 0)),
                index: u32::from_be_bytes(part(bytes, 8)),
            },
            number: LeaseNumber {
                start_no: u64::from_be_bytes(part(bytes, 12)),
                attempt: u32::from_be_bytes(part(bytes, 20)),
            },
            mac: part(bytes, 24),
        })
    }
}

/// `N` bytes from `at`: both are constants within the token at every call.
fn part<const N: usize>(bytes: &[u8; TOKEN_BYTES], at: usize) -> [u8; N] {
    let mut part = [0; N];
    part.copy_from_slice(&bytes[at..at + N]);
    part
}
