//! Rows 1 to 4: what the message is, and how it stands to others.

use barid_proto::message::v1 as pb;

use crate::address::Address;
use crate::body;
use crate::caps;
use crate::digest::Digest;
use crate::fault::{At, Findings};
use crate::header::{Kind, Lineage, Status, Version};
use crate::id::MessageId;
use crate::reason::Reason;

/// Row 1, as read.
#[derive(Clone, Copy)]
pub(crate) struct Schema {
    pub(crate) kind: Kind,
    pub(crate) minor: u32,
}

/// Row 1: specification and schema. A greater minor is taken, a greater major not.
pub(super) fn schema(row: Option<&pb::Schema>, at: At<'_>, f: &mut Findings) -> Option<Schema> {
    let row = f.required(at, "row 1", row)?;
    let pb::Schema { spec_version, kind, schema_id, schema_version } = row;
    version(spec_version.as_ref(), at.field("spec_version"), f);
    let kind = f.required_code(at.field("kind"), "row 1", *kind);
    if let Some(kind) = kind {
        match body::schema_id(kind) {
            None => f.unsupported(at.field("kind"), "row 1"),
            Some(expected) if schema_id != expected => {
                let text = format!("the body of this kind is {expected}");
                f.add(at.field("schema_id"), Reason::BodyMismatch, "row 1", text);
            }
            Some(_) => {}
        }
    }
    let minor = version(schema_version.as_ref(), at.field("schema_version"), f)?;
    Some(Schema { kind: kind?, minor })
}

/// Version 1 of anything; gives its minor.
fn version(version: Option<&pb::Version>, at: At<'_>, f: &mut Findings) -> Option<u32> {
    let pb::Version { major, minor } = f.required(at, "row 1", version)?;
    if *major != 1 {
        let text = "only major version 1 is spoken here";
        f.add(at, Reason::VersionUnsupported, "row 1", text);
        return None;
    }
    Some(*minor)
}

/// Row 2, as read.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    pub(crate) message_id: MessageId,
    pub(super) thread_id: Option<MessageId>,
    pub(super) correlation_id: Option<MessageId>,
}

/// Row 2: ids. That the id's time agrees with `created_at` is a rule of the clock.
pub(super) fn identity(
    row: Option<&pb::Identity>,
    at: At<'_>,
    f: &mut Findings,
) -> Option<Identity> {
    let row = f.required(at, "row 2", row)?;
    let pb::Identity { message_id, thread_id, correlation_id, case_ref } = row;
    let mut id = |name, text: &str| f.message_id(at.field(name), "row 2", text);
    let message_id = id("message_id", message_id);
    let mut id_or_none = |name, text: &str| {
        if text.is_empty() { None } else { id(name, text) }
    };
    let thread_id = id_or_none("thread_id", thread_id);
    let correlation_id = id_or_none("correlation_id", correlation_id);
    f.chars(at.field("case_ref"), "row 2", case_ref, caps::CASE_REF_CHARS_MAX);
    Some(Identity { message_id: message_id?, thread_id, correlation_id })
}

/// Row 3: is it real?
pub(super) fn status(
    row: Option<&pb::MessageStatus>,
    at: At<'_>,
    f: &mut Findings,
) -> Option<Status> {
    let pb::MessageStatus { code, exercise_name } = f.required(at, "row 3", row)?;
    let code = f.required_code(at.field("code"), "row 3", *code)?;
    if code == Status::Draft {
        f.invalid(at.field("code"), "row 3", "a draft never leaves its author");
    }
    let name = at.field("exercise_name");
    match (code == Status::Exercise, exercise_name.is_empty()) {
        (true, true) => f.missing(name, "row 3"),
        (false, false) => f.invalid(name, "row 3", "only an exercise has a name"),
        _ => f.chars(name, "row 3", exercise_name, caps::EXERCISE_NAME_CHARS_MAX),
    }
    Some(code)
}

/// Row 4: how it stands to earlier messages.
pub(super) fn lineage(row: Option<&pb::Lineage>, at: At<'_>, f: &mut Findings) -> Option<Lineage> {
    let row = f.required(at, "row 4", row)?;
    let pb::Lineage { r#type, references } = row;
    let code = f.required_code(at.field("type"), "row 4", *r#type);
    let replaces = matches!(code, Some(pb::MessageType::Update | pb::MessageType::Cancel));
    let list = at.field("references");
    if !f.list(list, "row 4", references.len(), usize::from(replaces)..=caps::REFERENCES_MAX) {
        return None;
    }
    for (position, reference) in references.iter().enumerate() {
        f.reference(list.item(position), "row 4", reference);
    }
    match code? {
        pb::MessageType::New => Some(Lineage::New),
        pb::MessageType::Update => Some(Lineage::Update(versions(references, list, f)?)),
        pb::MessageType::Cancel => Some(Lineage::Cancel(versions(references, list, f)?)),
        _ => {
            f.unsupported(at.field("type"), "row 4");
            None
        }
    }
}

/// What is replaced or recalled, each by its digest (V12).
fn versions(references: &[pb::Reference], at: At<'_>, f: &mut Findings) -> Option<Vec<Version>> {
    for (position, reference) in references.iter().enumerate() {
        let at = at.item(position);
        if reference.header_digest.is_empty() {
            f.missing(at.field("header_digest"), "V12");
        }
        let same = |earlier: &pb::Reference| earlier.message_id == reference.message_id;
        if references[..position].iter().any(same) {
            f.repeated(at.field("message_id"), "V12");
        }
    }
    references.iter().map(version_of).collect()
}

/// `None` where a fault was noted.
fn version_of(reference: &pb::Reference) -> Option<Version> {
    Some(Version {
        originator: Address::parse(&reference.originator).ok()?,
        id: MessageId::parse(&reference.message_id).ok()?,
        header_digest: Digest::from_slice(&reference.header_digest).ok()?,
    })
}
