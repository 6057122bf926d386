//! Links as the node's sockets see them.

use std::collections::BTreeSet;
use std::sync::Arc;

use barid_audit::evidence;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::caps::RECIPIENTS_MAX;
use barid_message::digest::Digest;
use barid_message::fault::{Fault, Faults};
use barid_message::signed::SignedMessage;
use barid_proto::audit::v1::{Evidence, SignedEvidence};
use barid_proto::federation::v1::{self as wire, CustodyStatement, Hello, Lane, LaneState};
use bytes::Bytes;
use prost::Message as _;
use tokio::sync::{oneshot, watch};

use super::Broker;
use crate::caps;
use crate::command::{Command, LinkCommand, LinkEnd, Offered};
use crate::decide::hello::Unreceipted;
use crate::decide::link::Breach;
use crate::decide::take::{Content, Proven, Slot, Transfer};
use crate::gate;
use crate::registry::{Peer, Registry};
use crate::state::link::{Answered, lane_of};

/// A slot as it came whole from a peer.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// Identity of the peer.
    pub peer: Arc<str>,
    /// Origin line of its log.
    pub log_origin: Arc<str>,
    /// Which lane.
    pub lane: Lane,
    /// Its number.
    pub number: u64,
    /// Whether it is the next of its lane in this session. What came before is not
    /// written again.
    pub is_next: bool,
    /// The encoded `Slot`.
    pub bytes: Bytes,
}

/// A slot on its way through the sequencer.
#[derive(Debug)]
pub struct Taking(pub(super) oneshot::Receiver<Result<Option<Answered>, LinkEnd>>);

impl Taking {
    /// What was answered, where that is durable already; `None` where it is not.
    pub fn decided_now(&mut self) -> Option<Result<Option<Answered>, LinkEnd>> {
        match self.0.try_recv() {
            Ok(decided) => Some(decided),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(LinkEnd::Stopping)),
        }
    }

    /// What was answered, once it is durable; `None` where it was answered before.
    ///
    /// # Errors
    /// [`LinkEnd`]: the session cannot go on.
    pub async fn decided(self) -> Result<Option<Answered>, LinkEnd> {
        self.0.await.unwrap_or(Err(LinkEnd::Stopping))
    }
}

impl Broker {
    /// Changes whenever something new may wait for a peer.
    #[must_use]
    pub fn peer_changes(&self, peer: &str) -> Option<watch::Receiver<()>> {
        self.shared.peers.get(peer).cloned()
    }

    /// Begins a session with a peer, which fences its older ones: gives its number, and
    /// where this node stands in its lanes, for its hello.
    ///
    /// # Errors
    /// [`LinkEnd::Stopping`].
    pub async fn link_open(&self, peer: Arc<str>) -> Result<(u64, Vec<LaneState>), LinkEnd> {
        let opened = self.ask(|reply| Command::Link(LinkCommand::Open { peer, reply })).await;
        opened.map_err(|_why| LinkEnd::Stopping)
    }

    /// The peer's hello: gives the answers whose receipts it has not got.
    ///
    /// # Errors
    /// [`LinkEnd`]: what it says cannot be, or a newer session has begun.
    pub async fn link_hello(
        &self,
        peer: Arc<str>,
        session: u64,
        hello: Hello,
    ) -> Result<Unreceipted, LinkEnd> {
        let hello = Box::new(hello);
        self.link(|reply| LinkCommand::Hello { peer, session, hello, reply }).await
    }

    /// What goes to a peer next. It is synced that it may go.
    ///
    /// # Errors
    /// [`LinkEnd`].
    pub async fn link_offer(
        &self,
        peer: Arc<str>,
        session: u64,
        wants: [usize; 5],
    ) -> Result<Vec<Offered>, LinkEnd> {
        self.link(|reply| LinkCommand::Offer { peer, session, wants, reply }).await
    }

    /// A peer's receipt, whose signature was checked.
    ///
    /// # Errors
    /// [`LinkEnd`].
    pub async fn link_receipt(
        &self,
        peer: Arc<str>,
        session: u64,
        statement: CustodyStatement,
        receipt: Bytes,
    ) -> Result<(), LinkEnd> {
        let statement = Box::new(statement);
        self.link(|reply| LinkCommand::Receipt { peer, session, statement, receipt, reply }).await
    }

