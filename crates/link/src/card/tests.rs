use std::time::Duration;

use barid_message::dsse::PayloadType;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::federation::v1 as pb;
use barid_proto::message::v1::Signature;
use bytes::Bytes;
use prost::Message as _;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};

use super::{Card, CardError, CardFault, Grant, SuccessorError};
use crate::caps;

/// 2026-01-01T00:00:00Z.
const NOW: Millis = Millis(1_767_225_600_000);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// SubjectPublicKeyInfo of the Ed25519 point of order 1.
const WEAK: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\x01\0\0\0\0\0\0\0\0\0\0\0\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::generate(algorithm).unwrap()
}

fn card_key(key: &SigningKey) -> pb::CardKey {
    pb::CardKey {
        spki: key.public().spki().clone(),
        valid_from: Some(NOW.to_proto()),
        valid_until: None,
    }
}

fn ca(is_ca: IsCa) -> Bytes {
    let mut params = CertificateParams::default();
    params.is_ca = is_ca;
    let key = KeyPair::generate().unwrap();
    params.self_signed(&key).unwrap().der().to_vec().into()
}

fn content(evidence: &SigningKey) -> pb::Card {
    let agency = |address: &str| pb::CardAgency {
        address: address.to_owned(),
        keys: vec![card_key(&key(Algorithm::Ed25519)), card_key(&key(Algorithm::EcdsaP256))],
        may_flash: address == "ir/police",
    };
    pb::Card {
        node: "spiffe://ir.example/node".to_owned(),
        name: "mirjaveh".to_owned(),
        serial: 7,
        issued_at: Some(NOW.to_proto()),
        valid_until: Some((NOW + YEAR).to_proto()),
        endpoint: "node.ir.example:7403".to_owned(),
        server_name: "node.ir.example".to_owned(),
        ca_certificate: ca(IsCa::Ca(BasicConstraints::Constrained(0))),
        tls_keys: vec![Bytes::from_static(&[7; 32])],
        evidence_keys: vec![card_key(evidence)],
        agencies: vec![agency("ir/customs"), agency("ir/police")],
        contact: Some(pb::Contact {
            role: "duty officer".to_owned(),
            telephone: "+98 21 000 000".to_owned(),
            email: "duty@node.ir.example".to_owned(),
        }),
        log_keys: vec![card_key(&key(Algorithm::Ed25519))],
        witness_keys: vec![card_key(&key(Algorithm::Ed25519))],
    }
}

fn signed(change: impl FnOnce(&mut pb::Card)) -> Result<Card, CardError> {
    let evidence = key(Algorithm::Ed25519);
    let mut content = content(&evidence);
    change(&mut content);
    Card::from_proto(Card::sign(&content, &evidence))
}

#[test]
fn a_card_says_what_was_signed_by_either_kind_of_key() {
    for algorithm in [Algorithm::Ed25519, Algorithm::EcdsaP256] {
        let evidence = key(algorithm);
        let content = content(&evidence);
        let card = Card::from_proto(Card::sign(&content, &evidence)).unwrap();
        assert_eq!(card.content(), content);
        assert_eq!(card.node().to_string(), "spiffe://ir.example/node");
        assert_eq!((card.name(), card.serial()), ("mirjaveh", 7));
        assert_eq!((card.issued_at(), card.valid_until()), (NOW, NOW + YEAR));
        assert!(!card.is_expired_at(NOW) && card.is_expired_at(NOW + YEAR));
        assert_eq!(card.endpoint().unwrap().authority(), "node.ir.example:7403");
        assert_eq!(card.server_name(), "node.ir.example");
        assert_eq!(**card.ca_certificate(), *content.ca_certificate);
        assert_eq!(card.tls_keys()[0].0, [7; 32]);
        assert_eq!(card.signer(), evidence.public());
        assert_eq!(card.evidence_keys()[0].key, *evidence.public());
        let flash: Vec<_> = card.agencies().iter().map(|agency| agency.may_flash).collect();
        assert_eq!(flash, [false, true]);
        assert_eq!(card.agencies()[0].keys.len(), 2);
        assert_eq!(card.contact().role, "duty officer");
        assert_eq!(card.log_keys()[0].key.spki(), &content.log_keys[0].spki);
        assert_eq!(card.witness_keys()[0].key.spki(), &content.witness_keys[0].spki);
    }
}

#[test]
fn a_card_is_read_back_from_its_file_and_as_mail_changes_that() {
    let card = signed(|_| {}).unwrap();
    let text = card.to_text();
    assert!(text.starts_with("-----BEGIN BARID CARD-----\n"), "{text}");
    assert!(text.ends_with("\n-----END BARID CARD-----\n"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 64), "{text}");
    for text in [text.clone(), text.replace('\n', "\r\n"), format!("\n\n  {text} \n")] {
        let read = Card::from_text(&text).unwrap();
        assert_eq!(read, card);
        assert_eq!(read.fingerprint(), card.fingerprint());
    }
}

