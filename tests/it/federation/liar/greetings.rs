//! Who calls, and with which hello.

use barid_link::card::Card;
use barid_link::client::{CallError, OpenLinkError};
use barid_message::Reason;
use barid_message::digest::Digest;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::federation::v1::{Data, Heartbeat, Hello, Lane, LaneState};

use super::scene::{self, Scene};
use super::{books, forge};
use crate::federation::border::card;
use crate::harness::Node;

fn other_key() -> SigningKey {
    SigningKey::generate(Algorithm::Ed25519).expect("a key")
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_a_link_without_the_key_on_a_card() {
    // Row 10: a certificate of the right CA and name, with a key that is not pinned.
    let scene = Scene::with(|mut card| {
        card.tls_keys = vec![Digest::of(b"another key").0.to_vec().into()];
        card
    })
    .await;
    match scene.call().await {
        Err(OpenLinkError::Refused(CallError::Refused(refusal))) => {
            assert_eq!(refusal.code, tonic::Code::Unauthenticated);
            assert_eq!(refusal.reason, Reason::IdentityUnknown);
        }
        other => panic!("{:?}", other.err()),
    }
    // A node that nobody has a card of.
    let stranger = Node::site(&["tj/customs"]).named("tj").make();
    let shown = Card::from_text(&card(&scene.pk, None)).expect("a card");
    let called = scene::call(&scene::connector(&stranger, &shown)).await;
    assert!(matches!(called, Err(OpenLinkError::Connect(_))), "{:?}", called.err());
    assert_eq!(scene.misbehaviour().await, [], "a stranger is no peer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_the_card() {
    let end = crate::harness::now().0 + 25_000;
    let scene = Scene::with(|mut card| {
        card.valid_until = Some(Millis(end).to_proto());
        card
    })
    .await;
    let mut link = scene.link().await;
    assert_eq!(link.closed().await, Reason::IdentityUnknown);
    assert!(crate::harness::now().0 >= end);
    assert!(matches!(scene.call().await, Err(OpenLinkError::Refused(_))));
    assert_eq!(scene.misbehaviour().await, [], "it is nobody's lie");
}

type Lie = (&'static str, fn(&mut Hello), Reason);

const LIES: [Lie; 13] = [
    ("of another node", |h| h.node = "spiffe://af.example/node".into(), Reason::LinkProtocol),
    ("to another node", |h| h.peer = "spiffe://af.example/node".into(), Reason::LinkProtocol),
    ("a log of another node", |h| h.log_origin = "af.example/log/1".into(), Reason::LinkProtocol),
    (
        "a log with a long name",
        |h| h.log_origin = format!("ir.example/log/{}", "1".repeat(100_000)),
        Reason::LinkProtocol,
    ),
    ("a later version", |h| (h.version_min, h.version_max) = (2, 3), Reason::VersionUnsupported),
    ("four lanes", |h| h.lanes.truncate(4), Reason::LinkProtocol),
    ("a lane twice", |h| h.lanes[4] = h.lanes[3], Reason::LinkProtocol),
    ("many lanes", |h| h.lanes = vec![LaneState::default(); 10_000], Reason::LinkProtocol),
    ("expects what was not sent", |h| h.lanes[0].next_expected = 2, Reason::LogChanged),
    ("expects no number", |h| h.lanes[1].next_expected = u64::MAX, Reason::LogChanged),
    ("holds receipts never given", |h| h.lanes[2].next_unanswered = 2, Reason::LogChanged),
    ("holds all receipts", |h| h.lanes[4].next_unanswered = u64::MAX, Reason::LogChanged),
    ("knows another log", |h| h.peer_log_origin = "pk.example/log/9".into(), Reason::LogChanged),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_hello_that_cannot_be_ends_the_link() {
    let scene = Scene::start().await;
    let mut recorded = Vec::new();
    for (what, lie, reason) in LIES {
        let mut link = scene.call().await.expect("a link");
        let mut hello = scene.hello(&link);
        lie(&mut hello);
        scene.greet(&link, &hello).await;
        assert_eq!(link.closed().await, reason, "{what}");
        recorded.push(reason);
    }
    let mut link = scene.call().await.expect("a link");
    let hello = scene.hello(&link);
    link.say(forge::hello(&hello, &other_key())).await;
    assert_eq!(link.closed().await, Reason::SignatureInvalid, "of another key");
    let mut link = scene.call().await.expect("a link");
    link.say(Kind::Heartbeat(Heartbeat::default())).await;
    assert_eq!(link.closed().await, Reason::LinkProtocol, "no hello at first");
    let mut link = scene.call().await.expect("a link");
    link.say_nothing().await;
    assert_eq!(link.closed().await, Reason::LinkProtocol, "nothing at first");
    let mut link = scene.link().await;
    scene.greet(&link, &hello).await;
    assert_eq!(link.closed().await, Reason::LinkProtocol, "a second hello");
    recorded.push(Reason::SignatureInvalid);
    recorded.extend([Reason::LinkProtocol; 3]);
    assert_eq!(scene.misbehaviour().await, recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_horizon_without_end_binds_nobody() {
    let scene = Scene::start().await;
    let mut link = scene.call().await.expect("a link");
    let mut hello = scene.hello(&link);
    hello.lanes.iter_mut().for_each(|lane| lane.horizon = u64::MAX);
    scene.greet(&link, &hello).await;
    let message = forge::signed(&scene, forge::note(&scene, "true", "pk/customs"));
    let slot = forge::slot(forge::transfer(&scene, &message, &["pk/customs"]));
    link.slot(Lane::Routine, 1, &slot).await;
    assert_eq!(link.statement().await.answers[0].number, 1);
    assert_eq!(scene.pk.agency("pk/customs").await.inbox().take().await, "true");
    assert_eq!(scene.misbehaviour().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_in_a_loop_fills_no_journal() {
    const SESSIONS: u64 = 40;
    let mut scene = Scene::start().await;
    for _ in 0..SESSIONS {
        let mut link = scene.link().await;
        link.bytes(Lane::Routine, 1, b"no slot").await;
        assert_eq!(link.closed().await, Reason::LinkProtocol);
    }
    scene.others_notice_nothing().await;
    assert!(scene.pk.stop().status.success());
    let singly = books::misbehaviour(&scene.pk.data(), scene::IR).len();
    // Where the minute ends meanwhile, there are two windows.
    assert!((10..=20).contains(&singly), "{singly}");
    let counted = books::counted(&scene.pk.data(), scene::IR);
    assert_eq!(u64::try_from(singly).expect("few") + counted, SESSIONS);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_more_is_not_waited_for() {
    let scene = Scene::start().await;
    let mut link = scene.call().await.expect("a link");
    assert_eq!(link.closed().await, Reason::Deadline, "no hello");
    // In the middle of a slot, with the connection up.
    let mut link = scene.link().await;
    let piece = Data {
        lane: Lane::Routine.into(),
        number: 1,
        slot_bytes: 10,
        piece: vec![0; 4].into(),
        bytes_sent: 4,
        ..Default::default()
    };
    link.say(Kind::Data(piece)).await;
    scene.others_notice_nothing().await;
    assert_eq!(link.closed().await, Reason::Deadline, "no end of the slot");
    assert_eq!(scene.misbehaviour().await, [], "it may be the network");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_session_ends_the_older_however_many_there_are() {
    let scene = Scene::start().await;
    let mut older = scene.link().await;
    for _ in 0..50 {
        let mut newer = scene.call().await.expect("a link");
        assert_eq!(older.closed().await, Reason::LinkFenced);
        std::mem::swap(&mut older, &mut newer);
    }
    let mut link = scene.link().await;
    let message = forge::signed(&scene, forge::note(&scene, "true", "pk/customs"));
    let slot = forge::slot(forge::transfer(&scene, &message, &["pk/customs"]));
    link.slot(Lane::Routine, 1, &slot).await;
    assert_eq!(link.statement().await.answers[0].number, 1);
    assert_eq!(scene.pk.agency("pk/customs").await.inbox().take().await, "true");
    assert_eq!(scene.misbehaviour().await, []);
}
