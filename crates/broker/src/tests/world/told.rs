//! What the journal of such a node says, and whether it says the same again.

use barid_audit::entry::{Body, Encoded, Entry, is_final};
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use bytes::Bytes;

use super::World;
use crate::state::State;

impl World {
    pub(super) fn rebuilt(&self) -> State {
        let mut state = State::new();
        for (position, encoded) in &self.journal {
            let Encoded { kind, version, leaf, side } = encoded.clone();
            let entry = Entry::decode(*position, kind, version, &leaf, side.into()).unwrap();
            state.fold(&entry).unwrap();
        }
        state
    }

    /// The side parts that something still holds in memory after a replay.
    pub(in crate::tests) fn side_parts_held(&self) -> usize {
        let mut state = State::new();
        let mut held = Vec::new();
        for (position, encoded) in &self.journal {
            let Encoded { kind, version, leaf, side } = encoded.clone();
            let side = Bytes::from(side);
            let entry = Entry::decode(*position, kind, version, &leaf, side.clone()).unwrap();
            state.fold(&entry).unwrap();
            held.extend(matches!(entry.body, Body::Accepted(_)).then_some(side));
        }
        assert!(!held.is_empty() && state.deliveries().count() > 0);
        held.iter().filter(|side| !side.is_unique()).count()
    }

    /// The journal alone gives the state, and so does a snapshot of it.
    pub(in crate::tests) fn check_rebuild(&self) {
        let snapshot = self.state.to_snapshot();
        let mut rebuilt = self.rebuilt();
        // That a delay is over is no entry: time says it again.
        rebuilt.wake(self.now);
        assert!(rebuilt.to_snapshot() == snapshot, "the journal gives another state");
        let restored = State::from_snapshot(self.state.next_position(), &snapshot).unwrap();
        assert!(restored.to_snapshot() == snapshot, "the snapshot gives another state");
        assert!(restored.has_timers_of(&rebuilt), "the snapshot gives other timers");
        assert!(self.state.ends_by_itself(), "an open delivery has no timer");
    }

    /// The deliveries of everything accepted.
    pub(in crate::tests) fn owed(&self) -> Vec<(u64, u32)> {
        let accepted = self.entries.iter().filter(|entry| matches!(entry.body, Body::Accepted(_)));
        accepted
            .flat_map(|entry| (0..).zip(&entry.items).map(|(index, _)| (entry.position, index)))
            .collect()
    }

    /// Every final so far.
    pub(in crate::tests) fn finals(&self) -> Vec<((u64, u32), Event)> {
        let items = self.entries.iter().flat_map(|entry| &entry.items);
        items
            .filter(|item| is_final(item.event))
            .map(|item| ((item.facts.accepted_position, item.facts.delivery_index), item.event))
            .collect()
    }

    /// When an event was first decided.
    pub(in crate::tests) fn time_of(&self, event: Event) -> Millis {
        let has = |entry: &&Entry| entry.items.iter().any(|item| item.event == event);
        self.entries.iter().find(has).unwrap().time
    }

    /// When a message that was handed out is over.
    pub(in crate::tests) fn ends_of(&self, which: usize) -> Millis {
        self.handed_out[which].0.message.end().0
    }

    /// How long each failed try was put off (ms).
    pub(in crate::tests) fn delays(&self) -> Vec<u64> {
        let returned = self.entries.iter().filter(|entry| entry.body == Body::Returned);
        returned.map(|entry| entry.items[0].facts.not_before_ms - entry.time.0).collect()
    }

    pub(in crate::tests) fn events(&self, event: Event) -> usize {
        self.entries.iter().flat_map(|entry| &entry.items).filter(|i| i.event == event).count()
    }
}
