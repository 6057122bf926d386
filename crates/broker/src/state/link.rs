//! One link: five lanes each way, folded from the journal.
//!
//! **Invariant**: a number is given out once. What stands in it changes only while it is
//! held here, and never again once the peer has answered it. What was offered in this
//! session is the one thing here that does not follow from the entries: after a start
//! everything up to the horizon counts as offered (SPINE §5.3).

use std::collections::BTreeMap;

use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::{Precedence, Reason};
use barid_proto::federation::v1::{Lane, SlotAnswer, SlotFacts};
use bytes::Bytes;
use prost::Message as _;

use super::misbehaviour::Misbehaviour;
use super::write_off::{Proposal, WrittenOff};

/// The lanes, in the order in which they go out.
pub const LANES: [Lane; 5] =
    [Lane::Flash, Lane::Immediate, Lane::Priority, Lane::Routine, Lane::Evidence];

/// A link with one peer.
#[derive(Debug, Default)]
pub struct Link {
    /// Origin line of the peer's log, as last answered to; empty = never.
    pub(super) log_origin: String,
    pub(super) outbound: [Outbound; 5],
    pub(super) inbound: [Inbound; 5],
    /// The session that is live, or was last. Commands of an older one are refused.
    pub(super) session: u64,
    pub(super) proposal: Option<Proposal>,
    pub(super) written_off: WrittenOff,
    pub(super) misbehaviour: Option<Misbehaviour>,
}

/// What this node sends in one lane.
#[derive(Debug)]
pub struct Outbound {
    /// Next number to give out.
    pub next: u64,
    /// Next number without a receipt.
    pub next_unanswered: u64,
    /// Highest number that may be sent.
    pub horizon: u64,
    /// Next number to send in this session: what lies below it may be with the peer.
    pub next_offer: u64,
    /// h of the newest number with a receipt.
    pub chain: Chain,
    /// What stands in the numbers from `next_unanswered` on.
    pub slots: BTreeMap<u64, Slot>,
}

/// What this node has received in one lane.
#[derive(Debug)]
pub struct Inbound {
    /// Next number expected.
    pub next_expected: u64,
    /// h of the newest number answered.
    pub chain: Chain,
    /// Answers that the peer may not have yet.
    pub answers: BTreeMap<u64, Answered>,
}

/// An answer, and the chain behind its slot.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The answer.
    pub answer: SlotAnswer,
    /// h of its number.
    pub chain: Chain,
}

/// h_n = SHA-256(h_{n-1} || digest of slot n), h_0 = zeros (SPINE §5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chain(pub [u8; 32]);

/// What stands in a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A message, for some of its recipients.
    Transfer {
        /// Position of its ACCEPTED entry.
        accepted: u64,
        /// SHA-256 of its header.
        header_digest: Bytes,
        /// Place among the message's deliveries, and recipient.
        deliveries: Vec<(u32, Address)>,
    },
    /// A message that ended before it was sent.
    Void {
        /// SHA-256 of its header.
        header_digest: Bytes,
        /// Why.
        reason: Reason,
    },
    /// Evidence of this node.
    Evidence {
        /// Position of its entry.
        position: u64,
        /// Index in it.
        index: u32,
        /// SHA-256 of its bytes.
        digest: Bytes,
    },
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            next: 1,
            next_unanswered: 1,
            horizon: 0,
            next_offer: 1,
            chain: Chain::default(),
            slots: BTreeMap::new(),
        }
    }
}

impl Default for Inbound {
    fn default() -> Self {
        Self { next_expected: 1, chain: Chain::default(), answers: BTreeMap::new() }
    }
}

impl Chain {
    /// The chain behind one more slot.
    #[must_use]
    pub fn then(self, slot_digest: &[u8]) -> Self {
        Self(Digest::of(&[self.0.as_slice(), slot_digest].concat()).0)
    }

    /// From bytes; zeros where they are none.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Self {
        Self(bytes.try_into().unwrap_or_default())
    }
}

