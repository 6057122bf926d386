//! Whoever hears that the node listens may stop it at once.

use std::time::Duration;

use barid_proto::exchange::v1::ReceiveMessagesRequest;
use tokio_stream::wrappers::ReceiverStream;

use super::AGENCIES;
use crate::harness::{Node, now, within};

#[test]
fn a_node_that_has_said_that_it_listens_stops_in_order() {
    for _ in 0..20 {
        let mut node = Node::start(&AGENCIES);
        let ended = node.stop();
        assert!(ended.status.success(), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_opened_an_inbox_holds_up_no_stop() {
    let mut node = Node::start(&AGENCIES);
    let (_requests, silence) = tokio::sync::mpsc::channel::<ReceiveMessagesRequest>(1);
    let mut rpc = node.raw("pk/police");
    let opened = within(rpc.receive_messages(ReceiverStream::new(silence))).await;
    let _stream = opened.expect("a stream");
    let told = now();
    assert!(node.stop().status.success());
    let took = Duration::from_millis(now().0 - told.0);
    assert!(took < Duration::from_secs(5), "{took:?}");
}
