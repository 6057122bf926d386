use super::*;

fn accepted() -> Entry {
    let item = |recipient: &str| Item {
        event: Event::Delivered,
        reason: Reason::Unspecified,
        facts: pb::DeliveryFacts {
            origin_agency: "pk/customs".into(),
            message_id: "0197b2c0-0000-7000-8000-000000000001".into(),
            recipient: recipient.into(),
            accepted_position: 7,
            ..Default::default()
        },
        evidence: Bytes::new(),
    };
    Entry {
        position: 7,
        time: Millis(1_700_000_000_000),
        body: Body::Accepted(Box::new(pb::AcceptedFacts {
            origin_agency: "pk/customs".into(),
            blob_offset: 4096,
            ..Default::default()
        })),
        evidence: Bytes::from_static(b"evidence"),
        items: vec![item("pk/police"), item("pk/health")],
    }
}

fn decode(encoded: &Encoded) -> Result<Entry, EntryError> {
    Entry::decode(7, encoded.kind, encoded.version, &encoded.leaf, encoded.side.clone().into())
}

#[test]
fn an_entry_comes_back_as_it_went() {
    let entry = accepted();
    let encoded = entry.encode(&Entropy([9; 32]));
    assert_eq!(decode(&encoded).unwrap(), entry);
    assert_eq!(entry.encode(&Entropy([9; 32])), encoded, "same entropy, same bytes");
    assert_ne!(entry.encode(&Entropy([8; 32])).leaf, encoded.leaf);
}

#[test]
fn the_leaf_says_nothing_of_whom() {
    let leaf = accepted().encode(&Entropy([1; 32])).leaf;
    for secret in [&b"pk/"[..], b"police", b"0197b2c0", b"evidence"] {
        assert!(!leaf.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn a_side_part_that_was_changed_or_swapped_is_found() {
    let encoded = accepted().encode(&Entropy([1; 32]));
    let other = accepted().encode(&Entropy([2; 32]));
    let swapped = Encoded { side: other.side, ..encoded.clone() };
    assert_eq!(decode(&swapped), Err(EntryError::Mismatch(7)));
    for index in 0..encoded.side.len() {
        let mut changed = encoded.clone();
        changed.side[index] ^= 1;
        assert!(decode(&changed).is_err(), "byte {index} of the side part is not bound");
    }
}

#[test]
fn a_kind_of_a_newer_program_is_named() {
    let encoded = accepted().encode(&Entropy([1; 32]));
    let newer = Encoded { kind: 99, ..encoded };
    assert_eq!(decode(&newer), Err(EntryError::Unknown(7, 99, 1)));
}

/// Leaves are permanent: these bytes may never change. Salt, nonces and commitments in
/// them were computed apart from this program too, by the formula in
/// `commitment.rs`.
#[test]
fn the_bytes_of_an_accepted_entry_are_golden() {
    let encoded = accepted().encode(&Entropy([9; 32]));
    assert_eq!((encoded.kind, encoded.version), (3, 1));
    assert_eq!(hex(&encoded.leaf), include_str!("accepted.leaf.hex").trim());
    assert_eq!(hex(&encoded.side), include_str!("accepted.side.hex").trim());
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What two persons decided about a peer is read back for good.
#[test]
fn entries_of_write_offs_have_their_numbers_and_come_back() {
    let facts = pb::WriteOffFacts { peer: "spiffe://ir.example/node".into(), ..Default::default() };
    let cleared =
        pb::SlotClearedFacts { number: 9, delivery_indexes: vec![0, 2], ..Default::default() };
    for (number, body) in [
        (23, Body::WriteOffProposed(facts.clone())),
        (24, Body::WriteOffWithdrawn(facts.clone())),
        (25, Body::WriteOffConfirmed(facts)),
        (26, Body::WrittenOff),
        (27, Body::SlotCleared(cleared)),
        (28, Body::Contradicted(pb::InboundSlot::default())),
    ] {
        let entry = Entry { body, ..accepted() };
        let encoded = entry.encode(&Entropy([9; 32]));
        assert_eq!((encoded.kind, encoded.version), (number, 1));
        assert_eq!(decode(&encoded).unwrap(), entry);
    }
}
