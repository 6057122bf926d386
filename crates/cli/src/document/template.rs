//! The messages to fill in, and what a message still has of them.

use barid_message::Reason;
use barid_message::body::Body;
use barid_message::fault::Fault;
use barid_proto::message::v1 as pb;
use serde_json::Value;

use super::{KindName, Readable};

/// The message to fill in of a kind.
pub(crate) fn template(kind: KindName) -> &'static str {
    match kind {
        KindName::Alert => include_str!("alert.json"),
        KindName::Incident => include_str!("incident.json"),
        KindName::Note => include_str!("note.json"),
    }
}

/// Whether a text is one that a template has for its writer to replace: `<subject>`.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let quoted = format!("\"{text}\"");
    let kinds = [KindName::Alert, KindName::Incident, KindName::Note];
    text.starts_with('<')
        && text.ends_with('>')
        && kinds.into_iter().any(|kind| template(kind).contains(&quoted))
}

/// Where a message still says what its template said, named as a node names fields.
pub(crate) fn unfilled(header: &pb::Header, body: &Body) -> serde_json::Result<Vec<Fault>> {
    let Readable { header, alert, incident, note } = Readable::of(header, body);
    let mut found = Vec::new();
    search(&serde_json::to_value(header)?, "header", &mut found);
    for body in [serde_json::to_value(alert)?, serde_json::to_value(incident)?] {
        search(&body, "body", &mut found);
    }
    search(&serde_json::to_value(note)?, "body", &mut found);
    Ok(found)
}

fn search(value: &Value, path: &str, found: &mut Vec<Fault>) {
    match value {
        Value::String(text) if is_placeholder(text) => found.push(Fault {
            path: path.to_owned(),
            reason: Reason::FieldInvalid,
            rule: "template",
            description: format!(
                "still says {text}, as the template did; write what it is, or take it out"
            ),
        }),
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                search(item, &format!("{path}[{position}]"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                search(field, &format!("{path}.{}", field_name(name)), found);
            }
        }
        _ => {}
    }
}

/// The name of the field whose name in JSON this is: `hit_contact` of `hitContact`.
fn field_name(json: &str) -> String {
    let mut name = String::with_capacity(json.len() + 4);
    for letter in json.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
