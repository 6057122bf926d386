//! What holds for every message.

use barid_proto::message::v1 as pb;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use proptest::test_runner::Config;
use prost::Message;

use super::SignedMessage;
use crate::compose::compose;
use crate::header::{Precedence, Purpose};
use crate::id::MessageId;
use crate::key::Algorithm;
use crate::sample::{self, NOW, World};
use crate::time::Millis;

proptest! {
    #![proptest_config(Config { cases: 64, ..Config::default() })]
    #[test]
    fn what_is_composed_is_what_is_read(
        text in "[\\PC\n]{1,200}",
        random in any::<[u8; 10]>(),
        life_ms in 1..2_592_000_000_u64,
        level in 2..5_i32,
        purpose in 1..27_i32,
    ) {
        let world = World::new(Algorithm::Ed25519);
        let body = pb::Note { subject: vec![], text: vec![sample::text("ur", &text)] };
        let (level, purpose) = (
            Precedence::try_from(level).unwrap(),
            Purpose::try_from(purpose).unwrap(),
        );
        let by = Millis(NOW.0 + life_ms);
        let draft = world.draft(body).precedence(level).purposes(&[purpose]).deliver_by(by);
        let Ok(message) = compose(draft.clone(), NOW, random, &world.key) else {
            // Only for text that the rules refuse in any form.
            prop_assert!(crate::text::check(&text, crate::text::Layout::Lines).is_err());
            return Ok(());
        };
        let again = compose(draft, NOW, random, &world.key).unwrap();
        prop_assert_eq!(&again, &message);
        let wire = message.encode_to_vec();
        let read = SignedMessage::from_proto(message).unwrap().verify(&world.check()).unwrap();
        prop_assert_eq!(read.wire(), wire);
        let header = read.header();
        prop_assert_eq!(header.message_id(), MessageId::new(NOW, random));
        prop_assert_eq!(header.thread_id(), header.message_id());
        prop_assert_eq!(header.precedence(), level);
        prop_assert_eq!(header.purposes(), &[purpose]);
        prop_assert_eq!((header.created_at(), header.deliver_by()), (NOW, by));
        prop_assert_eq!(header.origin(), &world.customs);
        prop_assert_eq!(&header.recipients()[0].address, &world.police);
        prop_assert_eq!(header.agreement(), &sample::agreement());
        prop_assert_eq!(header.hop_limit(), 3);
    }

    #[test]
    fn nothing_panics_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let world = World::new(Algorithm::Ed25519);
        prop_assert!(SignedMessage::from_wire(&bytes.clone().into()).is_err());
        let signed = world.sign_bytes(bytes.clone(), &bytes);
        if let Ok(signed) = SignedMessage::from_proto(signed) {
            prop_assert!(signed.verify(&world.check()).is_err());
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    // Without optimisation Ed25519 takes ten times as long: one bit of each byte.
    for (algorithm, step) in [(Algorithm::EcdsaP256, 1), (Algorithm::Ed25519, 7)] {
        let world = World::new(algorithm);
        let wire = world.compose(world.draft(sample::note())).encode_to_vec();
        for bit in (0..wire.len() * 8).step_by(step) {
            let mut flipped = wire.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let Ok(message) = pb::SignedMessage::decode(&flipped[..]) else {
                continue;
            };
            let Ok(signed) = SignedMessage::from_proto(message) else {
                continue;
            };
            assert!(signed.verify(&world.check()).is_err(), "bit {bit}");
        }
    }
}

/// What an agency with a valid key could send: the rules judge it, nothing panics.
#[test]
fn every_flipped_bit_that_is_signed_anew_is_judged_by_the_rules() {
    let world = World::new(Algorithm::EcdsaP256);
    let sound = world.compose(world.draft(sample::alert()).flash("Shots fired"));
    let payload = sound.envelope.clone().unwrap().payload.to_vec();
    let header = pb::Header::decode(&payload[..]).unwrap();
    let judge = |message: pb::SignedMessage| {
        let wire = message.encode_to_vec();
        let verified = SignedMessage::from_proto(message).ok()?.verify(&world.check()).ok()?;
        assert_eq!(verified.wire(), wire);
        Some(())
    };
    let flip = |bytes: &[u8], bit: usize| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    };
    let headers = 0..payload.len() * 8;
    let kept = headers.filter_map(|bit| judge(world.sign_bytes(flip(&payload, bit), &sound.body)));
    // Ids, references and free text have other values that are as good.
    let kept = kept.count();
    assert!((100..payload.len() * 4).contains(&kept), "{kept}");
    let bodies = 0..sound.body.len() * 8;
    let kept = bodies.filter_map(|bit| {
        let body = flip(&sound.body, bit);
        let mut header = header.clone();
        let info = header.content.as_mut().unwrap().body.as_mut().unwrap();
        info.sha256 = crate::digest::Digest::of(&body).to_bytes();
        judge(world.sign(&header, &body))
    });
    let kept = kept.count();
    assert!((100..sound.body.len() * 6).contains(&kept), "{kept}");
}

#[test]
fn no_part_of_one_message_fits_another() {
    let world = World::new(Algorithm::Ed25519);
    let other = crate::address::Address::parse("af/customs").unwrap();
    let soon = Millis(NOW.0 + 60_000);
    let first = world.compose(world.draft(sample::note()));
    let draft = world.draft(sample::alert()).to(&other).flash("Shots fired").expires_at(soon);
    let second = compose(draft.thread(MessageId::new(NOW, [1; 10])), NOW, [9; 10], &world.key);
    let second = second.unwrap();
    let read = |message: &pb::SignedMessage| {
        pb::Header::decode(message.envelope.clone().unwrap().payload).unwrap()
    };
    let (one, two) = (read(&first), read(&second));
    let splices: [fn(&mut pb::Header, &pb::Header); 10] = [
        |a, b| a.schema.clone_from(&b.schema),
        |a, b| a.identity.clone_from(&b.identity),
        |a, b| a.recipients.clone_from(&b.recipients),
        |a, b| a.precedence.clone_from(&b.precedence),
        |a, b| a.times.clone_from(&b.times),
        |a, b| a.languages.clone_from(&b.languages),
        |a, b| a.content.clone_from(&b.content),
        |a, b| {
            a.identity
                .as_mut()
                .unwrap()
                .thread_id
                .clone_from(&b.identity.as_ref().unwrap().thread_id)
        },
        |a, b| a.times.as_mut().unwrap().expires_at = b.times.as_ref().unwrap().expires_at,
        |a, b| *a = b.clone(),
    ];
    for (number, splice) in splices.into_iter().enumerate() {
        for (message, own, foreign) in [(&first, &one, &two), (&second, &two, &one)] {
            let mut header = own.clone();
            splice(&mut header, foreign);
            assert_ne!(&header, own, "splice {number}");
            let mut message = message.clone();
            message.envelope.as_mut().unwrap().payload = header.encode_to_vec().into();
            let signed = SignedMessage::from_proto(message).unwrap();
            assert!(signed.verify(&world.check()).is_err(), "splice {number}");
        }
    }
    let mut swapped = first;
    swapped.body = second.body;
    let signed = SignedMessage::from_proto(swapped).unwrap();
    assert!(signed.verify(&world.check()).is_err());
}
