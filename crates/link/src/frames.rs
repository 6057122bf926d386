//! Slots as pieces: what goes out next, how much may be on its way, and whole slots
//! again at the other end. Without sockets and clocks: times come in as milliseconds
//! of the session.

mod credit;
mod incoming;
mod outgoing;

use barid_proto::federation::v1::Lane;

pub use credit::Credit;
pub use incoming::{Incoming, PieceError, Whole};
pub use outgoing::Outgoing;

/// The lanes, in the order in which they go out.
const LANES: [Lane; 5] =
    [Lane::Flash, Lane::Immediate, Lane::Priority, Lane::Routine, Lane::Evidence];

/// A lane's place in the arrays; `None` for no lane.
fn place(lane: Lane) -> Option<usize> {
    LANES.iter().position(|known| *known == lane)
}

#[cfg(test)]
mod tests;
