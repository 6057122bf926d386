use std::fs;

use barid_message::address::Address;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::id::MessageId;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::message::v1 as pb;

use super::keep::{Folder, Kept};

const NOW: Millis = Millis(1_800_000_000_000);

/// A message with one id, by this sender.
fn message(sender: &str) -> pb::SignedMessage {
    let agreement =
        AgreementRef { id: "a".into(), version: 1, sha256: Digest::of(b""), clause: String::new() };
    let note = pb::Note {
        text: vec![pb::Text {
            language: "en".into(),
            text: "Gate 2 closed.".into(),
            ..pb::Text::default()
        }],
        ..pb::Note::default()
    };
    let draft = Draft::new(&Address::parse(sender).unwrap(), &agreement, note)
        .to(&Address::parse("pk/police").unwrap())
        .id(MessageId::new(NOW, [7; 10]));
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    compose(draft, NOW, [0; 10], &key).unwrap()
}

#[test]
fn a_message_is_kept_once_and_a_repeat_is_recognised() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(&place.path().join("in")).unwrap();
    let message = message("pk/customs");
    assert_eq!(folder.keep(&message).unwrap(), Kept::New);
    assert_eq!(folder.keep(&message).unwrap(), Kept::Already);
    let file = place.path().join(format!("in/{}.json", MessageId::new(NOW, [7; 10])));
    let kept: pb::SignedMessage = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    assert_eq!(kept, message, "the very bytes");
}

#[test]
fn two_agencies_may_use_one_id() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let (one, other) = (message("pk/customs"), message("ir/customs"));
    for message in [&one, &other] {
        assert_eq!(folder.keep(message).unwrap(), Kept::New);
    }
    for message in [&one, &other] {
        assert_eq!(folder.keep(message).unwrap(), Kept::Already);
    }
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn a_file_that_is_none_of_ours_is_not_overwritten() {
    let place = tempfile::tempdir().unwrap();
    let folder = Folder::open(place.path()).unwrap();
    let file = place.path().join(format!("{}.json", MessageId::new(NOW, [7; 10])));
    crate::durable::write(&file, b"a letter").unwrap();
    let error = folder.keep(&message("pk/customs")).unwrap_err().to_string();
    assert!(error.ends_with("is no received message; move it away"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"a letter");
}
