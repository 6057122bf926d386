//! V9: whoever sends personal data says so.

use barid_proto::message::v1 as pb;
use pb::PersonalData::{self, Biometric, Minor, None as Nothing, Ordinary, Special};
use pb::subject::Item;

use super::super::SignedMessage;
use crate::compose::compose;
use crate::key::Algorithm;
use crate::reason::Reason;
use crate::sample::{END, NOW, World, alert, incident};

/// Paths of what a body of this subject needs beside the classes declared.
fn uncovered(body: Item, classes: &[PersonalData]) -> Vec<String> {
    let world = World::new(Algorithm::Ed25519);
    let subject = pb::Subject { item: Some(body), ..Default::default() };
    let incident = pb::Incident { participants: vec![subject], ..incident() };
    let draft = world.draft(incident).personal_data(classes, "Border Act, s. 2", END);
    let Err(faults) = compose(draft, NOW, [7; 10], &world.key) else {
        return vec![];
    };
    assert!(faults.iter().all(|fault| fault.reason == Reason::PersonalDataUncovered));
    assert!(faults.iter().all(|fault| fault.rule == "V9"));
    faults.iter().map(|fault| fault.path.replace("body.participants[0].", "")).collect()
}

#[test]
fn a_person_is_personal_data() {
    let person = || Item::Person(pb::Person::default());
    assert_eq!(uncovered(person(), &[Nothing]), ["person"]);
    for class in [Ordinary, Special, Biometric, Minor] {
        assert!(uncovered(person(), &[class]).is_empty(), "{class:?}");
    }
}

#[test]
fn minors_and_biometrics_are_classes_of_their_own() {
    let minor = || Item::Person(pb::Person { is_minor: true, ..Default::default() });
    assert_eq!(uncovered(minor(), &[Nothing]), ["person", "person.is_minor"]);
    assert_eq!(uncovered(minor(), &[Ordinary, Biometric]), ["person.is_minor"]);
    assert!(uncovered(minor(), &[Minor]).is_empty());
    let shown = || {
        let (portrait_ref, biometrics_ref) = ("P-1".into(), "B-1".into());
        Item::Person(pb::Person { portrait_ref, biometrics_ref, ..Default::default() })
    };
    let expected = ["person.portrait_ref", "person.biometrics_ref"];
    assert_eq!(uncovered(shown(), &[Ordinary, Minor]), expected);
    assert!(uncovered(shown(), &[Biometric]).is_empty());
}

#[test]
fn a_document_is_personal_data_where_it_leads_to_somebody() {
    let document = |number: &str, state: &str, mrz_lines: &[&str]| {
        let mrz_lines = mrz_lines.iter().map(|line| (*line).to_owned()).collect();
        let (number, state) = (number.into(), state.into());
        Item::Document(pb::Document { number, state, mrz_lines, ..Default::default() })
    };
    assert_eq!(uncovered(document("AB123", "LOST", &[]), &[Nothing]), ["document"]);
    let zone = [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ];
    assert_eq!(uncovered(document("", "STOLEN_BLANK", &zone), &[Nothing]), ["document"]);
    assert!(uncovered(document("AB123", "STOLEN_BLANK", &[]), &[Nothing]).is_empty());
    assert!(uncovered(document("", "FANTASY", &[]), &[Nothing]).is_empty());
    assert!(uncovered(document("AB123", "LOST", &[]), &[Ordinary]).is_empty());
}

#[test]
fn a_node_holds_the_signed_body_to_it() {
    let world = World::new(Algorithm::Ed25519);
    let message = world.compose(world.draft(alert()));
    let mut header: pb::Header = prost::Message::decode(message.envelope.unwrap().payload).unwrap();
    header.data_protection.as_mut().unwrap().personal_data = vec![Nothing.into()];
    let claimed = SignedMessage::from_proto(world.sign(&header, &message.body)).unwrap();
    let faults = claimed.verify(&world.check()).unwrap_err();
    assert_eq!(faults.first().reason, Reason::PersonalDataUncovered);
    assert_eq!(faults.first().path, "body.subjects[0].person");
}
