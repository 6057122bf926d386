//! Hello: both say who they are and where they stand, with their signature.

use std::sync::Arc;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use barid_broker::command::LinkEnd;
use barid_broker::decide::hello::{Unreceipted, VERSION};
use barid_broker::decide::link::Breach;
use barid_link::caps::HANDSHAKE_LIMIT;
use barid_link::card::Card;
use barid_message::Reason;
use barid_message::dsse::PayloadType;
use barid_message::key::{KeyId, PublicKey};
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{Frame, Hello, Lane, LaneState, SignedHello};
use barid_proto::message::v1::Envelope;
use bytes::Bytes;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::{End, Frames, is_expired};
use crate::grpc::Services;

/// What the hellos gave.
pub(super) struct Greeted {
    pub(super) number: u64,
    /// The next number of each lane, as this node has said it.
    pub(super) expected: [u64; 5],
    pub(super) log_origin: Arc<str>,
    pub(super) unreceipted: Unreceipted,
    /// Serial of the peer's card that was in force when this node said hello.
    pub(super) card_serial: u64,
}

/// Says hello, hears it, and begins the session. Older sessions of the peer are fenced
/// before this node says where it stands, so that nothing moves behind its words.
pub(super) async fn greet(
    services: &Services,
    peer: &Arc<str>,
    frames: &mut Frames,
    out: &mpsc::Sender<Frame>,
) -> Result<Greeted, End> {
    // Who calls was looked at by the listener, but whom this node called was not.
    if is_expired(services, peer) {
        return Err(End::Expired);
    }
    let broker = &services.broker;
    let (number, lanes) = broker.link_open(Arc::clone(peer)).await?;
    let mut expected = [0; 5];
    for (expected, lane) in expected.iter_mut().zip(&lanes) {
        *expected = lane.next_expected;
    }
    let held = broker.registry().peer(peer).map_or(0, |known| known.card_serial);
    let kind = Some(Kind::Hello(hello(services, peer, lanes, held)));
    out.send(Frame { kind }).await.map_err(|_gone| End::Gone)?;
    let first = timeout(HANDSHAKE_LIMIT, frames.next()).await.map_err(|_elapsed| End::Silent)?;
    let signed = match first {
        Some(Ok(Frame { kind: Some(Kind::Hello(signed)) })) => signed,
        Some(Ok(Frame { kind: Some(Kind::Close(close)) })) => {
            return Err(End::Closed(close.reason()));
        }
        Some(Ok(_)) => {
            let breach = Breach::new(Reason::LinkProtocol, Lane::Unspecified, 0);
            return Err(broke(services, peer, breach).await);
        }
        Some(Err(_)) | None => return Err(End::Gone),
    };
    let payload = opened(services, peer, PayloadType::Hello, signed.envelope);
    let Some(said) = payload.and_then(|payload| Hello::decode(payload).ok()) else {
        return Err(broke(services, peer, unsigned()).await);
    };
    let log_origin = said.log_origin.as_str().into();
    let theirs = said.peer_card_serial;
    let unreceipted = broker.link_hello(Arc::clone(peer), number, said).await?;
    services.hub.report(peer, |report| report.holds_serial = Some(theirs));
    if let Some(card) = services.own_card.as_ref().filter(|card| card.serial() > theirs) {
        let kind = Some(Kind::Card(card.as_proto().clone()));
        out.send(Frame { kind }).await.map_err(|_gone| End::Gone)?;
    }
    Ok(Greeted { number, expected, log_origin, unreceipted, card_serial: held })
}

fn hello(
    services: &Services,
    peer: &Arc<str>,
    lanes: Vec<LaneState>,
    peer_card_serial: u64,
) -> SignedHello {
    let broker = &services.broker;
    let mut session = [0; 16];
    if SystemRandom::new().fill(&mut session).is_err() {
        // The session goes unnamed; it is numbered by each end anyway.
        tracing::warn!("the machine gives no random bytes");
    }
    let hello = Hello {
        version_min: VERSION,
        version_max: VERSION,
        node: services.identity.clone(),
        peer: peer.as_ref().to_owned(),
        log_origin: broker.log_origin().to_owned(),
        start_no: services.start_no,
        start_nonce: broker.start_nonce(),
        head: Bytes::new(),
        lanes,
        time: Some(broker.now().to_proto()),
        session: Bytes::copy_from_slice(&session),
        card_serial: services.own_card.as_ref().map_or(0, Card::serial),
        peer_card_serial,
        peer_log_origin: String::new(),
        peer_head: Bytes::new(),
    };
    let payload = hello.encode_to_vec().into();
    SignedHello { envelope: Some(services.evidence_key.envelope(PayloadType::Hello, payload)) }
}

/// What the peer says with a signature does not hold, or is no statement.
pub(super) fn unsigned() -> Breach {
    Breach::new(Reason::SignatureInvalid, Lane::Unspecified, 0)
}

/// Records what the peer did, which ends the session.
pub(super) async fn broke(services: &Services, peer: &Arc<str>, breach: Breach) -> End {
    services.broker.link_breach(Arc::clone(peer), breach.clone()).await;
    End::Link(LinkEnd::Breach(breach))
}

/// The payload of an envelope that the peer signed.
pub(super) fn opened(
    services: &Services,
    peer: &str,
    payload_type: PayloadType,
    envelope: Option<Envelope>,
) -> Option<Bytes> {
    let envelope = envelope?;
    let keys = services
        .broker
        .registry()
        .peer(peer)
        .map(|known| known.evidence_keys(services.broker.now()))
        .unwrap_or_default();
    holds(&envelope, payload_type, &keys).then_some(envelope.payload)
}

fn holds(envelope: &Envelope, payload_type: PayloadType, keys: &[PublicKey]) -> bool {
    let [signature] = envelope.signatures.as_slice() else {
        return false;
    };
    let Ok(keyid) = signature.keyid.as_ref().try_into().map(KeyId) else {
        return false;
    };
    envelope.payload_type == payload_type.as_str()
        && keys.iter().any(|key| {
            key.keyid() == keyid
                && key.verify(payload_type, &envelope.payload, &signature.sig).is_ok()
        })
}
