use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use barid_message::digest::Digest;
use barid_message::reason;
use barid_message::registry::{KeyRegistry, RegisteredKey};
use barid_message::signed::{Check, SignedMessage};
use barid_message::time::Millis;
use barid_proto::message::v1 as pb;
use prost::Message as _;

use super::{Refusal, World, set};

/// What this implementation says of a message: its only fault, if it has one.
fn said(world: &World, message: pb::SignedMessage) -> Option<Refusal> {
    let mut keys = KeyRegistry::new();
    let (key, valid_from) = (world.key.public().clone(), Millis(0));
    let key = RegisteredKey { key, valid_from, valid_until: None };
    keys.insert(world.sender.clone(), key).unwrap();
    let check = Check { keys: &keys, now: world.now, senders: std::slice::from_ref(&world.sender) };
    let signed = SignedMessage::from_proto(message).and_then(|signed| signed.verify(&check));
    let faults = signed.err()?;
    let first = faults.first();
    Some(Refusal {
        reason: reason::name(first.reason),
        field: first.path.clone(),
        rule: first.rule,
    })
}

#[test]
fn every_message_of_the_set_gets_its_answer() {
    let world = World::new().unwrap();
    for vector in set(&world).unwrap() {
        let found = said(&world, vector.message);
        assert_eq!(found, vector.refused, "{} {}", vector.name, vector.about);
    }
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vectors/golden.tsv")
}

/// Others hold their implementations against these bytes: written anew with UPDATE=1,
/// which changes no line that stands there already but for a reason to be told.
#[test]
fn the_set_is_as_it_was() {
    let world = World::new().unwrap();
    let mut lines = String::new();
    for vector in set(&world).unwrap() {
        let (reason, field) =
            vector.refused.as_ref().map_or(("-", "-"), |refused| (refused.reason, &refused.field));
        let digest = Digest::of(&vector.message.encode_to_vec());
        writeln!(lines, "{}\t{reason}\t{field}\t{digest}", vector.name).unwrap();
    }
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        crate::durable::write(&golden(), lines.as_bytes()).unwrap();
    }
    let kept = fs::read_to_string(golden()).unwrap_or_default();
    assert_eq!(lines, kept, "the set differs from src/vectors/golden.tsv; look, then UPDATE=1");
}

#[test]
fn names_are_there_once() {
    let world = World::new().unwrap();
    let mut names: Vec<_> = set(&world).unwrap().into_iter().map(|vector| vector.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 130, "{count}");
}
