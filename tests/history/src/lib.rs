//! The promises, held against what happened: what agencies asked and were told, and what each node wrote down.
//!
//! One checker for the simulation and for real nodes. It knows the product's types and
//! nothing of its decisions.
//!
//! Within one journal order is known. Between journals, and between them and agencies, it
//! comes from `order`: a number that rises with time and is the same for all who wrote.

mod asked;
mod book;
mod custody;
mod deadlines;
mod lanes;
mod line;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use barid_message::time::Millis;
use barid_message::{Precedence, Reason};
use barid_proto::audit::v1::Event;
use barid_proto::federation::v1::Lane;

pub use book::steps;

/// One message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Delivery {
    /// Address of the originating agency.
    pub origin: String,
    /// Message id.
    pub id: String,
    /// Address of the recipient.
    pub recipient: String,
}

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// What agencies asked, in any order.
    pub calls: Vec<Call>,
    /// What each node wrote down.
    pub books: Vec<Book>,
}

/// Something that an agency asked of its node.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it was asked.
    pub invoked: u64,
    /// When the answer came; where none came, when that was clear.
    pub returned: u64,
    /// The same, by the clock of the node that was asked.
    pub at: Millis,
    /// Identity of the system that asked.
    pub by: String,
    /// What.
    pub ask: Ask,
    /// How it ended.
    pub outcome: Outcome,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To take a message.
    Submit {
        /// Address of the sender.
        origin: String,
        /// Message id.
        id: String,
        /// SHA-256 of its header.
        header: Vec<u8>,
        /// Addresses of the recipients.
        recipients: Vec<String>,
    },
    /// To be handed out what waits: one delivery that was.
    HandOut {
        /// Which.
        delivery: Delivery,
        /// It was marked as perhaps handed out before.
        redelivered: bool,
    },
    /// To end a delivery that was handed out, by this final event.
    Settle(Delivery, Event),
    /// To be told evidence: one event that was.
    Told(Delivery, Event),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done. The evidence, where it is one that is the same each time.
    Ok(Vec<u8>),
    /// It was refused, and nothing was done.
    Failed,
    /// No answer came.
    Unknown,
}

/// What one node wrote down of deliveries, in order.
#[derive(Clone, Debug, Default)]
pub struct Book {
    /// Identity of the node.
    pub node: String,
    /// Entry by entry.
    pub steps: Vec<Step>,
    /// When it ran, believed its clock and could write. Nothing is held against it for
    /// what it did not say at other times.
    pub awake: Vec<Awake>,
}

/// A time in which a node was awake, and its clock went on by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awake {
    /// By the node's clock.
    pub from: Millis,
    /// By the node's clock.
    pub to: Millis,
    /// When it began, in the order that all share: clocks are set back.
    pub since: u64,
    /// When it was over, in the same order.
    pub until: u64,
}

/// One thing that was written down.
#[derive(Clone, Debug)]
pub struct Step {
    /// When, in the order that all share.
    pub order: u64,
    /// Time of the entry, by the node's clock.
    pub at: Millis,
    /// What.
    pub what: What,
}

/// What was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Accepted from the agency that sent it.
    Accepted(Delivery, Terms),
    /// Taken over from this node.
    Taken(Delivery, Terms, String),
    /// This node has a receipt that it was taken over.
    Passed(Delivery, String),
    /// A peer asked to be tried again later.
    Deferred(Delivery),
    /// Said to be past its deadline and in doubt.
    Overdue(Delivery),
    /// Ended here, by this final event.
    Ended(Delivery, Event),
    /// Ended here by two persons who wrote its peer off.
    WrittenOff(Delivery),
    /// This node says that it has ended there, by this final event.
    Told(Delivery, String, Event),
    /// This node says so of what had ended here before.
    Contradicted(Delivery, String, Event),
    /// A number of a lane from this node was answered.
    Answered(String, Lane, u64),
    /// This node has a receipt for numbers of a lane: first, last.
    Receipted(String, Lane, u64, u64),
    /// This node is said to have broken the protocol.
    Misbehaved(String, Reason),
    /// The node started: who held a hand-out before is not known any more.
    Started,
}

/// What is asked of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How urgent.
    pub precedence: Precedence,
    /// When it ends by itself.
    pub end: Millis,
}

