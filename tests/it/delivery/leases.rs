//! Hand-outs that are not acknowledged at once.

use std::time::Duration;

use barid_link::client::AnswerError;
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1 as pb;
use barid_proto::message::v1::Status;
use pb::lease_result::Result as Outcome;
use pb::receive_messages_request::Command;

use crate::harness::{Node, Stream, event_of, id_of, text_of, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_given_back_is_tried_again() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let draft = customs.note("Gate 2 closed.").to(&police.address);
    let id = customs.send(draft).await.to_string();
    let mut inbox = police.inbox();

    let mut first = inbox.next().await;
    assert_eq!((first.attempt(), first.redelivered()), (1, false));
    let soon = Some(Duration::from_millis(1));
    let returned = within(first.nack(soon)).await.expect("given back");
    assert!(returned.next_try_at.is_some() && !returned.dead_lettered);

    let mut second = inbox.next().await;
    assert_eq!((second.attempt(), second.redelivered()), (2, true));
    assert_eq!(id_of(second.message()), id);
    assert_eq!(second.message(), first.message(), "the very same bytes");
    let stale = within(first.ack()).await.expect_err("another lease since");
    assert_eq!(reason_of(stale), Reason::LeaseUnknown);
    let evidence = within(second.ack()).await.expect("taken");
    assert_eq!(event_of(&evidence), Event::HandedOver);
}

