//! Signed statements, true or not.

use barid_audit::evidence;
use barid_message::Purpose;
use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::dsse::PayloadType;
use barid_message::key::SigningKey;
use barid_proto::audit::v1::{Event, Evidence, SignedEvidence};
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{
    CustodyReceipt, CustodyStatement, Hello, SignedHello, Slot, Transfer, slot,
};
use barid_proto::message::v1 as pb;
use prost::Message as _;

use super::scene::{IR, LOG, Scene};
use crate::harness::{address, header_of, now, random, text};

/// A signed hello.
pub(super) fn hello(hello: &Hello, key: &SigningKey) -> Kind {
    let envelope = key.envelope(PayloadType::Hello, hello.encode_to_vec().into());
    Kind::Hello(SignedHello { envelope: Some(envelope) })
}

/// A signed receipt.
pub(super) fn receipt(statement: &CustodyStatement, key: &SigningKey) -> Kind {
    let envelope = key.envelope(PayloadType::Custody, statement.encode_to_vec().into());
    Kind::Custody(CustodyReceipt { envelope: Some(envelope) })
}

/// A note of the liar's agency to be.
pub(super) fn note(scene: &Scene, words: &str, to: &str) -> Draft {
    let note = pb::Note { subject: Vec::new(), text: vec![text(words)] };
    Draft::new(&address("ir/police"), &scene.agreement, note)
        .purposes(&[Purpose::BorderOperation])
        .to(&address(to))
}

/// A message, signed by the liar's agency.
pub(super) fn signed(scene: &Scene, draft: Draft) -> pb::SignedMessage {
    compose(draft, now(), random(), &scene.agency_key).expect("a sound draft")
}

/// It with its header changed, under the signature of before.
pub(super) fn with_header(
    message: &pb::SignedMessage,
    change: impl FnOnce(&mut pb::Header),
) -> pb::SignedMessage {
    let mut header = header_of(message);
    change(&mut header);
    let mut changed = message.clone();
    changed.envelope.as_mut().expect("signed").payload = header.encode_to_vec().into();
    changed
}

/// It with a signature of the liar's agency over its header as it is.
pub(super) fn signed_again(scene: &Scene, message: &pb::SignedMessage) -> pb::SignedMessage {
    let payload = message.envelope.as_ref().expect("signed").payload.clone();
    let envelope = Some(scene.agency_key.envelope(PayloadType::Header, payload));
    pb::SignedMessage { envelope, ..message.clone() }
}

/// By what a message is known.
pub(super) fn header_digest(message: &pb::SignedMessage) -> Vec<u8> {
    let payload = &message.envelope.as_ref().expect("signed").payload;
    Digest::of(payload).0.to_vec()
}

/// The acceptance of a message by the liar.
pub(super) fn acceptance(message: &pb::SignedMessage) -> Evidence {
    let header = header_of(message);
    Evidence {
        log_origin: LOG.to_owned(),
        position: 7,
        event: Event::SubmissionAccepted.into(),
        time: Some(now().to_proto()),
        issuer: IR.to_owned(),
        origin_agency: header.originator.expect("row 5").address,
        message_id: header.identity.expect("row 2").message_id,
        header_digest: header_digest(message).into(),
        ..Default::default()
    }
}

/// Evidence with a signature.
pub(super) fn evidence(statement: &Evidence, key: &SigningKey) -> SignedEvidence {
    evidence::sign(statement.encode_to_vec().into(), key, None)
}

/// A transfer by the book.
pub(super) fn transfer(scene: &Scene, message: &pb::SignedMessage, to: &[&str]) -> Transfer {
    Transfer {
        message: Some(message.clone()),
        recipients: to.iter().map(|text| address_text(&address(text))).collect(),
        acceptance: Some(evidence(&acceptance(message), &scene.key)),
        hops: Vec::new(),
    }
}

/// A slot of it.
pub(super) fn slot(transfer: Transfer) -> Slot {
    Slot { kind: Some(slot::Kind::Transfer(transfer)) }
}

fn address_text(address: &Address) -> String {
    address.as_str().to_owned()
}
