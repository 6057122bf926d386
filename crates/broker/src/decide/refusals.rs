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
    open: BTreeMap<(u64, String, Reason), Window>,
}

#[derive(Debug, Default)]
struct Window {
    singly: u32,
    beyond: u64,
}

impl Windows {
    /// Whether a refusal gets an entry of its own; else it is counted here.
    pub fn is_single(&mut self, now: Millis, identity: &str, reason: Reason) -> bool {
        let key = (now.0 / MINUTE_MS, identity.to_owned(), reason);
        if !self.open.contains_key(&key) && self.open.len() >= caps::REFUSAL_WINDOWS_MAX {
            return false;
        }
        let window = self.open.entry(key).or_default();
        let is_single = window.singly < caps::REFUSALS_SINGLY;
        if is_single {
            window.singly += 1;
        } else {
            window.beyond += 1;
        }
        is_single
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
            let ((minute, identity, reason), window) = first.remove_entry();
            if window.beyond > 0 {
                let mut facts =
                    pb::RefusalsCountedFacts { identity, minute, count: window.beyond, reason: 0 };
                facts.set_reason(reason);
                return Some(plain(state, now, Body::RefusalsCounted(facts)));
            }
        }
    }

    /// When the first window is over.
    #[must_use]
    pub fn next(&self) -> Option<Millis> {
        self.open.keys().next().map(|(minute, ..)| Millis((minute + 1) * MINUTE_MS))
    }
}
