//! Both ends of the link over real sockets on loopback.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a step that fails is a failed test")]

mod agency;
mod handshake;
mod listener;
mod node;
mod pki;
mod receive;
mod submit;
