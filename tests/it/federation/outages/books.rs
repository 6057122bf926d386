//! What the audit reads, from the journal of a node that has stopped.

use barid_audit::entry::{Body, Entry, Item, is_final};
use barid_proto::audit::v1::{Event, Evidence};
use prost::Message as _;

use super::audit::{Book, Step, What};
use crate::crash::ledger::Delivery;
use crate::harness::{Node, entries};

/// The book of a node of this identity.
pub(super) fn book(identity: String, node: &Node) -> Book {
    let steps = entries(&node.data()).iter().flat_map(steps).collect();
    Book { node: identity, steps }
}

fn steps(entry: &Entry) -> Vec<Step> {
    let step = |delivery, what| Step { at: entry.time, delivery, what };
    let mut steps: Vec<_> = entry
        .items
        .iter()
        .filter_map(|item| Some(step(delivery(item), what(&entry.body, item)?)))
        .collect();
    // Evidence about what is not open here any more has no item.
    if let Body::EvidenceTaken(slot) = &entry.body
        && entry.items.is_empty()
    {
        let said = Evidence::decode(entry.evidence.clone()).expect("evidence that was checked");
        if is_final(said.event()) {
            let what = What::Told(slot.peer.clone(), said.event());
            steps.push(step(Delivery { id: said.message_id, recipient: said.recipient }, what));
        }
    }
    steps
}

fn delivery(item: &Item) -> Delivery {
    let facts = &item.facts;
    Delivery { id: facts.message_id.clone(), recipient: facts.recipient.clone() }
}

/// `None` where neither custody nor its end is meant.
fn what(body: &Body, item: &Item) -> Option<What> {
    Some(match body {
        Body::Accepted(_) => What::Accepted,
        Body::Taken(facts) => What::Taken(facts.slot.as_ref().expect("its slot").peer.clone()),
        Body::CustodyReceived(facts) if item.event == Event::RelayAccepted => {
            What::Passed(facts.peer.clone())
        }
        Body::EvidenceTaken(slot) if is_final(item.event) => {
            What::Told(slot.peer.clone(), item.event)
        }
        _ if is_final(item.event) => What::Ended(item.event),
        _ => return None,
    })
}
