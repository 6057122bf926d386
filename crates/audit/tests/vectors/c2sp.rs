//! The examples in the C2SP documents. Those of checkpoints come without their keys, so
//! that only their form is tried here; the one of a signed note comes with it.

use barid_audit::checkpoint::Checkpoint;
use barid_audit::note::{LogKey, Note};
use barid_audit::witness::Request;

use super::{data, skip};

fn example(file: &str) -> Option<Vec<u8>> {
    let path = data().join("crypto/c2sp").join(file);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        skip(&format!("no crypto/c2sp/{file} at {}", data().display()));
    }
    bytes
}

#[test]
fn the_signed_note_of_the_document_verifies_and_no_flipped_byte_of_it_does() {
    let (Some(note), Some(vkey)) = (example("signed-note.note"), example("signed-note.vkey"))
    else {
        return;
    };
    let vkey = String::from_utf8(vkey).unwrap();
    let key = LogKey::from_vkey(vkey.trim_end()).unwrap();
    assert_eq!(key.to_vkey(), vkey.trim_end());
    let verifies = |bytes: &[u8]| {
        Note::parse(bytes).is_ok_and(|note| {
            note.signatures().iter().any(|one| key.verify(note.text(), one).is_ok())
        })
    };
    assert!(verifies(&note));
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut changed = note.clone();
            changed[at] ^= 1 << bit;
            assert!(!verifies(&changed), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn checkpoints_and_cosignatures_of_the_documents_read_back() {
    for (file, signatures) in [("tlog-checkpoint.note", 1), ("tlog-cosignature.note", 2)] {
        let Some(bytes) = example(file) else {
            return;
        };
        let note = Note::parse(&bytes).unwrap();
        assert_eq!(note.signatures().len(), signatures);
        assert_eq!(note.to_string().as_bytes(), bytes);
        let checkpoint = Checkpoint::parse(note.text()).unwrap();
        assert_eq!(checkpoint.to_string(), note.text());
        assert_eq!(checkpoint.origin.as_str(), "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
    }
    let Some(bytes) = example("tlog-cosignature.note") else {
        return;
    };
    // 8 bytes of time in front of the 64 of the signature.
    let note = Note::parse(&bytes).unwrap();
    let (time, signature) = note.signatures()[1].bytes.split_first_chunk().unwrap();
    assert_eq!((u64::from_be_bytes(*time), signature.len()), (1_679_315_147, 64));
}

#[test]
fn the_request_of_the_document_reads_back() {
    let Some(body) = example("tlog-witness.add-checkpoint-request.txt") else {
        return;
    };
    let request = Request::parse(&body).unwrap();
    assert_eq!(request.to_string().as_bytes(), body);
    assert_eq!((request.old, request.proof.len()), (20_852_014, 4));
    assert_eq!(Checkpoint::parse(request.note.text()).unwrap().size, 20_852_163);
    assert_eq!(request.note.signatures().len(), 2);
}
