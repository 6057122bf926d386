//! XML from strangers as a small tree: no document type, no entities of its own,
//! bounded depth, number and size, nothing ever fetched.

use std::borrow::Cow;

use quick_xml::{
    NsReader,
    events::{BytesRef, BytesStart, Event},
    name::ResolveResult,
};

use crate::source::{Reason, XmlFault, quote};

/// The largest XML file, bytes.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Elements inside each other.
const DEPTH_MAX: usize = 64;
/// Elements of one file; holds the tree to some tens of MiB.
const ELEMENTS_MAX: usize = 200_000;
/// The longest start tag, bytes: attributes are compared with each other.
const TAG_BYTES_MAX: usize = 8 * 1024;
/// Namespace declarations in scope: each name is looked up among them.
const DECLARATIONS_MAX: usize = 128;

/// One element with its namespace resolved. Attributes, comments and processing
/// instructions are left behind: CAP uses none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Element {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Line of its start tag, from 1.
    pub(crate) line: u64,
    /// Character data directly inside it, in order.
    pub(crate) text: String,
    pub(crate) children: Vec<Self>,
}

/// Where reading stopped, and why.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) line: u64,
    pub(crate) reason: Reason,
}

/// Parses a whole document into its root element.
pub(crate) fn parse(text: &str) -> Result<Element, Refused> {
    let mut tree = Tree {
        lines: Lines { text, seen: 0, line: 1 },
        open: Vec::new(),
        scopes: Vec::new(),
        root: None,
        elements: 0,
    };
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.check_comments = true;
    config.expand_empty_elements = true;
    loop {
        let start = position(&reader);
        let event = reader.read_resolved_event();
        let outcome = match event {
            Ok((_, Event::Eof)) => return tree.finish(),
            Ok((namespace, event)) => tree.take(start, &namespace, event),
            Err(_) => Err(Reason::NotWellFormed(XmlFault::Markup)),
        };
        if let Err(reason) = outcome {
            return Err(Refused { line: tree.lines.at(start), reason });
        }
    }
}

fn position(reader: &NsReader<&[u8]>) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX)
}

/// Line numbers of growing byte positions.
struct Lines<'a> {
    text: &'a str,
    seen: usize,
    line: u64,
}

impl Lines<'_> {
    fn at(&mut self, position: usize) -> u64 {
        let position = position.min(self.text.len());
        if let Some(new) = self.text.as_bytes().get(self.seen..position) {
            let breaks = new.iter().filter(|byte| **byte == b'\n').count();
            self.line += u64::try_from(breaks).unwrap_or(0);
            self.seen = position;
        }
        self.line
    }
}

struct Tree<'a> {
    lines: Lines<'a>,
    open: Vec<Element>,
    /// Namespace declarations in scope, for each open element.
    scopes: Vec<usize>,
    root: Option<Element>,
    elements: usize,
}

