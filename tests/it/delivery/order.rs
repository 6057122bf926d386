//! Who gets what, and in which order.

use std::collections::BTreeSet;

use barid_message::Precedence;
use barid_proto::operations::v1 as ops;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::harness::{Agency, Node, id_of, within};

#[tokio::test(flavor = "multi_thread")]
async fn flash_overtakes_a_pile_of_routine() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let to_police = |level| {
        let draft = customs.note("Gate 2 closed.").to(&police.address);
        customs.send(draft.precedence(level))
    };
    let mut routine = Vec::new();
    for _ in 0..10 {
        routine.push(to_police(Precedence::Routine).await);
    }
    let priority = to_police(Precedence::Priority).await;
    let immediate = to_police(Precedence::Immediate).await;
    let flash = customs.alert("Stolen truck may cross at Mirjaveh");
    let flash = customs.send(flash.to(&police.address).flash("it crosses within the hour")).await;

    let mut inbox = police.inbox();
    let mut order = Vec::new();
    for _ in 0..13 {
        let mut hand_out = inbox.next().await;
        assert!(!hand_out.redelivered());
        assert_eq!(hand_out.attempt(), 1);
        order.push(id_of(hand_out.message()));
        within(hand_out.ack()).await.expect("taken");
    }

    let expected = [vec![flash, immediate, priority], routine].concat();
    let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
    assert_eq!(order, expected, "by precedence, then by acceptance");
}

#[tokio::test(flavor = "multi_thread")]
async fn consumers_of_one_inbox_get_each_message_once() {
    const MESSAGES: usize = 60;
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let (taken, mut ledger) = mpsc::channel(MESSAGES);
    let mut consumers = JoinSet::new();
    for _ in 0..3 {
        let police = node.agency("pk/police").await;
        consumers.spawn(consume(police, taken.clone()));
    }
    let police = node.agency("pk/police").await;
    let mut sent = BTreeSet::new();
    for _ in 0..MESSAGES {
        let draft = customs.note("Gate 2 closed.").to(&police.address);
        sent.insert(customs.send(draft).await.to_string());
    }

    let mut got = Vec::new();
    for _ in 0..MESSAGES {
        got.push(within(ledger.recv()).await.expect("consumers run"));
    }

    let distinct: BTreeSet<String> = got.iter().cloned().collect();
    assert_eq!(distinct, sent);
    let totals = node.totals().await;
    assert_eq!(totals.handed_over, 60);
    assert_eq!(totals.outstanding, 0);
    let request = ops::ListQueuesRequest { inbox: "pk/police".to_owned() };
    let queues = within(node.operator().list_queues(request)).await;
    assert_eq!(queues.expect("queues").queues[0].consumers, 3);
    consumers.shutdown().await;
}

/// Takes messages until it is stopped, few at a time so that the others get some.
async fn consume(agency: Agency, taken: mpsc::Sender<String>) {
    let mut inbox = agency.inbox_of(4, &[]);
    loop {
        let mut hand_out = inbox.next().await;
        assert!(!hand_out.redelivered(), "nobody has had it before");
        within(hand_out.ack()).await.expect("taken");
        let id = id_of(hand_out.message());
        taken.send(id).await.expect("the ledger is open");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unit_has_an_inbox_of_its_own() {
    let node = Node::start(&["pk/customs", "pk/police", "pk/police/torkham"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let torkham = node.agency("pk/police/torkham").await;
    let note = |text: &str| customs.note(text);
    customs.send(note("for the post").to(&torkham.address)).await;
    customs.send(note("for all").to(&police.address)).await;

    assert_eq!(police.peek(&[]).await, ["for all"], "no fan-out upwards");
    assert_eq!(torkham.inbox().take().await, "for the post");
    let answer = torkham.note("understood").to(&customs.address);
    torkham.send(answer).await;
    assert_eq!(customs.inbox().take().await, "understood");
}
