//! Mail that was true once or elsewhere, and mail that wants to go further than it may.

use std::time::Duration;

use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::federation::v1::{Answer, Hop, Lane, Transfer};
use barid_proto::message::v1 as pb;

use super::forge;
use super::link::Link;
use super::scene::{PK, Scene};
use crate::harness::{Agency, event_of, now, within};

/// What one recipient of a slot is answered.
async fn answer(link: &mut Link, number: u64, transfer: Transfer) -> (Answer, Reason) {
    link.slot(Lane::Routine, number, &forge::slot(transfer)).await;
    let statement = link.statement().await;
    assert_eq!(statement.answers[0].number, number);
    let said = statement.answers[0].recipients[0];
    (said.answer(), said.reason())
}

/// The other agreement of pk's, to which the border guard alone is a party.
async fn other_agreement(scene: &Scene) -> AgreementRef {
    let guard = scene.pk.agency("pk/border-guard").await;
    let info = within(guard.client.node_info()).await.expect("the node's word");
    let mut references = info.agreements.into_iter().filter_map(|agreement| agreement.reference);
    let found = references.find(|reference| reference.id == "agr:b-guards").expect("in force");
    AgreementRef {
        sha256: Digest::from_slice(&found.sha256).expect("a digest"),
        id: found.id,
        version: found.version,
        clause: found.clause,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_of_one_agreement_is_refused_under_another() {
    // Row 72, and row 9: of that agreement the sender is no party.
    let scene = Scene::start().await;
    let other = other_agreement(&scene).await;
    let mut link = scene.link().await;
    let refused = (Answer::Refused, Reason::AgreementNotCovering);
    for (number, to) in [(1, "pk/border-guard"), (2, "pk/customs")] {
        let draft = forge::note(&scene, "under another", to).agreement(&other);
        let transfer = forge::transfer(&scene, &forge::signed(&scene, draft), &[to]);
        assert_eq!(answer(&mut link, number, transfer).await, refused, "{to}");
    }
    // A signed message does not change its agreement.
    let message = forge::signed(&scene, forge::note(&scene, "changed", "pk/border-guard"));
    let changed = forge::with_header(&message, |header| {
        let agreement = header.legal.as_mut().and_then(|legal| legal.agreement.as_mut());
        let agreement = agreement.expect("row 13");
        (agreement.id, agreement.sha256) = (other.id.clone(), other.sha256.0.to_vec().into());
    });
    let transfer = forge::transfer(&scene, &changed, &["pk/border-guard"]);
    let refused = (Answer::Refused, Reason::SignatureInvalid);
    assert_eq!(answer(&mut link, 3, transfer).await, refused);
    assert_eq!(scene.written(), 0);
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_mail_is_refused_when_it_comes_again() {
    // Row 79. An id that was forgotten is a case of the broker's own tests.
    let scene = Scene::start().await;
    let end = Millis(now().0 + 4_000);
    let draft = forge::note(&scene, "for a moment", "pk/customs").expires_at(end);
    let message = forge::signed(&scene, draft);
    let transfer = forge::transfer(&scene, &message, &["pk/customs"]);
    let mut link = scene.link().await;
    let taken = (Answer::Taken, Reason::Unspecified);
    assert_eq!(answer(&mut link, 1, transfer.clone()).await, taken);
    assert_eq!(scene.pk.agency("pk/customs").await.inbox().take().await, "for a moment");
    tokio::time::sleep(Duration::from_millis(end.0.saturating_sub(now().0) + 1)).await;
    let refused = (Answer::Refused, Reason::ExpiresAtPassed);
    assert_eq!(answer(&mut link, 2, transfer).await, refused);
    assert!(scene.pk.agency("pk/customs").await.peek(&[]).await.is_empty());
    assert_eq!(scene.written(), 1);
    assert_eq!(scene.misbehaviour().await, []);
}

/// What an agency sent by its own node, with all that this node signed of it.
async fn sent(from: &Agency, to: &str) -> Transfer {
    let message = from.sign(from.note("for one pair of eyes").to(&crate::harness::address(to)));
    let receipt = from.submit(&message).await.expect("accepted").evidence;
    assert_eq!(event_of(&receipt), Event::SubmissionAccepted);
    Transfer {
        message: Some(message),
        recipients: vec![to.to_owned()],
        acceptance: Some(receipt),
        hops: Vec::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_comes_by_the_node_whose_card_names_its_sender_or_not_at_all() {
    // Row 80: all of it is signed by whom it should be, and only the way is wrong.
    let scene = Scene::start().await;
    let (customs, police) =
        (scene.pk.agency("pk/customs").await, scene.af.agency("af/police").await);
    let theirs = sent(&police, "pk/customs").await;
    let ours = sent(&customs, "af/police").await;
    let back = Transfer { recipients: vec!["pk/border-guard".to_owned()], ..ours.clone() };
    let mut link = scene.link().await;
    let refused = (Answer::Refused, Reason::PeerNotCovering);
    for (number, transfer) in [(1, theirs), (2, ours), (3, back)] {
        assert_eq!(answer(&mut link, number, transfer).await, refused, "{number}");
    }
    assert_eq!(customs.inbox().take().await, "for one pair of eyes", "by the way it should come");
    assert_eq!(police.inbox().take().await, "for one pair of eyes");
    assert!(scene.pk.agency("pk/border-guard").await.peek(&[]).await.is_empty());
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hop_limit_out_of_range_is_refused() {
    // Row 86, as far as the sender signs it.
    let scene = Scene::start().await;
    let mut link = scene.link().await;
    let limits =
        [(0, Reason::FieldMissing), (5, Reason::FieldInvalid), (u32::MAX, Reason::FieldInvalid)];
    for (number, (hop_limit, reason)) in (1..).zip(limits) {
        let message = forge::signed(&scene, forge::note(&scene, "far away", "pk/customs"));
        let message = forge::with_header(&message, |header| {
            header.routing = Some(pb::Routing { hop_limit });
        });
        let message = forge::signed_again(&scene, &message);
        let transfer = forge::transfer(&scene, &message, &["pk/customs"]);
        let refused = (Answer::Refused, reason);
        assert_eq!(answer(&mut link, number, transfer).await, refused, "{hop_limit}");
    }
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn hops_end_the_link_whatever_they_say() {
    // Rows 86 to 88. A link of version 1 is between the origin's and the recipient's node:
    // a list of hops is never an agency's doing, so no message is refused for it for good.
    let scene = Scene::start().await;
    let signed = |payload: &[u8]| Hop {
        envelope: Some(
            scene.key.envelope(barid_message::dsse::PayloadType::Custody, payload.to_vec().into()),
        ),
    };
    let mut edited = signed(b"spiffe://af.example/node");
    if let Some(envelope) = &mut edited.envelope {
        envelope.payload = b"spiffe://tj.example/node".to_vec().into();
    }
    let lists = [
        ("a hop that says nothing", vec![Hop::default()]),
        ("a hop within the limit", vec![signed(b"spiffe://af.example/node")]),
        ("more hops than the limit", vec![signed(b"spiffe://af.example/node"); 4]),
        ("hops without end", vec![signed(b"spiffe://af.example/node"); 1_000]),
        ("this node itself", vec![signed(PK.as_bytes())]),
        ("an edited hop", vec![edited]),
    ];
    let message = forge::signed(&scene, forge::note(&scene, "a truck", "pk/customs"));
    let sound = forge::transfer(&scene, &message, &["pk/customs"]);
    for (what, hops) in &lists {
        let mut link = scene.link().await;
        let transfer = Transfer { hops: hops.clone(), ..sound.clone() };
        link.slot(Lane::Routine, 1, &forge::slot(transfer)).await;
        assert_eq!(link.closed().await, Reason::LinkProtocol, "{what}");
    }
    assert_eq!(scene.written(), 0);
    // The message itself is as good as ever.
    let mut link = scene.link().await;
    let taken = (Answer::Taken, Reason::Unspecified);
    assert_eq!(answer(&mut link, 1, sound).await, taken);
    assert_eq!(scene.pk.agency("pk/customs").await.inbox().take().await, "a truck");
    assert_eq!(scene.misbehaviour().await, [Reason::LinkProtocol; 6]);
}
