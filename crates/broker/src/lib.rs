//! The decisions: decide/fold, sequencer, leases, deadlines, custody, link state without sockets.

pub mod audit_log;
pub mod by_hand;
pub mod caps;
pub mod clock;
pub mod command;
pub mod decide;
pub mod figures;
pub mod fsck;
pub mod gate;
mod handle;
pub mod heads;
mod kept;
pub mod lease;
mod lent;
mod open;
mod projector;
pub mod random;
pub mod registry;
pub mod scrub;
mod sequencer;
pub mod state;
mod writer;

#[cfg(test)]
mod tests;

pub use handle::{
    Arrivals, Arrived, Broker, Checked, Ended, Grounds, Pending, Settling, Stopped, Taking, Told,
};
pub use kept::KeptError;
pub use lent::Lent;
pub use open::{BodyLoss, OpenError, Opened, Options, OtherOrigin, Start, Storage, open};
pub use sequencer::SequencerError;
pub use writer::WriteError;
