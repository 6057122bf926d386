//! Rows 16 to 21: acknowledgements, languages, body, routing, extensions, signers.

use barid_proto::message::v1 as pb;

use super::law::digest;
use crate::body;
use crate::caps;
use crate::digest::Digest;
use crate::fault::{At, Findings};
use crate::header::{Kind, Signer};
use crate::key::KeyId;
use crate::reason::Reason;

/// Row 16: at least one demand; v1 gives evidence of transport and delivery, and none by
/// persons.
pub(super) fn ack_policy(row: Option<&pb::AckPolicy>, at: At<'_>, f: &mut Findings) {
    let Some(pb::AckPolicy { transport, delivered, opened, actioned }) = row else {
        return;
    };
    let demands = [
        ("transport", transport, true),
        ("delivered", delivered, true),
        ("opened", opened, false),
        ("actioned", actioned, false),
    ];
    if demands.iter().all(|(_, demand, _)| demand.is_none()) {
        f.missing(at, "row 16");
    }
    for (name, demand, given) in demands {
        let Some(pb::AckDemand { level, deadline }) = demand else {
            continue;
        };
        let at = at.field(name);
        let level = f.required_code(at.field("level"), "row 16", *level);
        let required = level == Some(pb::AckLevel::Required);
        if required && !given {
            f.unsupported(at.field("level"), "row 16");
        }
        if let Some(deadline) = deadline {
            f.instant(at.field("deadline"), "row 16", deadline);
            if required {
                f.unsupported(at.field("deadline"), "row 16");
            }
        }
    }
}

/// Row 17: languages of the body's texts.
pub(super) fn languages(row: Option<&pb::Languages>, at: At<'_>, f: &mut Findings) {
    let Some(row) = f.required(at, "row 17", row) else {
        return;
    };
    let pb::Languages { languages, original } = row;
    let list = at.field("languages");
    if f.list(list, "row 17", languages.len(), 1..=caps::LANGUAGES_MAX) {
        f.distinct(list, "row 17", languages);
        for (position, tag) in languages.iter().enumerate() {
            f.language(list.item(position), "row 17", tag);
        }
    }
    if !original.is_empty() && !languages.contains(original) {
        f.invalid(at.field("original"), "row 17", "must be one of the languages listed");
    }
}

/// Row 18, as read.
#[derive(Clone, Copy)]
pub(crate) struct Content {
    pub(crate) size: u32,
    pub(crate) sha256: Digest,
}

/// Row 18: the body that belongs to the header.
pub(super) fn content(
    row: Option<&pb::Content>,
    kind: Option<Kind>,
    at: At<'_>,
    f: &mut Findings,
) -> Option<Content> {
    let pb::Content { body, attachments } = f.required(at, "row 18", row)?;
    if !attachments.is_empty() {
        let text = "attachments are not supported yet; leave them out";
        f.add(at.field("attachments"), Reason::AttachmentsUnsupported, "row 18", text);
    }
    let at = at.field("body");
    let body = f.required(at, "row 18", body.as_ref())?;
    let pb::BodyInfo { media_type, size, sha256, sealing_suite } = body;
    match kind.and_then(body::media_type) {
        Some(expected) if media_type != expected => {
            let text = format!("the body of this kind is {expected}");
            f.add(at.field("media_type"), Reason::BodyMismatch, "row 18", text);
        }
        _ => {}
    }
    if usize::try_from(*size).map_or(true, |size| size > caps::BODY_BYTES_MAX) {
        let text = format!("a body has at most {} bytes", caps::BODY_BYTES_MAX);
        f.add(at.field("size"), Reason::TooLarge, "V18", text);
    }
    if !sealing_suite.is_empty() {
        f.unsupported(at.field("sealing_suite"), "row 18");
    }
    let sha256 = digest(sha256, at.field("sha256"), "row 18", f)?;
    Some(Content { size: *size, sha256 })
}

/// Row 19: how many nodes it may pass.
pub(super) fn routing(row: Option<&pb::Routing>, at: At<'_>, f: &mut Findings) -> Option<u32> {
    let Some(pb::Routing { hop_limit }) = row else {
        return Some(caps::HOP_LIMIT_DEFAULT);
    };
    let at = at.field("hop_limit");
    match *hop_limit {
        0 => f.missing(at, "row 19"),
        1..=caps::HOP_LIMIT_MAX => return Some(*hop_limit),
        _ => f.invalid(at, "row 19", "1 to 4 are allowed; absent row = 3"),
    }
    None
}

/// Row 20: v1 knows no extension, so none may be critical (V5).
pub(super) fn extensions(row: &[pb::Extension], at: At<'_>, f: &mut Findings) {
    if !f.list(at, "row 20", row.len(), 0..=caps::EXTENSIONS_MAX) {
        return;
    }
    for (position, extension) in row.iter().enumerate() {
        let at = at.item(position);
        let pb::Extension { id, critical, value: _ } = extension;
        f.token(at.field("id"), "row 20", id, caps::EXTENSION_ID_CHARS_MAX);
        if row[..position].iter().any(|earlier| earlier.id == *id) {
            f.repeated(at.field("id"), "row 20");
        }
        if *critical {
            let text = "a critical extension that is not known here";
            f.add(at.field("critical"), Reason::ExtensionUnknown, "V5", text);
        }
    }
}

/// Row 21: the keys that must sign. Whether the algorithm is the key's is a question
/// to the registry.
pub(super) fn signers(row: &[pb::Signer], at: At<'_>, f: &mut Findings) -> Option<Signer> {
    let [pb::Signer { keyid, algorithm }] = row else {
        let text = "version 1 of the standard has exactly one signer";
        f.add(at, Reason::SignatureCount, "row 21", text);
        return None;
    };
    let at = at.item(0);
    let algorithm = f.code(at.field("algorithm"), "row 21", *algorithm);
    let Ok(keyid) = KeyId::from_slice(keyid) else {
        f.invalid(at.field("keyid"), "row 21", "the 8 bytes of a key id are expected");
        return None;
    };
    Some(Signer { keyid, algorithm: algorithm? })
}
