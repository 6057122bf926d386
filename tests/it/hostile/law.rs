//! Rows 9, 72 and 86: what agreements do not cover, and how far a message may go.

use barid_message::Purpose;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::key::SigningKey;
use barid_proto::message::v1 as pb;
use tonic::Code;

use super::attempt::Attempt;
use super::scene::{HEALTH_TEXT, Scene};
use super::{Case, invalid, refused};
use crate::harness::{address, now, random, text};

pub(super) fn cases(scene: &Scene) -> Vec<Case> {
    let denied = |row, what, attempt: Attempt| {
        refused(row, what, attempt, Code::PermissionDenied, "AGREEMENT_NOT_COVERING")
    };
    let health = |header: &mut pb::Header| {
        header.recipients[0].target = Some(pb::recipient::Target::Address("pk/health".to_owned()));
        let agreement = header.legal.as_mut().and_then(|legal| legal.agreement.as_mut());
        let agreement = agreement.expect("row 13");
        agreement.id = "agr:z-health".to_owned();
        agreement.version = 1;
        agreement.sha256 = Digest::of(HEALTH_TEXT.as_bytes()).to_bytes();
    };
    let hops =
        |hop_limit| scene.with_header(|header| header.routing = Some(pb::Routing { hop_limit }));
    let stranger = Attempt::SubmitAs("pk/coast-guard", stranger(scene));
    vec![
        denied(9, "a party to no agreement", stranger),
        denied(72, "under an agreement of others", scene.with_header(health).into()),
        invalid(86, "no hop", hops(0), "FIELD_MISSING"),
        invalid(86, "more hops than there may be", hops(5), "FIELD_INVALID"),
    ]
}

/// A note of the coast guard, sound but for the agreement.
fn stranger(scene: &Scene) -> pb::SignedMessage {
    let folder = scene.node.dir.join("agencies/pk-coast-guard");
    let pem = std::fs::read_to_string(folder.join("signing-key.pem")).expect("init made it");
    let key = SigningKey::from_pem(&pem).expect("a key");
    let note = pb::Note { subject: Vec::new(), text: vec![text("Sail ho.")] };
    let draft = Draft::new(&address("pk/coast-guard"), &scene.customs.agreement, note)
        .purposes(&[Purpose::BorderOperation])
        .to(&scene.police.address);
    compose(draft, now(), random(), &key).expect("a sound draft")
}
