//! The examples of the standard: every kind is sound, and each change to it is refused
//! for its reason, at its field, by its rule, and for nothing else.

use std::collections::{BTreeMap, BTreeSet};

use barid_message::body::Body;
use barid_message::compose::{Draft, compose, sign_as_it_is};
use barid_message::digest::Digest;
use barid_message::examples::{MADE_AT_MS, REFUSED, Refused, VALID, pointer, premises};
use barid_message::fault::Faults;
use barid_message::header::Kind;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::signed::SignedMessage;
use barid_message::time::Millis;
use barid_proto::message::v1 as pb;
use prost::Message as _;
use serde_json::{Map, Value};

/// Puts a value where a path leads, or takes it out.
fn change(message: &mut Value, kind: &str, path: &str, value: &str) {
    let pointer = pointer(kind, path);
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer begins with a slash");
    if message.pointer(parent).is_none() {
        // A row that the example leaves out.
        let (above, row) = parent.rsplit_once('/').expect("a row stands in the header");
        message.pointer_mut(above).expect("a header")[row] = Value::Object(Map::new());
    }
    let parent = message.pointer_mut(parent).expect("the place is in the example");
    if value.is_empty() {
        parent.as_object_mut().expect("an object").remove(name);
        return;
    }
    let value = serde_json::from_str(value).expect("values are JSON");
    match (parent, name.parse::<usize>()) {
        (Value::Array(items), Ok(position)) => items[position] = value,
        (object, _) => object[name] = value,
    }
}

