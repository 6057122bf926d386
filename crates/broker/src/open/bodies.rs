//! Whether every message that is still to be delivered can be.

use barid_journal::Blobs;
use barid_message::address::Address;
use barid_message::id::MessageId;

use crate::kept::{Kept, KeptError};
use crate::state::State;

/// A message was acknowledged, is still to be delivered, and its body is not on the
/// disk any more, or is damaged.
#[derive(Debug, thiserror::Error)]
#[error(
    "DATA_LOSS: the body of message {id} from {origin}, accepted at position {position}, is lost: {source}; the node does not start: keep this folder, and put back an undamaged copy of the disk"
)]
pub struct BodyLoss {
    /// Position of its ACCEPTED entry.
    pub position: u64,
    /// Its id.
    pub id: MessageId,
    /// Who sent it.
    pub origin: Address,
    /// Where it should lie, and what is wrong.
    pub source: KeptError,
}

/// Reads the body of every message with an open delivery, in order of acceptance,
/// which is that of the disk. What has ended is left to the scrub.
pub(super) fn check(state: &State, blobs: &Blobs) -> Result<(), BodyLoss> {
    let mut checked = None;
    for (key, delivery) in state.deliveries() {
        let message = &delivery.message;
        if checked.replace(key.accepted) == Some(key.accepted) {
            continue;
        }
        Kept::open(message).read(blobs).map_err(|source| BodyLoss {
            position: message.position,
            id: message.id,
            origin: message.origin.clone(),
            source,
        })?;
    }
    Ok(())
}
