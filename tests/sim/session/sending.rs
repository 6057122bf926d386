//! What goes to the peer: slots out of the journal, most urgent first.

use std::sync::Arc;

use barid_audit::evidence::sign;
use barid_broker::command::{Content, Offered};
use barid_link::frames::Outgoing;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{Slot, Transfer, Void, slot};
use prost::Message as _;

use super::{End, Session};

/// Slots of each lane that are taken from the journal at once.
const AT_ONCE: usize = 4;

impl Session {
    /// Sends what waits for as long as the session lives.
    pub(super) async fn send(&self, number: u64) -> End {
        let Some(mut changes) = self.broker.peer_changes(&self.peer) else {
            return End::Gone;
        };
        let (mut outgoing, mut sent) = (Outgoing::default(), 0);
        loop {
            changes.mark_unchanged();
            let peer = Arc::clone(&self.peer);
            let offered = match self.broker.link_offer(peer, number, [AT_ONCE; 5]).await {
                Ok(offered) => offered,
                Err(end) => return end.into(),
            };
            let may_have_more = !offered.is_empty();
            for one in offered {
                let (lane, number) = (one.lane, one.number);
                let Some(slot) = self.slot(one) else {
                    return End::Unreadable;
                };
                outgoing.push(lane, number, slot.encode_to_vec().into());
            }
            while let Some(mut piece) = outgoing.next_piece() {
                sent += u64::try_from(piece.piece.len()).unwrap();
                piece.bytes_sent = sent;
                self.out.say(Kind::Data(piece));
            }
            if !may_have_more && changes.changed().await.is_err() {
                return End::Gone;
            }
        }
    }

    /// `None` where something stored cannot be read back.
    fn slot(&self, offered: Offered) -> Option<Slot> {
        let signed = |evidence| sign(evidence, self.key, None);
        let kind = match offered.content {
            Content::Transfer { message, recipients } => {
                let bytes = self.broker.open_message(&message).ok()?;
                slot::Kind::Transfer(Transfer {
                    message: Some(bytes),
                    recipients: recipients.iter().map(ToString::to_string).collect(),
                    acceptance: Some(signed(message.evidence.clone())),
                    hops: Vec::new(),
                })
            }
            Content::Void { header_digest, reason } => {
                slot::Kind::Void(Void { header_digest, reason: reason.into() })
            }
            Content::Evidence(position, index) => {
                let found = self.broker.evidence([(position, index)]).ok()?;
                slot::Kind::Evidence(signed(found.into_iter().next()?.evidence))
            }
        };
        Some(Slot { kind: Some(kind) })
    }
}
