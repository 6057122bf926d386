//! The state as bytes, so that a start replays only what came after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use barid_message::address::Address;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use prost::Message as _;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use super::damage::Damages;
use super::dedupe::Dedupe;
use super::lines::Lines;
use super::message::Acceptance;
use super::segments::Segments;
use super::{Delivery, DeliveryKey, Message, Origin, Outward, Phase, State};
use crate::registry::Registry;

/// Version of the format. Another one is passed over: the journal has everything.
const VERSION: u32 = 5;

/// Numbers of the fields of `Snapshot` that there is much of.
const MESSAGES: u32 = 7;
const DEDUPE: u32 = 8;

/// Why bytes are no snapshot of this version. The caller then replays the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot is not one that this version can use")]
pub struct SnapshotError;

impl State {
    /// The state as bytes. Leases are left out: they do not outlive a start.
    #[must_use]
    pub fn to_snapshot(&self) -> Vec<u8> {
        let (segments, removed_segments) = self.segments.to_snapshot();
        let mut bytes = pb::Snapshot {
            version: VERSION,
            last_time_ms: self.last_time.0,
            start_no: self.start_no,
            registry_position: self.registry.position(),
            registry: Some(self.registry.facts().clone()),
            totals: Some(self.totals),
            messages: Vec::new(),
            dedupe: Vec::new(),
            clock_suspect: self.clock_suspect,
            log_origin: self.log_origin.clone(),
            dedupe_oldest_day: self.dedupe.oldest_day(),
            links: self.links_to_snapshot(),
            damages: self.damages.to_snapshot(),
            segments,
            removed_segments,
            lines: self.lines.to_snapshot(),
        }
        .encode_to_vec();
        // What there is much of goes by ones: all of it at once, beside the state and the
        // bytes, is memory that a small post does not have.
        let mut append = |part: pb::Snapshot| bytes.extend(part.encode_to_vec());
        self.dedupe.each_to_snapshot(|day| {
            append(pb::Snapshot { dedupe: vec![day], ..Default::default() });
        });
        let append =
            |message| append(pb::Snapshot { messages: vec![message], ..Default::default() });
        self.messages_to_snapshot(append);
        bytes
    }

    fn messages_to_snapshot(&self, mut append: impl FnMut(pb::OutstandingMessage)) {
        let mut current: Option<pb::OutstandingMessage> = None;
        for (key, delivery) in &self.deliveries {
            if current.as_ref().is_none_or(|message| message.position != key.accepted) {
                current.replace(outstanding(&delivery.message)).map(&mut append);
            }
            if let Some(message) = &mut current {
                message.deliveries.push(outstanding_delivery(*key, delivery));
            }
        }
        current.map(append);
    }

    /// The state at `position`.
    ///
    /// # Errors
    /// [`SnapshotError`] where the bytes are not a snapshot of this version.
    pub fn from_snapshot(position: u64, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let Parts { head, days, messages } = parts(bytes)?;
        let decode = |part: &[u8]| pb::Snapshot::decode(part).map_err(|_why| SnapshotError);
        let snapshot = decode(&head)?;
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
            dedupe: Dedupe::new(snapshot.dedupe_oldest_day),
            deliveries: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            timers: super::Timers::default(),
            links: BTreeMap::new(),
            lines: Lines::from_snapshot(&snapshot.lines).ok_or(SnapshotError)?,
            damages: Damages::from_snapshot(&snapshot.damages),
            segments: Segments::from_snapshot(&snapshot.segments, snapshot.removed_segments),
            holders: super::Holders::default(),
            agreements: super::Agreements::default(),
            no_end_before: Millis(0),
        };
        state.restore_links(snapshot.links).ok_or(SnapshotError)?;
        for day in days {
            for day in decode(day)?.dedupe {
                state.dedupe.restore(&day).ok_or(SnapshotError)?;
            }
        }
        for message in messages {
            decode(message)?.messages.into_iter().try_for_each(|open| state.restore(open))?;
        }
        Ok(state)
    }

    fn restore(&mut self, outstanding: pb::OutstandingMessage) -> Result<(), SnapshotError> {
        let facts = outstanding.facts.ok_or(SnapshotError)?;
        let acceptance = Acceptance {
            position: outstanding.position,
            time: Millis(outstanding.accepted_at_ms),
            evidence: outstanding.evidence,
            from: (!outstanding.from_peer.is_empty()).then(|| Origin {
                peer: outstanding.from_peer.into(),
                acceptance: outstanding.acceptance,
            }),
        };
        let message = Message::new(&facts, acceptance, &mut self.agreements);
        let message = Arc::new(message.map_err(|_why| SnapshotError)?);
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
                head_unknown: open.head_unknown,
                granted: None,
                event: open.event(),
            };
            let key = DeliveryKey { accepted: outstanding.position, index: open.delivery_index };
            self.open(key, delivery);
        }
        Ok(())
    }
}

/// A snapshot's fields: what there is much of by ones, each a snapshot of its own.
struct Parts<'b> {
    head: Vec<u8>,
    days: Vec<&'b [u8]>,
    messages: Vec<&'b [u8]>,
}

fn parts(bytes: &[u8]) -> Result<Parts<'_>, SnapshotError> {
    let mut parts = Parts { head: Vec::new(), days: Vec::new(), messages: Vec::new() };
    let mut rest = bytes;
    while !rest.is_empty() {
        let from = rest;
        let (tag, wire_type) = decode_key(&mut rest).map_err(|_why| SnapshotError)?;
        skip_field(wire_type, tag, &mut rest, DecodeContext::default())
            .map_err(|_why| SnapshotError)?;
        let field = &from[..from.len() - rest.len()];
        match tag {
            MESSAGES => parts.messages.push(field),
            DEDUPE => parts.days.push(field),
            _ => parts.head.extend_from_slice(field),
        }
    }
    Ok(parts)
}

fn outstanding(message: &Message) -> pb::OutstandingMessage {
    pb::OutstandingMessage {
        position: message.position,
        facts: Some(message.facts()),
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
        head_unknown: delivery.head_unknown,
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
