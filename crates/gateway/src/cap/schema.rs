//! The OASIS schemas of CAP 1.1 and 1.2, as far as they say which elements stand
//! where and how often.

use crate::{
    source::{Reason, quote},
    xml::Element,
};

/// Namespace of XML signatures: the one foreign element that an alert may hold.
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// A version of CAP that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1_1,
    V1_2,
}

impl Version {
    pub(crate) fn of(namespace: &str) -> Option<Self> {
        match namespace {
            "urn:oasis:names:tc:emergency:cap:1.1" => Some(Self::V1_1),
            "urn:oasis:names:tc:emergency:cap:1.2" => Some(Self::V1_2),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V1_1 => "1.1",
            Self::V1_2 => "1.2",
        }
    }
}

/// How often an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Once,
    AtMostOnce,
    Any,
    OnceOrMore,
}

use Times::{Any, AtMostOnce, Once, OnceOrMore};

type Rules = &'static [(&'static str, Times)];

/// The children of an element, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sequence {
    parent: &'static str,
    rules: Rules,
}

pub(crate) const ALERT: Sequence = Sequence {
    parent: "alert",
    rules: &[
        ("identifier", Once),
        ("sender", Once),
        ("sent", Once),
        ("status", Once),
        ("msgType", Once),
        ("source", AtMostOnce),
        ("scope", Once),
        ("restriction", AtMostOnce),
        ("addresses", AtMostOnce),
        ("code", Any),
        ("note", AtMostOnce),
        ("references", AtMostOnce),
        ("incidents", AtMostOnce),
        ("info", Any),
    ],
};

pub(crate) const INFO: Sequence = Sequence {
    parent: "info",
    rules: &[
        ("language", AtMostOnce),
        ("category", OnceOrMore),
        ("event", Once),
        ("responseType", Any),
        ("urgency", Once),
        ("severity", Once),
        ("certainty", Once),
        ("audience", AtMostOnce),
        ("eventCode", Any),
        ("effective", AtMostOnce),
        ("onset", AtMostOnce),
        ("expires", AtMostOnce),
        ("senderName", AtMostOnce),
        ("headline", AtMostOnce),
        ("description", AtMostOnce),
        ("instruction", AtMostOnce),
        ("web", AtMostOnce),
        ("contact", AtMostOnce),
        ("parameter", Any),
        ("resource", Any),
        ("area", Any),
    ],
};

pub(crate) const RESOURCE_1_1: Sequence = Sequence {
    parent: "resource",
    rules: &[
        ("resourceDesc", Once),
        ("mimeType", AtMostOnce),
        ("size", AtMostOnce),
        ("uri", AtMostOnce),
        ("derefUri", AtMostOnce),
        ("digest", AtMostOnce),
    ],
};

pub(crate) const RESOURCE_1_2: Sequence = Sequence {
    parent: "resource",
    rules: &[
        ("resourceDesc", Once),
        ("mimeType", Once),
        ("size", AtMostOnce),
        ("uri", AtMostOnce),
        ("derefUri", AtMostOnce),
        ("digest", AtMostOnce),
    ],
};

pub(crate) const AREA: Sequence = Sequence {
    parent: "area",
    rules: &[
        ("areaDesc", Once),
        ("polygon", Any),
        ("circle", Any),
        ("geocode", Any),
        ("altitude", AtMostOnce),
        ("ceiling", AtMostOnce),
    ],
};

pub(crate) const NAMED_VALUE: Sequence =
    Sequence { parent: "name and value", rules: &[("valueName", Once), ("value", Once)] };

/// Codes with a closed list; upper and lower case count.
pub(crate) const STATUS: &[&str] = &["Actual", "Exercise", "System", "Test", "Draft"];
pub(crate) const MESSAGE_TYPE: &[&str] = &["Alert", "Update", "Cancel", "Ack", "Error"];
pub(crate) const SCOPE: &[&str] = &["Public", "Restricted", "Private"];
pub(crate) const CATEGORY: &[&str] = &[
    "Geo",
    "Met",
    "Safety",
    "Security",
    "Rescue",
    "Fire",
    "Health",
    "Env",
    "Transport",
    "Infra",
    "CBRNE",
    "Other",
];
pub(crate) const RESPONSE_TYPE_1_1: &[&str] =
    &["Shelter", "Evacuate", "Prepare", "Execute", "Monitor", "Assess", "None"];
