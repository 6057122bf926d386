//! Three nodes, each linked with both others over wires that can be cut.

use std::time::Duration;

use barid_proto::operations::v1 as ops;

use history::Book;

use crate::federation::border::{Neighbour, card, join_all, listens};
use crate::federation::wire::Wire;
use crate::harness::{Chance, Node, book, within};

/// The nodes, and who sends and receives there.
const COUNTRIES: [(&str, &[&str]); 3] =
    [("pk", &["pk/customs", "pk/border-guard"]), ("ir", &["ir/police"]), ("af", &["af/police"])];

/// Who calls whom, by their places.
const LINKS: [(usize, usize); 3] = [(0, 1), (0, 2), (1, 2)];

pub(super) struct Triangle {
    pub(super) nodes: [Node; 3],
    wires: [Wire; 3],
}

impl Triangle {
    /// All run, and all links are live.
    pub(super) async fn start() -> Self {
        let nodes = COUNTRIES.map(|(name, agencies)| Node::site(agencies).named(name).make());
        let wires = [Wire::new().await, Wire::new().await, Wire::new().await];
        for ((_, called), wire) in LINKS.iter().zip(&wires) {
            wire.leads_to(listens(&nodes[*called]));
        }
        for (place, node) in nodes.iter().enumerate() {
            let others = LINKS.iter().zip(&wires).filter_map(|((caller, called), wire)| {
                // A card names one endpoint: each neighbour is given one of its own.
                let endpoint = Some(wire.endpoint().parse().expect("an endpoint"));
                let (other, is_called) = match place {
                    place if place == *caller => (*called, true),
                    place if place == *called => (*caller, false),
                    _ => return None,
                };
                let endpoint = endpoint.filter(|_| is_called);
                Some((COUNTRIES[other].0, card(&nodes[other], endpoint), is_called))
            });
            let others: Vec<_> = others.collect();
            let neighbours = others.iter().map(|(name, card, is_called)| Neighbour {
                name,
                card,
                is_called: *is_called,
            });
            join_all(node, &neighbours.collect::<Vec<_>>());
        }
        let mut triangle = Self { nodes, wires };
        triangle.nodes.iter_mut().for_each(Node::restart);
        triangle.linked().await;
        triangle
    }

    /// Each agency with the place of its node.
    pub(super) fn agencies() -> impl Iterator<Item = (usize, &'static str)> {
        let agencies = COUNTRIES.into_iter().enumerate();
        agencies.flat_map(|(place, (_, agencies))| agencies.iter().map(move |name| (place, *name)))
    }

    /// One of the wires.
    pub(super) fn wire(&self, chance: &mut Chance) -> Wire {
        self.wires[chance.below(self.wires.len())].clone()
    }

    /// Kills one of the nodes, which comes back at once or after a while; now and then it is
    /// killed again in the middle of its start.
    pub(super) async fn kill_one(&mut self, chance: &mut Chance) {
        let place = chance.below(self.nodes.len());
        let node = &mut self.nodes[place];
        node.kill();
        if chance.once_in(3) {
            node.start_and_kill(chance.millis(60));
        }
        if chance.once_in(3) {
            tokio::time::sleep(chance.millis(700)).await;
        }
        node.restart();
    }

    /// Waits until all links are live.
    async fn linked(&self) {
        for node in &self.nodes {
            let operator = node.operator();
            let linked = async {
                loop {
                    let request = ops::ListPeersRequest::default();
                    let peers = operator.list_peers(request).await.expect("the peers").peers;
                    if peers.iter().all(|peer| peer.state() == ops::LinkState::Live) {
                        return assert_eq!(peers.len(), 2);
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            within(linked).await;
        }
    }

    /// Stops all, and gives what they wrote.
    pub(super) fn stop(mut self) -> Vec<Book> {
        for node in &mut self.nodes {
            let ended = node.stop();
            assert!(ended.status.success(), "{ended:?}");
        }
        let nodes = COUNTRIES.iter().zip(&self.nodes);
        nodes
            .map(|((name, _), node)| book(&format!("spiffe://{name}.example/node"), node))
            .collect()
    }
}
