//! The reckoning: the clients' books against the node's own.

#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::Context as _;
use barid_link::client::OperatorClient;
use barid_proto::operations::v1 as pb;

use super::ledger::{Figures, Ledger};

/// What the node says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeFigures {
    pub(super) totals: [u64; 7],
    /// In queues and dead letters, by its list of queues.
    pub(super) waiting: u64,
    /// Deliveries without final, by its status.
    pub(super) outstanding: u64,
}

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Discrepancy {
    /// Two numbers that should be one.
    Differs { what: &'static str, clients: u64, node: u64 },
    /// A number that should be nought.
    NotNought { what: &'static str, count: u64 },
    /// Anything else that should not be.
    Fault(String),
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { what, clients, node } => {
                write!(f, "{what}: the agencies counted {clients}, the node {node}")
            }
            Self::NotNought { what, count } => write!(f, "{what}: {count}, should be none"),
            Self::Fault(fault) => f.write_str(fault),
        }
    }
}

/// Asks the node for its totals and queues.
pub(super) async fn ask(operator: &OperatorClient) -> anyhow::Result<NodeFigures> {
    let status = operator.node_status(pb::GetNodeStatusRequest {}).await;
    let status = status.context("cannot ask the node for its totals")?;
    let queues = operator.list_queues(pb::ListQueuesRequest::default()).await;
    let queues = queues.context("cannot ask the node for its queues")?.queues;
    let waiting = queues.iter().flat_map(|queue| {
        let depths = queue.depths.iter().map(|depth| depth.ready + depth.leased + depth.delayed);
        depths.chain([queue.dead_letters, queue.unreadable])
    });
    let totals = status.totals.context("the node tells no totals")?;
    Ok(NodeFigures {
        totals: [
            totals.accepted,
            totals.refused,
            totals.deliveries,
            totals.handed_over,
            totals.expired,
            totals.refused_deliveries,
            totals.non_delivered,
        ],
        waiting: waiting.sum(),
        outstanding: totals.outstanding,
    })
}

/// Everything that does not add up.
pub(super) fn reckon(ledger: &Ledger, node: &NodeFigures) -> Vec<Discrepancy> {
    let Figures {
        submitted,
        accepted,
        refused,
        deliveries,
        received: _,
        repeats: _,
        handed_over,
        expired,
        turned_away,
        non_delivered,
        without_final,
        duplicates,
        lost,
    } = ledger.figures();
    let names = [
        "messages accepted",
        "messages refused",
        "deliveries",
        "handed over",
        "expired",
        "refused by recipients",
        "not delivered",
    ];
    let clients = [accepted, refused, deliveries, handed_over, expired, turned_away, non_delivered];
    let mut found = Vec::new();
    let mut compare = |what, clients, node| {
        if clients != node {
            found.push(Discrepancy::Differs { what, clients, node });
        }
    };
    for ((what, clients), node) in names.into_iter().zip(clients).zip(node.totals) {
        compare(what, clients, node);
    }
    compare("deliveries without final", without_final, node.outstanding);
    compare("deliveries still in queues", without_final, node.waiting);
    let unanswered = submitted - accepted - refused;
    for (what, count) in [
        ("messages without answer", unanswered),
        ("deliveries without final", without_final),
        ("duplicates", duplicates),
        ("lost", lost),
    ] {
        if count > 0 {
            found.push(Discrepancy::NotNought { what, count });
        }
    }
    found.extend(ledger.faults().iter().cloned().map(Discrepancy::Fault));
    found
}
