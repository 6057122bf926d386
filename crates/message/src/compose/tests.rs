use barid_proto::message::v1 as pb;

use super::{Draft, compose};
use crate::header::{Header, Precedence, Purpose, Status};
use crate::id::MessageId;
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{self, NOW, World};
use crate::signed::SignedMessage;
use crate::time::Millis;

fn header(message: pb::SignedMessage) -> Header {
    SignedMessage::from_proto(message).unwrap().header().unwrap()
}

#[test]
fn a_draft_needs_little() {
    let world = World::new(Algorithm::Ed25519);
    let nobody = pb::Alert { subjects: vec![], links: vec![], ..sample::alert() };
    let draft = Draft::new(&world.customs, &sample::agreement(), nobody);
    let header = header(world.compose(draft.to(&world.police)));
    assert_eq!(header.status(), Status::Actual);
    assert_eq!(header.precedence(), Precedence::Routine);
    assert_eq!(header.purposes(), [Purpose::NonSpecified]);
    assert_eq!(header.created_at(), NOW);
    assert_eq!(header.message_id(), MessageId::new(NOW, [7; 10]));
    assert_eq!(header.proto().languages.as_ref().unwrap().languages, ["en", "fa"]);
    assert_eq!(header.proto().onward, None);
}

#[test]
fn what_a_draft_sets_stays() {
    let world = World::new(Algorithm::EcdsaP256);
    let (made, end) = (Millis(NOW.0 - 1_000), Millis(NOW.0 + 1_000));
    let id = MessageId::new(made, [1; 10]);
    let draft = world
        .draft(sample::incident())
        .id(id)
        .thread(id)
        .created_at(made)
        .expires_at(end)
        .status(Status::Exercise, "Silk 2027")
        .flash("Shots fired")
        .personal_data(&[pb::PersonalData::Ordinary], "Customs Act, s. 4", end)
        .external_ref("cap", "x,1,2026-01-01T00:00:00+05:00");
    let header = header(world.compose(draft));
    assert_eq!((header.message_id(), header.created_at()), (id, made));
    assert_eq!((header.expires_at(), header.retain_until()), (Some(end), Some(end)));
    assert_eq!(header.status(), Status::Exercise);
    assert_eq!(header.precedence(), Precedence::Flash);
    assert_eq!(header.proto().languages.as_ref().unwrap().languages, ["und"]);
}

#[test]
fn text_is_normalised_before_it_is_signed() {
    let world = World::new(Algorithm::Ed25519);
    let decomposed = pb::Note { text: vec![sample::text("fr", "cafe\u{301}")], ..sample::note() };
    let mut draft = world.draft(decomposed);
    draft.header_mut().identity.get_or_insert_default().case_ref = "e\u{301}".into();
    let message = world.compose(draft);
    let signed = SignedMessage::from_proto(message).unwrap();
    let body = signed.check_body().unwrap();
    let crate::body::Body::Note(note) = &body else { panic!("a note was sent") };
    assert_eq!(note.text[0].text, "caf\u{e9}");
    assert_eq!(signed.proto_header().identity.as_ref().unwrap().case_ref, "\u{e9}");
}

#[test]
fn composing_finds_what_the_node_would_find() {
    let world = World::new(Algorithm::Ed25519);
    let draft = world
        .draft(pb::Note { text: vec![sample::text("en", "a\u{202e}b")], ..sample::note() })
        .to(&world.customs)
        .flash("because")
        .deliver_by(NOW);
    let faults = compose(draft, NOW, [7; 10], &world.key).unwrap_err();
    let found: Vec<_> = faults.iter().map(|fault| (fault.reason, fault.path.as_str())).collect();
    assert_eq!(
        found,
        [
            (Reason::RecipientIsSender, "header.recipients[1].address"),
            (Reason::TimeOrder, "header.times.deliver_by"),
            (Reason::FlashNotAllowed, "header.precedence.level"),
            (Reason::Expired, "header.times.deliver_by"),
            (Reason::TextInvalid, "body.text[0].text"),
        ]
    );
}
