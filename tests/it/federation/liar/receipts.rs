//! Receipts and evidence that say what was not.

use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::id::MessageId;
use barid_message::key::{Algorithm, SigningKey};
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::exchange::v1::GetMessageStatusResponse;
use barid_proto::federation::v1::{
    Answer, CustodyStatement, Lane, RecipientAnswer, Slot, SlotAnswer, SlotFacts, slot,
};
use prost::Message as _;

use super::forge;
use super::link::Link;
use super::scene::{IR, LOG, PK, Scene};
use crate::harness::{Agency, address};

/// An honest receipt of one slot with one recipient.
fn receipt(link: &Link, number: u64, facts: &SlotFacts, answer: Answer) -> CustodyStatement {
    let digest = Digest::of(&facts.encode_to_vec()).0;
    let recipient = RecipientAnswer { answer: answer.into(), ..Default::default() };
    CustodyStatement {
        issuer: IR.to_owned(),
        log_origin: LOG.to_owned(),
        peer: PK.to_owned(),
        peer_log_origin: link.theirs.log_origin.clone(),
        lane: Lane::Routine.into(),
        answers: vec![SlotAnswer {
            number,
            slot_digest: digest.to_vec().into(),
            recipients: vec![recipient],
        }],
        chain: Digest::of(&[[0; 32], digest].concat()).0.to_vec().into(),
        time: None,
    }
}

/// What pk sends, which is one small slot: its facts, and the message's header digest.
async fn offered(link: &mut Link) -> SlotFacts {
    let data = link.data().await;
    let slot = Slot::decode(data.piece.clone()).expect("one piece");
    let Some(slot::Kind::Transfer(transfer)) = slot.kind else {
        panic!("no transfer");
    };
    let envelope = transfer.message.expect("a message").envelope.expect("signed");
    SlotFacts {
        lane: data.lane,
        number: data.number,
        content_digest: Digest::of(&envelope.payload).0.to_vec().into(),
        recipients: transfer.recipients,
        reason: 0,
    }
}

