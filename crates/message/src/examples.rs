//! Examples: a full message of every kind, and what is refused in each.
//!
//! One table says what makes a message wrong. It is what the tests of the rules go
//! through, and what the conformance vectors are made of.

mod refused;

use crate::header::Kind;
use crate::reason::Reason;

pub use refused::REFUSED;

/// Every kind with a message that has nearly every field of it: `{"header": …, KIND: …}`
/// in the JSON form of the standard, in force at [`MADE_AT_MS`].
pub const VALID: &[(Kind, &str)] = &[
    (Kind::Alert, include_str!("examples/alert.json")),
    (Kind::Incident, include_str!("examples/incident.json")),
    (Kind::Seizure, include_str!("examples/seizure.json")),
    (Kind::Rfi, include_str!("examples/rfi.json")),
    (Kind::Rsp, include_str!("examples/rsp.json")),
    (Kind::Hit, include_str!("examples/hit.json")),
    (Kind::Sitrep, include_str!("examples/sitrep.json")),
    (Kind::CrossingStatus, include_str!("examples/crossing-status.json")),
    (Kind::AdvanceNotice, include_str!("examples/advance-notice.json")),
    (Kind::Assist, include_str!("examples/assist.json")),
    (Kind::Consent, include_str!("examples/consent.json")),
    (Kind::Correction, include_str!("examples/correction.json")),
    (Kind::Proposal, include_str!("examples/proposal.json")),
    (Kind::Note, include_str!("examples/note.json")),
];

/// When the examples were made: 2027-01-15T08:00:00Z, milliseconds since 1970.
pub const MADE_AT_MS: u64 = 1_800_000_000_000;

/// One change to the valid message of a kind that makes it wrong, and in what way.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    /// Whose example is changed.
    pub kind: Kind,
    /// The rule that is broken: `V1` to `V20`, `row n`, or `body`.
    pub rule: &'static str,
    /// The field that is changed, and that the only fault names.
    pub field: &'static str,
    /// What stands there instead, as JSON; empty = the field is taken out.
    pub value: &'static str,
    /// Why it is refused.
    pub reason: Reason,
}

/// What a row needs to be changed beside its field, so that its rule is asked: pairs of
/// field and value.
pub fn premises(row: &Refused) -> &'static [(&'static str, &'static str)] {
    match (row.kind, row.rule, row.field) {
        (Kind::Assist, "V11", _) => &[("body.status", r#""COMMITTED""#)],
        (Kind::Alert, "V20", _) => {
            &[("header.data_protection.personal_data", r#"["PERSONAL_DATA_SPECIAL"]"#)]
        }
        (Kind::Alert, "V7", _) => &[("header.precedence.level", r#""PRECEDENCE_FLASH""#)],
        (Kind::Note, "V7", _) => &[("header.precedence.reason", r#""A storm""#)],
        (Kind::Note, "V5", _) => &[("header.extensions", r#"[{"id": "x.new", "value": "AA=="}]"#)],
        (Kind::Note, "row 19", _) => &[("header.routing", "{}")],
        (Kind::Note, "row 17", _) => {
            &[("header.languages", r#"{"languages": ["en", "ar", "bn"]}"#)]
        }
        (Kind::Rsp, "V11", "body.refusal_reasons") => {
            &[("body.result", r#""REFUSED""#), ("body.subjects", "[]"), ("body.links", "[]")]
        }
        (Kind::Seizure, _, "body.conveyances") => &[("body.links", "[]")],
        _ => &[],
    }
}

/// The JSON Pointer (RFC 6901) of the field of a path in `{"header": …, KIND: …}`:
/// `/note/text/0/language` of `body.text[0].language`.
pub fn pointer(body_name: &str, path: &str) -> String {
    let mut pointer = String::with_capacity(path.len() + 8);
    for part in path.split(['.', '[']) {
        let part = part.trim_end_matches(']');
        pointer.push('/');
        if part == "body" {
            pointer.push_str(body_name);
            continue;
        }
        let mut raise = false;
        for letter in part.chars() {
            if letter == '_' {
                raise = true;
            } else {
                pointer.push(if raise { letter.to_ascii_uppercase() } else { letter });
                raise = false;
            }
        }
    }
    pointer
}
