//! The worked example of proto/README.md, checked with other libraries than the product's.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use barid_proto::federation::v1::{Lane, SlotFacts};
use barid_proto::message::v1::{Header, Note, Reason};
use prost::Message;

use super::root;

/// The page.
fn page() -> String {
    std::fs::read_to_string(root().join("proto/README.md")).expect("proto/README.md")
}

/// The fenced block of the page that begins with `first`.
fn block(first: &str) -> String {
    let page = page();
    let start = page.find(first).expect("the page has the block") + first.len();
    let end = page[start..].find("```").expect("the block ends");
    page[start..start + end].to_owned()
}

/// The named byte strings of the example.
fn values() -> BTreeMap<String, Vec<u8>> {
    values_of("```text\n")
}

/// The named byte strings of a block.
fn values_of(first: &str) -> BTreeMap<String, Vec<u8>> {
    let block = block(first);
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut name = String::new();
    for line in block.lines() {
        if !line.starts_with(' ') {
            line.split(' ').next().expect("a line has a first word").clone_into(&mut name);
        }
        let hex = line.trim_end_matches(", then the payload").rsplit(' ').next();
        values.entry(name.clone()).or_default().push_str(hex.expect("a line has a last word"));
    }
    values.into_iter().map(|(name, hex)| (name, bytes(&hex))).collect()
}

/// Bytes of a hexadecimal text.
fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "whole bytes: {hex}");
    (0..hex.len() / 2)
        .map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hexadecimal"))
        .collect()
}

#[test]
fn the_key_is_the_seeds() {
    let values = values();
    let pair = Ed25519KeyPair::from_seed_unchecked(&values["seed"]).expect("a seed of 32 bytes");
    assert!(values["spki"].ends_with(pair.public_key().as_ref()), "spki ends with the public key");
    assert_eq!(digest(&SHA256, &values["spki"]).as_ref()[..8], values["keyid"], "keyid");
}

#[test]
fn the_signature_holds_over_the_payload() {
    let values = values();
    let kind = "application/vnd.barid.header.v1+protobuf";
    let prefix = format!("DSSEv1 {} {kind} {} ", kind.len(), values["payload"].len());
    assert_eq!(values["pae"], prefix.as_bytes(), "pae");
    let signed = [values["pae"].as_slice(), &values["payload"]].concat();
    let public = &values["spki"][values["spki"].len() - 32..];
    UnparsedPublicKey::new(&ED25519, public)
        .verify(&signed, &values["sig"])
        .expect("the page's signature holds");
}

#[test]
fn the_json_form_is_the_payload() {
    let values = values();
    let header: Header = serde_json::from_str(&block("```json\n")).expect("the page's JSON");
    assert_eq!(header.encode_to_vec(), values["payload"], "payload");
    let body = header.content.expect("row 18").body.expect("a body");
    assert_eq!(body.sha256, digest(&SHA256, &values["body"]).as_ref(), "digest of the body");
    assert_eq!(usize::try_from(body.size).expect("a small size"), values["body"].len(), "size");
    let note = Note::decode(values["body"].as_slice()).expect("a note");
    assert_eq!(note.text[0].text, "Gate 2 closed until 18:00.");
}

#[test]
fn slots_and_their_chain_are_as_the_page_says() {
    let hash = |parts: &[&[u8]]| digest(&SHA256, &parts.concat()).as_ref().to_vec();
    let slots = values_of("```hex\n");
    let header = hash(&[&values()["payload"]]);
    assert_eq!(slots["header"], header, "header");
    let transfer = SlotFacts {
        lane: Lane::Routine.into(),
        number: 1,
        content_digest: header.clone().into(),
        recipients: vec!["pk/police".to_owned()],
        ..Default::default()
    };
    let void = SlotFacts {
        lane: Lane::Routine.into(),
        number: 2,
        content_digest: header.into(),
        reason: Reason::ExpiresAtPassed.into(),
        ..Default::default()
    };
    let mut chain = vec![0; 32];
    for (number, facts) in [(1, transfer), (2, void)] {
        let named = |name: &str| &slots[&format!("{name}{number}")];
        assert_eq!(*named("facts"), facts.encode_to_vec(), "facts of {number}");
        assert_eq!(*named("digest"), hash(&[named("facts")]), "digest of {number}");
        chain = hash(&[&chain, named("digest")]);
        assert_eq!(*named("h"), chain, "chain behind {number}");
    }
}
