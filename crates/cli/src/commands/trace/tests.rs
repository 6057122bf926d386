use barid_audit::evidence;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, Evidence, SignedEvidence};
use barid_proto::operations::v1 as pb;
use prost::Message as _;

use super::{Proof, proofs, story};
use crate::output::{Looks, Output};

fn signed(position: u64, key: &SigningKey) -> SignedEvidence {
    let statement =
        Evidence { position, event: Event::SubmissionAccepted.into(), ..Evidence::default() };
    evidence::sign(statement.encode_to_vec().into(), key, None)
}

#[test]
fn evidence_is_held_against_the_known_keys() {
    let (ours, other) = (
        SigningKey::generate(Algorithm::Ed25519).unwrap(),
        SigningKey::generate(Algorithm::Ed25519).unwrap(),
    );
    let evidence = [signed(1, &ours), signed(2, &other)];
    let known = proofs(&evidence, &[ours.public().clone()]);
    assert_eq!(known[&(1, 0)], Proof::Verified);
    assert_eq!(known[&(2, 0)], Proof::Wrong);
    assert_eq!(proofs(&evidence, &[])[&(1, 0)], Proof::Unchecked);
}

#[test]
fn the_story_has_times_between_its_events() {
    let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
    let event = |position, ms: u64, event: Event, recipient: &str| pb::EventRecord {
        position,
        time: Some(Millis(1_800_000_000_000 + ms).to_proto()),
        event: event.into(),
        recipient: recipient.to_owned(),
        is_final: event == Event::HandedOver,
        ..pb::EventRecord::default()
    };
    let events = [
        event(1, 0, Event::SubmissionAccepted, ""),
        event(2, 1_250, Event::HandedOver, "pk/police"),
    ];
    let table = story(&events, &proofs(&[signed(1, &key)], &[key.public().clone()]));
    let (mut output, out, _err) = Output::captured(false, Looks::default());
    output.table(&table).unwrap();
    let text = out.text();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines[1].contains("SUBMISSION_ACCEPTED") && lines[1].ends_with("verified"), "{text}");
    assert!(lines[2].contains("+1.250 s") && lines[2].contains("final"), "{text}");
}
