//! Bodies: one protobuf message for each kind.

use barid_proto::message::v1 as pb;
use bytes::Bytes;
use prost::Message;

use crate::fault::Findings;
use crate::header::Kind;
use crate::strings::Strings;
use crate::text;
use crate::wire;

/// Hands the fourteen kinds to a macro: the name of the kind and of its protobuf
/// message, its name in media types and on the command line, and its name in JSON.
#[macro_export]
macro_rules! kinds {
    ($with:ident) => {
        $with! {
            /// Something to watch for, or a danger.
            Alert "alert" "alert",
            /// Something that happened.
            Incident "incident" "incident",
            /// Goods seized.
            Seizure "seizure" "seizure",
            /// A request for information.
            Rfi "rfi" "rfi",
            /// The answer to a request.
            Rsp "rsp" "rsp",
            /// A hit on an alert.
            Hit "hit" "hit",
            /// A situation report.
            Sitrep "sitrep" "sitrep",
            /// The state of a border crossing.
            CrossingStatus "crossing-status" "crossingStatus",
            /// Notice of a movement to come.
            AdvanceNotice "advance-notice" "advanceNotice",
            /// A request for resources or action.
            Assist "assist" "assist",
            /// Consent to a further use of data.
            Consent "consent" "consent",
            /// A correction by the owner of data.
            Correction "correction" "correction",
            /// A correction proposed by another.
            Proposal "proposal" "proposal",
            /// Free text on a thread.
            Note "note" "note",
        }
    };
}

/// The body, and what differs between kinds by no more than its type.
macro_rules! bodies {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $json:literal),* $(,)?) => {
        /// The body of a message.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $($(#[$doc])+ $kind(pb::$kind),)*
        }

        /// What fixes the body of a kind: schema id and media type.
        fn form(kind: Kind) -> Option<(&'static str, &'static str)> {
            match kind {
                $(Kind::$kind => Some((
                    concat!("barid.message.v1.", stringify!($kind)),
                    concat!("application/vnd.barid.", $name, ".v1+protobuf"),
                )),)*
                Kind::Unspecified => None,
            }
        }

        impl Body {
            /// The kind whose body this is.
            pub fn kind(&self) -> Kind {
                match self {
                    $(Self::$kind(_) => Kind::$kind,)*
                }
            }

            /// Its canonical encoding.
            pub fn encode(&self) -> Bytes {
                match self {
                    $(Self::$kind(body) => body.encode_to_vec(),)*
                }
                .into()
            }

            /// Decodes the body of a kind; of a newer minor of its schema, fields may be
            /// unknown.
            pub(crate) fn decode(
                kind: Kind,
                bytes: &Bytes,
                known: bool,
                findings: &mut Findings,
            ) -> Option<Self> {
                match kind {
                    $(Kind::$kind => decode(bytes, known, findings).map(Self::$kind),)*
                    Kind::Unspecified => None,
                }
            }

            /// Its strings.
            pub(crate) fn strings(&self) -> &dyn Strings {
                match self {
                    $(Self::$kind(body) => body,)*
                }
            }

            fn strings_mut(&mut self) -> &mut dyn Strings {
                match self {
                    $(Self::$kind(body) => body,)*
                }
            }
        }

        $(impl From<pb::$kind> for Body {
            fn from(body: pb::$kind) -> Self {
                Self::$kind(body)
            }
        })*
    };
}

kinds!(bodies);

/// Full name of the protobuf message of a kind's body; None for no kind.
pub fn schema_id(kind: Kind) -> Option<&'static str> {
    form(kind).map(|(schema_id, _)| schema_id)
}

/// Media type of a kind's body; None for no kind.
pub fn media_type(kind: Kind) -> Option<&'static str> {
    form(kind).map(|(_, media_type)| media_type)
}

impl Body {
    /// Its media type.
    pub fn media_type(&self) -> &'static str {
        media_type(self.kind()).expect("every variant is of a kind")
    }

    /// Full name of its protobuf message.
    pub fn schema_id(&self) -> &'static str {
        schema_id(self.kind()).expect("every variant is of a kind")
    }

    /// The languages of its texts, each once, in order of appearance; `und` where it
    /// has none.
    pub fn languages(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        self.strings().texts(&mut |text: &pb::Text| {
            if !text.language.is_empty() && !tags.contains(&text.language) {
                tags.push(text.language.clone());
            }
        });
        if tags.is_empty() {
            tags.push("und".to_owned());
        }
        tags
    }

    /// Brings all of its text into Normalization Form C.
    pub fn normalise(&mut self) {
        self.strings_mut().amend(&mut text::normalise);
    }
}

fn decode<M: Message + Default>(bytes: &Bytes, known: bool, findings: &mut Findings) -> Option<M> {
    let body = wire::decode(bytes, crate::rules::body::AT, findings)?;
    if known {
        wire::canonical(&body, bytes, crate::rules::body::AT, findings);
    }
    Some(body)
}
