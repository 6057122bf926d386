//! The conformance set: messages of every kind, right and wrong, signed with test keys,
//! each with what a correct implementation says of it.

mod change;
#[cfg(test)]
mod tests;
mod wire;

use anyhow::Context as _;
use barid_message::address::Address;
use barid_message::compose::{Draft, sign_as_it_is};
use barid_message::digest::Digest;
use barid_message::examples::{MADE_AT_MS, REFUSED, Refused, VALID, premises};
use barid_message::header::Kind;
use barid_message::key::SigningKey;
use barid_message::reason;
use barid_message::time::Millis;
use barid_proto::message::v1 as pb;
use serde_json::{Value, json};

use crate::document::{Document, Form, parse};

/// One message of the set.
pub(crate) struct Vector {
    /// Its name, and that of its file.
    pub(crate) name: String,
    /// What it is made of, for people: the change, or what was done to its bytes.
    pub(crate) about: Value,
    /// What it is refused for, at which field and by which rule; None = it is taken.
    pub(crate) refused: Option<Refusal>,
    /// The message.
    pub(crate) message: pb::SignedMessage,
}

/// Why a message is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) rule: &'static str,
}

/// The keys and the time that the set is held against.
pub(crate) struct World {
    /// Signs; registered for `sender`.
    pub(crate) key: SigningKey,
    /// Registered for nobody.
    pub(crate) stranger: SigningKey,
    /// Who speaks.
    pub(crate) sender: Address,
    /// The time of the check.
    pub(crate) now: Millis,
}

/// An Ed25519 key in PKCS#8 is this and its seed (RFC 8410).
const PKCS8_ED25519: [u8; 16] =
    [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// The seed of a test key: 32 times one byte. Whoever reads this can sign with it.
fn test_key(byte: u8) -> anyhow::Result<SigningKey> {
    let der = [&PKCS8_ED25519[..], &[byte; 32]].concat();
    SigningKey::from_pkcs8_der(&der).context("cannot make the test key")
}

impl World {
    /// The world of the set.
    pub(crate) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            key: test_key(1)?,
            stranger: test_key(2)?,
            sender: Address::parse("pk/customs")?,
            now: Millis(MADE_AT_MS),
        })
    }

    /// Signs a draft, whatever is wrong with it. The id comes of the name, so that no
    /// message of the set changes when others are added.
    fn sign(&self, draft: Draft, name: &str) -> pb::SignedMessage {
        let mut random = [0; 10];
        random.copy_from_slice(&Digest::of(name.as_bytes()).as_bytes()[..10]);
        sign_as_it_is(draft, self.now, random, &self.key)
    }
}

/// The whole set, always the same.
pub(crate) fn set(world: &World) -> anyhow::Result<Vec<Vector>> {
    let mut vectors: Vec<Vector> = Vec::new();
    for (kind, text) in VALID {
        let name = format!("valid-{}", short(*kind));
        let message = world.sign(draft(text)?, &name);
        vectors.push(Vector { name, about: json!({"valid": true}), refused: None, message });
    }
    for row in REFUSED {
        let name = free_name(&vectors, &format!("{}-{} {}", short(row.kind), row.rule, row.field));
        let message = world.sign(changed(row)?, &name);
        let about = json!({"field": row.field, "value": row.value});
        let refused = Some(Refusal {
            reason: reason::name(row.reason),
            field: row.field.to_owned(),
            rule: row.rule,
        });
        vectors.push(Vector { name, about, refused, message });
    }
    wire::add(world, &mut vectors)?;
    Ok(vectors)
}

/// A name fit for a file, with a number where it is taken.
fn free_name(vectors: &[Vector], wanted: &str) -> String {
    let words = wanted.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).collect::<Vec<_>>();
    let name = words.join("-").to_ascii_lowercase();
    let taken = |name: &str| vectors.iter().any(|vector| vector.name == name);
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    names.find(|name| !taken(name)).unwrap_or(name)
}

/// `crossing-status` of CROSSING_STATUS.
fn short(kind: Kind) -> String {
    kind.as_str_name().trim_start_matches("KIND_").to_ascii_lowercase().replace('_', "-")
}

/// The example of a kind.
fn example(kind: Kind) -> anyhow::Result<&'static str> {
    let found = VALID.iter().find(|(one, _)| *one == kind).context("a kind without example")?;
    Ok(found.1)
}

/// The example of a row's kind, changed as the row says.
fn changed(row: &Refused) -> anyhow::Result<Draft> {
    let mut message: Value = serde_json::from_str(example(row.kind)?)?;
    for (field, value) in premises(row) {
        change::put(&mut message, field, value)?;
    }
    change::put(&mut message, row.field, row.value)?;
    draft(&message.to_string())
}

/// A draft of an example's text.
pub(crate) fn draft(text: &str) -> anyhow::Result<Draft> {
    match parse(text, Form::Message)?.pop() {
        Some(Document::Draft(header, body)) => Ok(Draft::from_template(*header, *body)),
        _ => anyhow::bail!("an example is a draft"),
    }
}
