//! The messages to fill in, and what a message still has of them.

use barid_message::Reason;
use barid_message::body::Body;
use barid_message::fault::Fault;
use barid_proto::message::v1 as pb;
use serde_json::Value;

use super::{KindName, Readable};

/// `<digest>` in the base64 that the field of a digest must have.
const DIGEST: &str = "PGRpZ2VzdD4=";

/// What differs between kinds by no more than a name.
macro_rules! named {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $json:literal),* $(,)?) => {
        /// The message to fill in of a kind.
        pub(crate) fn template(kind: KindName) -> &'static str {
            match kind {
                $(KindName::$kind => include_str!(concat!($name, ".json")),)*
            }
        }
    };
}

barid_message::kinds!(named);

/// Whether a text is one that a template has for its writer to replace: `<subject>`.
pub(crate) fn is_placeholder(text: &str) -> bool {
    let quoted = format!("\"{text}\"");
    let mut kinds = KindName::ALL.iter();
    text == DIGEST
        || text.starts_with('<')
            && text.ends_with('>')
            && kinds.any(|kind| template(*kind).contains(&quoted))
}

/// Where a message still says what its template said, named as a node names fields.
pub(crate) fn unfilled(header: &pb::Header, body: &Body) -> serde_json::Result<Vec<Fault>> {
    let mut found = Vec::new();
    search(&serde_json::to_value(header)?, "header", &mut found);
    let message = serde_json::to_value(Readable::of(header, body))?;
    let parts = message.as_object().into_iter().flatten();
    for (_, part) in parts.filter(|(name, _)| *name != "header") {
        search(part, "body", &mut found);
    }
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
