//! Lies about cards.

use barid_link::card::Card;
use barid_message::Reason;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::federation::v1 as pb;
use barid_proto::federation::v1::frame::Kind;
use barid_proto::operations::v1 as ops;
use prost::Message as _;

use super::scene::{IR, Scene};
use crate::federation::border::{peer, until};

/// How pk sees the liar.
async fn liar(scene: &Scene) -> ops::Peer {
    peer(&scene.pk, "ir").await
}

fn content(card: &pb::SignedCard) -> pb::Card {
    let envelope = card.envelope.clone().expect("signed");
    pb::Card::decode(envelope.payload).expect("a card")
}

type Lie = (&'static str, fn(&mut pb::Card), Option<Reason>);

const LIES: [Lie; 5] = [
    (
        "of another node",
        |card| card.node = "spiffe://af.example/node".into(),
        Some(Reason::LinkProtocol),
    ),
    ("no card at all", |card| card.tls_keys.clear(), Some(Reason::LinkProtocol)),
    ("an older one", |card| card.serial = 1, None),
    (
        "one that has ended",
        |card| card.valid_until = Some(Millis(card_time(card) + 1).to_proto()),
        None,
    ),
    ("an agency of another node", |card| card.agencies[0].address = "af/police".into(), None),
];

fn card_time(card: &pb::Card) -> u64 {
    let issued = card.issued_at.as_ref().expect("issued");
    Millis::from_proto(issued).expect("a time").0
}

#[tokio::test(flavor = "multi_thread")]
async fn no_lie_about_a_card_is_in_force() {
    let mut scene = Scene::start().await;
    let held = liar(&scene).await.card.expect("its card");
    let mut recorded = Vec::new();
    let mut newer = content(&held);
    newer.serial += 1;
    for (what, lie, reason) in LIES {
        let mut link = scene.link().await;
        let mut card = newer.clone();
        lie(&mut card);
        link.say(Kind::Card(Card::sign(&card, &scene.key))).await;
        match reason {
            Some(reason) => {
                assert_eq!(link.closed().await, reason, "{what}");
                recorded.push(reason);
            }
            None => scene.others_notice_nothing().await,
        }
        assert_eq!(liar(&scene).await.card.as_ref(), Some(&held), "{what}");
    }
    // By a key that the card in force does not have.
    let stolen = SigningKey::generate(Algorithm::Ed25519).expect("a key");
    let mut card = newer.clone();
    card.evidence_keys[0].spki = stolen.public().spki().clone();
    let mut link = scene.link().await;
    link.say(Kind::Card(Card::sign(&card, &stolen))).await;
    assert_eq!(link.closed().await, Reason::SignatureInvalid, "of another key");
    recorded.push(Reason::SignatureInvalid);
    // What grants more waits, and does not count.
    let offered = liar(&scene).await.offered_card.expect("it waits for a person");
    assert_eq!(content(&offered).agencies[0].address, "af/police");
    // The newest of them waits, and the log says so once.
    let link = scene.link().await;
    let mut card = content(&offered);
    card.serial += 1;
    link.say(Kind::Card(Card::sign(&card, &scene.key))).await;
    let is_newest =
        |peer: &ops::Peer| peer.offered_card.as_ref().map(content) == Some(card.clone());
    until(&scene.pk, "ir", is_newest).await;
    let said = scene.pk.process().said();
    assert_eq!(said.matches("newer card grants more").count(), 1, "{said}");
    assert_eq!(scene.misbehaviour().await, recorded);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_makes_cards_in_a_loop_has_one_taken_a_minute() {
    let mut scene = Scene::start().await;
    let mut card = content(&liar(&scene).await.card.expect("its card"));
    let first = card.serial;
    let mut link = scene.link().await;
    card.serial += 1;
    link.say(Kind::Card(Card::sign(&card, &scene.key))).await;
    assert_eq!(link.closed().await, Reason::RegistryChanged, "taken: a new session begins");
    let link = scene.link().await;
    for _ in 0..2_000 {
        card.serial += 1;
        link.say(Kind::Card(Card::sign(&card, &scene.key))).await;
    }
    scene.others_notice_nothing().await;
    let held = liar(&scene).await.card.expect("its card");
    assert_eq!(content(&held).serial, first + 1);
    assert!(scene.pk.stop().status.success());
    assert_eq!(super::books::renewals(&scene.pk.data(), IR), 1);
}
