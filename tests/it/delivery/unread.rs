//! Hand-outs that a consumer was granted and never got to see.

use std::time::Duration;

use barid_link::stub::exchange::exchange_service_client::ExchangeServiceClient;
use barid_message::Purpose;
use barid_message::compose::Draft;
use barid_proto::exchange::v1 as pb;
use barid_proto::message::v1::{Note, Text};
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, Stream, channel, within};

/// More than twice what a client's window takes.
const MESSAGES: u64 = 50;

/// Languages of a message that fills a window quickly.
const LANGUAGES: [&str; 8] = ["ar", "bn", "en", "fa", "ps", "ru", "tr", "ur"];

#[tokio::test(flavor = "multi_thread")]
async fn what_never_left_the_node_goes_back_when_the_stream_breaks() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let long = Note { subject: Vec::new(), text: LANGUAGES.map(long_text).to_vec() };
    for _ in 0..MESSAGES {
        let draft = Draft::new(&customs.address, &customs.agreement, long.clone());
        let draft = draft.purposes(&[Purpose::BorderOperation]).to(&police.address);
        customs.send(draft).await;
    }

    // With its runtime the connection is cut: nobody says goodbye.
    let doomed = tokio::runtime::Runtime::new().expect("a runtime");
    let connector = node.connector("pk/police");
    let opening = doomed.spawn(async move {
        let rpc = ExchangeServiceClient::new(channel(connector));
        let open = pb::OpenInbox { inbox: "pk/police".to_owned(), ..Default::default() };
        let mut stream = Stream::open(rpc, open).await.expect("open");
        stream.hand_out().await;
        stream
    });
    let stream = opening.await.expect("one was handed out");
    wait_for(&node, |depth| depth.leased == MESSAGES).await;
    doomed.shutdown_background();
    drop(stream);

    // Far sooner than leases run out. What had left stays the consumer's to answer.
    wait_for(&node, |depth| depth.leased > 0 && depth.ready > MESSAGES / 2).await;
    let depth = routine(&node).await;
    let mut inbox = police.inbox();
    let mut held = Vec::new();
    for _ in 0..depth.ready {
        let hand_out = inbox.next().await;
        assert_eq!((hand_out.attempt(), hand_out.redelivered()), (1, false), "never seen");
        held.push(hand_out);
    }
}

/// As long as a text may be.
fn long_text(language: &str) -> Text {
    Text { language: language.to_owned(), text: "x".repeat(16_384), ..Default::default() }
}

/// What waits for the police.
async fn routine(node: &Node) -> ops::QueueDepth {
    let request = ops::ListQueuesRequest { inbox: "pk/police".to_owned() };
    let queues = within(node.operator().list_queues(request)).await.expect("the queues");
    let depths = &queues.queues.first().expect("the one asked for").depths;
    *depths.last().expect("routine comes last")
}

/// Waits until the queue is so, for much less than a lease.
async fn wait_for(node: &Node, is_so: impl Fn(&ops::QueueDepth) -> bool) {
    let so = async {
        while !is_so(&routine(node).await) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), so).await;
    assert!(waited.is_ok(), "{:?}", routine(node).await);
}
