//! What the sequencer is asked to do, and what it hands on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use barid_audit::entry::{Encoded, Entry};
use barid_journal::Record;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_proto::federation::v1::{self as wire, CustodyStatement, Lane};
use barid_proto::journal::v1 as pb;
use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::decide::Refusal;
use crate::decide::accept::{Blob, Submission};
use crate::decide::clock::Heard;
use crate::decide::hand_out::Consumer;
use crate::decide::hello::Unreceipted;
use crate::decide::link;
use crate::decide::operator::{Act, DeliveryName};
use crate::decide::renew::Renewal;
use crate::decide::settle::Answer;
use crate::decide::take::Slot;
use crate::decide::write_off::ProposalName;
use crate::gate::{Admitted, Known};
use crate::lent::Lent;
use crate::scrub::Damage;
use crate::state::link::Answered;
use crate::state::{DeliveryKey, LeaseNumber, Message, State};

/// The receipt of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Encoded evidence SUBMISSION_ACCEPTED.
    pub evidence: Bytes,
    /// It was accepted before.
    pub repeated: bool,
}

/// What became of a consumer's answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Settlement {
    /// Final, with this evidence.
    Final(Bytes),
    /// Tried again then.
    Again(Millis),
    /// Became a dead letter.
    DeadLetter,
    /// The lease runs until then.
    Renewed(Millis),
}

/// A slot on its way to a peer. It was synced that it may be.
#[derive(Clone, Debug)]
pub struct Offered {
    /// Which lane.
    pub lane: Lane,
    /// Its number.
    pub number: u64,
    /// What it holds.
    pub content: Content,
}

/// What an offered slot holds.
#[derive(Clone, Debug)]
pub enum Content {
    /// A message.
    Transfer {
        /// What is kept of it, with the place of its bytes.
        message: Arc<Message>,
        /// Recipients handed on.
        recipients: Vec<Address>,
    },
    /// A number whose message ended.
    Void {
        /// SHA-256 of its header.
        header_digest: Bytes,
        /// Why.
        reason: Reason,
    },
    /// Evidence of this node, by position and index.
    Evidence(u64, u32),
}

/// Why a session cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// A newer session of the peer has begun.
    Fenced,
    /// The peer broke the protocol; this was journaled.
    Breach(link::Breach),
    /// Nothing can be written down now.
    Full,
    /// The node is stopping.
    Stopping,
}

pub(crate) type Reply<T> = oneshot::Sender<T>;

/// Looks at the state on the sequencer's thread, and says what to do once all that
/// was seen is durable.
pub(crate) type Inspection = Box<dyn FnOnce(&State) -> Release + Send>;

/// What happens once a group is durable: an answer goes out.
pub(crate) type Release = Box<dyn FnOnce() + Send>;

/// What the sequencer is asked to do.
pub(crate) enum Command {
    /// Decide a submission whose bytes lie in a blob.
    Submit(Box<Submission>, Reply<Result<Receipt, Refusal>>),
    /// Decide a message whose bytes are worth writing down only if it is not refused
    /// already. Refused, it is answered; else it goes back to whoever wrote the other
    /// channel, who submits it.
    Foresee(Box<Candidate>, oneshot::Sender<Box<Candidate>>),
    /// Say whether this is a repeat.
    Recognise(Known, Reply<Option<Receipt>>),
    /// Keep a record of a refusal at the gate, and say what to answer in its place; or of
    /// another call, whose answer nobody waits for.
    Refused(Box<pb::RefusedFacts>, Option<Reply<Option<Refusal>>>),
    /// Hand out up to so many deliveries. What does not arrive comes back as a command.
    HandOut(Consumer, usize, Sender<Queued>, Reply<Vec<Lent>>),
    /// A consumer answers.
    Settle {
        caller: Arc<str>,
        token: Bytes,
        answer: Answer,
        reply: Reply<Result<Settlement, Refusal>>,
    },
    /// A consumer has left its stream: what it holds is ready for others.
    Release { stream: u64, consumer: Arc<str> },
    /// A grant has not reached its consumer, and will not.
    Unsent(Unsent),
    /// What is kept is not what was written.
    Damaged(Box<Damage>),
    /// Of an operator or reader.
    Operate(Operation),
    /// Of a link.
    Link(LinkCommand),
    /// Look at the state.
    Inspect(Inspection),
    /// The writer is free.
    WriterIdle,
    /// Finish what was begun, and stop.
    Stop,
}

