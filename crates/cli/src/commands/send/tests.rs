use barid_message::address::Address;
use barid_message::body::Body;
use barid_message::digest::Digest;
use barid_message::header::{Kind, Purpose};
use barid_message::id::MessageId;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::signed::SignedMessage;
use barid_node::clock;
use barid_proto::exchange::v1::Agreement;
use barid_proto::message::v1 as pb;

use super::draft::Desk;
use super::{DeskArgs, PrecedenceName, id_of, save};

fn agreement(id: &str, purposes: &[Purpose]) -> Agreement {
    Agreement {
        reference: Some(pb::AgreementRef {
            id: id.into(),
            version: 1,
            sha256: Digest::of(id.as_bytes()).to_bytes(),
            clause: String::new(),
        }),
        parties: vec!["pk/customs".into(), "pk/police".into()],
        kinds: vec![Kind::Note.into()],
        purposes: purposes.iter().map(|purpose| i32::from(*purpose)).collect(),
    }
}

fn args(purposes: &[&str]) -> DeskArgs {
    DeskArgs {
        to: vec![Address::parse("pk/police/torkham").unwrap()],
        purposes: purposes.iter().map(|purpose| (*purpose).to_owned()).collect(),
        ..DeskArgs::default()
    }
}

fn note() -> Body {
    let text =
        pb::Text {
            language: "ur".into(), text: "گیٹ 2 بند ہے".into(), ..pb::Text::default()
        };
    Body::Note(pb::Note { text: vec![text], ..pb::Note::default() })
}

fn desk<'a>(args: &'a DeskArgs, agreements: Vec<Agreement>) -> Desk<'a> {
    let mut desk = Desk::new(Address::parse("pk/customs").unwrap(), args).unwrap();
    desk.learn(agreements);
    desk
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::Ed25519).unwrap()
}

fn refused(args: &DeskArgs, agreements: Vec<Agreement>) -> String {
    let composed = desk(args, agreements).compose(pb::Header::default(), note(), None, &key());
    format!("{:#}", composed.expect_err("this draft cannot be sent"))
}

#[test]
fn all_that_can_be_known_is_filled_in() {
    let mut args = args(&["border-operation"]);
    args.precedence = Some(PrecedenceName::Priority);
    let desk = desk(&args, vec![agreement("agr:a", &[Purpose::BorderOperation])]);
    let (message, id) = desk.compose(pb::Header::default(), note(), None, &key()).unwrap();
    assert_eq!(id_of(&message).unwrap(), id);
    let header = SignedMessage::from_proto(message).unwrap().header().unwrap();
    assert_eq!(header.origin().as_str(), "pk/customs");
    assert_eq!(header.recipients()[0].address.as_str(), "pk/police/torkham");
    assert_eq!(header.agreement().id, "agr:a");
    assert_eq!(header.purposes(), [Purpose::BorderOperation]);
    assert_eq!(header.created_at().0, MessageId::parse(&id).unwrap().unix_ms());
    assert_eq!(header.proto().languages.as_ref().unwrap().languages, ["ur"]);
}

#[test]
fn the_same_file_with_the_same_id_is_the_same_message() {
    let args = args(&["border-operation"]);
    let desk = desk(&args, vec![agreement("agr:a", &[Purpose::BorderOperation])]);
    let key = key();
    let (first, id) = desk.compose(pb::Header::default(), note(), None, &key).unwrap();
    let id = MessageId::parse(&id).unwrap();
    let (again, _) = desk.compose(pb::Header::default(), note(), Some(id), &key).unwrap();
    assert_eq!(first, again, "header, body and signature, byte for byte");
    let mut written = pb::Header::default();
    written.identity.get_or_insert_default().message_id = id.to_string();
    let (again, _) = desk.compose(written.clone(), note(), None, &key).unwrap();
    assert_eq!(first, again, "an id in the file does the same");
    let other = MessageId::new(clock::now(), [9; 10]);
    assert!(desk.compose(written, note(), Some(other), &key).is_err());
}