#[tokio::test(flavor = "multi_thread")]
async fn leases_run_out_unless_renewed() {
    let node = Node::site(&["pk/customs", "pk/police"]).with_short_leases().start();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    for text in ["kept alive", "forgotten"] {
        customs.send(customs.note(text).to(&police.address)).await;
    }
    let mut inbox = police.inbox();
    let mut alive = inbox.next().await;
    let mut forgotten = inbox.next().await;
    assert_eq!(text_of(alive.message()), "kept alive");
    let until = *alive.lease_expires_at().expect("an end");

    // Renewed every second until the other one, given out with it, comes again.
    let mut again = loop {
        tokio::select! {
            hand_out = inbox.next() => break hand_out,
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                within(alive.renew()).await.expect("more time");
            }
        }
    };

    assert_eq!(id_of(again.message()), id_of(forgotten.message()));
    assert_eq!((again.attempt(), again.redelivered()), (2, true));
    let late = within(forgotten.ack()).await.expect_err("it ran out");
    assert_eq!(reason_of(late), Reason::LeaseUnknown);
    within(again.ack()).await.expect("the newer lease counts");
    assert!(alive.lease_expires_at().expect("an end").seconds > until.seconds);
    within(alive.ack()).await.expect("the renewed lease counts");
    assert_eq!(node.totals().await.handed_over, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_twice_gets_the_same_evidence() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("Gate 2 open.").to(&police.address)).await;
    let mut inbox = police.inbox();
    let mut hand_out = inbox.next().await;
    let first = within(hand_out.ack()).await.expect("taken");
    let second = within(hand_out.ack()).await.expect("known to be taken");
    assert_eq!(second.evidence, first.evidence);
    let late = within(hand_out.refuse(Reason::WrongAddressee)).await.expect_err("it is over");
    assert_eq!(reason_of(late), Reason::AlreadyFinal);
    assert_eq!(node.totals().await.handed_over, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_consumer_leaves_behind_is_ready_for_the_next_at_once() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    for text in ["read", "left"] {
        customs.send(customs.note(text).to(&police.address)).await;
    }
    let mut inbox = police.inbox();
    let mut read = inbox.next().await;
    within(read.ack()).await.expect("taken");
    assert_eq!(text_of(inbox.next().await.message()), "left");
    inbox.leave().await;

    let mut inbox = police.inbox();
    let mut left = inbox.next().await;
    assert_eq!(text_of(left.message()), "left");
    assert_eq!((left.attempt(), left.redelivered()), (1, true), "no failed try");
    within(left.ack()).await.expect("taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_refuses_with_a_reason_and_the_sender_is_told() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let draft = customs.note("Whose is this?").to(&police.address);
    let id = customs.send(draft).await;
    let mut inbox = police.inbox();
    let mut hand_out = inbox.next().await;

    let not_theirs = within(hand_out.refuse(Reason::Overloaded)).await;
    assert_eq!(reason_of(not_theirs.expect_err("no reason of a recipient")), Reason::FieldInvalid);
    let evidence = within(hand_out.refuse(Reason::WrongAddressee)).await;
    assert_eq!(event_of(&evidence.expect("refused")), Event::Refused);

    let told = customs.evidence("").await;
    let newest = told.last().expect("evidence").statement.clone();
    let newest = newest.expect("which verifies");
    assert_eq!(newest.event(), Event::Refused);
    assert_eq!(newest.reason(), Reason::WrongAddressee);
    assert_eq!(newest.message_id, id.to_string());
    assert_eq!(newest.recipient, "pk/police");
    let totals = node.totals().await;
    assert_eq!((totals.refused_deliveries, totals.outstanding), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ack_counts_after_a_restart_if_nobody_else_was_given_the_message() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    for text in ["first", "second"] {
        let draft = customs.note(text);
        customs.send(draft.to(&crate::harness::address("pk/police"))).await;
    }
    let open = |statuses: &[Status]| pb::OpenInbox {
        inbox: "pk/police".to_owned(),
        statuses: statuses.iter().map(|status| i32::from(*status)).collect(),
        ..Default::default()
    };
    let mut before = Stream::open(node.raw("pk/police"), open(&[])).await.expect("open");
    let (first, second) = (before.hand_out().await, before.hand_out().await);
    node.kill();
    node.restart();

    // A stream that is given nothing itself.
    let mut answers =
        Stream::open(node.raw("pk/police"), open(&[Status::Test])).await.expect("open");
    match answers.ask(ack(&first)).await {
        Outcome::Evidence(evidence) => assert_eq!(event_of(&evidence), Event::HandedOver),
        other => panic!("not taken: {other:?}"),
    }
    let mut after = Stream::open(node.raw("pk/police"), open(&[])).await.expect("open");
    let again = after.hand_out().await;
    assert_eq!(again.message, second.message);
    assert!(again.redelivered, "it may have been handed out before the kill");
    match answers.ask(ack(&second)).await {
        Outcome::Refusal(refusal) => assert_eq!(refusal.reason(), Reason::LeaseUnknown),
        other => panic!("a newer lease was granted: {other:?}"),
    }
    assert!(matches!(after.ask(ack(&again)).await, Outcome::Evidence(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_answer_makes_no_room_for_another_message() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    for text in ["first", "second"] {
        let draft = customs.note(text);
        customs.send(draft.to(&crate::harness::address("pk/police"))).await;
    }
    let inbox = "pk/police".to_owned();
    let open = pb::OpenInbox { inbox, max_outstanding: 1, ..Default::default() };
    let mut stream = Stream::open(node.raw("pk/police"), open).await.expect("open");
    let first = stream.hand_out().await;
    let lease = first.lease.clone();
    let refuse = Command::Refuse(pb::Refuse { lease, reason: Reason::Unspecified.into() });
    assert!(matches!(stream.ask(refuse).await, Outcome::Refusal(_)));

    let next = tokio::time::timeout(Duration::from_millis(500), stream.hear()).await;
    assert!(next.is_err(), "one is held, and one may be: {next:?}");
    assert!(matches!(stream.ask(ack(&first)).await, Outcome::Evidence(_)));
    let second = stream.hand_out().await;
    assert_eq!(text_of(&second.message.expect("a message")), "second");
}

fn ack(hand_out: &pb::HandOut) -> Command {
    Command::Ack(pb::Ack { lease: hand_out.lease.clone(), signed_ack: None })
}

fn reason_of(error: AnswerError) -> Reason {
    match error {
        AnswerError::Refused(refusal) => refusal.reason,
        other => panic!("not refused by the node: {other}"),
    }
}
