//! Commitments that bind what may be erased to a leaf that never is.
//!
//! `HMAC-SHA-256(nonce, SHA-256(evidence) || SHA-256(facts))` stands in the leaf.
//! Whoever holds nonce and item can open it; once both are destroyed, what is
//! left in the leaf is random to everyone, and every proof over it still holds
//! (SPINE §2.3). A plain digest of an id or a plate could be guessed; this cannot.

use aws_lc_rs::{constant_time, digest, hmac};

/// Bytes of a commitment and of a nonce.
pub const BYTES: usize = 32;

/// Bytes of an opened item: two SHA-256 digests.
pub const ITEM_BYTES: usize = 64;

/// The random bytes that one entry needs. They come in with the command, so that
/// the same command at the same place always gives the same leaf.
#[derive(Clone)]
pub struct Entropy(pub [u8; 32]);

impl Entropy {
    /// The leaf's salt.
    pub(crate) fn salt(&self) -> [u8; 16] {
        let full = self.derive(b"salt", 0);
        let mut salt = [0; 16];
        salt.copy_from_slice(&full[..16]);
        salt
    }

    /// The nonce of the entry (0) or of its n-th item (n from 1). The nonces are
    /// stored one by one and the root is not, so that erasing one tells nothing of
    /// the others.
    pub(crate) fn nonce(&self, index: u32) -> Nonce {
        Nonce(self.derive(b"nonce", index))
    }

    fn derive(&self, label: &[u8], index: u32) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(label);
        context.update(&index.to_be_bytes());
        array(context.sign().as_ref())
    }
}

impl std::fmt::Debug for Entropy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Entropy(..)")
    }
}

/// What opens one commitment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub [u8; BYTES]);

impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(..)")
    }
}

/// What is committed to: the digests of evidence and facts.
#[must_use]
pub fn item(evidence: &[u8], facts: &[u8]) -> [u8; ITEM_BYTES] {
    let mut item = [0; ITEM_BYTES];
    item[..32].copy_from_slice(&sha256(evidence));
    item[32..].copy_from_slice(&sha256(facts));
    item
}

/// The commitment to `item` under `nonce`.
#[must_use]
pub fn commit(nonce: &Nonce, item: &[u8]) -> [u8; BYTES] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &nonce.0);
    array(hmac::sign(&key, item).as_ref())
}

/// Whether `commitment` opens to `item` under `nonce`.
#[must_use]
pub fn opens(commitment: &[u8], nonce: &Nonce, item: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(commitment, &commit(nonce, item)).is_ok()
}

/// As [`opens`], of an item whose two digests are at hand.
pub(crate) fn opens_digests(
    commitment: &[u8],
    nonce: &Nonce,
    evidence: &[u8; 32],
    facts: &[u8; 32],
) -> bool {
    let mut item = [0; ITEM_BYTES];
    item[..32].copy_from_slice(evidence);
    item[32..].copy_from_slice(facts);
    opens(commitment, nonce, &item)
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 and HMAC-SHA-256 both give 32 bytes.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(bytes);
    out
}
