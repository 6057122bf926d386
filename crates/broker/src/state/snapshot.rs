//! The state as bytes, so that a start replays only what came after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use prost::Message as _;

use super::damage::Damages;
use super::dedupe::Dedupe;
use super::segments::Segments;
use super::{Delivery, DeliveryKey, Message, Origin, Outward, Phase, State};
use crate::registry::Registry;

/// Version of the format. Another one is passed over: the journal has everything.
const VERSION: u32 = 3;

/// Why bytes are no snapshot of this version. The caller then replays the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot is not one that this version can use")]
pub struct SnapshotError;

impl State {
    /// The state as bytes. Leases are left out: they do not outlive a start.
    #[must_use]
    pub fn to_snapshot(&self) -> Vec<u8> {
        let mut messages: Vec<pb::OutstandingMessage> = Vec::new();
        for (key, delivery) in &self.deliveries {
            if messages.last().is_none_or(|message| message.position != key.accepted) {
                messages.push(outstanding(&delivery.message));
            }
            if let Some(message) = messages.last_mut() {
                message.deliveries.push(outstanding_delivery(*key, delivery));
            }
        }
        let (segments, removed_segments) = self.segments.to_snapshot();
        pb::Snapshot {
            version: VERSION,
            last_time_ms: self.last_time.0,
            start_no: self.start_no,
            registry_position: self.registry.position(),
            registry: Some(self.registry.facts().clone()),
            totals: Some(self.totals),
            messages,
            dedupe: self.dedupe.to_snapshot(),
            clock_suspect: self.clock_suspect,
            log_origin: self.log_origin.clone(),
            dedupe_oldest_day: self.dedupe.oldest_day(),
            links: self.links_to_snapshot(),
            damages: self.damages.to_snapshot(),
            segments,
            removed_segments,
        }
        .encode_to_vec()
    }

    /// The state at `position`.
    ///
    /// # Errors
    /// [`SnapshotError`] where the bytes are not a snapshot of this version.
    pub fn from_snapshot(position: u64, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let snapshot = pb::Snapshot::decode(bytes).map_err(|_why| SnapshotError)?;
        if snapshot.version != VERSION {
            return Err(SnapshotError);
        }
        let registry = snapshot.registry.ok_or(SnapshotError)?;
        let registry =
            Registry::new(registry, snapshot.registry_position).map_err(|_why| SnapshotError)?;
        let mut state = Self {
            next_position: position,
            last_time: Millis(snapshot.last_time_ms),
            start_no: snapshot.start_no,
            log_origin: snapshot.log_origin,
            clock_suspect: snapshot.clock_suspect,
            registry: Arc::new(registry),
            totals: snapshot.totals.ok_or(SnapshotError)?,
            dedupe: Dedupe::from_snapshot(&snapshot.dedupe, snapshot.dedupe_oldest_day)
                .ok_or(SnapshotError)?,
            deliveries: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            timers: super::Timers::default(),
            links: BTreeMap::new(),
            damages: Damages::from_snapshot(&snapshot.damages),
            segments: Segments::from_snapshot(&snapshot.segments, snapshot.removed_segments),
            holders: super::Holders::default(),
            no_end_before: Millis(0),
        };
        state.restore_links(snapshot.links).ok_or(SnapshotError)?;
        for message in snapshot.messages {
            state.restore(message)?;
        }
        Ok(state)
    }

    fn restore(&mut self, outstanding: pb::OutstandingMessage) -> Result<(), SnapshotError> {
        let facts = outstanding.facts.ok_or(SnapshotError)?;
        let message = Arc::new(Message {
            position: outstanding.position,
            accepted_at: Millis(outstanding.accepted_at_ms),
            origin: Address::parse(&facts.origin_agency).map_err(|_why| SnapshotError)?,
            id: MessageId::parse(&facts.message_id).map_err(|_why| SnapshotError)?,
            facts,
            evidence: outstanding.evidence,
            from: (!outstanding.from_peer.is_empty()).then(|| Origin {
                peer: outstanding.from_peer.into(),
                acceptance: outstanding.acceptance,
            }),
        });
        for open in outstanding.deliveries {
            let outward = (!open.peer.is_empty())
                .then(|| Outward { peer: open.peer.as_str().into(), slot: open.slot });
            let phase = match (open.dead_since_ms, open.not_before_ms) {
                _ if open.passed => Phase::Passed,
                (_, 0) if outward.is_some() => Phase::Queued,
                (_, not_before) if outward.is_some() => Phase::Deferred(Millis(not_before)),
                (0, 0) => Phase::Ready,
                (0, not_before) => Phase::Delayed(Millis(not_before)),
                (since, _) => Phase::Dead(Millis(since)),
            };
            let delivery = Delivery {
                message: Arc::clone(&message),
                recipient: Address::parse(&open.recipient).map_err(|_why| SnapshotError)?,
                outward,
                tries: open.tries,
                phase,
                last_reason: open.last_reason(),
                overdue: open.overdue,
                redelivered: true,
                granted: None,
                event: open.event(),
            };
            let key = DeliveryKey { accepted: outstanding.position, index: open.delivery_index };
            self.open(key, delivery);
        }
        Ok(())
    }
}

fn outstanding(message: &Message) -> pb::OutstandingMessage {
    pb::OutstandingMessage {
        position: message.position,
        facts: Some(message.facts.clone()),
        evidence: message.evidence.clone(),
        deliveries: Vec::new(),
        accepted_at_ms: message.accepted_at.0,
        from_peer: message.from.as_ref().map_or_else(String::new, |from| from.peer.as_ref().into()),
        acceptance: message.from.as_ref().map(|from| from.acceptance.clone()).unwrap_or_default(),
    }
}

fn outstanding_delivery(key: DeliveryKey, delivery: &Delivery) -> pb::OutstandingDelivery {
    let (not_before, dead_since) = match delivery.phase {
        Phase::Ready | Phase::Leased(_) | Phase::Unreadable | Phase::Queued | Phase::Passed => {
            (0, 0)
        }
        Phase::Delayed(at) | Phase::Deferred(at) => (at.0, 0),
        Phase::Dead(since) => (0, since.0),
    };
    let mut open = pb::OutstandingDelivery {
        delivery_index: key.index,
        recipient: delivery.recipient.as_str().to_owned(),
        tries: delivery.tries,
        not_before_ms: not_before,
        dead_since_ms: dead_since,
        overdue: delivery.overdue,
        passed: delivery.phase == Phase::Passed,
        ..Default::default()
    };
    if let Some(outward) = &delivery.outward {
        outward.peer.as_ref().clone_into(&mut open.peer);
        open.slot = outward.slot;
    }
    open.set_last_reason(delivery.last_reason);
    open.set_event(delivery.event);
    open
}
