//! An authenticated connection, both ends: service stubs, TLS acceptor and connector, peer identity, node cards, and the client that agency systems and tools use.
//!
//! Nobody speaks to a node, and a node speaks to nobody, without a certificate
//! on both sides. Who the other is comes from the one URI name in that
//! certificate ([`identity`]); what it may do is not decided here.

pub mod caps;
pub mod card;
pub mod client;
pub mod frames;
pub mod identity;
pub mod stub;
pub mod tls;
