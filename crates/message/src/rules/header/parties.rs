//! Rows 5 and 6: who speaks, and to whom; and the name of the matter elsewhere.

use std::collections::BTreeSet;

use barid_proto::message::v1 as pb;
use pb::recipient::Target;

use crate::address::Address;
use crate::caps;
use crate::fault::{At, Findings};
use crate::header::{Recipient, RecipientRole};
use crate::reason::Reason;

/// Row 5: who speaks.
pub(super) fn originator(
    row: Option<&pb::Originator>,
    at: At<'_>,
    f: &mut Findings,
) -> Option<Address> {
    let row = f.required(at, "row 5", row)?;
    let pb::Originator { address, node, officer, on_behalf_of } = row;
    let origin = f.address(at.field("address"), "row 5", address);
    f.chars(at.field("node"), "row 5", node, caps::NODE_NAME_CHARS_MAX);
    f.chars(at.field("officer"), "row 5", officer, caps::OFFICER_CHARS_MAX);
    if !on_behalf_of.is_empty() {
        f.unsupported(at.field("on_behalf_of"), "row 5");
    }
    origin
}

/// Row 6: to whom. Gives those that could be read.
pub(super) fn recipients(
    row: &[pb::Recipient],
    origin: Option<&Address>,
    at: At<'_>,
    f: &mut Findings,
) -> Vec<Recipient> {
    if !f.list(at, "row 6", row.len(), 1..=caps::RECIPIENTS_MAX) {
        return Vec::new();
    }
    let mut seen = BTreeSet::new();
    let mut recipients = Vec::with_capacity(row.len());
    for (position, recipient) in row.iter().enumerate() {
        let at = at.item(position);
        let pb::Recipient { target, role } = recipient;
        let role = f.required_code::<RecipientRole>(at.field("role"), "row 6", *role);
        let Some(address) = inbox(target.as_ref(), at, f) else {
            continue;
        };
        if origin == Some(&address) {
            let text = "the originator's own address; name another inbox";
            f.add(at.field("address"), Reason::RecipientIsSender, "row 6", text);
        }
        if !seen.insert(address.clone()) {
            f.repeated(at.field("address"), "row 6");
        }
        recipients.extend(role.map(|role| Recipient { address, role }));
    }
    recipients
}

/// The one inbox that a target names.
fn inbox(target: Option<&Target>, at: At<'_>, f: &mut Findings) -> Option<Address> {
    let (field, kind) = match target {
        None => {
            f.missing(at.field("address"), "row 6");
            return None;
        }
        // Names of the system's own streams look like this in many brokers. Whether
        // such a stream exists is not told.
        Some(Target::Address(address)) if address.starts_with('$') => {
            let text = "not an inbox that may be addressed";
            f.add(at.field("address"), Reason::RecipientNotPermitted, "row 6", text);
            return None;
        }
        Some(Target::Address(address)) => return f.address(at.field("address"), "row 6", address),
        Some(Target::GroupId(_)) => ("group_id", "groups"),
        Some(Target::Topic(_)) => ("topic", "topics"),
    };
    let text = format!("{kind} are not supported yet; name the addresses");
    f.add(at.field(field), Reason::RecipientKindUnsupported, "row 6", text);
    None
}

/// Field 22: the same matter elsewhere.
pub(super) fn external_ref(field: Option<&pb::ExternalRef>, at: At<'_>, f: &mut Findings) {
    let Some(pb::ExternalRef { scheme, id }) = field else {
        return;
    };
    f.token(at.field("scheme"), "field 22", scheme, caps::EXTERNAL_SCHEME_CHARS_MAX);
    if id.is_empty() {
        f.missing(at.field("id"), "field 22");
    }
    f.chars(at.field("id"), "field 22", id, caps::EXTERNAL_ID_CHARS_MAX);
}
