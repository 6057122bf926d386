//! Many clients that come back at once.

use std::time::Duration;

use barid_link::client::{AgencyClient, ClientConfig};
use tokio::task::JoinSet;

use crate::harness::{Node, address, now, say};

/// Clients unless `BARID_CLIENTS` says otherwise.
const CLIENTS: usize = 60;

/// Until the last of them is served.
const BACK: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_comes_back_at_once_is_served_within_half_a_minute() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let clients: Vec<_> = (0..clients()).map(|seed| client(&node, seed)).collect();
    all_served(&clients).await;
    node.kill();
    node.restart();
    let begun = now();
    all_served(&clients).await;
    let took = Duration::from_millis(now().0 - begun.0);
    say(&format!("faults::crowd: {} clients were back after {took:?}", clients.len()));
    assert!(took <= BACK, "{took:?}");
    assert!(node.stop().status.success());
}

fn clients() -> u64 {
    let asked = std::env::var_os("BARID_CLIENTS").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(CLIENTS as u64)
}

/// A system with a connection of its own.
fn client(node: &Node, seed: u64) -> AgencyClient {
    let config = ClientConfig::new(node.connector("pk/customs"), seed);
    AgencyClient::new(config, address("pk/customs")).expect("an account")
}

/// Each calls until it is answered.
async fn all_served(clients: &[AgencyClient]) {
    let mut calls = JoinSet::new();
    for client in clients {
        let client = client.clone();
        calls.spawn(async move {
            while client.node_info().await.is_err() {
                // As its own retries do, once they have given up.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    let served = tokio::time::timeout(2 * BACK, calls.join_all()).await;
    served.expect("all are served");
}
