//! Rows 9, 58, 72 and 86: what agreements and rights do not cover, and how far a message may go.

use barid_message::Purpose;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::key::SigningKey;
use barid_proto::message::v1 as pb;
use tonic::Code;

use super::attempt::Attempt;
use super::scene::{HEALTH_TEXT, Scene};
use super::{Case, invalid, refused};
use crate::harness::{address, alert, now, random, text};

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
    let flash = Attempt::SubmitAs("pk/health", flash(scene));
    let reason = "PRECEDENCE_NOT_PERMITTED";
    vec![
        denied(9, "a party to no agreement", stranger),
        refused(58, "FLASH without the right", flash, Code::PermissionDenied, reason),
        denied(72, "under an agreement of others", scene.with_header(health).into()),
        invalid(86, "no hop", hops(0), "FIELD_MISSING"),
        invalid(86, "more hops than there may be", hops(5), "FIELD_INVALID"),
    ]
}

/// A note of the coast guard, sound but for the agreement.
fn stranger(scene: &Scene) -> pb::SignedMessage {
    let note = pb::Note { subject: Vec::new(), text: vec![text("Sail ho.")] };
    let draft = Draft::new(&address("pk/coast-guard"), &scene.customs.agreement, note);
    signed(scene, draft)
}

/// An alert of the health service, sound but for its precedence.
fn flash(scene: &Scene) -> pb::SignedMessage {
    let agreement = &scene.customs.agreement;
    let draft = Draft::new(&address("pk/health"), agreement, alert("Cholera at the gate"));
    signed(scene, draft.flash("it spreads within the hour"))
}

/// To police, by the key of whom it is from.
fn signed(scene: &Scene, draft: Draft) -> pb::SignedMessage {
    let mut draft = draft.purposes(&[Purpose::BorderOperation]).to(&scene.police.address);
    let originator = draft.header_mut().originator.as_ref().expect("row 5");
    let folder = originator.address.replace('/', "-");
    let key = scene.node.dir.join("agencies").join(folder).join("signing-key.pem");
    let pem = std::fs::read_to_string(key).expect("init made it");
    let key = SigningKey::from_pem(&pem).expect("a key");
    compose(draft, now(), random(), &key).expect("a sound draft")
}
