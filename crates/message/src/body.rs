//! Bodies: one protobuf message for each kind.

use barid_proto::message::v1 as pb;
use bytes::Bytes;
use prost::Message;

use crate::header::Kind;
use crate::strings::Strings;
use crate::text;

/// The body of a message.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one a message, and notes are the fewest")]
pub enum Body {
    /// Something to watch for, or a danger.
    Alert(pb::Alert),
    /// Something that happened.
    Incident(pb::Incident),
    /// Free text on a thread.
    Note(pb::Note),
}

/// Full name of the protobuf message of a kind's body; None for kinds not built yet.
pub fn schema_id(kind: Kind) -> Option<&'static str> {
    form(kind).map(|(schema_id, _)| schema_id)
}

/// Media type of a kind's body; None for kinds not built yet.
pub fn media_type(kind: Kind) -> Option<&'static str> {
    form(kind).map(|(_, media_type)| media_type)
}

/// What fixes the body of a kind: schema id and media type.
fn form(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Alert => Some(("barid.message.v1.Alert", "application/vnd.barid.alert.v1+protobuf")),
        Kind::Incident => {
            Some(("barid.message.v1.Incident", "application/vnd.barid.incident.v1+protobuf"))
        }
        Kind::Note => Some(("barid.message.v1.Note", "application/vnd.barid.note.v1+protobuf")),
        Kind::Unspecified
        | Kind::Seizure
        | Kind::Rfi
        | Kind::Rsp
        | Kind::Hit
        | Kind::Sitrep
        | Kind::CrossingStatus
        | Kind::AdvanceNotice
        | Kind::Assist
        | Kind::Consent
        | Kind::Correction
        | Kind::Proposal => None,
    }
}

impl Body {
    /// The kind whose body this is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Alert(_) => Kind::Alert,
            Self::Incident(_) => Kind::Incident,
            Self::Note(_) => Kind::Note,
        }
    }

    /// Its media type.
    pub fn media_type(&self) -> &'static str {
        media_type(self.kind()).expect("every variant's kind is built")
    }

    /// Full name of its protobuf message.
    pub fn schema_id(&self) -> &'static str {
        schema_id(self.kind()).expect("every variant's kind is built")
    }

    /// Its canonical encoding.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Alert(body) => body.encode_to_vec(),
            Self::Incident(body) => body.encode_to_vec(),
            Self::Note(body) => body.encode_to_vec(),
        }
        .into()
    }

    /// The languages of its texts, each once, in order of appearance; `und` where it
    /// has none.
    pub fn languages(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        let mut see = |text: &pb::Text| {
            if !tags.contains(&text.language) {
                tags.push(text.language.clone());
            }
        };
        match self {
            Self::Alert(body) => body.texts(&mut see),
            Self::Incident(body) => body.texts(&mut see),
            Self::Note(body) => body.texts(&mut see),
        }
        tags.retain(|tag| !tag.is_empty());
        if tags.is_empty() {
            tags.push("und".to_owned());
        }
        tags
    }

    /// Brings all of its text into Normalization Form C.
    pub fn normalise(&mut self) {
        match self {
            Self::Alert(body) => body.amend(&mut text::normalise),
            Self::Incident(body) => body.amend(&mut text::normalise),
            Self::Note(body) => body.amend(&mut text::normalise),
        }
    }
}

impl From<pb::Alert> for Body {
    fn from(body: pb::Alert) -> Self {
        Self::Alert(body)
    }
}

impl From<pb::Incident> for Body {
    fn from(body: pb::Incident) -> Self {
        Self::Incident(body)
    }
}

impl From<pb::Note> for Body {
    fn from(body: pb::Note) -> Self {
        Self::Note(body)
    }
}
