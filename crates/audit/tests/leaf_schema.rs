//! What may stand in a leaf (GUARANTEES §6): codes, counts, times, random bytes and
//! commitments. Leaves are never erased, so nobody may add what would have to be.

use barid_audit::commitment::Entropy;
use barid_audit::entry::{Body, Entry, Item};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::journal::v1 as pb;
use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const PACKAGE: &str = ".barid.journal.v1.";

/// Bytes that say nothing: random ones, and commitments that nobody can try out without
/// their nonce. Each with its length.
const BLIND: [(&str, &str, usize); 3] =
    [("Leaf", "salt", 16), ("Leaf", "commitment", 32), ("LeafItem", "commitment", 32)];

/// Lists of codes that are closed, documented, and say nothing about a person.
const CODES: [&str; 3] =
    [".barid.journal.v1.EntryKind", ".barid.audit.v1.Event", ".barid.message.v1.Reason"];

fn schema() -> FileDescriptorSet {
    FileDescriptorSet::decode(barid_proto::DESCRIPTORS).expect("the schema of this program")
}

fn message<'s>(schema: &'s mut FileDescriptorSet, name: &str) -> &'s mut DescriptorProto {
    let files = schema.file.iter_mut().filter(|file| file.package() == "barid.journal.v1");
    files.flat_map(|file| &mut file.message_type).find(|it| it.name() == name).expect(name)
}

/// What stands in a message, and in those below it, that a leaf may not have.
fn faults(schema: &mut FileDescriptorSet, name: &str) -> Vec<String> {
    let fields = message(schema, name).field.clone();
    fields.iter().flat_map(|field| fault(schema, name, field)).collect()
}

fn fault(schema: &mut FileDescriptorSet, owner: &str, field: &FieldDescriptorProto) -> Vec<String> {
    let is_allowed = match field.r#type() {
        Type::Uint32 | Type::Uint64 | Type::Bool => true,
        Type::Enum => CODES.contains(&field.type_name()),
        Type::Bytes => BLIND.iter().any(|(of, name, _)| (*of, *name) == (owner, field.name())),
        Type::Message => match field.type_name().strip_prefix(PACKAGE) {
            Some(below) => return faults(schema, below),
            None => false,
        },
        _ => false,
    };
    if is_allowed { Vec::new() } else { vec![format!("{owner}.{}", field.name())] }
}

#[test]
fn leaves_have_codes_counts_times_and_blind_bytes_alone() {
    assert_eq!(faults(&mut schema(), "Leaf"), Vec::<String>::new());
}

#[test]
fn a_free_text_field_in_a_leaf_is_found() {
    for (owner, kind) in
        [("Leaf", Type::String), ("LeafItem", Type::String), ("LeafItem", Type::Bytes)]
    {
        let mut schema = schema();
        let field = FieldDescriptorProto {
            name: Some("remarks".into()),
            number: Some(99),
            r#type: Some(kind.into()),
            ..Default::default()
        };
        message(&mut schema, owner).field.push(field);
        assert_eq!(faults(&mut schema, "Leaf"), [format!("{owner}.remarks")]);
    }
    // Facts belong into the side part: as a message they are found as well.
    let mut schema = schema();
    let facts = FieldDescriptorProto {
        name: Some("facts".into()),
        number: Some(99),
        r#type: Some(Type::Message.into()),
        type_name: Some(format!("{PACKAGE}DeliveryFacts")),
        ..Default::default()
    };
    message(&mut schema, "LeafItem").field.push(facts);
    let found = faults(&mut schema, "Leaf");
    assert!(found.contains(&"DeliveryFacts.message_id".to_owned()), "{found:?}");
}

/// The blind bytes have the lengths that they must have: no room for anything else.
#[test]
fn blind_bytes_have_one_length() {
    let item = Item {
        event: Event::Delivered,
        reason: Reason::Unspecified,
        facts: pb::DeliveryFacts { recipient: "pk/police".into(), ..Default::default() },
        evidence: bytes::Bytes::from_static(b"evidence"),
    };
    let entry = Entry {
        position: 1,
        time: Millis(1_700_000_000_000),
        body: Body::Accepted(Box::default()),
        evidence: bytes::Bytes::new(),
        items: vec![item],
    };
    let leaf = pb::Leaf::decode(&*entry.encode(&Entropy([3; 32])).leaf).unwrap();
    let lengths = [leaf.salt.len(), leaf.commitment.len(), leaf.items[0].commitment.len()];
    assert_eq!(lengths, BLIND.map(|(_, _, length)| length));
}
