//! The delivery log is made of the journal alone.

use std::time::Duration;

use barid_link::client::OperatorClient;
use barid_message::Reason;
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use barid_proto::message::v1::Kind;
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, id_of, within};

/// Everything that the log is asked here.
#[derive(Debug, PartialEq)]
struct Answers {
    events: Vec<ops::EventRecord>,
    of_agency: Vec<ops::EventRecord>,
    of_kind: Vec<ops::EventRecord>,
    of_outcome: Vec<ops::EventRecord>,
    traces: Vec<ops::TraceMessageResponse>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_index_gives_the_same_answers() {
    let mut node = Node::start(&["pk/customs", "pk/police", "pk/health"]);
    let ids = some_history(&node).await;
    let before = ask(&node.operator(), &ids).await;
    assert!(before.events.len() > before.of_agency.len());
    assert!(!before.of_kind.is_empty() && !before.of_outcome.is_empty());
    assert!(before.traces.iter().all(|trace| !trace.evidence.is_empty()));

    for _ in 0..2 {
        node.kill();
        std::fs::remove_dir_all(node.data().join("index")).expect("removed");
        node.restart();
        assert_eq!(ask(&node.operator(), &ids).await, before);
    }
    assert!(node.stop().status.success());
    node.restart();
    assert_eq!(ask(&node.operator(), &ids).await, before);
}

/// A little of everything: taken, refused, given back, dead, conflicting, waiting.
async fn some_history(node: &Node) -> Vec<MessageId> {
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let health = node.agency("pk/health").await;
    let mut ids = Vec::new();
    for text in ["taken", "refused", "dead"] {
        let draft = customs.note(text).to(&police.address);
        ids.push(customs.send(draft.info(&health.address)).await);
    }
    let alert = customs.alert("Stolen truck").to(&health.address);
    ids.push(customs.send(alert).await);
    let again = customs.note("another text").to(&police.address).id(ids[0]);
    customs.submit(&customs.sign(again)).await.expect_err("a known id");

    let mut inbox = police.inbox();
    let mut taken = inbox.next().await;
    within(taken.ack()).await.expect("taken");
    let mut refused = inbox.next().await;
    let reason = Reason::WrongAddressee;
    within(refused.refuse(reason)).await.expect("refused");
    for _ in 0..5 {
        let mut hand_out = inbox.next().await;
        assert_eq!(id_of(hand_out.message()), ids[2].to_string());
        let soon = Some(Duration::from_millis(1));
        within(hand_out.nack(soon)).await.expect("given back");
    }
    ids
}

async fn ask(operator: &OperatorClient, ids: &[MessageId]) -> Answers {
    let of = |filter| events(operator, filter);
    let mut traces = Vec::new();
    for id in ids {
        let request = ops::TraceMessageRequest { message_id: id.to_string(), ..Default::default() };
        let trace = within(operator.trace_message(request)).await;
        traces.push(trace.expect("a trace"));
    }
    Answers {
        events: of(ops::EventFilter::default()).await,
        of_agency: of(ops::EventFilter { agency: "pk/police".to_owned(), ..Default::default() })
            .await,
        of_kind: of(ops::EventFilter { kind: Kind::Alert.into(), ..Default::default() }).await,
        of_outcome: of(ops::EventFilter { event: Event::Returned.into(), ..Default::default() })
            .await,
        traces,
    }
}

/// All pages of the log, few rows a page.
async fn events(operator: &OperatorClient, filter: ops::EventFilter) -> Vec<ops::EventRecord> {
    let mut request =
        ops::ListEventsRequest { filter: Some(filter), page_size: 7, ..Default::default() };
    let mut events = Vec::new();
    loop {
        let page = within(operator.list_events(request.clone())).await.expect("a page");
        events.extend(page.events);
        if page.next_page_token.is_empty() {
            return events;
        }
        request.page_token = page.next_page_token;
    }
}
