use std::sync::Arc;

use barid_message::key::{Algorithm, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::tree::Hash;

const ORIGIN: &str = "border.example/log/1";

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn signing_key() -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(Algorithm::Ed25519).unwrap())
}

fn log() -> LogSigner {
    LogSigner::new(name(ORIGIN), signing_key()).unwrap()
}

fn witness() -> WitnessSigner {
    WitnessSigner::new(name("neighbour.example/witness"), signing_key()).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: name(ORIGIN), size: 20_852_163, root: Hash([7; 32]) }
}

/// Of a checkpoint with one cosignature: who reads it must ask for both signatures.
fn believed(bytes: &[u8], log: &LogKey, witness: &WitnessKey) -> bool {
    let Ok(opened) = SignedCheckpoint::open(bytes, log) else {
        return false;
    };
    opened.cosigned_by(std::slice::from_ref(witness)).is_ok_and(|cosigned| cosigned.len() == 1)
}

#[test]
fn every_flipped_bit_of_a_cosigned_checkpoint_is_noticed() {
    let (log, witness) = (log(), witness());
    let mut signed = checkpoint().sign(&log).unwrap();
    let cosignature = witness.cosign(signed.note().text(), 1_679_315_147);
    signed.add(witness.public(), cosignature).unwrap();
    let bytes = signed.to_bytes();
    assert!(believed(&bytes, log.public(), witness.public()));
    assert_eq!(SignedCheckpoint::open(&bytes, log.public()), Ok(signed));
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            assert!(!believed(&changed, log.public(), witness.public()), "bit {bit} of {at}");
        }
        assert!(!believed(&bytes[..at], log.public(), witness.public()), "cut at {at}");
        let doubled = [&bytes[..=at], &bytes[at..]].concat();
        assert!(!believed(&doubled, log.public(), witness.public()), "doubled at {at}");
    }
}

#[test]
fn a_signature_of_one_kind_is_none_of_the_other() {
    let key = signing_key();
    let pem = key.to_pem();
    let again = || Arc::new(SigningKey::from_pem(&pem).unwrap());
    // Even under one name and one key: the ids differ, and so does what is signed.
    let log = LogSigner::new(name(ORIGIN), again()).unwrap();
    let witness = WitnessSigner::new(name(ORIGIN), again()).unwrap();
    let text = checkpoint().to_string();
    let (signature, cosignature) = (log.sign(&text), witness.cosign(&text, 1));
    assert_eq!(witness.public().verify(&text, &signature), Err(NoteError::Unsigned));
    assert_eq!(log.public().verify(&text, &cosignature), Err(NoteError::Unsigned));
    let renamed = NoteSignature { key_id: cosignature.key_id, ..signature.clone() };
    assert_eq!(witness.public().verify(&text, &renamed), Err(NoteError::BadSignature));
    let renamed = NoteSignature { key_id: signature.key_id, ..cosignature };
    assert_eq!(log.public().verify(&text, &renamed), Err(NoteError::BadSignature));
}

#[test]
fn a_signature_that_was_made_for_something_else_signs_no_checkpoint() {
    use barid_message::dsse::PayloadType;
    let log = LogSigner::new(name(ORIGIN), signing_key()).unwrap();
    let text = checkpoint().to_string();
    for kind in PayloadType::ALL {
        let bytes = log.key_for_tests().sign(kind, text.as_bytes());
        let foreign = NoteSignature { bytes, ..log.sign(&text) };
        assert_eq!(log.public().verify(&text, &foreign), Err(NoteError::BadSignature), "{kind}");
        let note = log.sign(&text).bytes;
        let verdict = log.public().key().verify(kind, text.as_bytes(), &note);
        assert!(verdict.is_err(), "a checkpoint's signature passes for {kind}");
    }
}

#[test]
fn who_did_not_sign_is_not_believed() {
    let (log, other) = (log(), log());
    let signed = checkpoint().sign(&log).unwrap();
    let unsigned = Err(CheckpointError::Note(NoteError::Unsigned));
    assert_eq!(SignedCheckpoint::open(&signed.to_bytes(), other.public()), unsigned);
    let elsewhere = LogSigner::new(name("border.example/log/2"), signing_key()).unwrap();
    let refused = SignedCheckpoint::open(&signed.to_bytes(), elsewhere.public());
    assert_eq!(refused, Err(CheckpointError::Origin));
    assert_eq!(checkpoint().sign(&elsewhere), Err(CheckpointError::Origin));
    // A second signature under the log's name that does not hold spoils the note.
    let mut note = signed.note().clone();
    let bad = NoteSignature { bytes: vec![0; 64], ..note.signatures()[0].clone() };
    note.add(bad).unwrap();
    let refused = SignedCheckpoint::of(note, log.public());
    assert_eq!(refused, Err(CheckpointError::Note(NoteError::BadSignature)));
}

