//! What is outstanding, folded from the journal alone.
//!
//! **Invariant**: everything here but leases and refusal windows follows from the
//! entries, in order; a rebuild gives the same state. Nothing here knows a clock.

pub mod backlog;
mod believe;
pub mod damage;
pub mod dedupe;
mod fold;
pub mod holders;
pub mod inbox;
mod lent;
pub mod lines;
pub mod link;
mod links;
pub mod message;
pub mod misbehaviour;
mod phases;
pub mod segments;
mod snapshot;
mod timers;
pub mod write_off;

use std::collections::BTreeMap;
use std::sync::Arc;

use barid_message::Reason;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;

use crate::registry::Registry;
use damage::Damages;
use dedupe::Dedupe;
use holders::Holders;
use inbox::Inbox;
use lines::Lines;
use link::Link;
use message::Agreements;
use segments::Segments;
use timers::Timers;

/// Sums over the life of the journal.
pub use pb::SnapshotTotals as Totals;

pub use fold::FoldError;
pub use message::{Message, Origin};
pub use snapshot::SnapshotError;

/// Names one delivery within this journal: acceptance order, then the recipient's
/// place in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKey {
    /// Position of the ACCEPTED entry.
    pub accepted: u64,
    /// The recipient's place, from 0.
    pub index: u32,
}

/// One open delivery.
#[derive(Debug)]
pub struct Delivery {
    /// Its message.
    pub message: Arc<Message>,
    /// Recipient.
    pub recipient: Address,
    /// The peer that it goes to; `None`: its inbox is here.
    pub outward: Option<Outward>,
    /// Failed tries.
    pub tries: u32,
    /// Where it stands.
    pub phase: Phase,
    /// Why the last try failed.
    pub last_reason: Reason,
    /// OVERDUE was said.
    pub overdue: bool,
    /// It may have been handed out before.
    pub redelivered: bool,
    /// It replaces or recalls what the recipient was not given here.
    pub head_unknown: bool,
    /// The newest lease granted since the last start.
    pub granted: Option<LeaseNumber>,
    /// The newest event.
    pub event: Event,
}

/// A delivery's way to another node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outward {
    /// Identity of that node.
    pub peer: Arc<str>,
    /// Its number in the lane of its precedence; 0 = none now.
    pub slot: u64,
}

/// Where an open delivery stands: the first four in an inbox, the others on the way
/// to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits to be handed out.
    Ready,
    /// Waits for its next try.
    Delayed(Millis),
    /// Handed out, not yet answered.
    Leased(Grant),
    /// Waits for an operator, since then.
    Dead(Millis),
    /// Its message could not be read back: this process does not hand it out again.
    /// Known to this process alone; the next start looks at the disk.
    Unreadable,
    /// Has a number in a lane: held here, or perhaps with the peer, as the lane says.
    Queued,
    /// The peer asked to be tried again then: held here, without a number.
    Deferred(Millis),
    /// The peer has custody.
    Passed,
}

/// A hand-out within this data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseNumber {
    /// The start it was granted in.
    pub start_no: u64,
    /// How many grants of the delivery there were in that start, this one included.
    pub attempt: u32,
}

/// A running lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Identity of the consumer.
    pub consumer: Arc<str>,
    /// The stream it was handed out on.
    pub stream: u64,
    /// When it was handed out.
    pub since: Millis,
    /// When it runs out.
    pub expires: Millis,
}

/// The whole state.
#[derive(Debug)]
pub struct State {
    next_position: u64,
    last_time: Millis,
    start_no: u64,
    log_origin: String,
    clock_suspect: bool,
    registry: Arc<Registry>,
    deliveries: BTreeMap<DeliveryKey, Delivery>,
    inboxes: BTreeMap<Address, Inbox>,
    dedupe: Dedupe,
    timers: Timers,
    links: BTreeMap<Arc<str>, Link>,
    lines: Lines,
    totals: Totals,
    damages: Damages,
    segments: Segments,
    holders: Holders,
    agreements: Agreements,
    /// Before it nothing ends by itself: after a start a consumer may still hold a
    /// lease that this process did not grant.
    no_end_before: Millis,
}

impl State {
    /// The state of an empty journal.
    #[must_use]
    pub fn new() -> Self {
        Self {
            next_position: 0,
            last_time: Millis(0),
            start_no: 0,
            log_origin: String::new(),
            clock_suspect: false,
            registry: Arc::new(Registry::empty()),
            deliveries: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            dedupe: Dedupe::default(),
            timers: Timers::default(),
            links: BTreeMap::new(),
            lines: Lines::default(),
            totals: Totals::default(),
            damages: Damages::default(),
            segments: Segments::default(),
            holders: Holders::default(),
            agreements: Agreements::default(),
            no_end_before: Millis(0),
        }
    }

    /// Position of the next entry.
    #[must_use]
    pub const fn next_position(&self) -> u64 {
        self.next_position
    }

    /// Time of the newest entry: no entry may have a time before it.
    #[must_use]
    pub const fn last_time(&self) -> Millis {
        self.last_time
    }

    /// Starts so far.
    #[must_use]
    pub const fn start_no(&self) -> u64 {
        self.start_no
    }

    /// Origin line of the log.
    #[must_use]
    pub fn log_origin(&self) -> &str {
        &self.log_origin
    }

    /// Whether the clock is in doubt.
    #[must_use]
    pub const fn clock_suspect(&self) -> bool {
        self.clock_suspect
    }

    /// The registry in force.
    #[must_use]
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Sums.
    #[must_use]
    pub const fn totals(&self) -> Totals {
        self.totals
    }

    /// Ids accepted before.
    #[must_use]
    pub const fn dedupe(&self) -> &Dedupe {
        &self.dedupe
    }

    /// One open delivery.
    #[must_use]
    pub fn delivery(&self, key: DeliveryKey) -> Option<&Delivery> {
        self.deliveries.get(&key)
    }

    /// All open deliveries, in acceptance order.
    pub fn deliveries(&self) -> impl Iterator<Item = (DeliveryKey, &Delivery)> {
        self.deliveries.iter().map(|(key, delivery)| (*key, delivery))
    }

    /// The inboxes that hold something, or did since the start.
    #[must_use]
    pub fn inbox(&self, address: &Address) -> Option<&Inbox> {
        self.inboxes.get(address)
    }

    /// Open deliveries of the inbox that has most.
    #[must_use]
    pub fn longest_inbox(&self) -> usize {
        self.inboxes.values().map(Inbox::len).max().unwrap_or(0)
    }

    /// Before it nothing ends by itself.
    #[must_use]
    pub const fn no_end_before(&self) -> Millis {
        self.no_end_before
    }
}

#[cfg(test)]
impl State {
    /// Whether time brings the same here as there.
    pub(crate) fn has_timers_of(&self, other: &Self) -> bool {
        self.timers == other.timers
    }

    /// Whether every open delivery has a timer that can end it.
    pub(crate) fn ends_by_itself(&self) -> bool {
        let timers = self.timers.deadlines.iter().chain(&self.timers.leases);
        let timed: std::collections::BTreeSet<_> = timers.map(|(_, key)| key).collect();
        self.deliveries.keys().all(|key| timed.contains(key))
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}