pub(crate) const RESPONSE_TYPE_1_2: &[&str] = &[
    "Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None",
];
pub(crate) const URGENCY: &[&str] = &["Immediate", "Expected", "Future", "Past", "Unknown"];
pub(crate) const SEVERITY: &[&str] = &["Extreme", "Severe", "Moderate", "Minor", "Unknown"];
/// "Very Likely" is CAP 1.0's; both later versions say to read it as Likely.
pub(crate) const CERTAINTY: &[&str] =
    &["Observed", "Very Likely", "Likely", "Possible", "Unlikely", "Unknown"];

/// The elements that hold elements; all others hold text only.
const WITH_CHILDREN: &[&str] = &["info", "eventCode", "parameter", "resource", "area", "geocode"];

/// An element whose children stand as its schema says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Checked<'a> {
    element: &'a Element,
    parent: &'static str,
    /// An XML signature stands after the children.
    pub(crate) signed: bool,
}

impl Sequence {
    /// Holds an element's children against the sequence.
    pub(crate) fn check<'a>(&self, element: &'a Element) -> Result<Checked<'a>, Reason> {
        let unexpected = |child: &Element| Reason::ElementUnexpected {
            parent: self.parent,
            element: quote(&child.name),
        };
        let mut signed = false;
        let mut rules = self.rules.iter();
        let mut current: Option<(&'static str, Times)> = None;
        for child in &element.children {
            if child.namespace == SIGNATURE && *self == ALERT {
                signed = true;
                continue;
            }
            if child.namespace != element.namespace || signed {
                return Err(unexpected(child));
            }
            if let Some(inner) = child.children.first()
                && !WITH_CHILDREN.contains(&child.name.as_str())
            {
                return Err(unexpected(inner));
            }
            if let Some((name, times)) = current
                && name == child.name
            {
                if matches!(times, Once | AtMostOnce) {
                    return Err(unexpected(child));
                }
                continue;
            }
            loop {
                let (name, times) = *rules.next().ok_or_else(|| unexpected(child))?;
                if name == child.name {
                    current = Some((name, times));
                    break;
                }
                if matches!(times, Once | OnceOrMore) {
                    return Err(Reason::ElementMissing { parent: self.parent, element: name });
                }
            }
        }
        match rules.find(|(_, times)| matches!(times, Once | OnceOrMore)) {
            Some((name, _)) => Err(Reason::ElementMissing { parent: self.parent, element: name }),
            None => Ok(Checked { element, parent: self.parent, signed }),
        }
    }
}

impl<'a> Checked<'a> {
    /// The children of one name.
    pub(crate) fn all(self, name: &'static str) -> impl Iterator<Item = &'a Element> {
        self.element.children.iter().filter(move |child| child.name == name)
    }

    /// The text of a child that is there; an empty one counts as absent.
    pub(crate) fn text(self, name: &'static str) -> Option<&'a str> {
        self.all(name).map(|child| child.text.as_str()).find(|text| !text.trim().is_empty())
    }

    /// The text of a child that must not be empty.
    pub(crate) fn required(self, name: &'static str) -> Result<&'a str, Reason> {
        let parent = self.parent;
        self.text(name).ok_or(Reason::ElementMissing { parent, element: name })
    }

    /// A required code of a closed list.
    pub(crate) fn code(
        self,
        name: &'static str,
        list: &'static [&'static str],
    ) -> Result<&'static str, Reason> {
        code(name, self.required(name)?, list)
    }
}

/// A code of a closed list; blanks around it do not count.
pub(crate) fn code(
    name: &'static str,
    text: &str,
    list: &'static [&'static str],
) -> Result<&'static str, Reason> {
    list.iter().find(|known| **known == text.trim()).copied().ok_or_else(|| Reason::BadValue {
        field: name.to_owned(),
        value: quote(text.trim()),
        expected: "a code of the CAP schema",
    })
}
