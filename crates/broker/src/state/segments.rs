//! Segments of bodies: what is in them, and who still needs it.

use std::collections::{BTreeMap, BTreeSet};

use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

use super::State;
use crate::caps;

/// Segments by number.
#[derive(Debug, Default)]
pub struct Segments {
    kept: BTreeMap<u64, Kept>,
    removed: BTreeSet<u64>,
    bytes: u64,
}

/// What is in a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Messages that entries name.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Deliveries of theirs without a final.
    pub open: u64,
    /// Until when the last of them has to be kept.
    pub until: Millis,
}

impl Segments {
    /// Segments that are kept, by number.
    pub fn kept(&self) -> impl Iterator<Item = (u64, &Kept)> {
        self.kept.iter().map(|(number, kept)| (*number, kept))
    }

    /// Bytes of the messages in all of them.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether a segment is unlinked, or will be.
    #[must_use]
    pub fn is_removed(&self, number: u64) -> bool {
        self.removed.contains(&number)
    }

    /// Those that are.
    #[must_use]
    pub const fn removed(&self) -> &BTreeSet<u64> {
        &self.removed
    }

    /// A message with so many open deliveries lies there.
    pub(super) fn accepted(&mut self, facts: &pb::AcceptedFacts) {
        self.add(facts.blob_segment, facts.blob_length, kept_until(facts));
    }

    /// A refused message is kept there, as long as its id is remembered.
    pub(super) fn refused(&mut self, facts: &pb::RefusedFacts, time: Millis) {
        if facts.blob_length > 0 {
            let until = time.0 + u64::from(caps::DEDUPE_DAYS) * 86_400_000;
            self.add(facts.blob_segment, facts.blob_length, Millis(until));
        }
    }

    fn add(&mut self, number: u64, length: u32, until: Millis) {
        let kept = self.kept.entry(number).or_default();
        kept.messages += 1;
        kept.bytes += u64::from(length);
        self.bytes += u64::from(length);
        kept.until = kept.until.max(until);
    }

    /// One delivery more of a message there is open.
    pub(super) fn opened(&mut self, number: u64) {
        self.kept.entry(number).or_default().open += 1;
    }

    /// One delivery less is.
    pub(super) fn closed(&mut self, number: u64) {
        if let Some(kept) = self.kept.get_mut(&number) {
            kept.open = kept.open.saturating_sub(1);
        }
    }

    pub(super) fn unlinked(&mut self, facts: &pb::BodiesRemovedFacts) {
        for segment in &facts.segments {
            let kept = self.kept.remove(&segment.number).unwrap_or_default();
            self.bytes -= kept.bytes;
            self.removed.insert(segment.number);
        }
    }

    pub(super) fn to_snapshot(&self) -> (Vec<pb::SnapshotSegment>, Vec<u64>) {
        let segment = |(number, kept): (&u64, &Kept)| pb::SnapshotSegment {
            number: *number,
            messages: kept.messages,
            bytes: kept.bytes,
            until_ms: kept.until.0,
        };
        (self.kept.iter().map(segment).collect(), self.removed.iter().copied().collect())
    }

    /// What is open in them is counted as deliveries are restored.
    pub(super) fn from_snapshot(segments: &[pb::SnapshotSegment], removed: Vec<u64>) -> Self {
        let kept = |segment: &pb::SnapshotSegment| {
            let pb::SnapshotSegment { number, messages, bytes, until_ms } = *segment;
            (number, Kept { messages, bytes, open: 0, until: Millis(until_ms) })
        };
        Self {
            kept: segments.iter().map(kept).collect(),
            removed: removed.into_iter().collect(),
            bytes: segments.iter().map(|segment| segment.bytes).sum(),
        }
    }
}

/// Until when the bytes of a message are kept, even when all its deliveries have ended:
/// the header's `retain_until`; else as long as it may be delivered, for a partner that
/// has lost its disk may have to be given it again (SPINE §3.5).
fn kept_until(facts: &pb::AcceptedFacts) -> Millis {
    Millis(if facts.retain_until_ms == 0 { facts.deliver_by_ms } else { facts.retain_until_ms })
}

impl State {
    /// Segments of bodies.
    #[must_use]
    pub const fn segments(&self) -> &Segments {
        &self.segments
    }
}