/// How a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Promised by a receipt, and in nobody's journal.
    Lost(Delivery),
    /// Accepted, and never submitted.
    Unsubmitted(Delivery),
    /// Two receipts for one message that are not the same: sender, id.
    TwoReceipts(String, String),
    /// Refused when it had a receipt: sender, id.
    TakenBack(String, String),
    /// Two messages were accepted under one id: sender, id.
    TwoContents(String, String),
    /// Handed out, and never submitted.
    NobodySent(Delivery),
    /// Handed out a second time without a mark.
    Unmarked(Delivery),
    /// Handed out after its end was confirmed to its recipient.
    AfterItsEnd(Delivery),
    /// Ended by a system that it was not handed to: the system.
    NotHandedTo(Delivery, String),
    /// Ended by a system after it was handed to another one, in one run of the node: the
    /// first.
    Stale(Delivery, String),
    /// Its end was confirmed to its recipient twice.
    AckedTwice(Delivery),
    /// Its end was confirmed to its recipient, and is not in the journal.
    AckLost(Delivery),
    /// Handed out for the first time, or taken over, before one that was accepted
    /// earlier and is as urgent: the later, the earlier.
    OutOfOrder(Delivery, Delivery),
    /// Nobody had a copy, and it had not ended.
    NoHolder(Delivery),
    /// Accepted or taken over by this node while it had it already, or after its end.
    TakenTwice(Delivery, String),
    /// Taken over from one that did not have it.
    NotTheirs(Delivery, String),
    /// This node wrote down what had not happened yet, or never happened, elsewhere.
    NoCause(Delivery, String),
    /// A second final, by this node.
    TwoFinals(Delivery, String),
    /// Ended by this node, which did not have custody.
    NoCustody(Delivery, String),
    /// Written off by this node, which is not its originator's.
    NotTheirsToWriteOff(Delivery, String),
    /// A contradiction to an end that nobody wrote off.
    NotContradicted(Delivery, String),
    /// It reached its recipient after it was written off, and nobody was told.
    ContradictionLost(Delivery),
    /// It is still open.
    NeverEnded(Delivery),
    /// Its originator's node does not know the end, or knows another.
    NotTold(Delivery),
    /// Its originator's node was told twice.
    ToldTwice(Delivery),
    /// Its originator has not been told how it ended, or was told something else.
    AgencyNotTold(Delivery),
    /// Its originator has been told twice.
    AgencyToldTwice(Delivery),
    /// Numbers of a lane that were passed over: the node, its peer, the first of them.
    Gap(String, String, Lane, u64),
    /// A receipt for numbers that the peer never answered: the node, its peer, the last.
    ReceiptForNothing(String, String, Lane, u64),
    /// A node says of an honest one that it broke the protocol.
    Slandered(String, String, Reason),
    /// Past its deadline, in doubt, and not said to be: at this node.
    NotOverdue(Delivery, String),
    /// An entry has a time before the one in front of it: the node, which step.
    TimeBack(String, usize),
    /// What was durable is not there any more, or not the same: the node, the position.
    Rewritten(String, u64),
    /// The message of an open delivery cannot be read back: at this node.
    BodyLost(Delivery, String),
    /// What is outstanding at a node is not what follows from its journal.
    OtherState(String),
    /// Something is due at a node, and it does nothing about it.
    Idle(String),
    /// A node does not start, and nothing is wrong with its disk.
    DoesNotStart(String, String),
}

/// All that breaks a promise. `ended`: everything has had time to end, and every link to
/// heal.
#[must_use]
pub fn check(history: &History) -> Vec<Violation> {
    let mut found = custody::check(history);
    found.extend(asked::check(history));
    found.extend(line::check(history));
    found.extend(lanes::check(history));
    found.extend(deadlines::check(history));
    found
}

/// Whether what was durable before is still there, and the same: entry by entry, by any
/// digest.
#[must_use]
pub fn rewritten<T: PartialEq>(node: &str, before: &[T], after: &[T]) -> Option<Violation> {
    let same = before.iter().zip(after).take_while(|(before, after)| before == after).count();
    (same < before.len()).then(|| Violation::Rewritten(node.to_owned(), same as u64))
}

impl History {
    /// Deliveries by what was asked, with the outcomes of their submissions.
    fn submitted(&self) -> BTreeMap<Delivery, Vec<&Outcome>> {
        let mut submitted: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for call in &self.calls {
            if let Ask::Submit { origin, id, recipients, .. } = &call.ask {
                for recipient in recipients {
                    let delivery = Delivery {
                        origin: origin.clone(),
                        id: id.clone(),
                        recipient: recipient.clone(),
                    };
                    submitted.entry(delivery).or_default().push(&call.outcome);
                }
            }
        }
        submitted
    }

    /// Deliveries that were ever deferred: their order is not promised.
    fn deferred(&self) -> BTreeSet<&Delivery> {
        let steps = self.books.iter().flat_map(|book| &book.steps);
        steps
            .filter_map(|step| match &step.what {
                What::Deferred(delivery) => Some(delivery),
                _ => None,
            })
            .collect()
    }
}

impl What {
    /// The delivery that it is about.
    #[must_use]
    pub const fn delivery(&self) -> Option<&Delivery> {
        match self {
            Self::Accepted(delivery, _)
            | Self::Taken(delivery, ..)
            | Self::Passed(delivery, _)
            | Self::Deferred(delivery)
            | Self::Overdue(delivery)
            | Self::Ended(delivery, _)
            | Self::WrittenOff(delivery)
            | Self::Told(delivery, ..)
            | Self::Contradicted(delivery, ..) => Some(delivery),
            Self::Answered(..) | Self::Receipted(..) | Self::Misbehaved(..) | Self::Started => None,
        }
    }
}
