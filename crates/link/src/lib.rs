//! An authenticated connection, both ends: service stubs, TLS acceptor and connector, peer identity, and the client that agency systems and tools use.
//!
//! Nobody speaks to a node, and a node speaks to nobody, without a certificate
//! on both sides. Who the other is comes from the one URI name in that
//! certificate ([`identity`]); what it may do is not decided here.

pub mod caps;
pub mod client;
pub mod identity;
pub mod stub;
pub mod tls;
