//! What handlers know of a connection's other end.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::NamedGroup;

use crate::identity::{Identity, IdentityError, KeyDigest};

/// The other end of an accepted connection. Found in a request's extensions;
/// cloning it is cheap.
#[derive(Clone, Debug)]
pub struct PeerIdentity(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    identity: Result<Identity, IdentityError>,
    remote: SocketAddr,
    group: NamedGroup,
    not_after_s: i64,
    key: KeyDigest,
}

impl PeerIdentity {
    pub(super) fn new(
        identity: Result<Identity, IdentityError>,
        remote: SocketAddr,
        group: NamedGroup,
        not_after_s: i64,
        key: KeyDigest,
    ) -> Self {
        Self(Arc::new(Facts { identity, remote, group, not_after_s, key }))
    }

    /// Who it is. An error where its certificate is of our CA but names nobody:
    /// such a caller is told so, and gets nothing else.
    pub fn identity(&self) -> Result<&Identity, IdentityError> {
        self.0.identity.as_ref().map_err(|why| *why)
    }

    /// Its TLS key, which a card may pin.
    pub fn key(&self) -> KeyDigest {
        self.0.key
    }

    /// Its address and port.
    pub fn remote(&self) -> SocketAddr {
        self.0.remote
    }

    /// The key exchange group of the handshake, e.g. "X25519MLKEM768".
    pub fn group(&self) -> &'static str {
        match self.0.group {
            NamedGroup::X25519MLKEM768 => "X25519MLKEM768",
            NamedGroup::secp256r1MLKEM768 => "SecP256r1MLKEM768",
            NamedGroup::MLKEM768 => "MLKEM768",
            NamedGroup::X25519 => "X25519",
            NamedGroup::secp256r1 => "secp256r1",
            NamedGroup::secp384r1 => "secp384r1",
            _ => "other",
        }
    }

    /// When its certificate ends, in seconds since 1970.
    pub fn not_after_unix_s(&self) -> i64 {
        self.0.not_after_s
    }
}
