//! A clock that came into doubt is confirmed by two neighbours.

use std::time::Duration;

use barid_audit::entry::Body;
use barid_proto::operations::v1 as ops;

use super::triangle::Triangle;
use crate::harness::{Node, entries, now, within};

/// How far a clock stood ahead.
const AHEAD: Duration = Duration::from_secs(2 * 3_600);

async fn status(node: &Node) -> ops::GetNodeStatusResponse {
    let status = within(node.operator().node_status(ops::GetNodeStatusRequest {})).await;
    status.expect("the node says how it is")
}

/// Waits until the node says so of itself.
async fn until(node: &Node, is_so: impl Fn(&ops::GetNodeStatusResponse) -> bool) {
    let waited = async {
        while !is_so(&status(node).await) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.expect("it is so soon");
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_confirm_a_clock_that_stood_ahead_and_was_put_right() {
    let mut border = Triangle::start().await;
    let pk = &mut border.nodes[0];
    // For a life it stands two hours ahead, and writes that down.
    assert!(pk.stop().status.success());
    pk.restart_moved();
    pk.process().pass(AHEAD);
    let then = (now() + AHEAD / 2).to_proto();
    until(pk, |status| status.time.is_some_and(|time| time.seconds > then.seconds)).await;
    assert!(pk.stop().status.success());
    pk.restart();
    until(pk, |status| !status.clock_suspect).await;
    assert!(pk.stop().status.success());
    let clocks = entries(&pk.data()).into_iter().filter_map(|entry| match entry.body {
        Body::Clock(facts) => Some((facts.suspect, facts.actor, facts.peers)),
        _ => None,
    });
    let nobody = String::new;
    let peers = ["spiffe://af.example/node", "spiffe://ir.example/node"].map(str::to_owned);
    let expected = [(true, nobody(), Vec::new()), (false, nobody(), peers.to_vec())];
    assert_eq!(clocks.collect::<Vec<_>>(), expected);
}
