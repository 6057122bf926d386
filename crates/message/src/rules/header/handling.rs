//! Rows 9 to 12: how the message is to be handled by those who get it.

use barid_proto::message::v1 as pb;

use crate::caps;
use crate::fault::{At, Findings};

/// Row 9: both or neither.
pub(super) fn classification(row: Option<&pb::Classification>, at: At<'_>, f: &mut Findings) {
    let Some(pb::Classification { scheme, level }) = row else {
        return;
    };
    f.token(at.field("scheme"), "row 9", scheme, caps::CLASSIFICATION_SCHEME_CHARS_MAX);
    if level.is_empty() {
        f.missing(at.field("level"), "row 9");
    }
    f.chars(at.field("level"), "row 9", level, caps::CLASSIFICATION_LEVEL_CHARS_MAX);
}

/// Row 10: known marks, at least one.
pub(super) fn sharing(row: Option<&pb::Sharing>, at: At<'_>, f: &mut Findings) {
    let Some(pb::Sharing { tlp, pap }) = row else {
        return;
    };
    if (*tlp, *pap) == (0, 0) {
        f.missing(at, "row 10");
    }
    f.code::<pb::Tlp>(at.field("tlp"), "row 10", *tlp);
    f.code::<pb::Pap>(at.field("pap"), "row 10", *pap);
}

/// Row 11: at most four, none twice, H3 with its text (V8).
pub(super) fn handling(row: &[pb::Handling], at: At<'_>, f: &mut Findings) {
    if !f.list(at, "row 11", row.len(), 0..=caps::HANDLING_MAX) {
        return;
    }
    for (position, handling) in row.iter().enumerate() {
        let at = at.item(position);
        let pb::Handling { code, text } = handling;
        if row[..position].iter().any(|earlier| earlier.code == *code) {
            f.repeated(at.field("code"), "row 11");
        }
        let code = f.required_code(at.field("code"), "row 11", *code);
        if code == Some(pb::HandlingCode::H3) && text.is_empty() {
            f.missing(at.field("text"), "V8");
        }
        f.chars(at.field("text"), "row 11", text, caps::HANDLING_TEXT_CHARS_MAX);
    }
}

/// Row 12: v1 knows the parties of the agreement only; anything narrower would be a
/// promise that nobody keeps.
pub(super) fn onward(row: Option<&pb::Onward>, at: At<'_>, f: &mut Findings) {
    let Some(pb::Onward { level, named, group_id }) = row else {
        return;
    };
    match f.required_code(at.field("level"), "row 12", *level) {
        None | Some(pb::OnwardLevel::AgreementParties) => {}
        Some(_) => f.unsupported(at.field("level"), "row 12"),
    }
    if !named.is_empty() {
        f.unsupported(at.field("named"), "row 12");
    }
    if !group_id.is_empty() {
        f.unsupported(at.field("group_id"), "row 12");
    }
}
