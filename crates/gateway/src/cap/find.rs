//! Finds every alert in a document: bare, inside Atom, RSS or EDXL-DE, as elements,
//! as escaped text, or as base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{alert::Alert, map::map, schema::Version};
use crate::{
    source::{Mapped, Reason, SourceRef, quote},
    xml::{self, Element},
};

/// Every CAP namespace has this in it; text without it holds no alert.
const CAP_NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:";
/// The one CAP namespace before OASIS.
const CAP_1_0: &str = "http://www.incident.com/cap/1.0";
/// Namespace of EDXL distribution envelopes, all versions.
const EDXL_DE: &str = "urn:oasis:names:tc:emergency:EDXL:DE:";
/// Documents inside documents.
const NESTING_MAX: usize = 2;

/// What one place in a document turned out to be.
#[derive(Debug)]
pub(crate) struct Found {
    /// Line of the alert, or of what holds it.
    pub(crate) line: u64,
    pub(crate) outcome: Result<Vec<Mapped>, Reason>,
}

/// Every alert of a document. Never empty: a document without one says so.
pub(crate) fn find(root: &Element, source: &SourceRef) -> Vec<Found> {
    let mut search = Search { source, found: Vec::new(), envelope: None };
    search.walk(root, None, 0);
    if search.found.is_empty() {
        let known =
            matches!(root.name.as_str(), "feed" | "entry" | "rss" | "RDF" | "EDXLDistribution");
        let reason = if known { Reason::NoAlert } else { Reason::UnknownRoot(quote(&root.name)) };
        search.found.push(Found { line: root.line, outcome: Err(reason) });
    }
    search.found
}

struct Search<'a> {
    source: &'a SourceRef,
    found: Vec<Found>,
    /// The innermost envelope around the present place.
    envelope: Option<Envelope>,
}

impl Search<'_> {
    /// `outer_line` stands for the lines of a document inside a text.
    fn walk(&mut self, element: &Element, outer_line: Option<u64>, nesting: usize) {
        let line = outer_line.unwrap_or(element.line);
        if is_alert(element) {
            let outcome = self.read(element, line);
            self.found.push(Found { line, outcome });
            return;
        }
        let before = self.envelope.clone();
        if element.namespace.starts_with(EDXL_DE) && element.name == "EDXLDistribution" {
            self.envelope = Some(Envelope::of(element));
        }
        if element.children.is_empty() {
            self.embedded(&element.text, line, nesting);
        }
        let is_base64 = |child: &&Element| child.name == "contentData";
        if let Some(data) = element.children.iter().find(is_base64) {
            self.base64(element, data, line, nesting);
        }
        for child in &element.children {
            self.walk(child, outer_line, nesting);
        }
        self.envelope = before;
    }

    fn read(&self, element: &Element, line: u64) -> Result<Vec<Mapped>, Reason> {
        if Version::of(&element.namespace).is_none() {
            return Err(Reason::CapVersion(quote(&element.namespace)));
        }
        let alert = Alert::of(element)?;
        if let Some(envelope) = &self.envelope {
            envelope.admit(&alert)?;
        }
        map(&alert, &SourceRef { line, ..self.source.clone() })
    }

    /// An alert as escaped text: Atom content, RSS description.
    fn embedded(&mut self, text: &str, line: u64, nesting: usize) {
        let text = text.trim();
        let may_hold =
            text.starts_with('<') && (text.contains(CAP_NAMESPACE) || text.contains(CAP_1_0));
        if !may_hold {
            return;
        }
        if nesting >= NESTING_MAX {
            let outcome = Err(Reason::NestedTooDeep(NESTING_MAX));
            self.found.push(Found { line, outcome });
            return;
        }
        match xml::parse(text) {
            Ok(root) => self.walk(&root, Some(line), nesting + 1),
            Err(refused) => self.found.push(Found { line, outcome: Err(refused.reason) }),
        }
    }

    /// An alert as base64: EDXL-DE content that says it is XML.
    fn base64(&mut self, parent: &Element, data: &Element, line: u64, nesting: usize) {
        let kind = parent.children.iter().find(|child| child.name == "mimeType");
        let is_xml = kind.is_some_and(|kind| kind.text.to_ascii_lowercase().contains("xml"));
        let compact: String = data.text.split_ascii_whitespace().collect();
        if !is_xml || compact.starts_with('<') {
            return;
        }
        let decoded = STANDARD.decode(&compact).map_err(|_not_base64| Reason::BadValue {
            field: "contentData".to_owned(),
            value: quote(&compact),
            expected: "base64",
        });
        let text = decoded.and_then(|bytes| Ok(xml::decode(&bytes)?.into_owned()));
        match text {
            Ok(text) => self.embedded(&text, line, nesting),
            Err(reason) => self.found.push(Found { line, outcome: Err(reason) }),
        }
    }
}

/// An alert of any CAP version, or one that forgot its namespace.
fn is_alert(element: &Element) -> bool {
    let namespace = element.namespace.as_str();
    let is_cap =
        namespace.is_empty() || namespace == CAP_1_0 || namespace.starts_with(CAP_NAMESPACE);
    element.name == "alert" && is_cap
}

/// What an EDXL-DE envelope says of everything in it.
#[derive(Debug, Clone)]
struct Envelope {
    /// It recalls, acknowledges or rejects.
    refuses: Option<&'static str>,
    status: Option<String>,
}

impl Envelope {
    fn of(element: &Element) -> Self {
        let text = |name: &str| {
            let child = element.children.iter().find(|child| child.name == name);
            child.map(|child| child.text.trim())
        };
        let kind = text("distributionType");
        let refuses = ["Cancel", "Ack", "Error"].into_iter().find(|refused| kind == Some(refused));
        Self { refuses, status: text("distributionStatus").map(str::to_owned) }
    }

    /// An envelope that recalls, or that says its content is not real, contradicts
    /// an alert that says nothing of the kind.
    fn admit(&self, alert: &Alert) -> Result<(), Reason> {
        if let Some(refused) = self.refuses {
            return Err(Reason::MessageType(refused));
        }
        match &self.status {
            Some(status) if status != alert.status => Err(Reason::BadValue {
                field: "distributionStatus".to_owned(),
                value: quote(status),
                expected: "the status of the alert inside",
            }),
            _ => Ok(()),
        }
    }
}
