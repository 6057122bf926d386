//! Two nodes, each with its own people: what one submits, the other hands out.

mod border;
mod cards;
mod drain;
mod evidence;
mod liar;
mod lifecycle;
mod outages;
mod paused;
mod wire;
mod witnesses;
mod write_off;

use barid_proto::audit::v1::Event;

use crate::harness::{event_of, text_of, within};
use border::Border;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_an_agency_of_another_node_and_its_end_comes_back() {
    let border = Border::start();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    let id = customs.send(customs.note("white truck, no plates").to(&police.address)).await;
    let mut inbox = police.inbox();
    let mut hand_out = inbox.next().await;
    assert_eq!(text_of(hand_out.message()), "white truck, no plates");
    within(hand_out.ack()).await.expect("taken");
    let events = customs.told(id, Event::HandedOver).await;
    assert_eq!(events, [Event::SubmissionAccepted, Event::RelayAccepted, Event::HandedOver]);
    // The other way, refused by the recipient.
    let back = police.send(police.note("which truck?").to(&customs.address)).await;
    let mut inbox = customs.inbox();
    let mut hand_out = inbox.next().await;
    let reason = barid_message::Reason::WrongAddressee;
    within(hand_out.refuse(reason)).await.expect("refused");
    let events = police.told(back, Event::Refused).await;
    assert_eq!(events.last(), Some(&Event::Refused));
    // And the operator sees it.
    let peer = border.peer_of_pk().await;
    assert_eq!(peer.name, "ir");
    assert!(peer.last_receipt_at.is_some() && peer.passed == 0, "{peer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_both_nodes_ends_once_for_each() {
    let border = Border::start();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    let guard = border.pk.agency("pk/border-guard").await;
    let draft = customs.note("all of you").to(&guard.address).info(&police.address);
    let id = customs.send(draft).await;
    assert_eq!(guard.inbox().take().await, "all of you");
    let mut inbox = police.inbox();
    let mut hand_out = inbox.next().await;
    assert_eq!(text_of(hand_out.message()), "all of you");
    let first = within(hand_out.ack()).await.expect("taken");
    let second = within(hand_out.ack()).await.expect("known to be taken");
    assert_eq!(first.evidence, second.evidence);
    let ends = |events: &[Event]| events.iter().filter(|it| **it == Event::HandedOver).count();
    let told = customs.told_until(id, |events| ends(events) == 2).await;
    assert!(told.contains(&Event::RelayAccepted), "{told:?}");
    let all = customs.evidence("").await;
    let all: Vec<_> = all.iter().map(|one| event_of(&one.evidence)).collect();
    assert_eq!(ends(&all), 2);
}
