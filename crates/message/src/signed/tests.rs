//! What passes, and what hostile input gets. Numbers of rows are those of the
//! input-abuse catalogue.

mod bodies;
mod headers;
mod properties;
mod signatures;
mod wires;

use barid_proto::message::v1 as pb;
use prost::Message;

use super::SignedMessage;
use crate::body::Body;
use crate::fault::Faults;
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{self, World};

/// Verifies a message as the world's node would.
fn faults(world: &World, message: pb::SignedMessage) -> Faults {
    let signed = match SignedMessage::from_proto(message) {
        Ok(signed) => signed,
        Err(faults) => return faults,
    };
    signed.verify(&world.check()).expect_err("a fault is expected")
}

/// The first fault's reason and path.
fn refusal(world: &World, message: pb::SignedMessage) -> (Reason, String) {
    let faults = faults(world, message);
    (faults.first().reason, faults.first().path.clone())
}

/// Composes a sound message, breaks its header, signs it again.
fn broken(world: &World, break_it: impl FnOnce(&mut pb::Header)) -> pb::SignedMessage {
    let message = world.compose(world.draft(sample::note()));
    let payload = message.envelope.unwrap().payload;
    let mut header = pb::Header::decode(payload).unwrap();
    break_it(&mut header);
    world.sign(&header, &message.body)
}

#[test]
fn every_kind_passes_with_both_algorithms_and_keeps_its_bytes() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let world = World::new(algorithm);
        let bodies: [Body; 3] =
            [sample::note().into(), sample::alert().into(), sample::incident().into()];
        for body in bodies {
            let message = world.compose(world.draft(body.clone()));
            let signed = SignedMessage::from_proto(message.clone()).unwrap();
            signed.check_signature(world.key.public()).unwrap();
            assert!(signed.check_signature(world.other_key.public()).is_err());
            assert_eq!(signed.check_body().unwrap(), body);
            let verified = signed.clone().verify(&world.check()).unwrap();
            assert_eq!(verified.body(), &body);
            assert_eq!(verified.wire(), message.encode_to_vec());
            assert_eq!(verified.header_digest(), signed.header_digest());
            assert_eq!(SignedMessage::from_wire(&verified.wire()).unwrap(), signed);
            assert_eq!(signed.into_proto(), message);
        }
    }
}

#[test]
fn all_faults_are_told_in_order_and_without_what_was_sent() {
    let world = World::new(Algorithm::Ed25519);
    let message = broken(&world, |header| {
        header.originator.as_mut().unwrap().address = "pk/secret-agency".into();
        header.identity.as_mut().unwrap().case_ref = "SECRET\u{202e}".into();
        header.recipients.clear();
        header.times.as_mut().unwrap().created_at.as_mut().unwrap().seconds += 3_600;
    });
    let faults = faults(&world, message);
    let reasons: Vec<_> = faults.iter().map(|fault| fault.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::SenderMismatch,
            Reason::ListInvalid,
            Reason::TextInvalid,
            Reason::ClockSkew,
            Reason::IdInvalid,
            Reason::SenderMismatch,
        ]
    );
    assert!(!faults.to_string().to_lowercase().contains("secret"));
}

#[test]
fn rows_that_cannot_be_read_hide_no_other_fault() {
    let world = World::new(Algorithm::Ed25519);
    let mut message = broken(&world, |header| {
        header.status.as_mut().unwrap().code = 99;
        let times = header.times.as_mut().unwrap();
        times.created_at.as_mut().unwrap().nanos = 1;
        times.expires_at = Some(barid_proto::Timestamp { seconds: 1_700_000_000, nanos: 0 });
        let info = header.content.as_mut().unwrap().body.as_mut().unwrap();
        info.sha256.clear();
    });
    message.envelope.as_mut().unwrap().signatures[0].sig = vec![1; 64].into();
    message.body = pb::Note::default().encode_to_vec().into();
    let faults = faults(&world, message);
    let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    let expected = [
        "header.status.code",
        "header.times.created_at",
        "header.content.body.sha256",
        "header.times.expires_at",
        "envelope.signatures[0].sig",
        "body.text",
    ];
    assert_eq!(paths, expected);
}
