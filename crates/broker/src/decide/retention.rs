//! Which bodies nobody needs any more.

use barid_audit::entry::{Body, Entry};
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::plain;
use crate::caps;
use crate::state::State;

/// The entry that lets segments of bodies go: all deliveries of the messages in them have
/// their final, and `retain_until` of each has passed. Only those below a number that
/// nobody writes to any more. While the clock is in doubt nothing goes.
#[must_use]
pub fn removal(state: &State, now: Millis, written_from: u64) -> Option<Entry> {
    if state.clock_suspect() {
        return None;
    }
    let over = state
        .segments()
        .kept()
        .filter(|(number, kept)| *number < written_from && kept.open == 0 && kept.until <= now);
    let segments: Vec<_> = over
        .take(caps::SEGMENTS_REMOVED_MAX)
        .map(|(number, kept)| pb::RemovedSegment {
            number,
            messages: kept.messages,
            bytes: kept.bytes,
        })
        .collect();
    let facts = pb::BodiesRemovedFacts { segments };
    (!facts.segments.is_empty()).then(|| plain(state, now, Body::BodiesRemoved(facts)))
}
