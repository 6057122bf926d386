//! Slots and pieces that cannot be.

use barid_message::Reason;
use barid_message::key::{Algorithm, SigningKey};
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{BytesReceived, Data, Lane, Slot, Transfer, Void, slot};
use barid_proto::message::v1 as pb;
use prost::Message as _;

use super::scene::{IR, Scene};
use super::{books, forge};

/// A sound transfer of a message to customs.
fn sound(scene: &Scene) -> Transfer {
    let message = forge::signed(scene, forge::note(scene, "a truck", "pk/customs"));
    forge::transfer(scene, &message, &["pk/customs"])
}

fn void() -> Slot {
    let void = Void { header_digest: vec![7; 32].into(), reason: Reason::DeliverByPassed.into() };
    Slot { kind: Some(slot::Kind::Void(void)) }
}

fn proof(statement: &Evidence, key: &SigningKey) -> Slot {
    Slot { kind: Some(slot::Kind::Evidence(forge::evidence(statement, key))) }
}

fn changed(scene: &Scene, change: impl FnOnce(&mut Transfer)) -> Slot {
    let mut transfer = sound(scene);
    change(&mut transfer);
    forge::slot(transfer)
}

fn handed_over(scene: &Scene) -> Evidence {
    let message: pb::SignedMessage = sound(scene).message.expect("a message");
    Evidence {
        event: Event::HandedOver.into(),
        recipient: "ir/police".into(),
        ..forge::acceptance(&message)
    }
}

/// Slots, each the first of its lane but for its number.
fn slots(scene: &Scene) -> Vec<(&'static str, Lane, u64, Slot)> {
    let other = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let of_another = Evidence { issuer: "spiffe://af.example/node".into(), ..handed_over(scene) };
    let long = Evidence { recipient: "x".repeat(20_000), ..handed_over(scene) };
    let many = (0..101).map(|number| format!("pk/a{number}")).collect();
    let to = |recipients: Vec<String>| changed(scene, |transfer| transfer.recipients = recipients);
    vec![
        ("the greatest number", Lane::Routine, u64::MAX, void()),
        ("a gap", Lane::Routine, 2, void()),
        ("number 0", Lane::Routine, 0, void()),
        ("a void among evidence", Lane::Evidence, 1, void()),
        ("a message among evidence", Lane::Evidence, 1, changed(scene, |_| ())),
        ("evidence among messages", Lane::Routine, 1, proof(&handed_over(scene), &scene.key)),
        ("evidence of another node", Lane::Evidence, 1, proof(&of_another, &scene.key)),
        ("evidence by another key", Lane::Evidence, 1, proof(&handed_over(scene), &other)),
        ("evidence without end", Lane::Evidence, 1, proof(&long, &scene.key)),
        ("nothing", Lane::Routine, 1, forge::slot(Transfer::default())),
        ("a transfer of nothing", Lane::Routine, 1, changed(scene, |t| t.message = None)),
        ("nobody to have it", Lane::Routine, 1, to(vec![])),
        ("somebody twice", Lane::Routine, 1, to(vec!["pk/customs".into(); 2])),
        ("too many", Lane::Routine, 1, to(many)),
        ("no address", Lane::Routine, 1, to(vec!["PK/customs".into()])),
        ("a lane that is too fast", Lane::Flash, 1, changed(scene, |_| ())),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_that_cannot_be_ends_the_link() {
    let mut scene = Scene::start().await;
    let slots = slots(&scene);
    for (what, lane, number, slot) in &slots {
        let mut link = scene.link().await;
        link.slot(*lane, *number, slot).await;
        assert_eq!(link.closed().await, Reason::LinkProtocol, "{what}");
    }
    assert!(scene.pk.agency("pk/customs").await.peek(&[]).await.is_empty());
    scene.others_notice_nothing().await;
    assert!(scene.pk.stop().status.success());
    let singly = books::misbehaviour(&scene.pk.data(), IR).len();
    let all = u64::try_from(singly).expect("few") + books::counted(&scene.pk.data(), IR);
    assert_eq!(all, u64::try_from(slots.len()).expect("few"), "each is on record");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_right_behind_the_hello_is_acknowledged() {
    // All of it may be there when the session begins, and nothing more may come: the node
    // that sent it waits for its credit.
    const SESSIONS: u64 = 12;
    const SLOTS: u64 = 10;
    let scene = Scene::start().await;
    for _ in 0..SESSIONS {
        let mut link = scene.link().await;
        let first = link.theirs.lanes[3].next_expected;
        for number in first..first + SLOTS {
            link.slot(Lane::Routine, number, &void()).await;
        }
        link.all_acknowledged().await;
    }
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn pieces_that_do_not_fit_end_the_link() {
    let mut scene = Scene::start().await;
    let first = Data {
        lane: Lane::Routine.into(),
        number: 1,
        slot_bytes: 10,
        offset: 0,
        piece: vec![0; 4].into(),
        bytes_sent: 4,
    };
    let second = Data { offset: 4, bytes_sent: 8, ..first.clone() };
    let lies = [
        ("they overlap", Data { offset: 3, ..second.clone() }),
        ("a hole", Data { offset: 5, ..second.clone() }),
        ("another total", Data { slot_bytes: 11, ..second.clone() }),
        ("a total without end", Data { slot_bytes: u32::MAX, ..second.clone() }),
        ("another slot", Data { number: 2, ..second.clone() }),
        ("bytes never sent", Data { bytes_sent: 9, ..second.clone() }),
        ("nothing", Data { piece: Vec::new().into(), bytes_sent: 4, ..second.clone() }),
        (
            "more than the total",
            Data { piece: vec![0; 7].into(), bytes_sent: 11, ..second.clone() },
        ),
        ("no lane", Data { lane: 0, ..second.clone() }),
        ("an unknown lane", Data { lane: 77, ..second }),
    ];
    for (what, lie) in &lies {
        let mut link = scene.link().await;
        link.say(Kind::Data(first.clone())).await;
        link.say(Kind::Data(lie.clone())).await;
        assert_eq!(link.closed().await, Reason::LinkProtocol, "{what}");
    }
    let mut link = scene.link().await;
    link.say(Kind::BytesReceived(BytesReceived { bytes_received: 1 << 40 })).await;
    assert_eq!(link.closed().await, Reason::LinkProtocol, "more read than was sent");
    let mut link = scene.link().await;
    link.say_nothing().await;
    assert_eq!(link.closed().await, Reason::LinkProtocol, "an empty frame");
    // One that breaks off in a slot begins it anew.
    let whole = void().encode_to_vec();
    let link = scene.link().await;
    let piece = Data { slot_bytes: u32::try_from(whole.len()).expect("few"), ..first };
    link.say(Kind::Data(Data { piece: whole[..4].to_vec().into(), ..piece })).await;
    drop(link);
    let mut link = scene.link().await;
    link.bytes(Lane::Routine, 1, &whole).await;
    assert_eq!(link.statement().await.answers[0].number, 1);
    scene.others_notice_nothing().await;
    assert!(scene.pk.stop().status.success());
    let singly = books::misbehaviour(&scene.pk.data(), IR).len();
    let all = u64::try_from(singly).expect("few") + books::counted(&scene.pk.data(), IR);
    assert_eq!(all, u64::try_from(lies.len()).expect("few") + 2, "each is on record");
}
