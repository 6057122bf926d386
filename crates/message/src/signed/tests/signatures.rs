//! Signatures and keys: rows 59 to 71.

use barid_proto::message::v1 as pb;

use super::{SignedMessage, broken, refusal};
use crate::key::{Algorithm, SigningKey};
use crate::reason::Reason;
use crate::registry::{KeyRegistry, RegisteredKey};
use crate::sample::{self, NOW, World};
use crate::signed::Check;
use crate::time::Millis;

const KEYID: &str = "header.signers[0].keyid";
const SIG: &str = "envelope.signatures[0].sig";

fn signature(message: &mut pb::SignedMessage) -> &mut pb::Signature {
    &mut message.envelope.as_mut().unwrap().signatures[0]
}

#[test]
fn who_signs_for_whom() {
    let world = World::new(Algorithm::Ed25519);
    let draft = || world.draft(sample::note());
    let is = |message, reason, path: &str| {
        assert_eq!(refusal(&world, message), (reason, path.to_owned()));
    };
    // Row 59: the caller is customs, the header says health.
    let stranger = broken(&world, |header| {
        header.originator.as_mut().unwrap().address = "pk/health".into();
    });
    is(stranger, Reason::SenderMismatch, "header.originator.address");
    // Row 60: customs' header, signed by the key of police.
    let theirs = crate::compose::compose(draft(), NOW, [7; 10], &world.other_key).unwrap();
    is(theirs, Reason::SenderMismatch, KEYID);
    // The header names customs' key, police signed.
    let mut forged = world.compose(draft());
    let payload = &forged.envelope.as_ref().unwrap().payload;
    let sig = world.other_key.sign(crate::dsse::PayloadType::Header, payload);
    signature(&mut forged).sig = sig.into();
    is(forged, Reason::SignatureInvalid, SIG);
    // A key nobody registered.
    let nobody = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let unknown = crate::compose::compose(draft(), NOW, [7; 10], &nobody).unwrap();
    is(unknown, Reason::KeyUnknown, KEYID);
}

#[test]
fn forms_of_signatures() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let world = World::new(algorithm);
        let sound = world.compose(world.draft(sample::note()));
        let change = |change: &dyn Fn(&mut pb::SignedMessage)| {
            let mut message = sound.clone();
            change(&mut message);
            refusal(&world, message)
        };
        let at = |reason, path: &str| (reason, path.to_owned());
        // Row 63.
        let count = at(Reason::SignatureCount, "envelope.signatures");
        assert_eq!(change(&|m| m.envelope.as_mut().unwrap().signatures.clear()), count);
        let twice = change(&|m| {
            let again = signature(m).clone();
            m.envelope.as_mut().unwrap().signatures.push(again);
        });
        assert_eq!(twice, count);
        for len in [0, 63, 65, 73] {
            let refused = change(&|m| signature(m).sig = vec![1; len].into());
            assert_eq!(refused, at(Reason::SignatureMalformed, SIG), "{len}");
        }
        // Row 67.
        let zeros = change(&|m| signature(m).sig = vec![0; 64].into());
        let form = match algorithm {
            Algorithm::Ed25519 => Reason::SignatureInvalid,
            Algorithm::EcdsaP256 => Reason::SignatureMalformed,
        };
        assert_eq!(zeros, at(form, SIG));
        // The key id beside the signature is not signed, so it has to agree.
        let keyid = "envelope.signatures[0].keyid";
        let short = change(&|m| signature(m).keyid = vec![0; 7].into());
        assert_eq!(short, at(Reason::SignatureMalformed, keyid));
        let other = change(&|m| signature(m).keyid = vec![0; 8].into());
        assert_eq!(other, at(Reason::SignatureInvalid, keyid));
        // Row 64.
        let other_body = change(&|m| m.body = vec![1; m.body.len()].into());
        assert_eq!(other_body, at(Reason::BodyMismatch, "body"));
        let mut other = broken(&world, |header| {
            header.identity.as_mut().unwrap().case_ref = "another".into();
        });
        *signature(&mut other) = sound.envelope.as_ref().unwrap().signatures[0].clone();
        assert_eq!(refusal(&world, other), at(Reason::SignatureInvalid, SIG));
    }
}

#[test]
fn an_ed25519_signature_with_s_beyond_the_order_is_refused() {
    // Row 65. L of RFC 8032, little-endian.
    const L: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let world = World::new(Algorithm::Ed25519);
    let mut message = world.compose(world.draft(sample::note()));
    let mut sig = signature(&mut message).sig.to_vec();
    let mut carry = 0;
    for (place, digit) in L.iter().enumerate() {
        let sum = u16::from(sig[32 + place]) + u16::from(*digit) + carry;
        sig[32 + place] = u8::try_from(sum & 0xff).unwrap();
        carry = sum >> 8;
    }
    signature(&mut message).sig = sig.into();
    assert_eq!(refusal(&world, message), (Reason::SignatureInvalid, SIG.to_owned()));
    // Row 66: R of small order.
    let mut message = world.compose(world.draft(sample::note()));
    let mut sig = signature(&mut message).sig.to_vec();
    sig[..32].fill(0);
    sig[0] = 1;
    signature(&mut message).sig = sig.into();
    assert_eq!(refusal(&world, message), (Reason::SignatureInvalid, SIG.to_owned()));
}

#[test]
fn the_algorithm_is_the_keys() {
    // Row 68.
    let world = World::new(Algorithm::Ed25519);
    for (code, reason) in [
        (0, Reason::AlgorithmMismatch),
        (2, Reason::AlgorithmMismatch),
        (3, Reason::AlgorithmMismatch),
        (99, Reason::UnknownCode),
    ] {
        let message = broken(&world, |header| header.signers[0].algorithm = code);
        let path = "header.signers[0].algorithm".to_owned();
        assert_eq!(refusal(&world, message), (reason, path), "{code}");
    }
    let none = broken(&world, |header| header.signers.clear());
    assert_eq!(refusal(&world, none), (Reason::SignatureCount, "header.signers".to_owned()));
    let two = broken(&world, |header| header.signers.push(header.signers[0].clone()));
    assert_eq!(refusal(&world, two), (Reason::SignatureCount, "header.signers".to_owned()));
}

#[test]
fn a_key_counts_now_and_at_creation() {
    let world = World::new(Algorithm::Ed25519);
    let verify = |from: u64, until: u64| {
        let mut keys = KeyRegistry::new();
        let (key, valid_until) = (world.key.public().clone(), Some(Millis(until)));
        let registered = RegisteredKey { key, valid_from: Millis(from), valid_until };
        keys.insert(world.customs.clone(), registered).unwrap();
        let now = Millis(NOW.0 + 1_000);
        let senders = std::slice::from_ref(&world.customs);
        let message = world.compose(world.draft(sample::note()));
        let signed = SignedMessage::from_proto(message).unwrap();
        signed.verify(&Check { keys: &keys, now, senders }).map_err(|f| f.first().reason)
    };
    assert!(verify(NOW.0, NOW.0 + 1_001).is_ok());
    assert_eq!(verify(NOW.0 + 1, NOW.0 + 2_000).unwrap_err(), Reason::KeyNotValid);
    assert_eq!(verify(NOW.0, NOW.0 + 1_000).unwrap_err(), Reason::KeyNotValid);
}
