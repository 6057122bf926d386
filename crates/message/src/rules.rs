//! The rules of the standard: what makes a header and a body well-formed.
//!
//! Every rule notes its faults and goes on, so that a sender hears of all of them
//! at once.

pub(crate) mod body;
pub(crate) mod clock;
mod field;
pub(crate) mod header;
