//! What goes to the peer: slots out of the journal, as pieces, within the credit.

use std::sync::Arc;
use std::time::Duration;

use barid_audit::evidence::sign;
use barid_broker::command::{Content, Offered};
use barid_link::frames::Outgoing;
use barid_proto::audit::v1::SignedEvidence;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{BytesReceived, Slot, Transfer, Void, slot};
use bytes::Bytes;
use prost::Message as _;
use tokio::sync::watch::Receiver;
use tokio::time::sleep;

use super::{End, Session, lock};

/// Read bytes are acknowledged at once beyond so many, ...
const ACKNOWLEDGE_BYTES: u64 = 16 * 1024;
/// ... and fewer after a pause, so that small slots share an acknowledgement.
const ACKNOWLEDGE_PAUSE: Duration = Duration::from_millis(5);

/// Sends what waits, most urgent first, for as long as the session lives.
pub(super) async fn send(session: &Session<'_>) -> End {
    let Some(mut changes) = session.services.broker.peer_changes(&session.peer) else {
        return End::Gone;
    };
    let mut outgoing = Outgoing::default();
    let mut may_have_more = true;
    loop {
        if changes.has_changed().unwrap_or(false) {
            changes.mark_unchanged();
            may_have_more = true;
        }
        if may_have_more {
            match session.fill(&mut outgoing).await {
                Ok(more) => may_have_more = more,
                Err(end) => return end,
            }
        }
        match session.piece(&mut outgoing).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(end) => return end,
        }
        tokio::select! {
            changed = changes.changed() => match changed {
                Ok(()) => may_have_more = true,
                Err(_stopped) => return End::Stopping,
            },
            // A receipt makes room in a lane, an acknowledgement on the link.
            () = session.wake.notified() => may_have_more = true,
        }
    }
}

/// Tells the peer how many bytes were read.
pub(super) async fn acknowledge(session: &Session<'_>, mut received: Receiver<u64>) -> End {
    let mut told = 0;
    loop {
        if received.changed().await.is_err() {
            return End::Gone;
        }
        if *received.borrow() - told < ACKNOWLEDGE_BYTES {
            sleep(ACKNOWLEDGE_PAUSE).await;
        }
        told = *received.borrow_and_update();
        if let Err(end) =
            session.say(Kind::BytesReceived(BytesReceived { bytes_received: told })).await
        {
            return end;
        }
    }
}

impl Session<'_> {
    /// Takes slots from the journal as far as there is room for them here; says whether
    /// there may be more.
    async fn fill(&self, outgoing: &mut Outgoing) -> Result<bool, End> {
        let wants = outgoing.wants();
        let wanted: usize = wants.iter().sum();
        if wanted == 0 {
            return Ok(true);
        }
        let broker = &self.services.broker;
        let offered = broker.link_offer(Arc::clone(&self.peer), self.number, wants).await?;
        let is_full = wants.iter().zip(barid_broker::state::link::LANES).any(|(want, lane)| {
            *want > 0 && offered.iter().filter(|slot| slot.lane == lane).count() == *want
        });
        for one in offered {
            let (lane, number) = (one.lane, one.number);
            let slot = self.slot(one).ok_or(End::Unreadable)?;
            outgoing.push(lane, number, slot.encode_to_vec().into());
        }
        Ok(is_full)
    }

    /// Sends one piece; `false` where nothing waits or the credit is used up.
    async fn piece(&self, outgoing: &mut Outgoing) -> Result<bool, End> {
        if !lock(&self.credit).has_room() {
            return Ok(false);
        }
        let Some(mut data) = outgoing.next_piece() else {
            return Ok(false);
        };
        let (bytes, now_ms) = (data.piece.len(), self.elapsed_ms());
        data.bytes_sent = lock(&self.credit).send(bytes, now_ms);
        self.say(Kind::Data(data)).await?;
        Ok(true)
    }

    /// `None` where something stored cannot be read back.
    fn slot(&self, offered: Offered) -> Option<Slot> {
        let kind = match offered.content {
            Content::Transfer { message, recipients } => {
                let bytes = self.services.broker.open_message(&message).ok()?;
                slot::Kind::Transfer(Transfer {
                    message: Some(bytes),
                    recipients: recipients.iter().map(ToString::to_string).collect(),
                    acceptance: Some(self.signed(message.evidence.clone())),
                    hops: Vec::new(),
                })
            }
            Content::Void { header_digest, reason } => {
                slot::Kind::Void(Void { header_digest, reason: reason.into() })
            }
            Content::Evidence(position, index) => {
                let found = self.services.broker.evidence([(position, index)]).ok()?;
                slot::Kind::Evidence(self.signed(found.into_iter().next()?.evidence))
            }
        };
        Some(Slot { kind: Some(kind) })
    }

    fn signed(&self, evidence: Bytes) -> SignedEvidence {
        sign(evidence, &self.services.evidence_key, None)
    }
}
