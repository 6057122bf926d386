//! What is in messages and evidence.

use barid_proto::audit::v1::{Event, Evidence, SignedEvidence};
use barid_proto::message::v1 as pb;
use prost::Message as _;

/// Ten random bytes, as an id wants them.
pub(crate) fn random() -> [u8; 10] {
    let mut bytes = [0; 10];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// A text in English.
pub(crate) fn text(words: &str) -> pb::Text {
    pb::Text { language: "en".to_owned(), text: words.to_owned(), ..Default::default() }
}

/// A sound alert.
pub(crate) fn alert(headline: &str) -> pb::Alert {
    let area = pb::Area { description: vec![text("Mirjaveh")], ..Default::default() };
    pb::Alert {
        categories: vec!["Security".to_owned()],
        event: vec![text("Stolen truck")],
        urgency: "Immediate".to_owned(),
        severity: "Severe".to_owned(),
        certainty: "Likely".to_owned(),
        headline: vec![text(headline)],
        areas: vec![area],
        actions_to_take: vec!["STOP".to_owned()],
        hit_contact: Some(pb::Contact { desk: "Duty desk".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

/// The header of a message.
pub(crate) fn header_of(message: &pb::SignedMessage) -> pb::Header {
    let envelope = message.envelope.as_ref().expect("an envelope");
    pb::Header::decode(envelope.payload.clone()).expect("a header")
}

/// The id of a message.
pub(crate) fn id_of(message: &pb::SignedMessage) -> String {
    header_of(message).identity.expect("row 2").message_id
}

/// The first text of a note.
pub(crate) fn text_of(message: &pb::SignedMessage) -> String {
    let note = pb::Note::decode(message.body.clone()).expect("a note");
    note.text.first().expect("a text").text.clone()
}

/// What evidence says has happened.
pub(crate) fn event_of(evidence: &SignedEvidence) -> Event {
    let evidence = Evidence::decode(evidence.evidence.clone()).expect("evidence");
    evidence.event()
}