#[test]
fn what_is_no_card_is_refused_as_such() {
    let text = signed(|_| {}).unwrap().to_text();
    let twice = format!("{text}{text}");
    for (text, error) in [
        ("", CardError::NoBlock),
        ("-----BEGIN CERTIFICATE-----", CardError::NoBlock),
        (&*text.replace("BARID CARD", "BARID KEY"), CardError::NoBlock),
        (&*twice, CardError::NoBlock),
        (&*text.replacen('\n', "\n?", 1), CardError::NoBlock),
        ("-----BEGIN BARID CARD-----\nAAAA\n-----END BARID CARD-----", CardError::Malformed),
        ("-----BEGIN BARID CARD-----\n-----END BARID CARD-----", CardError::Malformed),
        // An unknown field beside the envelope.
        ("-----BEGIN BARID CARD-----\nEAE=\n-----END BARID CARD-----", CardError::NotCanonical),
        (&*" ".repeat(caps::CARD_TEXT_BYTES + 1), CardError::TooLarge),
    ] {
        assert_eq!(Card::from_text(text).unwrap_err(), error, "{text}");
    }
}

/// Signs these bytes as a card.
fn of_bytes(payload: Vec<u8>, key: &SigningKey) -> Result<Card, CardError> {
    let envelope = key.envelope(PayloadType::Card, payload.into());
    Card::from_proto(pb::SignedCard { envelope: Some(envelope) })
}

#[test]
fn the_envelope_holds_one_canonical_card_and_one_signature() {
    let evidence = key(Algorithm::Ed25519);
    let payload = content(&evidence).encode_to_vec();
    assert!(of_bytes(payload.clone(), &evidence).is_ok());
    // An unknown field, and a doubled one, mean the same to a lenient reader.
    for more in [&b"\xf8\x07\x01"[..], b"\x18\x07"] {
        let longer = [&payload[..], more].concat();
        assert_eq!(of_bytes(longer, &evidence).unwrap_err(), CardError::NotCanonical);
    }
    let large = vec![0; caps::CARD_BYTES + 1];
    assert_eq!(of_bytes(large, &evidence).unwrap_err(), CardError::TooLarge);
    assert_eq!(of_bytes(b"\xff".to_vec(), &evidence).unwrap_err(), CardError::Malformed);

    let hello = evidence.envelope(PayloadType::Hello, payload.clone().into());
    let hello = pb::SignedCard { envelope: Some(hello) };
    assert_eq!(Card::from_proto(hello).unwrap_err(), CardError::PayloadType);

    let mut twice = evidence.envelope(PayloadType::Card, payload.into());
    let signature = twice.signatures[0].clone();
    twice.signatures.push(signature);
    let none = Vec::new();
    for (signatures, count) in [(twice.signatures.clone(), 2), (none, 0)] {
        let envelope = barid_proto::message::v1::Envelope { signatures, ..twice.clone() };
        let card = Card::from_proto(pb::SignedCard { envelope: Some(envelope) });
        assert_eq!(card.unwrap_err(), CardError::SignatureCount(count));
    }
}

#[test]
fn only_a_key_on_the_card_that_counts_signs_it() {
    let (evidence, stranger) = (key(Algorithm::Ed25519), key(Algorithm::Ed25519));
    let content = content(&evidence);
    let refused = |signed| Card::from_proto(signed).unwrap_err();
    assert_eq!(refused(Card::sign(&content, &stranger)), CardError::Signer);

    // A stranger's signature under the right key's name.
    let mut forged = Card::sign(&content, &stranger);
    let keyid = Bytes::copy_from_slice(evidence.public().keyid().as_bytes());
    let envelope = forged.envelope.as_mut().unwrap();
    envelope.signatures[0] = Signature { keyid, ..envelope.signatures[0].clone() };
    assert!(matches!(refused(forged), CardError::Signature(_)));

    let mut late = content;
    late.evidence_keys[0].valid_from = Some((NOW + YEAR).to_proto());
    assert_eq!(refused(Card::sign(&late, &evidence)), CardError::Signer);
}

#[test]
fn no_changed_bit_passes() {
    let evidence = key(Algorithm::Ed25519);
    let mut small = content(&evidence);
    small.agencies.truncate(1);
    let signed = Card::sign(&small, &evidence);
    let length = signed.envelope.as_ref().unwrap().payload.len();
    // Each costs a strict verification, which is slow where nothing is optimised.
    for at in (0..length).step_by(11) {
        let mut changed = signed.clone();
        let envelope = changed.envelope.as_mut().unwrap();
        let mut payload = envelope.payload.to_vec();
        payload[at] ^= 1 << (at % 8);
        envelope.payload = payload.into();
        assert!(Card::from_proto(changed).is_err(), "byte {at}");
    }
}

