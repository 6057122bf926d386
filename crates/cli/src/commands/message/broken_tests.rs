//! Files that are broken in ways that nobody thought of: a hundred, made from the
//! examples by a fixed sequence of numbers, or BARID_BROKEN of them.

use anyhow::Context as _;
use barid_message::address::Address;
use barid_message::examples::VALID;
use barid_message::fault::Fault;
use serde_json::{Value, json};

use super::check::{faults, unreadable};
use crate::document::{self, Form, Input};

/// Numbers that are always the same (Knuth's constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// Pointers to everything in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{position}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// What `message check` says of a file.
fn checked(text: &[u8], sender: &Address) -> Vec<Fault> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("message.json");
    crate::durable::write(&file, text).unwrap();
    let mut told = Vec::new();
    for (_, found) in document::read_each(&Input::Path(file), Form::Message).unwrap() {
        match found.context("cannot read it") {
            Err(error) => told.push(unreadable(&error)),
            Ok(documents) => {
                for document in documents {
                    told.extend(faults(&document, Some(sender), None).unwrap());
                }
            }
        }
    }
    told
}

/// The pointer of a path in a fault, as far as names go: `/note/text/0`.
fn pointer(path: &str, body: &str) -> String {
    let path =
        path.strip_prefix("body").map_or_else(|| path.to_owned(), |rest| format!("{body}{rest}"));
    barid_message::examples::pointer(body, &path)
}

fn broken_files() -> usize {
    let wanted = std::env::var_os("BARID_BROKEN");
    wanted.and_then(|count| count.to_str()?.parse().ok()).unwrap_or(100)
}

/// A value of a type that its field cannot have: the field is named.
#[test]
fn a_value_of_a_wrong_type_is_named_by_its_field() {
    let sender = Address::parse("pk/customs").unwrap();
    let mut dice = Dice(1);
    for _ in 0..broken_files() {
        let (_, text) = VALID[dice.roll(VALID.len())];
        let mut message: Value = serde_json::from_str(text).unwrap();
        let body =
            message.as_object().unwrap().keys().find(|name| *name != "header").unwrap().clone();
        let mut all = Vec::new();
        places(&message, "", &mut all);
        let place = all.swap_remove(1 + dice.roll(all.len() - 1));
        let value = message.pointer_mut(&place).unwrap();
        *value = match value {
            Value::Object(_) | Value::Array(_) => json!("words"),
            _ => json!({"nothing": [1]}),
        };
        let told = checked(message.to_string().as_bytes(), &sender);
        let named = pointer(&told[0].path, &body);
        assert!(
            place.starts_with(&named) || named.starts_with(&place),
            "{place} was changed, {told:?} was told"
        );
        assert!(named.len() > 1, "{told:?}");
    }
}

/// Bytes that are changed, cut, doubled or taken out: no panic, and where there is a
/// fault it says where.
#[test]
fn a_file_with_other_bytes_says_where_or_is_a_message() {
    let sender = Address::parse("pk/customs").unwrap();
    let mut dice = Dice(2);
    let mut refused = 0;
    for _ in 0..broken_files() {
        let (_, text) = VALID[dice.roll(VALID.len())];
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=dice.roll(3) {
            let at = dice.roll(bytes.len());
            match dice.roll(5) {
                0 => bytes[at] = u8::try_from(dice.roll(256)).unwrap(),
                1 => bytes.truncate(at.max(1)),
                2 => drop(bytes.remove(at)),
                3 => bytes.insert(at, b"{}[]\",:/\\0e"[dice.roll(11)]),
                _ => bytes.extend_from_within(at..),
            }
        }
        let told = checked(&bytes, &sender);
        refused += usize::from(!told.is_empty());
        for fault in told {
            assert!(!fault.path.is_empty() && !fault.description.is_empty(), "{fault:?}");
        }
    }
    assert!(refused > broken_files() / 2, "{refused}");
}