impl Tree<'_> {
    fn take(
        &mut self,
        start: usize,
        namespace: &ResolveResult<'_>,
        event: Event<'_>,
    ) -> Result<(), Reason> {
        match event {
            Event::Start(tag) => self.start(start, namespace, &tag),
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) if self.open.is_empty() => {
                drop(text);
                Err(Reason::NotWellFormed(XmlFault::OutsideRoot))
            }
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text(&resolve(&reference)?),
            Event::DocType(_) => Err(Reason::DocumentType),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) | Event::Eof => {
                Ok(())
            }
        }
    }

    fn start(
        &mut self,
        start: usize,
        namespace: &ResolveResult<'_>,
        tag: &BytesStart<'_>,
    ) -> Result<(), Reason> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(Reason::TooManyElements(ELEMENTS_MAX));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Reason::TooDeep(DEPTH_MAX));
        }
        if self.root.is_some() {
            return Err(Reason::NotWellFormed(XmlFault::OutsideRoot));
        }
        let namespace = match namespace {
            ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
            ResolveResult::Unbound => String::new(),
            ResolveResult::Unknown(_) => return Err(Reason::NotWellFormed(XmlFault::Prefix)),
        };
        if tag.attributes_raw().len() > TAG_BYTES_MAX {
            return Err(Reason::TooLarge { what: "start tag", limit: TAG_BYTES_MAX });
        }
        let mut declarations = self.scopes.last().copied().unwrap_or(0);
        for attribute in tag.attributes() {
            let attribute = attribute.or(Err(Reason::NotWellFormed(XmlFault::Markup)))?;
            declarations += usize::from(attribute.key.as_namespace_binding().is_some());
            check_attribute(&attribute.value)?;
        }
        if declarations > DECLARATIONS_MAX {
            let (what, found, limit) = ("namespace declarations", declarations, DECLARATIONS_MAX);
            return Err(Reason::TooMany { what, found, limit });
        }
        self.scopes.push(declarations);
        let name = tag.local_name().as_ref().to_owned();
        let line = self.lines.at(start);
        self.open.push(Element { namespace, name, line, ..Element::default() });
        Ok(())
    }

    fn end(&mut self) {
        self.scopes.pop();
        let Some(closed) = self.open.pop() else {
            return;
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => self.root = Some(closed),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Reason> {
        if !text.chars().all(is_xml_char) {
            return Err(Reason::NotWellFormed(XmlFault::Character));
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim_start_matches('\u{feff}').trim().is_empty() => {}
            None => return Err(Reason::NotWellFormed(XmlFault::OutsideRoot)),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Element, Refused> {
        let fault = if self.open.is_empty() { XmlFault::NoRoot } else { XmlFault::Truncated };
        let line = self.lines.at(usize::MAX);
        let refused = Refused { line, reason: Reason::NotWellFormed(fault) };
        if self.open.is_empty() { self.root.ok_or(refused) } else { Err(refused) }
    }
}

/// Resolves a reference: a character number or one of the five predefined names.
fn resolve(reference: &BytesRef<'_>) -> Result<String, Reason> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => return Ok(character.to_string()),
        Ok(None) => {}
        Err(_) => return Err(Reason::NotWellFormed(XmlFault::Character)),
    }
    let name = reference.xml10_content();
    predefined(&name).map(str::to_owned).ok_or_else(|| Reason::Entity(quote(&name)))
}

fn predefined(name: &str) -> Option<&'static str> {
    Some(match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        _ => return None,
    })
}

/// Attributes are not used, but an entity in one is an entity.
fn check_attribute(value: &str) -> Result<(), Reason> {
    for piece in value.split('&').skip(1) {
        let name = piece.split(';').next().unwrap_or_default();
        if !name.starts_with('#') && predefined(name).is_none() {
            return Err(Reason::Entity(quote(name)));
        }
    }
    Ok(())
}

/// XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The text of an XML file, by its byte order mark or declaration: UTF-8, UTF-16
/// with a mark, ISO 8859-1 or ASCII.
pub(crate) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, Reason> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    let label = declared_encoding(bytes);
    match label.to_ascii_lowercase().as_str() {
        "" | "utf-8" | "utf8" | "us-ascii" | "ascii" => {
            let text = std::str::from_utf8(bytes).or(Err(Reason::Encoding("UTF-8")))?;
            Ok(Cow::Borrowed(text.trim_start_matches('\u{feff}')))
        }
        "iso-8859-1" | "latin1" | "latin-1" => {
            Ok(Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect()))
        }
        _ => Err(Reason::EncodingUnsupported(quote(&label))),
    }
}

fn utf16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'a, str>, Reason> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    match text {
        Ok(text) if rest.is_empty() => Ok(Cow::Owned(text)),
        _ => Err(Reason::Encoding("UTF-16")),
    }
}

/// The encoding that the declaration names; empty where it names none.
fn declared_encoding(bytes: &[u8]) -> String {
    const DECLARATION_MAX: usize = 200;
    let head = bytes.get(..DECLARATION_MAX.min(bytes.len())).unwrap_or_default();
    let head = String::from_utf8_lossy(head);
    let declaration = head
        .trim_start_matches('\u{feff}')
        .trim_start()
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"))
        .map_or("", |(declaration, _)| declaration);
    let value = declaration.split_once("encoding").map_or("", |(_, value)| value);
    let value = value.trim_start().strip_prefix('=').unwrap_or_default().trim_start();
    let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let inner = quoted.and_then(|quote| value.get(1..)?.split(quote).next());
    inner.unwrap_or_default().to_owned()
}