type Lie = (&'static str, fn(&mut CustodyStatement), Reason);

const LIES: [Lie; 12] = [
    ("of what was never sent", |s| s.answers[0].number = 2, Reason::LinkProtocol),
    ("of the greatest number", |s| s.answers[0].number = u64::MAX, Reason::LinkProtocol),
    ("of number 0", |s| s.answers[0].number = 0, Reason::LinkProtocol),
    ("of nothing", |s| s.answers.clear(), Reason::LinkProtocol),
    ("with another chain", |s| s.chain = vec![1; 32].into(), Reason::LinkProtocol),
    ("of another slot", |s| s.answers[0].slot_digest = vec![1; 32].into(), Reason::SlotConflict),
    ("without end", |s| s.answers[0].slot_digest = vec![1; 200_000].into(), Reason::LinkProtocol),
    ("of another log", |s| s.log_origin = "ir.example/log/2".into(), Reason::LogChanged),
    ("by another node", |s| s.issuer = "spiffe://af.example/node".into(), Reason::LinkProtocol),
    (
        "for too many",
        |s| s.answers[0].recipients = vec![RecipientAnswer::default(); 2_000],
        Reason::LinkProtocol,
    ),
    ("for nobody", |s| s.answers[0].recipients.clear(), Reason::LinkProtocol),
    ("that says nothing", |s| s.answers[0].recipients[0].answer = 0, Reason::LinkProtocol),
];

/// Receipts of or for somebody else, and what may not follow the first answer.
const OF_OTHERS: [Lie; 5] = [
    ("for another node", |s| s.peer = "spiffe://af.example/node".into(), Reason::LinkProtocol),
    ("of an older log", |s| s.peer_log_origin = "pk.example/log/9".into(), Reason::LinkProtocol),
    ("of another lane", |s| s.lane = Lane::Flash.into(), Reason::LinkProtocol),
    ("of the same again", |s| s.answers.push(s.answers[0].clone()), Reason::LinkProtocol),
    (
        "of the greatest number behind it",
        |s| s.answers.push(SlotAnswer { number: u64::MAX, ..s.answers[0].clone() }),
        Reason::LinkProtocol,
    ),
];

/// Tells each lie in a session of its own; gives what is to be on record.
async fn tell(scene: &Scene, lies: &[Lie]) -> Vec<Reason> {
    let mut recorded = Vec::new();
    for (what, lie, reason) in lies {
        let mut link = scene.link().await;
        let facts = offered(&mut link).await;
        let mut statement = receipt(&link, 1, &facts, Answer::Taken);
        lie(&mut statement);
        link.say(forge::receipt(&statement, &scene.key)).await;
        assert_eq!(link.closed().await, *reason, "{what}");
        recorded.push(*reason);
    }
    recorded
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_or_for_somebody_else_moves_nothing() {
    let scene = Scene::start().await;
    let customs = scene.pk.agency("pk/customs").await;
    let id = customs.send(customs.note("a truck").to(&address("ir/police"))).await;
    let recorded = tell(&scene, &OF_OTHERS).await;
    assert_eq!(status(&customs, id).await.deliveries[0].event(), Event::Queued);
    assert_eq!(scene.misbehaviour().await, recorded);
}

async fn status(customs: &Agency, id: MessageId) -> GetMessageStatusResponse {
    customs.status(customs, id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_cannot_be_moves_nothing() {
    let scene = Scene::start().await;
    let customs = scene.pk.agency("pk/customs").await;
    let id = customs.send(customs.note("a truck").to(&address("ir/police"))).await;
    let mut recorded = tell(&scene, &LIES).await;
    let mut link = scene.link().await;
    let facts = offered(&mut link).await;
    let other = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let statement = receipt(&link, 1, &facts, Answer::Taken);
    link.say(forge::receipt(&statement, &other)).await;
    assert_eq!(link.closed().await, Reason::SignatureInvalid);
    recorded.push(Reason::SignatureInvalid);
    assert_eq!(status(&customs, id).await.deliveries[0].event(), Event::Queued);
    // The truth is believed, and cannot be taken back.
    let mut link = scene.link().await;
    let facts = offered(&mut link).await;
    let statement = receipt(&link, 1, &facts, Answer::Taken);
    link.say(forge::receipt(&statement, &scene.key)).await;
    told(&customs, id, Event::RelayAccepted).await;
    let mut link = scene.call().await.expect("a link");
    let mut hello = scene.hello(&link);
    assert_eq!(hello.lanes[3].next_expected, 2);
    hello.lanes[3].next_expected = 1;
    scene.greet(&link, &hello).await;
    assert_eq!(link.closed().await, Reason::LogChanged, "expects less than it has receipted");
    recorded.push(Reason::LogChanged);
    assert_eq!(scene.misbehaviour().await, recorded);
}

async fn told(customs: &Agency, id: MessageId, event: Event) {
    while status(customs, id).await.deliveries[0].event() != event {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_about_what_others_hold_changes_nothing() {
    let scene = Scene::start().await;
    let customs = scene.pk.agency("pk/customs").await;
    // With af, which has not handed it over yet.
    let theirs = customs.send(customs.note("for af").to(&address("af/police"))).await;
    told(&customs, theirs, Event::RelayAccepted).await;
    let ours = customs.send(customs.note("for ir").to(&address("ir/police"))).await;
    let mut link = scene.link().await;
    let facts = offered(&mut link).await;
    let about = |id: MessageId, digest: Vec<u8>, recipient: &str| Evidence {
        log_origin: LOG.to_owned(),
        position: 9,
        event: Event::HandedOver.into(),
        time: Some(crate::harness::now().to_proto()),
        issuer: IR.to_owned(),
        origin_agency: "pk/customs".to_owned(),
        message_id: id.to_string(),
        header_digest: digest.into(),
        recipient: recipient.to_owned(),
        ..Default::default()
    };
    let digest = status(&customs, theirs).await.header_digest.to_vec();
    let lie = about(theirs, digest, "af/police");
    let truth = about(ours, facts.content_digest.to_vec(), "ir/police");
    let contrary = Evidence { event: Event::Refused.into(), ..truth.clone() };
    for (number, statement) in (1..).zip([&lie, &truth, &contrary]) {
        let proof = forge::evidence(statement, &scene.key);
        let slot = Slot { kind: Some(slot::Kind::Evidence(proof)) };
        link.slot(Lane::Evidence, number, &slot).await;
        assert_eq!(link.statement().await.answers[0].number, number);
    }
    assert_eq!(status(&customs, theirs).await.deliveries[0].event(), Event::RelayAccepted);
    assert_eq!(status(&customs, ours).await.deliveries[0].event(), Event::HandedOver);
    assert_eq!(scene.af.agency("af/police").await.inbox().take().await, "for af");
    told(&customs, theirs, Event::HandedOver).await;
    // What customs is told carries the signature of the node that it is of.
    for evidence in customs.evidence("").await {
        let statement = evidence.statement.expect("it holds");
        assert!([IR, PK, "spiffe://af.example/node"].contains(&statement.issuer.as_str()));
    }
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_always_defers_is_asked_less_and_less() {
    let scene = Scene::start().await;
    let customs = scene.pk.agency("pk/customs").await;
    customs.send(customs.note("a truck").to(&address("ir/police"))).await;
    let mut link = scene.link().await;
    let mut asked = Vec::new();
    let mut chain = [0; 32];
    for number in 1..=4 {
        let facts = offered(&mut link).await;
        assert_eq!(facts.number, number, "what was deferred gets a new number");
        asked.push(crate::harness::now().0);
        let digest = Digest::of(&facts.encode_to_vec()).0;
        chain = Digest::of(&[chain, digest].concat()).0;
        let statement = CustodyStatement {
            chain: chain.to_vec().into(),
            ..receipt(&link, number, &facts, Answer::Deferred)
        };
        link.say(forge::receipt(&statement, &scene.key)).await;
    }
    let paused = |from: usize| asked[from + 1] - asked[from];
    assert!(paused(0) >= 1_000 && paused(1) >= 2_000 && paused(2) >= 4_000, "{asked:?}");
    assert_eq!(scene.misbehaviour().await, []);
}
