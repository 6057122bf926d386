//! Messages that may not pass, or not as they are said to be.

use barid_message::Reason;
use barid_message::compose::{Draft, compose};
use barid_message::digest::Digest;
use barid_message::header::AgreementRef;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::audit::v1::Evidence;
use barid_proto::federation::v1::{Answer, Lane, Slot, Transfer};
use barid_proto::message::v1 as pb;

use super::scene::Scene;
use super::{books, forge};
use crate::harness::{address, header_of, now, random, text};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;

type Lie = (&'static str, Transfer, Answer, Reason);

/// A message that was composed then, and its transfer.
fn composed_at(scene: &Scene, then: Millis, draft: Draft) -> (pb::SignedMessage, Evidence) {
    let message = compose(draft, then, random(), &scene.agency_key).expect("a sound draft");
    let stated = Evidence { time: Some(then.to_proto()), ..forge::acceptance(&message) };
    (message, stated)
}

/// A message that was accepted then, and made by a clock that stood so far ahead.
fn composed_ahead(scene: &Scene, then: Millis, ahead: u64) -> (pb::SignedMessage, Evidence) {
    let draft = forge::note(scene, "a clock that is fast", "pk/customs");
    let (message, stated) = composed_at(scene, Millis(then.0 + ahead), draft);
    (message, Evidence { time: Some(then.to_proto()), ..stated })
}

fn accepted(scene: &Scene, message: &pb::SignedMessage, stated: &Evidence) -> Transfer {
    let acceptance = Some(forge::evidence(stated, &scene.key));
    Transfer { acceptance, ..forge::transfer(scene, message, &["pk/customs"]) }
}

fn of_others(scene: &Scene) -> Vec<Lie> {
    let other = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let note = pb::Note { subject: Vec::new(), text: vec![text("not ours")] };
    let theirs = Draft::new(&address("af/police"), &scene.agreement, note)
        .purposes(&[barid_message::Purpose::BorderOperation])
        .to(&address("pk/customs"));
    let theirs = forge::signed(scene, theirs);
    let draft = forge::note(scene, "another key", "pk/customs");
    let forged = compose(draft, now(), random(), &other).expect("a sound draft");
    let mine = forge::signed(scene, forge::note(scene, "mine", "pk/customs"));
    let mut damaged = mine.clone();
    if let Some(envelope) = &mut damaged.envelope {
        let mut bytes = envelope.signatures[0].sig.to_vec();
        bytes[5] ^= 1;
        envelope.signatures[0].sig = bytes.into();
    }
    let body = pb::SignedMessage { body: b"another body".to_vec().into(), ..mine.clone() };
    let sound = forge::transfer(scene, &mine, &["pk/customs"]);
    let none = Transfer { acceptance: None, ..sound.clone() };
    let of_another = Transfer {
        acceptance: forge::transfer(scene, &forged, &["pk/customs"]).acceptance,
        ..sound.clone()
    };
    let by_another =
        Transfer { acceptance: Some(forge::evidence(&forge::acceptance(&mine), &other)), ..sound };
    let to = |message: &pb::SignedMessage| forge::transfer(scene, message, &["pk/customs"]);
    let no = Answer::Refused;
    vec![
        ("an agency of another node", to(&theirs), no, Reason::PeerNotCovering),
        ("signed by another key", to(&forged), no, Reason::KeyUnknown),
        ("a damaged signature", to(&damaged), no, Reason::SignatureInvalid),
        ("another body", to(&body), no, Reason::BodyMismatch),
        ("no acceptance", none, no, Reason::FieldMissing),
        ("an acceptance of another message", of_another, no, Reason::SignatureInvalid),
        ("an acceptance by another key", by_another, no, Reason::SignatureInvalid),
    ]
}

fn not_permitted(scene: &Scene) -> Vec<Lie> {
    let unknown = AgreementRef { sha256: Digest::of(b"unknown"), ..scene.agreement.clone() };
    let draft = forge::note(scene, "no agreement", "pk/customs").agreement(&unknown);
    let no_agreement = forge::signed(scene, draft);
    let mine = forge::signed(scene, forge::note(scene, "mine", "pk/customs"));
    let not_named = forge::transfer(scene, &mine, &["pk/border-guard"]);
    let away = forge::signed(scene, forge::note(scene, "elsewhere", "af/police"));
    let away = forge::transfer(scene, &away, &["af/police"]);
    let then = Millis(now().0 + HOUR_MS);
    let (message, stated) =
        composed_at(scene, then, forge::note(scene, "from the future", "pk/customs"));
    let future = accepted(scene, &message, &stated);
    let at_once = Evidence { time: Some(now().to_proto()), ..stated };
    let made_long_behind = accepted(scene, &message, &at_once);
    // Accepted within the skew and made within the skew of that, which is too far ahead here.
    let (message, stated) = composed_ahead(scene, Millis(now().0 + 4 * MINUTE_MS), 4 * MINUTE_MS);
    let future_made = accepted(scene, &message, &stated);
    let (message, stated) = composed_ahead(scene, Millis(now().0 - HOUR_MS), 6 * MINUTE_MS);
    let made_behind = accepted(scene, &message, &stated);
    let then = Millis(now().0 - HOUR_MS);
    let late = Millis(then.0 + HOUR_MS / 2);
    let draft = forge::note(scene, "too late", "pk/customs").deliver_by(late);
    let (message, stated) = composed_at(scene, then, draft);
    let passed = accepted(scene, &message, &stated);
    let draft = forge::note(scene, "no longer true", "pk/customs").expires_at(late);
    let (message, stated) = composed_at(scene, then, draft);
    let expired = accepted(scene, &message, &stated);
    let no_agreement = forge::transfer(scene, &no_agreement, &["pk/customs"]);
    let (no, later) = (Answer::Refused, Answer::Deferred);
    vec![
        ("no agreement", no_agreement, no, Reason::AgreementNotCovering),
        ("not named in the header", not_named, no, Reason::RecipientNotPermitted),
        ("not hosted", away, no, Reason::RecipientNotPermitted),
        ("accepted in the future", future, later, Reason::ClockSkew),
        ("made in the future", future_made, later, Reason::ClockSkew),
        ("made behind its acceptance", made_behind, no, Reason::TimeOrder),
        ("made long behind it", made_long_behind, no, Reason::TimeOrder),
        ("past its deadline", passed, no, Reason::DeliverByPassed),
        ("expired", expired, no, Reason::ExpiresAtPassed),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_pass_is_answered_so_and_the_link_goes_on() {
    let scene = Scene::with(|mut card| {
        card.agencies[0].may_flash = false;
        card
    })
    .await;
    let lies = [of_others(&scene), not_permitted(&scene)].concat();
    let mut link = scene.link().await;
    for (number, (what, transfer, answer, reason)) in (1..).zip(lies) {
        link.slot(Lane::Routine, number, &forge::slot(transfer)).await;
        let statement = link.statement().await;
        assert_eq!(statement.answers[0].number, number, "{what}");
        let said = statement.answers[0].recipients[0];
        assert_eq!((said.answer(), said.reason()), (answer, reason), "{what}");
    }
    let alert = crate::harness::alert("FLASH");
    let draft = Draft::new(&address("ir/police"), &scene.agreement, alert)
        .purposes(&[barid_message::Purpose::BorderOperation])
        .to(&address("pk/customs"))
        .flash("now");
    let flash = forge::transfer(&scene, &forge::signed(&scene, draft), &["pk/customs"]);
    link.slot(Lane::Flash, 1, &forge::slot(flash)).await;
    let said = link.statement().await.answers[0].recipients[0];
    assert_eq!((said.answer(), said.reason()), (Answer::Refused, Reason::PrecedenceNotPermitted));
    assert_eq!(scene.written(), 0, "nothing of it lies on the disk");
    assert!(scene.pk.agency("pk/customs").await.peek(&[]).await.is_empty());
    drop(link);
    assert_eq!(scene.misbehaviour().await, [], "answered, each of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_s_clock_may_stand_a_little_ahead() {
    let scene = Scene::start().await;
    let mut link = scene.link().await;
    let (message, stated) = composed_ahead(&scene, Millis(now().0 - HOUR_MS), 4 * MINUTE_MS);
    link.slot(Lane::Routine, 1, &forge::slot(accepted(&scene, &message, &stated))).await;
    assert_eq!(link.statement().await.answers[0].recipients[0].answer(), Answer::Taken);
    assert_eq!(scene.pk.agency("pk/customs").await.inbox().take().await, "a clock that is fast");
    assert_eq!(scene.misbehaviour().await, []);
}

fn one(scene: &Scene, message: &pb::SignedMessage) -> Slot {
    forge::slot(forge::transfer(scene, message, &["pk/customs"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_enters_once_whatever_is_said_of_it() {
    let scene = Scene::start().await;
    let message = forge::signed(&scene, forge::note(&scene, "once", "pk/customs"));
    let mut link = scene.link().await;
    link.slot(Lane::Routine, 1, &one(&scene, &message)).await;
    let first = link.statement().await;
    assert_eq!(first.answers[0].recipients[0].answer(), Answer::Taken);
    // In another number: held already.
    link.slot(Lane::Routine, 2, &one(&scene, &message)).await;
    assert_eq!(link.statement().await.answers[0].recipients[0].answer(), Answer::Taken);
    // Two headers of one id.
    let id = header_of(&message).identity.expect("row 2").message_id;
    let draft = forge::note(&scene, "twice", "pk/customs");
    let id = barid_message::id::MessageId::parse(&id).expect("an id");
    let created_at = header_of(&message).times.expect("row 11").created_at.expect("it has");
    let created_at = Millis::from_proto(&created_at).expect("a time");
    let other = forge::signed(&scene, draft.id(id).created_at(created_at));
    link.slot(Lane::Routine, 3, &one(&scene, &other)).await;
    let said = link.statement().await.answers[0].recipients[0];
    assert_eq!((said.answer(), said.reason()), (Answer::Refused, Reason::DuplicateIdConflict));
    // The same slots again, to a node that is told that no receipt came: the same words.
    let mut link = scene.call().await.expect("a link");
    let mut hello = scene.hello(&link);
    hello.lanes[3].next_unanswered = 1;
    scene.greet(&link, &hello).await;
    for _ in 0..100 {
        link.slot(Lane::Routine, 1, &one(&scene, &message)).await;
    }
    let again = link.statement().await;
    assert_eq!(again.answers.len(), 3);
    assert_eq!(again.answers[0], first.answers[0]);
    // The number for something else.
    link.slot(Lane::Routine, 1, &one(&scene, &other)).await;
    assert_eq!(link.closed().await, Reason::SlotConflict);
    let customs = scene.pk.agency("pk/customs").await;
    assert_eq!(customs.peek(&[]).await, ["once"]);
    assert_eq!(customs.inbox().take().await, "once");
    let recorded = scene.misbehaviour().await;
    assert_eq!(recorded, [Reason::DuplicateIdConflict, Reason::SlotConflict]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_again_for_another_recipient_is_no_repeat() {
    let scene = Scene::start().await;
    let (first, second) = ("pk/customs", "pk/border-guard");
    let draft = forge::note(&scene, "for both", first).to(&address(second));
    let message = forge::signed(&scene, draft);
    let mut link = scene.link().await;
    for (number, recipient) in (1..).zip([first, second]) {
        let transfer = forge::transfer(&scene, &message, &[recipient]);
        link.slot(Lane::Routine, number, &forge::slot(transfer)).await;
        let said = link.statement().await.answers[0].recipients[0];
        assert_eq!(said.answer(), Answer::Taken, "{recipient}");
        assert_eq!(scene.pk.agency(recipient).await.inbox().take().await, "for both");
    }
    drop(link);
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_slots_is_taken_in_turn() {
    const SLOTS: u64 = 300;
    let mut scene = Scene::start().await;
    let theirs = forge::signed(&scene, forge::note(&scene, "flood", "pk/customs"));
    let no_acceptance =
        Transfer { acceptance: None, ..forge::transfer(&scene, &theirs, &["pk/customs"]) };
    let slot = forge::slot(no_acceptance);
    let mut link = scene.link().await;
    for number in 1..=SLOTS {
        link.slot(Lane::Routine, number, &slot).await;
    }
    scene.others_notice_nothing().await;
    while link.statement().await.answers.last().is_none_or(|last| last.number < SLOTS) {}
    assert!(scene.pk.stop().status.success());
    assert_eq!(books::misbehaviour(&scene.pk.data(), super::scene::IR), []);
}
