//! What a standard message is: ids, header, bodies, code lists, rules, exact-byte signing and verifying, sealing.
//!
//! Pure: no clock, no files, no network. A message comes in as [`signed::SignedMessage`],
//! parsed and untrusted, and becomes a [`signed::VerifiedMessage`] by passing every rule;
//! it goes out by [`compose::compose`].

pub mod address;
pub mod body;
pub mod caps;
pub mod codes;
pub mod compose;
mod country;
pub mod digest;
pub mod dsse;
pub mod examples;
pub mod fault;
pub mod header;
pub mod id;
pub mod identifier;
pub mod key;
pub mod language;
pub mod reason;
pub mod registry;
mod rules;
pub mod shown;
pub mod signed;
mod strings;
pub mod tables;
pub mod text;
pub mod time;
pub mod transliterate;
mod wire;

#[cfg(test)]
mod sample;

pub use barid_proto::message::v1::{Kind, Precedence, Purpose, Status};
pub use reason::Reason;
pub use rules::body::warnings;