    /// Checks a slot without knowing the state: signatures and rules. Costs CPU and
    /// changes nothing.
    ///
    /// # Errors
    /// [`LinkEnd::Breach`] where the slot cannot be read.
    pub fn link_check(&self, arrived: &Arrived) -> Result<Slot, LinkEnd> {
        let Arrived { peer, log_origin, lane, number, is_next: _, bytes } = arrived;
        let breach = || LinkEnd::Breach(Breach::new(Reason::LinkProtocol, *lane, *number));
        let registry = self.registry();
        let known = registry.peer(peer).ok_or_else(breach)?;
        let slot = wire::Slot::decode(bytes.clone()).map_err(|_why| breach())?;
        let content = match slot.kind.ok_or_else(breach)? {
            wire::slot::Kind::Transfer(transfer) if *lane != Lane::Evidence => {
                let transfer =
                    self.transfer(&registry, known, arrived, transfer).ok_or_else(breach)?;
                Content::Transfer(Box::new(transfer))
            }
            wire::slot::Kind::Void(void) if *lane != Lane::Evidence => {
                Content::Void { reason: void.reason(), header_digest: void.header_digest }
            }
            wire::slot::Kind::Evidence(signed) if *lane == Lane::Evidence => {
                Content::Evidence(Box::new(proven(known, signed).ok_or_else(breach)?))
            }
            _ => return Err(breach()),
        };
        Ok(Slot {
            peer: peer.as_ref().to_owned(),
            log_origin: log_origin.as_ref().to_owned(),
            lane: *lane,
            number: *number,
            content,
        })
    }

    /// Records that a peer said what cannot be read. The session ends.
    pub async fn link_breach(&self, peer: Arc<str>, breach: Breach) {
        // Where the node is stopping, nothing is recorded any more.
        let command = |reply| Command::Link(LinkCommand::Breach { peer, breach, reply });
        drop(self.ask(command).await);
    }

    /// Puts on record that a peer's log is not what it was: the head that came, and the
    /// one that was known, as signed.
    pub async fn log_contradicted(&self, peer: Arc<str>, why: Reason, found: Bytes, known: Bytes) {
        self.link_breach(peer, Breach::of_a_log(why, found, known)).await;
    }

    async fn link<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, LinkEnd>>) -> LinkCommand,
    ) -> Result<T, LinkEnd> {
        self.ask(|reply| Command::Link(command(reply))).await.unwrap_or(Err(LinkEnd::Stopping))
    }

    /// `None` where it is no transfer that could be answered.
    fn transfer(
        &self,
        registry: &Registry,
        peer: &Peer,
        arrived: &Arrived,
        transfer: wire::Transfer,
    ) -> Option<Transfer> {
        let wire::Transfer { message, recipients, acceptance, hops } = transfer;
        let message = message?;
        let header_digest = Digest::of(&message.envelope.as_ref()?.payload);
        // A link is between the origin's and the recipient's node (`Hop`).
        if !(1..=RECIPIENTS_MAX).contains(&recipients.len()) || !hops.is_empty() {
            return None;
        }
        let recipients: Vec<Address> =
            recipients.iter().map(|text| Address::parse(text).ok()).collect::<Option<_>>()?;
        // Named twice, a recipient would have the message twice.
        if recipients.iter().collect::<BTreeSet<_>>().len() < recipients.len() {
            return None;
        }
        let header_digest = Bytes::copy_from_slice(&header_digest.0);
        if !arrived.is_next {
            // Answered by its digest as it was before, or a breach. Written each time, it
            // would fill the disk.
            return Some(Transfer { header_digest, recipients, admitted: Err(no_room()) });
        }
        let relayed = SignedMessage::from_proto(message).and_then(|message| {
            let acceptance = acceptance.ok_or_else(no_acceptance)?;
            gate::admit_relayed(registry, peer, message, &acceptance, self.now())
        });
        // By a faster lane it would overtake what is more urgent.
        if let Ok(relayed) = &relayed
            && lane_of(relayed.admitted.message.header().precedence()) != arrived.lane
        {
            return None;
        }
        Some(Transfer { header_digest, recipients, admitted: relayed })
    }
}

pub(super) fn no_room() -> Faults {
    let description = "there is no room for messages now".to_owned();
    Fault { path: String::new(), reason: Reason::StorageFull, rule: "", description }.into()
}

fn no_acceptance() -> Faults {
    let description = "the acceptance of the origin's node is missing".to_owned();
    Fault { path: "acceptance".into(), reason: Reason::FieldMissing, rule: "V1", description }
        .into()
}

/// Evidence that the peer itself signed.
fn proven(peer: &Peer, signed: SignedEvidence) -> Option<Proven> {
    if signed.encoded_len() > caps::PEER_EVIDENCE_BYTES {
        return None;
    }
    let stated = Evidence::decode(signed.evidence.clone()).ok()?;
    let time = barid_message::time::Millis::from_proto(stated.time.as_ref()?).ok()?;
    let evidence = evidence::verify(&signed, &peer.evidence_keys(time)).ok()?;
    if evidence.issuer != *peer.identity {
        return None;
    }
    let bytes = signed.evidence.clone();
    Some(Proven { evidence, bytes, proof: evidence::proof_alone(signed) })
}