#[test]
fn what_no_card_may_say_is_named() {
    type Change = fn(&mut pb::Card);
    let cases: [(Change, &str); 31] = [
        (|card| card.node = "mirjaveh".to_owned(), "does not begin with spiffe://"),
        (|card| card.node = "spiffe://ir.example/operator/a".to_owned(), "which is no node"),
        (|card| card.name.clear(), "name has not 1 to 64 characters"),
        (|card| card.name = "n".repeat(65), "name has not 1 to 64 characters"),
        (|card| card.name = "a\u{202e}b".to_owned(), "name holds a direction override"),
        (|card| card.serial = 0, "serial is 0"),
        (|card| card.issued_at = None, "does not say time of issue"),
        (|card| card.valid_until = None, "does not say end"),
        (|card| card.valid_until = card.issued_at, "ends before it was issued"),
        (|card| card.issued_at.as_mut().unwrap().nanos = 1, "not in whole milliseconds"),
        (|card| card.endpoint = "node.ir.example".to_owned(), "endpoint is not HOST:PORT"),
        (|card| card.endpoint = "node.ir.example:0".to_owned(), "endpoint is not HOST:PORT"),
        (|card| card.endpoint = "a@node.ir.example:1".to_owned(), "endpoint is not HOST:PORT"),
        (|card| card.endpoint = "node.ir.example:1/x".to_owned(), "endpoint is not HOST:PORT"),
        (|card| card.server_name.clear(), "neither a DNS name nor an IP address"),
        (|card| card.server_name = "a b".to_owned(), "neither a DNS name nor an IP address"),
        (|card| card.ca_certificate.clear(), "no certificate of a CA"),
        (|card| card.ca_certificate = ca(IsCa::NoCa), "no certificate of a CA"),
        (|card| card.tls_keys.clear(), "name its TLS keys"),
        (|card| card.tls_keys = vec![Bytes::from_static(&[7; 31])], "name its TLS keys"),
        (|card| card.tls_keys = vec![Bytes::from_static(&[7; 32]); 2], "name its TLS keys"),
        (|card| card.agencies[0].address = "zz/customs".to_owned(), "not a country"),
        (|card| card.agencies[0].address = "ir/police".to_owned(), "ir/police stands on the card"),
        (
            |card| card.agencies[0].keys[0].spki = WEAK.into(),
            "a key of ir/customs on the card is a weak",
        ),
        (
            |card| card.agencies[0].keys[0].valid_until = Some(NOW.to_proto()),
            "ends before it begins",
        ),
        (|card| card.agencies[0].keys = card.agencies[1].keys.clone(), "stands on the card twice"),
        (|card| card.agencies[0].keys = card.evidence_keys.clone(), "stands on the card twice"),
        (|card| card.witness_keys = card.log_keys.clone(), "stands on the card twice"),
        (
            |card| card.log_keys = vec![card_key(&key(Algorithm::EcdsaP256))],
            "a key of the node's log on the card is not Ed25519",
        ),
        (
            |card| card.contact.as_mut().unwrap().telephone = "0".repeat(33),
            "telephone has not 0 to 32 characters",
        ),
        (
            |card| card.contact.as_mut().unwrap().email = "a\u{1b}[2J".to_owned(),
            "email holds a control character",
        ),
    ];
    for (change, said) in cases {
        let error = signed(change).unwrap_err();
        assert!(matches!(error, CardError::Content(_)), "{said}: {error}");
        let error = error.to_string();
        assert!(error.contains(said), "{said}: {error}");
        assert!(error.ends_with("export its card again"), "{error}");
    }
    let none = signed(|card| card.evidence_keys.clear()).unwrap_err();
    assert_eq!(none, CardError::Content(CardFault::NoEvidenceKey));
    let weak = signed(|card| card.evidence_keys[0].spki = WEAK.into()).unwrap_err();
    assert!(matches!(weak, CardError::Content(CardFault::Key { .. })), "{weak}");
}

#[test]
fn a_node_that_only_calls_needs_no_endpoint() {
    let card = signed(|card| {
        card.endpoint.clear();
        card.server_name.clear();
        card.contact = None;
        card.agencies[1].keys.clear();
    });
    let card = card.unwrap();
    assert!(card.endpoint().is_none());
    for endpoint in ["[::1]:7403", "127.0.0.1:7403"] {
        let card = signed(|card| card.endpoint = endpoint.to_owned()).unwrap();
        assert_eq!(card.endpoint().unwrap().authority(), endpoint);
    }
}

