//! Other standards in and out (CAP, CISE, incident tables): mapping, never transport.
//!
//! [`read_all`] takes files and folders and gives one [`Outcome`] a record: a
//! [`Mapped`] body with what its sender needs for the header, or an [`Unmapped`]
//! with file, line and reason. Nothing is guessed and nothing is fetched.

mod cap;
mod country;
mod date;
mod decimal;
pub mod input;
pub mod maritime;
pub mod migrants;
pub mod precedence;
pub mod routing;
pub mod source;
mod table;
mod text;
mod xml;

pub use self::{
    input::{Input, detect, read_all},
    precedence::suggest,
    routing::{NoRecipient, RoutingTable, route},
    source::{Mapped, Outcome, Unmapped},
};
