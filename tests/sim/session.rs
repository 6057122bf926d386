//! One end of a session, as a node runs it (`node::link::session`), without sockets,
//! heartbeats and credit: hello, then slots and receipts both ways until something ends it.

mod answering;
mod reading;
mod sending;

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use barid_broker::command::LinkEnd;
use barid_broker::decide::hello::{Unreceipted, VERSION};
use barid_broker::decide::link::Breach;
use barid_broker::decide::take::Slot;
use barid_broker::{Broker, Taking};
use barid_message::Reason;
use barid_message::dsse::PayloadType;
use barid_message::key::{KeyId, SigningKey};
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{CustodyReceipt, Hello, Lane, LaneState, SignedHello};
use barid_proto::message::v1::Envelope;
use bytes::Bytes;
use prost::Message as _;

use crate::wire::{Heard, Line};

/// What one end of a session has.
pub(crate) struct Session {
    pub(crate) broker: Broker,
    pub(crate) key: &'static SigningKey,
    pub(crate) node: String,
    pub(crate) start_no: u64,
    pub(crate) peer: Arc<str>,
    pub(crate) out: Line,
    pub(crate) heard: Line,
}

/// Why a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The connection is gone.
    Gone,
    /// Nothing was heard for too long.
    Silent,
    /// The journal's word.
    Link(LinkEnd),
    /// Stored bytes could not be read back.
    Unreadable,
}

impl From<LinkEnd> for End {
    fn from(end: LinkEnd) -> Self {
        Self::Link(end)
    }
}

/// What the hellos gave.
struct Greeted {
    number: u64,
    /// The next number of each lane, as this node has said it.
    expected: [u64; 5],
    log_origin: Arc<str>,
    unreceipted: Unreceipted,
}

/// What the parts of a session hand to each other.
#[derive(Default)]
struct Desks {
    checked: Desk<(Lane, Result<Slot, LinkEnd>)>,
    taken: Desk<(Lane, Taking)>,
    receipts: Desk<CustodyReceipt>,
}

/// Things that wait for the next part.
struct Desk<T>(RefCell<VecDeque<T>>);

impl<T> Default for Desk<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<T> Desk<T> {
    fn put(&self, thing: T) {
        self.0.borrow_mut().push_back(thing);
    }

    fn now(&self) -> Option<T> {
        self.0.borrow_mut().pop_front()
    }

    /// The next thing, when it comes. All parts are polled together, those who give
    /// before those who take.
    async fn next(&self) -> T {
        poll_fn(|_| self.now().map_or(Poll::Pending, Poll::Ready)).await
    }
}

/// Runs one end of a session until it ends, and says why it did.
pub(crate) async fn run(session: Session) -> End {
    let greeted = match session.greet().await {
        Ok(greeted) => greeted,
        Err(end) => return end,
    };
    let desks = Desks::default();
    let Greeted { number, expected, log_origin, unreceipted } = greeted;
    tokio::select! {
        biased;
        end = session.read(&desks, expected, &log_origin) => end,
        end = session.decide(&desks, number) => end,
        end = session.answer(&desks, &log_origin, unreceipted) => end,
        end = session.receive(&desks, number, &log_origin) => end,
        end = session.send(number) => end,
    }
}

impl Session {
    async fn hear(&self) -> Result<Kind, End> {
        let heard = poll_fn(|_| self.heard.hear().map_or(Poll::Pending, Poll::Ready)).await;
        match heard {
            Heard::Frame(kind) => Ok(*kind),
            Heard::Gone => Err(End::Gone),
            Heard::Silent => Err(End::Silent),
        }
    }

    /// Says hello, hears it, and begins the session. Older sessions of the peer are fenced
    /// before this node says where it stands, so that nothing moves behind its words.
    async fn greet(&self) -> Result<Greeted, End> {
        let peer = Arc::clone(&self.peer);
        let (number, lanes) = self.broker.link_open(peer).await?;
        let mut expected = [0; 5];
        for (expected, lane) in expected.iter_mut().zip(&lanes) {
            *expected = lane.next_expected;
        }
        self.out.say(Kind::Hello(self.hello(lanes)));
        let Kind::Hello(signed) = self.hear().await? else {
            return Err(self.broke(Reason::LinkProtocol).await);
        };
        let payload = self.opened(PayloadType::Hello, signed.envelope);
        let Some(said) = payload.and_then(|payload| Hello::decode(payload).ok()) else {
            return Err(self.broke(Reason::SignatureInvalid).await);
        };
        let log_origin = said.log_origin.as_str().into();
        let peer = Arc::clone(&self.peer);
        let unreceipted = self.broker.link_hello(peer, number, said).await?;
        Ok(Greeted { number, expected, log_origin, unreceipted })
    }

    fn hello(&self, lanes: Vec<LaneState>) -> SignedHello {
        let hello = Hello {
            version_min: VERSION,
            version_max: VERSION,
            node: self.node.clone(),
            peer: self.peer.as_ref().to_owned(),
            log_origin: self.broker.log_origin().to_owned(),
            start_no: self.start_no,
            start_nonce: self.broker.start_nonce(),
            lanes,
            time: Some(self.broker.now().to_proto()),
            card_serial: 1,
            peer_card_serial: 1,
            ..Default::default()
        };
        let payload = hello.encode_to_vec().into();
        SignedHello { envelope: Some(self.key.envelope(PayloadType::Hello, payload)) }
    }

    /// Records what the peer did, which ends the session.
    async fn broke(&self, reason: Reason) -> End {
        let breach = Breach::new(reason, Lane::Unspecified, 0);
        self.broker.link_breach(Arc::clone(&self.peer), breach.clone()).await;
        LinkEnd::Breach(breach).into()
    }

    /// The payload of an envelope that the peer signed.
    fn opened(&self, payload_type: PayloadType, envelope: Option<Envelope>) -> Option<Bytes> {
        let envelope = envelope?;
        let registry = self.broker.registry();
        let keys = registry.peer(&self.peer)?.evidence_keys(self.broker.now());
        let [signature] = envelope.signatures.as_slice() else { return None };
        let keyid = KeyId(signature.keyid.as_ref().try_into().ok()?);
        let key = keys.iter().find(|key| key.keyid() == keyid)?;
        key.verify(payload_type, &envelope.payload, &signature.sig).ok()?;
        (envelope.payload_type == payload_type.as_str()).then_some(envelope.payload)
    }
}

/// Answers to be told, by lane, in order.
fn by_lane<T>(mut answers: Vec<(Lane, T)>) -> BTreeMap<Lane, Vec<T>> {
    let mut lanes: BTreeMap<Lane, Vec<T>> = BTreeMap::new();
    for (lane, answer) in answers.drain(..) {
        lanes.entry(lane).or_default().push(answer);
    }
    lanes
}
