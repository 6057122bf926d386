//! The first entries of a start, and the last of a stop.

use barid_audit::entry::{Body, Entry};
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::plain;
use crate::state::State;

/// The node started.
#[must_use]
pub fn restarted(state: &State, now: Millis, facts: pb::RestartedFacts) -> Entry {
    plain(state, now, Body::Restarted(facts))
}

/// The registry from here on, where it is not the one in force.
#[must_use]
pub fn registry(state: &State, now: Millis, facts: &pb::RegistryFacts) -> Option<Entry> {
    let facts = state.registry().with_renewals(facts.clone());
    (state.registry().facts() != &facts).then(|| plain(state, now, Body::RegistryChanged(facts)))
}

/// The node stops in order.
#[must_use]
pub fn stopped(state: &State, now: Millis) -> Entry {
    plain(state, now, Body::Stopped)
}
