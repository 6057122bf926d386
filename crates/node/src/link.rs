//! Links with other nodes: who is connected, who calls whom, and what a session does.

mod cards;
mod dial;
mod hub;
mod session;
mod start;

pub(crate) use cards::own;
pub(crate) use dial::FRAMES_MAX;
pub(crate) use hub::{Hub, State};
pub(crate) use session::{Channel, Frames, run};

pub(crate) use start::Linking;
pub use start::{LinkStartError, connector};
