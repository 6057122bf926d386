//! The reckoning: the clients' books against the nodes' own.

#[cfg(test)]
mod tests;

use std::fmt;

use anyhow::Context as _;
use barid_link::client::OperatorClient;
use barid_proto::operations::v1 as pb;

use super::ledger::{Figures, Ledger};

/// What a node says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeFigures {
    pub(super) totals: [u64; 7],
    /// In queues and dead letters, by its list of queues.
    pub(super) waiting: u64,
    /// Deliveries without final, by its status.
    pub(super) outstanding: u64,
}

/// The books of the node of one country.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeBook {
    pub(super) country: &'static str,
    /// Times that it was started again.
    pub(super) restarts: u32,
    pub(super) figures: NodeFigures,
}

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Discrepancy {
    /// Two numbers that should be one.
    Differs { country: &'static str, what: &'static str, clients: u64, node: u64 },
    /// A number that should be nought.
    NotNought { what: &'static str, count: u64 },
    /// Anything else that should not be.
    Fault(String),
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { country, what, clients, node } => {
                write!(f, "{what}: the agencies counted {clients}, the node of {country} {node}")
            }
            Self::NotNought { what, count } => write!(f, "{what}: {count}, should be none"),
            Self::Fault(fault) => f.write_str(fault),
        }
    }
}

/// Asks a node for its totals and queues.
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
pub(super) fn reckon(ledger: &Ledger, nodes: &[NodeBook]) -> Vec<Discrepancy> {
    let mut found: Vec<_> = nodes.iter().flat_map(|node| compare(ledger, node)).collect();
    let Figures { submitted, accepted, refused, without_final, duplicates, lost, .. } =
        ledger.figures();
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

/// One node's books against what the agencies counted that concerns it.
fn compare(ledger: &Ledger, book: &NodeBook) -> Vec<Discrepancy> {
    let NodeBook { country, restarts, figures } = *book;
    let clients = ledger.of_node(country);
    let names = [
        "messages accepted",
        "messages refused",
        "deliveries",
        "handed over",
        "expired",
        "refused by recipients",
        "not delivered",
    ];
    let mut totals = figures.totals;
    // A refusal whose answer was lost with the process was asked for, and counted, again.
    if totals[1] - totals[1].min(clients.refused) <= restarts.into() {
        totals[1] = totals[1].min(clients.refused);
    }
    let counted = [
        clients.accepted,
        clients.refused,
        clients.deliveries,
        clients.handed_over,
        clients.expired,
        clients.turned_away,
        clients.non_delivered,
    ];
    // Where all has ended at its sender, nothing is open or waits anywhere; where not,
    // that is told already.
    let open = [
        ("deliveries without final", clients.without_final, figures.outstanding),
        ("deliveries still in queues", clients.without_final, figures.waiting),
    ];
    let all = names.into_iter().zip(counted).zip(totals);
    all.map(|((what, clients), node)| (what, clients, node))
        .chain(open)
        .filter(|(_, clients, node)| clients != node)
        .map(|(what, clients, node)| Discrepancy::Differs { country, what, clients, node })
        .collect()
}