/// What operators and readers ask: decided and put on record.
pub(crate) enum Operation {
    /// An operator puts a dead letter back.
    Retry(Act, DeliveryName, Reply<Result<(), Refusal>>),
    /// An operator ends a dead letter.
    Drop(Act, DeliveryName, Reply<Result<Bytes, Refusal>>),
    /// A newer card of a peer takes the place of the one in force.
    Renew(Box<Renewal>, Reply<Result<(), Refusal>>),
    /// An operator takes what is damaged for lost.
    TakeForLost(String, Reply<Result<(), Refusal>>),
    /// An operator confirms the clock.
    ConfirmClock(String, Reply<Result<(), Refusal>>),
    /// Peers have said what their clocks show; whether that confirms this node's.
    HearClocks(Vec<Heard>, Reply<bool>),
    /// An operator proposes to write a peer off, which has this name, and says why.
    ProposeWriteOff {
        operator: String,
        peer: String,
        why: String,
        reply: Reply<Result<u64, Refusal>>,
    },
    /// Another one confirms.
    ConfirmWriteOff(String, ProposalName, Reply<Result<u64, Refusal>>),
    /// An operator withdraws a proposal.
    WithdrawWriteOff(String, ProposalName, Reply<Result<(), Refusal>>),
    /// Somebody begins to read.
    ReadOpened(pb::ReadFacts, Reply<Result<u64, Refusal>>),
    /// A reading ended.
    ReadClosed(pb::ReadFacts),
}

/// A message that nothing is written of yet, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) admitted: Admitted,
    pub(crate) submitted_by: String,
    pub(crate) reply: Reply<Result<Receipt, Refusal>>,
}

/// A grant that nobody has seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsent {
    pub(crate) key: DeliveryKey,
    pub(crate) number: LeaseNumber,
    /// Its message can be read back: it is for the next.
    pub(crate) is_readable: bool,
}

/// A slot, and where its answer goes.
pub(crate) struct Arriving {
    pub(crate) session: u64,
    pub(crate) slot: Slot,
    pub(crate) reply: Reply<Result<Option<Answered>, LinkEnd>>,
}

/// Whether the bytes of an arriving message lie on disk.
pub(crate) enum Written {
    /// Here.
    At(Blob),
    /// Not yet: where somebody takes it over, it goes back to whoever wrote this channel,
    /// to be written. Else it is answered, and nothing of it is kept.
    No(oneshot::Sender<Box<Arriving>>),
    /// There is nothing to write.
    Nothing,
}

/// What a link asks the sequencer.
pub(crate) enum LinkCommand {
    /// A session begins: its number, and where this node stands.
    Open { peer: Arc<str>, reply: Reply<(u64, Vec<wire::LaneState>)> },
    /// The peer says where it stands.
    Hello {
        peer: Arc<str>,
        session: u64,
        hello: Box<wire::Hello>,
        reply: Reply<Result<Unreceipted, LinkEnd>>,
    },
    /// What goes to a peer next: at most so many numbers of each lane.
    Offer {
        peer: Arc<str>,
        session: u64,
        wants: [usize; 5],
        reply: Reply<Result<Vec<Offered>, LinkEnd>>,
    },
    /// A slot came from a peer.
    Take(Box<Arriving>, Written),
    /// A custody receipt came from a peer, whose signature holds.
    Receipt {
        peer: Arc<str>,
        session: u64,
        statement: Box<CustodyStatement>,
        receipt: Bytes,
        reply: Reply<Result<(), LinkEnd>>,
    },
    /// A peer said what cannot even be read.
    Breach { peer: Arc<str>, breach: link::Breach, reply: Reply<()> },
}

/// A command with its place in the bounded queue.
pub(crate) struct Queued {
    pub(crate) command: Command,
    pub(crate) _place: Option<OwnedSemaphorePermit>,
}

/// What was decided together, and is synced together.
#[derive(Default)]
pub(crate) struct Group {
    pub(crate) records: Vec<Record>,
    /// Position of the first record.
    pub(crate) first_position: u64,
    pub(crate) bytes: usize,
    pub(crate) releases: Vec<Release>,
    /// Inboxes that received something.
    pub(crate) touched: Vec<Address>,
    /// Peers for which something waits.
    pub(crate) touched_peers: BTreeSet<Arc<str>>,
    /// A snapshot of the state behind this group's last entry.
    pub(crate) snapshot: Option<Vec<u8>>,
    /// Whether an entry names a blob, which must be durable first.
    pub(crate) has_blobs: bool,
}

impl Group {
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.releases.is_empty()
            && self.touched.is_empty()
            && self.touched_peers.is_empty()
    }

    pub(crate) fn push(&mut self, entry: &Entry, encoded: Encoded) {
        let Encoded { kind, version, leaf, side } = encoded;
        if self.records.is_empty() {
            self.first_position = entry.position;
        }
        self.bytes += leaf.len() + side.len();
        self.records.push(Record {
            kind,
            version,
            time_ms: entry.time.0,
            leaf: leaf.into(),
            side: side.into(),
        });
    }
}
