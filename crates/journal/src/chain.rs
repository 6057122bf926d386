//! The hash chain over all groups of an epoch.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

/// Bytes of a SHA-256 digest.
pub(crate) const HASH_BYTES: usize = 32;

/// Separates a leaf's hash from that of an inner node (RFC 6962 §2.1).
const LEAF_PREFIX: [u8; 1] = [0];

/// The chain after some group: c_g = SHA-256(c_{g-1} ‖ leaf hashes of g).
///
/// Two journals with the same chain at the same position hold the same leaves
/// in the same order and the same groups.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain([u8; HASH_BYTES]);

impl Chain {
    /// The chain before the first group of an epoch.
    pub const START: Self = Self([0; HASH_BYTES]);

    /// A chain as it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; HASH_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chain({self})")
    }
}

/// One step of the chain while its leaves come in.
pub(crate) struct Link(Context);

impl Link {
    /// Begins the step that follows `previous`.
    pub(crate) fn after(previous: Chain) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&previous.0);
        Self(context)
    }

    /// Adds the next leaf of the group.
    pub(crate) fn leaf(&mut self, leaf: &[u8]) {
        let mut context = Context::new(&SHA256);
        context.update(&LEAF_PREFIX);
        context.update(leaf);
        self.0.update(context.finish().as_ref());
    }

    /// Ends the step.
    pub(crate) fn finish(self) -> Chain {
        Chain(sha256_output(self.0))
    }
}

/// SHA-256 over the parts, one after the other.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    sha256_output(context)
}

fn sha256_output(context: Context) -> [u8; HASH_BYTES] {
    context.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