impl Outbound {
    /// Whether the peer may have that number.
    #[must_use]
    pub const fn is_offered(&self, number: u64) -> bool {
        number < self.next_offer
    }

    /// Numbers given out and not answered.
    #[must_use]
    pub const fn waiting(&self) -> u64 {
        self.next - self.next_unanswered
    }
}

impl Slot {
    /// What identifies the slot.
    #[must_use]
    pub fn digest(&self, lane: Lane, number: u64) -> Digest {
        let facts = match self {
            Self::Transfer { header_digest, deliveries, .. } => {
                let recipients = deliveries.iter().map(|(_, recipient)| recipient);
                transfer_facts(lane, number, header_digest.clone(), recipients)
            }
            Self::Void { header_digest, reason } => {
                void_facts(lane, number, header_digest, *reason)
            }
            Self::Evidence { digest, .. } => evidence_facts(lane, number, digest.clone()),
        };
        facts_digest(&facts)
    }
}

/// The facts of a transfer.
#[must_use]
pub fn transfer_facts<'a>(
    lane: Lane,
    number: u64,
    header_digest: Bytes,
    recipients: impl IntoIterator<Item = &'a Address>,
) -> SlotFacts {
    let recipients = recipients.into_iter().map(|recipient| recipient.as_str().to_owned());
    SlotFacts {
        lane: lane.into(),
        number,
        content_digest: header_digest,
        recipients: recipients.collect(),
        reason: Reason::Unspecified.into(),
    }
}

/// The facts of a void.
#[must_use]
pub fn void_facts(lane: Lane, number: u64, header_digest: &Bytes, reason: Reason) -> SlotFacts {
    SlotFacts {
        lane: lane.into(),
        number,
        content_digest: header_digest.clone(),
        recipients: Vec::new(),
        reason: reason.into(),
    }
}

/// The facts of a slot that holds evidence.
#[must_use]
pub fn evidence_facts(lane: Lane, number: u64, digest: Bytes) -> SlotFacts {
    SlotFacts { lane: lane.into(), number, content_digest: digest, ..Default::default() }
}

/// The digest by which both ends name a slot.
#[must_use]
pub fn facts_digest(facts: &SlotFacts) -> Digest {
    Digest::of(&facts.encode_to_vec())
}

/// The lane that messages of a precedence go by.
#[must_use]
pub const fn lane_of(precedence: Precedence) -> Lane {
    match precedence {
        Precedence::Flash => Lane::Flash,
        Precedence::Immediate => Lane::Immediate,
        Precedence::Priority => Lane::Priority,
        Precedence::Routine | Precedence::Unspecified => Lane::Routine,
    }
}

/// A lane's place in the arrays; `None` for no lane.
#[must_use]
pub fn index(lane: Lane) -> Option<usize> {
    LANES.iter().position(|known| *known == lane)
}

impl Link {
    /// Origin line of the peer's log, as last answered to; empty = never.
    #[must_use]
    pub fn log_origin(&self) -> &str {
        &self.log_origin
    }

    /// What this node sends in a lane.
    #[must_use]
    pub fn outbound(&self, lane: Lane) -> &Outbound {
        &self.outbound[index(lane).unwrap_or(0)]
    }

    /// What this node has received in a lane.
    #[must_use]
    pub fn inbound(&self, lane: Lane) -> &Inbound {
        &self.inbound[index(lane).unwrap_or(0)]
    }

    /// The session that is live, or was last.
    #[must_use]
    pub const fn session(&self) -> u64 {
        self.session
    }

    /// Messages given a number and not answered.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.outbound.iter().map(Outbound::waiting).sum()
    }

    pub(super) fn outbound_mut(&mut self, lane: Lane) -> &mut Outbound {
        &mut self.outbound[index(lane).unwrap_or(0)]
    }

    pub(super) fn inbound_mut(&mut self, lane: Lane) -> &mut Inbound {
        &mut self.inbound[index(lane).unwrap_or(0)]
    }
}