#[test]
fn a_newer_card_counts_where_a_pinned_key_signed_it() {
    let (old_key, new_key) = (key(Algorithm::Ed25519), key(Algorithm::Ed25519));
    let make = |serial, keys: &[&SigningKey], signer: &SigningKey| {
        let mut content = content(signer);
        content.serial = serial;
        content.evidence_keys = keys.iter().map(|key| card_key(key)).collect();
        Card::from_proto(Card::sign(&content, signer)).unwrap()
    };
    let pinned = make(7, &[&old_key], &old_key);
    let overlap = make(8, &[&new_key, &old_key], &old_key);
    let replaced = make(9, &[&new_key], &new_key);
    assert_eq!(pinned.successor(&overlap), Ok(()));
    assert_eq!(overlap.successor(&replaced), Ok(()));
    assert_eq!(pinned.successor(&replaced), Err(SuccessorError::Signer));
    let older = SuccessorError::NotNewer { pinned: 8, newer: 7 };
    assert_eq!(overlap.successor(&pinned), Err(older));
    assert!(pinned.successor(&pinned).is_err());

    let mut other = content(&old_key);
    (other.serial, other.node) = (9, "spiffe://af.example/node".to_owned());
    let other = Card::from_proto(Card::sign(&other, &old_key)).unwrap();
    assert!(matches!(pinned.successor(&other), Err(SuccessorError::OtherNode { .. })));

    let mut ended = content(&old_key);
    ended.evidence_keys[0].valid_until = Some((NOW + Duration::from_secs(1)).to_proto());
    let ended = Card::from_proto(Card::sign(&ended, &old_key)).unwrap();
    let mut later = content(&old_key);
    (later.serial, later.issued_at) = (9, Some((NOW + Duration::from_secs(1)).to_proto()));
    let later = Card::from_proto(Card::sign(&later, &old_key)).unwrap();
    assert_eq!(ended.successor(&later), Err(SuccessorError::Signer));
}

#[test]
fn a_newer_card_grants_what_lets_it_say_more_in_an_agency_s_name() {
    let evidence = key(Algorithm::Ed25519);
    let mut content = content(&evidence);
    // A unit that signs with its agency's keys.
    content
        .agencies
        .push(pb::CardAgency { address: "ir/customs/mirjaveh".to_owned(), ..Default::default() });
    let card = |content: &pb::Card| Card::from_proto(Card::sign(content, &evidence)).unwrap();
    let older = card(&content);
    let beyond = |change: &dyn Fn(&mut pb::Card)| {
        let mut newer = content.clone();
        change(&mut newer);
        older.grants_beyond(&card(&newer)).iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let other = card_key(&key(Algorithm::Ed25519));
    // The node's own affairs, and less than before.
    let nothing = beyond(&|card| {
        card.evidence_keys.push(other.clone());
        card.tls_keys.push(Bytes::from_static(&[8; 32]));
        card.valid_until = Some((NOW + 2 * YEAR).to_proto());
        card.endpoint = "other.ir.example:7403".to_owned();
        card.agencies[0].keys[0].valid_until = Some((NOW + YEAR).to_proto());
        card.agencies[1].may_flash = false;
        card.agencies[1].keys.pop();
        card.agencies.pop();
    });
    assert!(nothing.is_empty(), "{nothing:?}");
    let agency = pb::CardAgency { address: "ir/guard".to_owned(), ..Default::default() };
    assert_eq!(beyond(&|card| card.agencies.push(agency.clone())), ["it speaks for ir/guard too"]);
    assert_eq!(beyond(&|card| card.agencies[0].may_flash = true), ["ir/customs may send FLASH"]);
    let keys = beyond(&|card| card.agencies[0].keys[0] = other.clone());
    assert_eq!(keys.len(), 2, "of the agency and of its unit: {keys:?}");
    assert!(keys[0].starts_with("ir/customs signs with key "), "{keys:?}");
    assert!(keys[1].starts_with("ir/customs/mirjaveh signs with key "), "{keys:?}");
    let earlier = beyond(&|card| {
        let from = Millis(NOW.0 - 1).to_proto();
        card.agencies[1].keys[0].valid_from = Some(from);
    });
    assert_eq!(earlier.len(), 1, "{earlier:?}");
    // A key that changes hands speaks for another than before.
    let swapped = {
        let mut newer = content.clone();
        let key = newer.agencies[0].keys.pop().unwrap();
        newer.agencies[1].keys.push(key);
        older.grants_beyond(&card(&newer))
    };
    let of =
        |grant: &Grant| matches!(grant, Grant::Key(address, _) if address.as_str() == "ir/police");
    assert!(swapped.len() == 1 && of(&swapped[0]), "{swapped:?}");
}
