//! Messages in files: canonical proto3 JSON, with comment lines for people.

mod read;
mod template;
#[cfg(test)]
mod tests;

use barid_message::body::Body;
use barid_message::digest::Digest;
use barid_message::signed::SignedMessage;
use barid_proto::message::v1 as pb;
use serde::Serialize;

pub(crate) use read::{Form, Input, read, read_each};
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
#[derive(Debug, Serialize)]
pub(crate) struct Readable<'a> {
    pub(crate) header: &'a pb::Header,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) alert: Option<&'a pb::Alert>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) incident: Option<&'a pb::Incident>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<&'a pb::Note>,
}

impl<'a> Readable<'a> {
    /// The readable form of a message.
    pub(crate) fn of(header: &'a pb::Header, body: &'a Body) -> Self {
        let mut readable = Self { header, alert: None, incident: None, note: None };
        match body {
            Body::Alert(alert) => readable.alert = Some(alert),
            Body::Incident(incident) => readable.incident = Some(incident),
            Body::Note(note) => readable.note = Some(note),
        }
        readable
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

/// The kinds that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum KindName {
    /// Something to watch for, or a danger.
    Alert,
    /// Something that happened.
    Incident,
    /// Free text.
    Note,
}
