use proptest::option;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};

use super::*;

fn address() -> impl Strategy<Value = Address> {
    "(pk|ir|af)/[a-z]{1,32}(/[a-z]{1,32})?".prop_map(|text| Address::parse(&text).unwrap())
}

fn id() -> impl Strategy<Value = MessageId> {
    (0..1_u64 << 48, any::<[u8; 10]>()).prop_map(|(ms, random)| MessageId::new(Millis(ms), random))
}

fn row() -> impl Strategy<Value = EventRow> {
    let codes = (1..=16_i32, 0..=30_i32, 0..=14_i32, 0..=4_i32, 0..=5_i32);
    let whom = (option::of(address()), option::of(id()), option::of(address()), "[a-z:/.]{0,300}");
    let rest = (any::<u64>(), any::<u32>(), option::of(any::<u64>()), any::<bool>());
    (any::<(u64, u16)>(), codes, whom, rest).prop_map(|(place, codes, whom, rest)| EventRow {
        cursor: Cursor { position: place.0, index: place.1 },
        time: Millis(rest.0),
        event: codes.0.try_into().unwrap(),
        reason: codes.1.try_into().unwrap_or_default(),
        origin_agency: whom.0,
        message_id: whom.1,
        recipient: whom.2,
        kind: codes.2.try_into().unwrap(),
        precedence: codes.3.try_into().unwrap(),
        status: codes.4.try_into().unwrap(),
        actor: whom.3,
        tries: rest.1,
        accepted_position: rest.2,
        has_evidence: rest.3,
    })
}

proptest! {
    #[test]
    fn rows_survive_their_encoding(row in row()) {
        prop_assert_eq!(EventRow::decode(row.cursor, &row.encode()), Some(row));
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in any::<Vec<u8>>()) {
        let versioned = [&[VERSION], bytes.as_slice()].concat();
        for value in [bytes, versioned] {
            if let Some(row) = EventRow::decode(Cursor::entry(0), &value) {
                prop_assert!(EventRow::decode(Cursor::entry(0), &row.encode()) == Some(row));
            }
        }
    }

    #[test]
    fn an_actor_is_cut_between_characters(actor in "\\PC{0,2000}") {
        let cut = cut(&actor);
        prop_assert!(cut.len() <= ACTOR_BYTES_MAX);
        match cut.strip_suffix(CUT) {
            Some(start) if cut != actor => prop_assert!(actor.starts_with(start)),
            _ => prop_assert_eq!(cut, actor),
        }
    }
}

/// The bytes on disk: a change here is a change of the schema's number.
#[test]
fn a_row_is_these_bytes_for_ever() {
    let row = EventRow {
        cursor: Cursor { position: 7, index: 1 },
        time: Millis(1_700_000_000_000),
        event: Event::DeadLettered,
        reason: Reason::Malformed,
        origin_agency: Some(Address::parse("pk/customs").unwrap()),
        message_id: Some(MessageId::parse("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").unwrap()),
        recipient: Some(Address::parse("ir/police").unwrap()),
        kind: Kind::Note,
        precedence: Precedence::Flash,
        status: Status::Actual,
        actor: "spiffe://x".into(),
        tries: 5,
        accepted_position: Some(3),
        has_evidence: true,
    };
    let expected = [
        &b"\x01\x08\x80\xd0\x95\xff\xbc\x31\x10\x0c\x18\x01\x22\x0apk/customs"[..],
        b"\x2a\x10\x01\x7f\x22\xe2\x79\xb0\x7c\xc3\x98\xc4\xdc\x0c\x0c\x07\x39\x8f",
        b"\x32\x09ir/police\x38\x0e\x40\x01\x48\x01\x52\x0aspiffe://x\x58\x05\x60\x03\x68\x01",
    ]
    .concat();
    assert_eq!(row.encode(), expected);
}

#[test]
fn the_largest_row_is_small() {
    let address = Address::parse(&format!("pk/{0}/{0}", "a".repeat(32))).unwrap();
    let row = EventRow {
        cursor: Cursor { position: u64::MAX, index: u16::MAX },
        time: Millis(u64::MAX),
        event: Event::HandedOver,
        reason: Reason::Malformed,
        origin_agency: Some(address.clone()),
        message_id: Some(MessageId::new(Millis(1), [255; 10])),
        recipient: Some(address),
        kind: Kind::Note,
        precedence: Precedence::Routine,
        status: Status::Draft,
        actor: cut(&"x".repeat(5_000)),
        tries: u32::MAX,
        accepted_position: Some(u64::MAX),
        has_evidence: true,
    };
    assert!(row.encode().len() <= ROW_BYTES_MAX);
}

#[test]
fn an_entry_with_facts_that_are_none_is_named() {
    let item = |recipient: &str| Item {
        event: Event::HandedOver,
        reason: Reason::Unspecified,
        facts: barid_proto::journal::v1::DeliveryFacts {
            origin_agency: "pk/customs".into(),
            message_id: "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".into(),
            recipient: recipient.into(),
            ..Default::default()
        },
        evidence: Default::default(),
    };
    let entry = Entry {
        position: 4,
        time: Millis(1),
        body: Body::HandedOver,
        evidence: Default::default(),
        items: vec![item("ir/police"), item("nowhere")],
    };
    let fault = FactsError::Address(AddressError::Grammar);
    let cursor = Cursor { position: 4, index: 2 };
    assert_eq!(EventRow::of_entry(&entry), Err(MalformedEntry { cursor, fault }));
}
