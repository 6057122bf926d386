//! Messages in files: canonical proto3 JSON, with comment lines for people.

mod place;
mod read;
mod template;
#[cfg(test)]
mod tests;

use barid_message::body::Body;
use barid_message::digest::Digest;
use barid_message::signed::SignedMessage;
use barid_proto::message::v1 as pb;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

pub(crate) use read::{Form, Input, Misread, parse, read, read_each};
pub(crate) use template::{is_placeholder, template, unfilled};

/// A message in a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// `{"header": {…}, "note": {…}}`: a header of which anything may be missing, and
    /// a body.
    Draft(Box<pb::Header>, Box<Body>),
    /// `{"envelope": {…}, "body": "…"}`: signed already.
    Signed(pb::SignedMessage),
}

/// A received or signed message in readable form: what a draft looks like, all filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Readable<'a> {
    pub(crate) header: &'a pb::Header,
    pub(crate) body: &'a Body,
}

impl<'a> Readable<'a> {
    /// The readable form of a message.
    pub(crate) fn of(header: &'a pb::Header, body: &'a Body) -> Self {
        Self { header, body }
    }
}

/// SHA-256 of the header's bytes; of nothing, where there is no envelope.
pub(crate) fn header_digest(message: &pb::SignedMessage) -> Digest {
    let payload = message.envelope.as_ref().map(|envelope| &envelope.payload);
    Digest::of(payload.map_or(&[], |payload| payload))
}

/// A signed message taken apart for reading: that the body is the header's is checked,
/// the signature is not.
pub(crate) fn open(message: &pb::SignedMessage) -> anyhow::Result<(SignedMessage, Body)> {
    let signed = SignedMessage::from_proto(message.clone())?;
    let body = signed.check_body()?;
    Ok((signed, body))
}

/// What differs between kinds by no more than a name.
macro_rules! named {
    ($($(#[$doc:meta])+ $kind:ident $name:literal $json:literal),* $(,)?) => {
        /// The kinds that can be written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
        pub(crate) enum KindName {
            $($(#[$doc])+ $kind,)*
        }

        impl KindName {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];
        }

        impl Serialize for Readable<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = serializer.serialize_map(Some(2))?;
                fields.serialize_entry("header", self.header)?;
                match self.body {
                    $(Body::$kind(body) => fields.serialize_entry($json, body)?,)*
                }
                fields.end()
            }
        }
    };
}

barid_message::kinds!(named);