/// Reads `{"header": …, KIND: …}`.
fn draft(kind: Kind, message: &Value) -> Draft {
    macro_rules! read {
        ($($(#[$doc:meta])+ $kind:ident $name:literal $json:literal),* $(,)?) => {
            match kind {
                $(Kind::$kind => serde_json::from_value::<pb::$kind>(message[$json].clone())
                    .map(Body::from),)*
                Kind::Unspecified => panic!("no kind"),
            }
        };
    }
    let body = barid_message::kinds!(read).expect("the example is a body of its kind");
    let header = serde_json::from_value(message["header"].clone()).expect("and a header");
    Draft::from_template(header, body)
}

/// The name in JSON of a kind's body.
fn body_name(message: &Value) -> String {
    let fields = message.as_object().expect("an object");
    fields.keys().find(|name| *name != "header").expect("a body").clone()
}

fn example(kind: Kind) -> Value {
    let (_, text) = VALID.iter().find(|(one, _)| *one == kind).expect("an example");
    serde_json::from_str(text).expect("examples are JSON")
}

fn composed(draft: Draft, key: &SigningKey) -> Result<pb::SignedMessage, Faults> {
    compose(draft, Millis(MADE_AT_MS), [7; 10], key)
}

/// What every rule says of a row.
fn outcome(row: &Refused, key: &SigningKey) -> Vec<(String, &'static str, &'static str)> {
    let mut message = example(row.kind);
    prepare(row, &mut message);
    let name = body_name(&message);
    change(&mut message, &name, row.field, row.value);
    let faults = composed(draft(row.kind, &message), key).expect_err("a fault is expected");
    let told = |fault: &barid_message::fault::Fault| {
        (fault.path.clone(), fault.rule, barid_message::reason::name(fault.reason))
    };
    faults.iter().map(told).collect()
}

/// What a row needs beside its change: an answer is one only with an answer's status,
/// and a clause is asked for only where there is something to guard.
fn prepare(row: &Refused, message: &mut Value) {
    for (field, value) in premises(row) {
        let name = body_name(message);
        change(message, &name, field, value);
    }
}

#[test]
fn every_kind_has_a_sound_example() {
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let kinds: BTreeSet<i32> = VALID.iter().map(|(kind, _)| i32::from(*kind)).collect();
    assert_eq!(kinds, (1..=14).collect());
    for (kind, _) in VALID {
        let message = composed(draft(*kind, &example(*kind)), &key);
        let message = message.unwrap_or_else(|faults| panic!("{kind:?}: {faults}"));
        let signed = SignedMessage::from_proto(message).expect("a message");
        signed.check_signature(key.public()).expect("its signature");
        let body = signed.check_body().expect("its body");
        assert_eq!(body.kind(), *kind);
        // What is read is what was written.
        assert_eq!(&body, draft(*kind, &example(*kind)).body(), "{kind:?}");
    }
}

#[test]
fn each_change_is_refused_for_its_reason_at_its_field_and_for_nothing_else() {
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let mut wrong = Vec::new();
    for row in REFUSED {
        let expected = [(row.field.to_owned(), row.rule, barid_message::reason::name(row.reason))];
        let found = outcome(row, &key);
        if found != expected {
            wrong.push(format!("{:?} {} {}: {found:?}", row.kind, row.field, row.value));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_kind_is_refused_in_three_ways_and_every_rule_of_bodies_is_there() {
    let mut count = BTreeMap::<i32, usize>::new();
    for row in REFUSED {
        *count.entry(row.kind.into()).or_default() += 1;
    }
    assert_eq!(count.len(), 14);
    assert!(count.values().all(|rows| *rows >= 3), "{count:?}");
    let rules: BTreeSet<_> = REFUSED.iter().map(|row| row.rule).collect();
    for rule in ["V5", "V7", "V9", "V11", "V12", "V13", "V14", "V15", "V17", "V20"] {
        assert!(rules.contains(rule), "{rule}");
    }
}

#[test]
fn what_is_signed_as_it_is_is_found_out() {
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let mut message = example(Kind::Note);
    change(&mut message, "note", "body.text", "[]");
    let bad = sign_as_it_is(draft(Kind::Note, &message), Millis(MADE_AT_MS), [7; 10], &key);
    let signed = SignedMessage::from_proto(bad).expect("a message");
    signed.check_signature(key.public()).expect("its signature");
    assert_eq!(signed.check_body().expect_err("a fault is expected").first().path, "body.text");
}

/// Rows of STANDARD.md for the body of a kind: field, and whether it is required.
fn listed(schema_id: &str) -> Vec<(&'static str, &'static str)> {
    let page = include_str!("../../../proto/STANDARD.md");
    let name = schema_id.rsplit('.').next().expect("a name");
    let table = page.split(&format!(" Body `{name}` ")).nth(1).expect("its table");
    let rows = table.split("\n#").next().expect("its rows").lines();
    rows.filter_map(|row| {
        let mut cells = row.strip_prefix("| ")?.split(" | ").skip(1);
        Some((cells.next()?.strip_prefix('`')?.trim_end_matches('`'), cells.next()?))
    })
    .collect()
}

#[test]
fn what_the_standard_calls_required_is_and_nothing_else() {
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for (kind, _) in VALID {
        let fields = listed(barid_message::body::schema_id(*kind).expect("a kind has a body"));
        for (field, required) in fields {
            let mut message = example(*kind);
            let path = format!("body.{field}");
            let name = body_name(&message);
            change(&mut message, &name, &path, "");
            let outcome = composed(draft(*kind, &message), &key);
            let missed = outcome.is_err_and(|faults| faults.iter().any(|one| one.path == path));
            if missed != (required == "yes") && required != "when" {
                wrong.push(format!("{kind:?}.{field}: {required}"));
            }
            checked += 1;
        }
    }
    assert!(checked > 120, "{checked}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Bytes of bodies that nobody wrote, under a header that is true of them: each is read or
/// refused with a place, and never a panic. BARID_BROKEN of each kind, or 200.
#[test]
fn changed_bytes_of_every_kind_are_read_or_refused() {
    let key = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let wanted = std::env::var_os("BARID_BROKEN");
    let rounds = wanted.and_then(|count| count.to_str()?.parse().ok()).unwrap_or(200);
    let mut seed = 1_u64;
    let mut roll = |sides: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits") % sides
    };
    let (mut read, mut refused) = (0, 0);
    for (kind, _) in VALID {
        let message = composed(draft(*kind, &example(*kind)), &key).expect("a sound example");
        let envelope = message.envelope.expect("its envelope");
        let header = pb::Header::decode(envelope.payload.clone()).expect("its header");
        for _ in 0..rounds {
            let mut body = message.body.to_vec();
            for _ in 0..=roll(3) {
                let at = roll(body.len());
                match roll(4) {
                    0 => body[at] ^= 1 << roll(8),
                    1 => body[at] = u8::try_from(roll(256)).expect("a byte"),
                    2 => drop(body.remove(at)),
                    _ => body.insert(at, 0xff),
                }
            }
            let mut header = header.clone();
            let content = header.content.as_mut().and_then(|row| row.body.as_mut());
            let content = content.expect("it describes its body");
            content.size = u32::try_from(body.len()).expect("a small body");
            content.sha256 = Digest::of(&body).to_bytes();
            let payload = header.encode_to_vec().into();
            let envelope = Some(pb::Envelope { payload, ..envelope.clone() });
            let signed =
                SignedMessage::from_proto(pb::SignedMessage { envelope, body: body.into() });
            match signed.expect("the header is sound").check_body() {
                Ok(_) => read += 1,
                Err(faults) => {
                    assert!(
                        faults.iter().all(|fault| fault.path.starts_with("body")
                            || fault.path.starts_with("header")),
                        "{faults}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(read > 0 && refused > read, "{read} read, {refused} refused");
}
