//! What the wire's messages may look like.

use barid_proto::DESCRIPTORS;
use protox::prost_reflect::{
    Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
};

use super::{assert_none, root};

/// Packages of which messages are signed, or hashed and kept for good. Two encoders must agree
/// on their bytes.
const SIGNED: [&str; 3] = ["barid.message.v1", "barid.audit.v1", "barid.journal.v1"];

/// All of the project's own descriptors.
fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTORS).expect("the build has made these descriptors")
}

/// Every message of a signed package.
fn signed_messages(pool: &DescriptorPool) -> Vec<MessageDescriptor> {
    let messages: Vec<_> =
        pool.all_messages().filter(|message| SIGNED.contains(&message.package_name())).collect();
    assert!(messages.len() > 50, "the descriptors hold the signed packages");
    messages
}

/// The message called `name`.
fn message(pool: &DescriptorPool, name: &str) -> MessageDescriptor {
    pool.get_message_by_name(name).expect("a message of the project")
}

/// Fields in the order of their declaration.
fn declared(message: &MessageDescriptor) -> Vec<u32> {
    message.descriptor_proto().field.iter().map(|field| field.number().unsigned_abs()).collect()
}

#[test]
fn signed_messages_hold_no_map_and_no_float() {
    let pool = pool();
    let findings: Vec<String> = signed_messages(&pool)
        .iter()
        .flat_map(MessageDescriptor::fields)
        .filter(|field| field.is_map() || matches!(field.kind(), Kind::Float | Kind::Double))
        .map(|field| field.full_name().to_owned())
        .collect();
    assert_none("encoders differ over these", &findings);
}

#[test]
fn signed_messages_have_no_gap_in_a_oneof() {
    let pool = pool();
    let mut findings = Vec::new();
    for message in signed_messages(&pool) {
        let order = declared(&message);
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            if !is_together(&oneof, &order) {
                findings.push(oneof.full_name().to_owned());
            }
        }
    }
    assert_none("number and declare the members of a oneof together", &findings);
}

/// Whether the members have numbers in a row, and are declared in that order.
fn is_together(oneof: &OneofDescriptor, order: &[u32]) -> bool {
    let mut members: Vec<u32> = oneof.fields().map(|field| field.number()).collect();
    members.sort_unstable();
    let in_a_row = members.windows(2).all(|pair| pair[1] == pair[0] + 1);
    in_a_row && order.windows(members.len()).any(|window| window == members)
}

#[test]
fn signed_messages_are_declared_in_order_of_number() {
    let pool = pool();
    let findings: Vec<String> = signed_messages(&pool)
        .iter()
        .filter(|message| !declared(message).is_sorted())
        .map(|message| message.full_name().to_owned())
        .collect();
    assert_none("the canonical encoding is in order of number; so is the file", &findings);
}

#[test]
fn the_zero_of_every_enum_is_unspecified() {
    let findings: Vec<String> = pool()
        .all_enums()
        .filter(|one| one.package_name().starts_with("barid."))
        .filter(|one| !one.get_value(0).is_some_and(|zero| zero.name().ends_with("_UNSPECIFIED")))
        .map(|one| one.full_name().to_owned())
        .collect();
    assert_none("absent must not mean something", &findings);
}

#[test]
fn the_readme_lists_the_header() {
    let readme = std::fs::read_to_string(root().join("proto/README.md")).expect("proto/README.md");
    let listed: Vec<(u32, String)> = readme
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number = cells.next()?.parse().ok()?;
            Some((number, cells.next()?.trim_matches('`').to_owned()))
        })
        .collect();
    let mut fields: Vec<(u32, String)> = message(&pool(), "barid.message.v1.Header")
        .fields()
        .map(|field| (field.number(), field.name().to_owned()))
        .collect();
    fields.sort_unstable();
    assert_eq!(listed, fields, "the table in proto/README.md and the fields of Header");
}

/// Whether a field may stand in what is kept for good.
fn may_be_kept(field: &FieldDescriptor) -> bool {
    match field.kind() {
        Kind::String => false,
        Kind::Message(inner) => inner.full_name() == "barid.journal.v1.LeafItem",
        _ => true,
    }
}

#[test]
fn leaves_hold_no_text() {
    let pool = pool();
    let findings: Vec<String> = ["barid.journal.v1.Leaf", "barid.journal.v1.LeafItem"]
        .iter()
        .flat_map(|name| message(&pool, name).fields().collect::<Vec<_>>())
        .filter(|field| !may_be_kept(field))
        .map(|field| field.full_name().to_owned())
        .collect();
    assert_none("a leaf is permanent and says nothing of a person", &findings);
}

#[test]
fn submissions_carry_no_list_that_could_be_unsigned() {
    let pool = pool();
    let signed = message(&pool, "barid.message.v1.SignedMessage");
    let repeated = signed.fields().any(|field| field.cardinality() == Cardinality::Repeated);
    assert!(!repeated, "SignedMessage is one envelope and one body");
}