#[test]
fn texts_that_are_no_checkpoint_are_refused() {
    let root = encode_base64(&[7; 32]);
    let text = |text: &str| Checkpoint::parse(text).map(|_| ());
    assert_eq!(text(&format!("a.example\n5\n{root}\n")), Ok(()));
    for bad in [
        format!("a.example\n5\n{root}"),
        format!("a.example\n05\n{root}\n"),
        format!("a.example\n+5\n{root}\n"),
        format!("a.example\n18446744073709551616\n{root}\n"),
        format!("a.example\n5\n{root}\nextension\n"),
        format!("a.example\n5\n{root}\n\n"),
        format!("a.example\n5\n{}\n", encode_base64(&[7; 31])),
        format!("a.example\n5\n{}\n", root.trim_end_matches('=')),
        "a.example\n5\n".to_owned(),
    ] {
        assert_eq!(text(&bad), Err(CheckpointError::Text), "{bad:?}");
    }
    assert_eq!(text(&format!("a.example\n0\n{root}\n")), Err(CheckpointError::EmptyRoot));
    for origin in ["", "two words", "a+b", "a\u{2003}b", "a\u{7}b", &"a".repeat(301)] {
        let refused = text(&format!("{origin}\n5\n{root}\n"));
        assert_eq!(refused, Err(CheckpointError::Note(NoteError::KeyName)), "{origin:?}");
    }
}

#[test]
fn notes_of_another_shape_are_refused() {
    let line = log().sign("text\n").to_string();
    let note = |bytes: &[u8]| Note::parse(bytes).map(|_| ());
    assert_eq!(note(format!("text\n\n{line}\n").as_bytes()), Ok(()));
    // The last empty line is where the signatures begin.
    assert_eq!(Note::parse(format!("a\n\nb\n\n{line}\n").as_bytes()).unwrap().text(), "a\n\nb\n");
    for bad in [
        String::new(),
        "text\n".to_owned(),
        "text\n\n".to_owned(),
        format!("text\n\n{line}"),
        format!("text\n{line}\n"),
        format!("text\n\n{line}\n\n"),
        format!("text\n\n-{}\n", &line[3..]),
        "text\n\n\u{2014} name\n".to_owned(),
        "text\n\n\u{2014} name AAAAAA==\n".to_owned(),
        "text\n\n\u{2014} name AAAA\n".to_owned(),
    ] {
        assert_eq!(note(bad.as_bytes()), Err(NoteError::Shape), "{bad:?}");
    }
    assert_eq!(note(b"te\xffxt\n\n"), Err(NoteError::NotText));
    assert_eq!(note(format!("te\rxt\n\n{line}\n").as_bytes()), Err(NoteError::NotText));
    let lines = |count: usize| format!("text\n\n{}", format!("{line}\n").repeat(count));
    assert_eq!(note(lines(32).as_bytes()), Ok(()));
    assert_eq!(note(lines(33).as_bytes()), Err(NoteError::TooLarge));
    assert_eq!(note(&vec![b'a'; NOTE_BYTES_MAX + 1]), Err(NoteError::TooLarge));
}

#[test]
fn verifier_keys_read_back_and_every_change_is_refused() {
    let (log, witness) = (log(), witness());
    let text = log.public().to_vkey();
    assert_eq!(LogKey::from_vkey(&text).as_ref(), Ok(log.public()));
    let other = witness.public().to_vkey();
    assert_eq!(WitnessKey::from_vkey(&other).as_ref(), Ok(witness.public()));
    assert_eq!(LogKey::from_vkey(&other), Err(NoteError::VerifierKey));
    assert_eq!(WitnessKey::from_vkey(&text), Err(NoteError::VerifierKey));
    for at in 0..text.len() {
        for bit in 0..7 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let read = LogKey::from_vkey(&String::from_utf8(changed).unwrap());
            assert!(read.is_err(), "bit {bit} of {at}");
        }
    }
    let p256 = SigningKey::generate(Algorithm::EcdsaP256).unwrap();
    assert_eq!(LogSigner::new(name("a"), Arc::new(p256)).map(|_| ()).unwrap_err(), NoteError::Key);
}

#[test]
fn a_witness_counts_once_with_its_newest_time() {
    let (log, witness, stranger) = (log(), witness(), witness());
    let mut signed = checkpoint().sign(&log).unwrap();
    let text = signed.note().text().to_owned();
    let keys = [witness.public().clone()];
    let refused = signed.add(witness.public(), stranger.cosign(&text, 5));
    assert_eq!(refused, Err(NoteError::Unsigned));
    for time_s in [5, 9] {
        signed.add(witness.public(), witness.cosign(&text, time_s)).unwrap();
    }
    signed.add(stranger.public(), stranger.cosign(&text, 5)).unwrap();
    assert_eq!(signed.note().signatures().len(), 3, "one of each key");
    let cosigned = signed.cosigned_by(&keys).unwrap();
    assert_eq!(cosigned.iter().map(|one| one.time_s).collect::<Vec<_>>(), [9]);
    let alone = signed.without_cosignatures(log.public());
    assert_eq!(alone.note().signatures().len(), 1);
    // Past the largest time that the standard allows.
    let beyond = witness.cosign(&text, u64::MAX);
    assert_eq!(witness.public().verify(&text, &beyond), Err(NoteError::BadSignature));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        drop(Note::parse(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        drop(LogKey::from_vkey(&text));
        drop(NoteSignature::parse(&text));
        drop(Checkpoint::parse(&text));
    }

    #[test]
    fn what_reads_is_written_the_same(
        text in "[ -~\n]{0,60}\n",
        names in prop::collection::vec("[a-z./]{1,20}", 1..5),
        signature in prop::collection::vec(any::<u8>(), 5..90),
    ) {
        let mut note = Note::unsigned(text).unwrap();
        for text in names {
            let (key_id, bytes) = signature.split_first_chunk().unwrap();
            note.add(NoteSignature { name: name(&text), key_id: *key_id, bytes: bytes.to_vec() })
                .unwrap();
        }
        let bytes = note.to_string();
        prop_assert_eq!(Note::parse(bytes.as_bytes()), Ok(note));
    }
}
