//! Refusals at the door: the first ten of a kind singly, the rest counted, so that
//! a flood of bad input cannot fill the journal (SPINE §1.8).

use std::collections::BTreeMap;

use barid_audit::entry::{Body, Entry};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::plain;
use crate::caps;
use crate::state::State;

const MINUTE_MS: u64 = 60_000;

/// Windows of one minute per identity and reason. Not part of the state: what is
/// counted and not yet written when the node dies is lost, and only a count.
#[derive(Debug, Default)]
pub struct Windows {
    open: BTreeMap<Key, Window>,
}

/// Minute, identity, reason.
type Key = (u64, String, Reason);

#[derive(Debug, Default)]
struct Window {
    singly: u32,
    beyond: u64,
}

impl Window {
    /// What was refused beyond the single entries, if anything was.
    fn count(self, (minute, identity, reason): Key, state: &State, now: Millis) -> Option<Entry> {
        (self.beyond > 0).then(|| {
            let count = self.beyond;
            let mut facts = pb::RefusalsCountedFacts { identity, minute, count, reason: 0 };
            facts.set_reason(reason);
            plain(state, now, Body::RefusalsCounted(facts))
        })
    }
}

impl Windows {
    /// Makes room for one more window: where there is none, the oldest is closed early.
    /// Gives its count, which is to be kept before anything else is decided.
    pub fn make_room(&mut self, state: &State, now: Millis) -> Option<Entry> {
        if self.open.len() < caps::REFUSAL_WINDOWS_MAX {
            return None;
        }
        let (key, window) = self.open.pop_first()?;
        window.count(key, state, now)
    }

    /// Whether a refusal gets an entry of its own; else it is counted here.
    pub fn is_single(&mut self, now: Millis, identity: &str, reason: Reason) -> bool {
        let key = (now.0 / MINUTE_MS, identity.to_owned(), reason);
        let window = self.open.entry(key).or_default();
        let is_single = window.singly < caps::REFUSALS_SINGLY;
        if is_single {
            window.singly += 1;
        } else {
            window.beyond += 1;
        }
        is_single
    }

    /// Whether the next such refusal may still get an entry of its own.
    #[must_use]
    pub fn has_single(&self, now: Millis, identity: &str, reason: Reason) -> bool {
        match self.open.get(&(now.0 / MINUTE_MS, identity.to_owned(), reason)) {
            Some(window) => window.singly < caps::REFUSALS_SINGLY,
            None => self.open.len() < caps::REFUSAL_WINDOWS_MAX,
        }
    }

    /// Decides how a refusal is kept: by an entry of its own, or in a count.
    pub fn refused(
        &mut self,
        state: &State,
        now: Millis,
        facts: pb::RefusedFacts,
    ) -> Option<Entry> {
        self.is_single(now, &facts.identity, facts.reason())
            .then(|| plain(state, now, Body::SubmissionRefused(facts)))
    }

    /// The count of a minute that is over.
    pub fn close(&mut self, state: &State, now: Millis) -> Option<Entry> {
        let minute = now.0 / MINUTE_MS;
        self.close_before(state, now, minute)
    }

    /// A count, whether its minute is over or not.
    pub fn close_all(&mut self, state: &State, now: Millis) -> Option<Entry> {
        self.close_before(state, now, u64::MAX)
    }

    fn close_before(&mut self, state: &State, now: Millis, end: u64) -> Option<Entry> {
        loop {
            let first = self.open.first_entry().filter(|first| first.key().0 < end)?;
            let (key, window) = first.remove_entry();
            if let Some(entry) = window.count(key, state, now) {
                return Some(entry);
            }
        }
    }

    /// When the first window is over.
    #[must_use]
    pub fn next(&self) -> Option<Millis> {
        self.open.keys().next().map(|(minute, ..)| Millis((minute + 1) * MINUTE_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_too_many_windows_the_oldest_is_closed_early_and_its_count_kept() {
        let (state, mut windows) = (State::new(), Windows::default());
        let reason = Reason::FieldInvalid;
        for _ in 0..caps::REFUSALS_SINGLY + 3 {
            windows.is_single(Millis(0), "first", reason);
        }
        for other in 1..caps::REFUSAL_WINDOWS_MAX {
            assert!(windows.make_room(&state, Millis(0)).is_none());
            assert!(windows.is_single(Millis(MINUTE_MS), &other.to_string(), reason));
        }
        let closed = windows.make_room(&state, Millis(MINUTE_MS)).map(|entry| entry.body);
        assert!(matches!(closed, Some(Body::RefusalsCounted(facts))
            if facts.identity == "first" && facts.count == 3));
        assert!(windows.is_single(Millis(MINUTE_MS), "one more", reason));
        assert_eq!(windows.open.len(), caps::REFUSAL_WINDOWS_MAX);
    }
}
