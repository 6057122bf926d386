//! What the gateway hands on: records that were mapped, and those that were not
//! and why.

use std::{fmt, sync::Arc};

use barid_message::{body::Body, caps, time::Millis};

pub(crate) use self::reason::quote;
pub use self::reason::{Reason, XmlFault};

mod reason;

/// Where a record stands in what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// Name of the file, as given.
    pub file: Arc<str>,
    /// The record's first line, from 1. 0 where the whole file is meant.
    pub line: u64,
    /// What the file was read as; `None` where that is not known.
    pub format: Option<Format>,
}

impl fmt::Display for SourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A format that the gateway reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Table of dead and missing migrants (IOM Missing Migrants Project).
    MissingMigrants,
    /// Table of attacks on ships.
    MaritimeAttacks,
    /// CAP 1.1 or 1.2, bare or inside Atom, RSS or EDXL-DE.
    Cap,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingMigrants => "missing migrants table",
            Self::MaritimeAttacks => "maritime attacks table",
            Self::Cap => "CAP",
        })
    }
}

/// Outcome for one record.
pub type Outcome = Result<Mapped, Unmapped>;

/// One record as a standard message's body, with what the sender needs to fill
/// the header. Whoever sends it says from whom, to whom, under which agreement.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapped {
    /// Where it came from.
    pub source: SourceRef,
    /// The body; it decides the kind.
    pub body: Body,
    /// The record's identity in the system that it comes from.
    pub external_ref: ExternalRef,
    /// Set where one original became several messages: they share a thread.
    pub part: Option<Part>,
    /// Is it real?
    pub status: Status,
    /// How far it may spread, as the original says.
    pub dissemination: Dissemination,
    /// Free text that nobody has checked for names of persons: a sender cannot
    /// declare such a body free of personal data without having looked.
    pub unchecked_free_text: bool,
    /// The original's own times.
    pub times: OriginalTimes,
    /// What the precedence is suggested from.
    pub severity: SeverityFacts,
    /// What the rule table of a replay looks at.
    pub routing: RoutingFacts,
}

impl Mapped {
    /// Refuses a body that is larger than a message's may be.
    pub(crate) fn within_limits(self) -> Result<Self, Reason> {
        let limit = caps::BODY_BYTES_MAX;
        if self.body.encode().len() > limit {
            return Err(Reason::TooLarge { what: "body", limit });
        }
        Ok(self)
    }
}

/// Identity of a record elsewhere, within the header's limits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ExternalRef {
    /// What names it: `cap`, `iom-mmp`, `maritime-attacks`; ending in `-sha256`
    /// where the id is a digest, because the record has none or too long a one.
    pub scheme: &'static str,
    /// The id; at most 256 characters.
    pub id: String,
}

/// One of several messages made from one original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: u32,
    /// At least 2.
    pub of: u32,
}

/// Whether the original speaks of the real world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Real.
    Actual,
    /// Part of an exercise.
    Exercise {
        /// Its name: the CAP note, else the alert's identifier.
        name: String,
    },
    /// For the machinery of nodes.
    System,
    /// A technical test.
    Test,
}

/// How far the original may spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dissemination {
    /// To anyone.
    Public,
    /// It does not say, and may name persons.
    Unstated,
    /// Under a stated restriction.
    Restricted {
        /// The restriction; fits into the header's handling.
        restriction: String,
    },
}

/// The original's own times; absent where not stated, or stated without a zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OriginalTimes {
    /// When an incident happened: "2020", "2020-01" or "2020-01-05".
    pub occurred: Option<String>,
    /// When an alert was issued.
    pub sent: Option<Millis>,
    /// From when it holds.
    pub effective: Option<Millis>,
    /// When what it speaks of begins.
    pub onset: Option<Millis>,
    /// Until when it holds.
    pub expires: Option<Millis>,
}

/// Facts about how bad it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeverityFacts {
    /// Dead and missing; `None` = not known.
    pub dead_and_missing: Option<u32>,
    /// Attack on a ship: boarded, hijacked or only attempted, in lower case.
    pub attack: Option<String>,
    /// CAP severity.
    pub severity: Option<String>,
    /// CAP urgency.
    pub urgency: Option<String>,
    /// CAP certainty.
    pub certainty: Option<String>,
    /// CAP response type AllClear: the danger is over.
    pub all_clear: bool,
}

/// Facts that a rule table looks at.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RoutingFacts {
    /// `ALERT` or `INCIDENT`.
    pub kind: &'static str,
    /// Region as the source names it.
    pub region: Option<String>,
    /// Route as the source names it.
    pub route: Option<String>,
    /// Incident type, cause and attack type; or the CAP categories.
    pub categories: Vec<String>,
    /// Countries of the place, ISO 3166-1 alpha-2 in upper case; never guessed
    /// from coordinates.
    pub countries: Vec<String>,
    /// Names of the place.
    pub places: Vec<String>,
    /// Boxes around each point, circle and polygon.
    pub boxes: Vec<GeoBox>,
    /// Languages of the texts, BCP 47.
    pub languages: Vec<String>,
}

/// A box on the map, in 1e-7 degrees. `west > east` crosses the date line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GeoBox {
    /// Southern edge.
    pub south_e7: i32,
    /// Western edge.
    pub west_e7: i32,
    /// Northern edge.
    pub north_e7: i32,
    /// Eastern edge.
    pub east_e7: i32,
}

impl GeoBox {
    /// Whether the two have a point in common.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        let latitude = self.south_e7 <= other.north_e7 && other.south_e7 <= self.north_e7;
        let longitude = self.spans().iter().any(|(west, east)| {
            other
                .spans()
                .iter()
                .any(|(other_west, other_east)| west <= other_east && other_west <= east)
        });
        latitude && longitude
    }

    /// The longitudes covered, as one span or, across the date line, two. The
    /// unused second is empty.
    fn spans(&self) -> [(i32, i32); 2] {
        if self.west_e7 <= self.east_e7 {
            [(self.west_e7, self.east_e7), (i32::MAX, i32::MIN)]
        } else {
            [(self.west_e7, 1_800_000_000), (-1_800_000_000, self.east_e7)]
        }
    }
}

/// A record that cannot be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// Where it stands.
    pub source: SourceRef,
    /// Why.
    pub reason: Reason,
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.reason)
    }
}