#[test]
fn no_agreement_and_no_purpose_is_guessed() {
    let border = || agreement("agr:a", &[Purpose::BorderOperation]);
    let said = refused(&args(&["border-operation"]), vec![]);
    assert!(said.contains("in force for you: none"), "{said}");
    let said = refused(&args(&["health"]), vec![border()]);
    assert!(said.contains("no agreement covers"), "{said}");
    let said = refused(
        &args(&["border-operation"]),
        vec![border(), agreement("agr:b", &[Purpose::BorderOperation])],
    );
    assert!(said.contains("name one with --agreement: agr:a, agr:b"), "{said}");
    let both = agreement("agr:a", &[Purpose::BorderOperation, Purpose::TradeFacilitation]);
    let said = refused(&args(&[]), vec![both]);
    assert!(said.ends_with("agr:a: border-operation, trade-facilitation"), "{said}");
    let named = DeskArgs { agreement: Some("agr:c".into()), ..args(&["border-operation"]) };
    let said = refused(&named, vec![border()]);
    assert!(said.contains("agreement agr:c is not in force"), "{said}");
}

#[test]
fn where_only_one_purpose_is_agreed_it_is_that_one() {
    let args = args(&[]);
    let desk = desk(&args, vec![agreement("agr:a", &[Purpose::Health])]);
    let (message, _) = desk.compose(pb::Header::default(), note(), None, &key()).unwrap();
    let header = SignedMessage::from_proto(message).unwrap().header().unwrap();
    assert_eq!(header.purposes(), [Purpose::Health]);
}

#[test]
fn strangers_and_unknown_purposes_are_found_before_sending() {
    let stranger =
        DeskArgs { to: vec![Address::parse("ir/customs").unwrap()], ..args(&["border-operation"]) };
    let said = refused(&stranger, vec![agreement("agr:a", &[Purpose::BorderOperation])]);
    assert!(said.contains("no agreement covers"), "{said}");
    let unknown = args(&["curiosity"]);
    let Err(error) = Desk::new(Address::parse("pk/customs").unwrap(), &unknown) else {
        panic!("curiosity is no purpose");
    };
    assert!(error.to_string().starts_with("--purpose curiosity is none"), "{error}");
}

#[test]
fn a_saved_message_is_sent_again_byte_for_byte() {
    use crate::document::{self, Document, Form, Input};
    let args = args(&["border-operation"]);
    let desk = desk(&args, vec![agreement("agr:a", &[Purpose::BorderOperation])]);
    let (message, id) = desk.compose(pb::Header::default(), note(), None, &key()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), &id, &message).unwrap();
    let found = document::read(&Input::Path(folder.path().into()), Form::Message).unwrap();
    assert_eq!(found[0].1, Document::Signed(message));
    assert!(found[0].0.ends_with(&format!("{id}.json")));
}

#[test]
fn recipients_of_the_command_line_replace_a_placeholder_alone() {
    use crate::document::{self, Document, KindName};
    let args = args(&[]);
    let desk = desk(&args, vec![agreement("agr:a", &[Purpose::BorderOperation])]);
    let sent_to = |address: &str| {
        let text = document::template(KindName::Note).replace("<subject>", "Gate 2");
        let text = text.replace("<text>", "Closed.").replace("<cc/agency>", address);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("note.json");
        crate::durable::write(&file, text.as_bytes()).unwrap();
        let found = document::read(&document::Input::Path(file), document::Form::Message).unwrap();
        let Document::Draft(header, body) = found[0].1.clone() else { panic!("it is a draft") };
        let (message, _) = desk.compose(*header, *body, None, &key()).unwrap();
        let header = SignedMessage::from_proto(message).unwrap().header().unwrap();
        let recipients = header.recipients().iter();
        recipients.map(|recipient| recipient.address.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(sent_to("<cc/agency>"), ["pk/police/torkham"]);
    assert_eq!(sent_to("pk/police"), ["pk/police", "pk/police/torkham"], "what is written stays");
}

#[test]
fn what_a_template_left_open_is_not_sent() {
    let args = args(&["border-operation"]);
    let desk = desk(&args, vec![agreement("agr:a", &[Purpose::BorderOperation])]);
    let mut body = note();
    if let Body::Note(note) = &mut body {
        "<text>".clone_into(&mut note.text[0].text);
    }
    let error = desk.compose(pb::Header::default(), body, None, &key()).unwrap_err();
    assert!(error.to_string().contains("stands in body.text[0].text;"), "{error}");
}
