//! Rows 60 and 63 to 71: signatures and keys.

use barid_message::dsse::PayloadType;
use barid_proto::message::v1 as pb;
use prost::Message as _;
use tonic::Code;

use super::attempt::{Answer, Attempt};
use super::scene::{Scene, sign};
use super::{Case, invalid, refused};
use crate::harness::header_of;

/// SubjectPublicKeyInfo before the 32 bytes of an Ed25519 key (RFC 8410).
const ED25519_SPKI: [u8; 12] = [0x30, 42, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 33, 0];

/// The order of the Ed25519 group (RFC 8032), little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    [signers(scene), forms(scene), bytes(scene), keys()].into_iter().flatten().collect()
}

/// The sound message with its envelope changed, not signed again.
fn tampered(scene: &Scene, change: impl FnOnce(&mut pb::SignedMessage)) -> pb::SignedMessage {
    let mut message = scene.sound();
    change(&mut message);
    message
}

fn envelope(message: &mut pb::SignedMessage) -> &mut pb::Envelope {
    message.envelope.as_mut().expect("an envelope")
}

/// The sound message with its signature's bytes changed.
fn resigned(scene: &Scene, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> pb::SignedMessage {
    tampered(scene, |message| {
        let signature = &mut envelope(message).signatures[0];
        signature.sig = change(signature.sig.to_vec()).into();
    })
}

/// Who signs, and with what the header says.
fn signers(scene: &Scene) -> Vec<Case> {
    let theirs = &scene.police.key;
    let other_key = {
        let sound = scene.sound();
        let mut header = header_of(&sound);
        header.signers[0].keyid =
            prost::bytes::Bytes::copy_from_slice(theirs.public().keyid().as_bytes());
        sign(theirs, header.encode_to_vec(), &sound.body)
    };
    let algorithm = |code| scene.with_header(|header| header.signers[0].algorithm = code);
    let mismatch = "ALGORITHM_MISMATCH";
    vec![
        refused(60, "another's valid key", other_key, Code::PermissionDenied, "SENDER_MISMATCH"),
        invalid(68, "none", algorithm(0), mismatch),
        invalid(68, "ECDSA P-256", algorithm(2), mismatch),
        invalid(68, "unknown", algorithm(77), "UNKNOWN_CODE"),
        invalid(
            68,
            "no signer",
            scene.with_header(|header| header.signers.clear()),
            "SIGNATURE_COUNT",
        ),
    ]
}

/// How long signatures are, and how many.
fn forms(scene: &Scene) -> Vec<Case> {
    let of_length = |length| resigned(scene, |_| vec![1; length]);
    let twice = tampered(scene, |message| {
        let signatures = &mut envelope(message).signatures;
        signatures.extend(signatures.clone());
    });
    let none = tampered(scene, |message| envelope(message).signatures.clear());
    vec![
        invalid(63, "none", none, "SIGNATURE_COUNT"),
        invalid(63, "two", twice, "SIGNATURE_COUNT"),
        invalid(63, "of 0 bytes", of_length(0), "SIGNATURE_MALFORMED"),
        invalid(63, "of 63 bytes", of_length(63), "SIGNATURE_MALFORMED"),
        invalid(63, "of 65 bytes", of_length(65), "SIGNATURE_MALFORMED"),
        invalid(67, "all zero", resigned(scene, |sig| vec![0; sig.len()]), "SIGNATURE_INVALID"),
        invalid(65, "S beyond the order", resigned(scene, beyond_order), "SIGNATURE_INVALID"),
        invalid(
            66,
            "R of small order",
            resigned(scene, |sig| [&[1], &[0; 31][..], &sig[32..]].concat()),
            "SIGNATURE_INVALID",
        ),
    ]
}

/// Adds the order to S: the same signature to a careless verifier.
fn beyond_order(mut sig: Vec<u8>) -> Vec<u8> {
    let mut carry = 0;
    for (digit, order) in sig[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        *digit = u8::try_from(sum & 0xff).expect("eight bits");
        carry = sum >> 8;
    }
    sig
}

/// What is signed, and as what.
fn bytes(scene: &Scene) -> Vec<Case> {
    let other_header = tampered(scene, |message| {
        let mut header = header_of(message);
        header.identity.as_mut().expect("row 2").case_ref = "FIR 12".to_owned();
        envelope(message).payload = header.encode_to_vec().into();
    });
    let other_key = tampered(scene, |message| {
        let payload = envelope(message).payload.clone();
        let sig = scene.police.key.sign(PayloadType::Header, &payload);
        envelope(message).signatures[0].sig = sig.into();
    });
    let other_body = tampered(scene, |message| {
        let mut body = message.body.to_vec();
        *body.last_mut().expect("a body") ^= 1;
        message.body = body.into();
    });
    // The same note with its text's fields in another order.
    let reencoded = tampered(scene, |message| {
        let body = message.body.to_vec();
        let (language, text) = (&body[2..6], &body[6..]);
        message.body = [&body[..2], text, language].concat().into();
    });
    let as_evidence = tampered(scene, |message| {
        envelope(message).payload_type = PayloadType::Evidence.as_str().to_owned();
    });
    let of_a_receipt = tampered(scene, |message| {
        let payload = envelope(message).payload.clone();
        let sig = scene.customs.key.sign(PayloadType::Ack, &payload);
        envelope(message).signatures[0].sig = sig.into();
    });
    let no_type = tampered(scene, |message| envelope(message).payload_type.clear());
    vec![
        invalid(64, "over another header", other_header, "SIGNATURE_INVALID"),
        invalid(64, "by another key", other_key, "SIGNATURE_INVALID"),
        invalid(64, "over another body", other_body, "BODY_MISMATCH"),
        invalid(64, "over a body encoded anew", reencoded, "BODY_MISMATCH"),
        invalid(71, "shown as evidence", as_evidence, "PAYLOAD_TYPE"),
        invalid(71, "shown as nothing", no_type, "PAYLOAD_TYPE"),
        invalid(71, "made for an acknowledgement", of_a_receipt, "SIGNATURE_INVALID"),
    ]
}

/// Public keys with which one signature holds for many messages are not let in.
fn keys() -> Vec<Case> {
    let import = |row, what, point: [u8; 32]| Case {
        row,
        what,
        attempt: Attempt::Import([&ED25519_SPKI[..], &point].concat()),
        answer: Answer::NoStart,
    };
    let mut identity = [0; 32];
    identity[0] = 1;
    // y = p + 1, the identity in a second encoding.
    let mut second = [0xff; 32];
    second[0] = 0xee;
    second[31] = 0x7f;
    vec![
        import(66, "key of small order", identity),
        import(66, "key in a second encoding", second),
        import(67, "key all zero", [0; 32]),
    ]
}
