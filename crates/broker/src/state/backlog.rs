//! What waits for a peer.

use barid_message::time::Millis;
use barid_proto::federation::v1::Lane;

use super::link::{Link, Slot};
use super::{DeliveryKey, State};

/// What waits in a lane for a peer's receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Numbers without a receipt.
    pub messages: u64,
    /// Bytes of the messages in them that are still open.
    pub bytes: u64,
    /// When the oldest of these was accepted.
    pub oldest: Option<Millis>,
}

impl State {
    /// What waits in a lane of a link.
    #[must_use]
    pub fn backlog(&self, link: &Link, lane: Lane) -> Backlog {
        let outbound = link.outbound(lane);
        let mut backlog = Backlog { messages: outbound.waiting(), ..Backlog::default() };
        for slot in outbound.slots.values() {
            let Slot::Transfer { accepted, deliveries, .. } = slot else {
                continue;
            };
            let open = deliveries.iter().find_map(|(index, _)| {
                self.delivery(DeliveryKey { accepted: *accepted, index: *index })
            });
            if let Some(delivery) = open {
                backlog.bytes += u64::from(delivery.message.blob.length);
                backlog.oldest.get_or_insert(delivery.message.accepted_at);
            }
        }
        backlog
    }
}
