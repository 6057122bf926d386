//! From files, folders and stdin to documents.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use barid_message::body::Body;
use barid_proto::message::v1 as pb;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Document, KindName, place};

/// The largest input read, in bytes: far more than the largest message in JSON.
const INPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// `-`.
    Stdin,
    /// One file, or a folder's `*.json` in the order of their names.
    Path(PathBuf),
}

/// What the input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Messages: drafts or signed ones.
    Message,
    /// Bare bodies of one kind.
    Body(KindName),
}

impl From<&str> for Input {
    fn from(text: &str) -> Self {
        match text {
            "-" => Self::Stdin,
            path => Self::Path(path.into()),
        }
    }
}

/// One JSON object of a file, whichever form it has.
#[derive(Default)]
struct Raw {
    header: Option<pb::Header>,
    bodies: Vec<Body>,
    envelope: Option<pb::Envelope>,
    body: Option<String>,
}

/// What differs between kinds by no more than a name.
macro_rules! named {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $json:literal),* $(,)?) => {
        const FIELDS: &[&str] = &["header", $($json,)* "envelope", "body"];

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a message")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Raw, A::Error> {
                let mut raw = Raw::default();
                while let Some(name) = fields.next_key::<String>()? {
                    match name.as_str() {
                        "header" if raw.header.is_some() => return Err(twice("header")),
                        "envelope" if raw.envelope.is_some() => return Err(twice("envelope")),
                        "body" if raw.body.is_some() => return Err(twice("body")),
                        "header" => raw.header = fields.next_value()?,
                        "envelope" => raw.envelope = fields.next_value()?,
                        "body" => raw.body = fields.next_value()?,
                        $($json => raw.bodies.push(fields.next_value::<pb::$kind>()?.into()),)*
                        other => return Err(Error::unknown_field(other, FIELDS)),
                    }
                }
                Ok(raw)
            }
        }

        fn bodies_of(kind: KindName, text: &str) -> anyhow::Result<Vec<Document>> {
            match kind {
                $(KindName::$kind => bodies::<pb::$kind>(text),)*
            }
        }
    };
}

barid_message::kinds!(named);

struct RawVisitor;

fn twice<E: Error>(field: &'static str) -> E {
    E::duplicate_field(field)
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RawVisitor)
    }
}

/// A text that is no JSON, or no JSON of a message.
#[derive(Debug)]
pub(crate) struct Misread {
    /// The field that was being read; empty before the first.
    pub(crate) field: String,
    fault: serde_json::Error,
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.fault, f)
    }
}

impl std::error::Error for Misread {}

/// Reads every message of an input, each with the name of where it stood. One input may
/// hold several, one after the other.
pub(crate) fn read(input: &Input, form: Form) -> anyhow::Result<Vec<(String, Document)>> {
    let mut documents = Vec::new();
    for (name, found) in read_each(input, form)? {
        documents.extend(found?.into_iter().map(|document| (name.clone(), document)));
    }
    Ok(documents)
}

/// As [`read`], each file for itself.
pub(crate) fn read_each(
    input: &Input,
    form: Form,
) -> anyhow::Result<Vec<(String, anyhow::Result<Vec<Document>>)>> {
    let found = |(name, text): (String, anyhow::Result<String>)| {
        let found = text
            .and_then(|text| parse(&text, form))
            .with_context(|| format!("cannot read {name}"))
            .and_then(|found| {
                let none = "holds no message; `barid message new note` prints one to fill in";
                if found.is_empty() { Err(anyhow!("{name} {none}")) } else { Ok(found) }
            });
        (name, found)
    };
    Ok(texts(input)?.into_iter().map(found).collect())
}

fn texts(input: &Input) -> anyhow::Result<Vec<(String, anyhow::Result<String>)>> {
    let path = match input {
        Input::Stdin => {
            return Ok(vec![("stdin".to_owned(), limited(io::stdin().lock()))]);
        }
        Input::Path(path) => path,
    };
    let files = if path.is_dir() {
        json_files(path).with_context(|| format!("cannot list {}", path.display()))?
    } else {
        vec![path.clone()]
    };
    if files.is_empty() {
        bail!("{} holds no file that ends in .json", path.display());
    }
    let read = |file: PathBuf| {
        let text = File::open(&file).map_err(anyhow::Error::from).and_then(limited);
        (file.display().to_string(), text)
    };
    Ok(files.into_iter().map(read).collect())
}

fn json_files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if path.extension().is_some_and(|end| end == "json") && !hidden && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn limited(source: impl io::Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    source.take(INPUT_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > INPUT_BYTES_MAX) {
        bail!("more than {INPUT_BYTES_MAX} bytes; split it");
    }
    String::from_utf8(bytes).context("not UTF-8 text")
}

/// Reads every message of a text.
pub(crate) fn parse(text: &str, form: Form) -> anyhow::Result<Vec<Document>> {
    let text = without_comments(text);
    match form {
        Form::Message => stream::<Raw>(&text)?.into_iter().map(document).collect(),
        Form::Body(kind) => bodies_of(kind, &text),
    }
}

/// Lines whose first characters are `//` become empty, so that line numbers hold. A
/// string of JSON cannot begin a line of its own.
fn without_comments(text: &str) -> String {
    let keep = |line: &str| !line.trim_start().starts_with("//");
    let lines = text.lines().map(|line| if keep(line) { line } else { "" });
    lines.collect::<Vec<_>>().join("\n")
}

fn stream<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, Misread> {
    let found: Result<_, serde_json::Error> =
        serde_json::Deserializer::from_str(text).into_iter().collect();
    found.map_err(|fault| Misread {
        field: place::path_at(text, fault.line(), fault.column()),
        fault,
    })
}

fn bodies<T: DeserializeOwned + Into<Body>>(text: &str) -> anyhow::Result<Vec<Document>> {
    let bodies = stream::<T>(text)?.into_iter();
    Ok(bodies.map(|body| Document::Draft(Box::default(), Box::new(body.into()))).collect())
}

fn document(raw: Raw) -> anyhow::Result<Document> {
    let Raw { header, bodies, envelope, body } = raw;
    let mut bodies = bodies.into_iter();
    match (envelope, bodies.next(), bodies.next()) {
        (Some(envelope), None, _) if header.is_none() => {
            let body = STANDARD.decode(body.unwrap_or_default());
            Ok(Document::Signed(pb::SignedMessage {
                envelope: Some(envelope),
                body: body.context("body is not base64")?.into(),
            }))
        }
        (None, Some(content), None) if body.is_none() => {
            Ok(Document::Draft(Box::new(header.unwrap_or_default()), Box::new(content)))
        }
        _ => bail!(
            "a message has one body, named by its kind (\"alert\", \"note\", ...), and perhaps a \
             \"header\"; a signed one has \"envelope\" and \"body\"; `barid message new note` prints one \
             to fill in"
        ),
    }
}
