//! What peers did that breaks the protocol of the link, for people to look at.

use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::State;
use super::link::Link;

/// What a peer did so far; it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misbehaviour {
    /// Entries about it: of the same thing in one minute the first ten.
    pub times: u64,
    /// When the newest was made.
    pub last: Millis,
    /// What that says.
    pub reason: Reason,
}

impl State {
    pub(super) fn misbehaved(&mut self, at: Millis, facts: &pb::MisbehaviourFacts) {
        let link = self.links.entry(facts.peer.as_str().into()).or_default();
        let times = link.misbehaviour.as_ref().map_or(1, |before| before.times + 1);
        link.misbehaviour = Some(Misbehaviour { times, last: at, reason: facts.reason() });
    }
}

impl Link {
    /// What the peer did that breaks the protocol; `None` = nothing so far.
    #[must_use]
    pub const fn misbehaviour(&self) -> Option<&Misbehaviour> {
        self.misbehaviour.as_ref()
    }

    pub(super) fn misbehaviour_to_snapshot(&self) -> Option<pb::SnapshotMisbehaviour> {
        self.misbehaviour.as_ref().map(|kept| pb::SnapshotMisbehaviour {
            times: kept.times,
            last_ms: kept.last.0,
            reason: kept.reason.into(),
        })
    }
}

impl From<pb::SnapshotMisbehaviour> for Misbehaviour {
    fn from(kept: pb::SnapshotMisbehaviour) -> Self {
        Self { times: kept.times, last: Millis(kept.last_ms), reason: kept.reason() }
    }
}
