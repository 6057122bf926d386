//! Lanes: numbers without a gap, receipts for what was answered, and no breach of the
//! protocol among nodes that keep it.

use std::collections::BTreeMap;

use barid_proto::federation::v1::Lane;

use crate::{History, Violation, What};

/// All that does not fit.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    // By who answered whom in which lane: each number, and when.
    let mut answers: BTreeMap<(&str, &str, Lane), Vec<u64>> = BTreeMap::new();
    for book in &history.books {
        for step in &book.steps {
            if let What::Answered(peer, lane, number) = &step.what {
                let lane_of = answers.entry((&book.node, peer, *lane)).or_default();
                if *number != lane_of.len() as u64 + 1 {
                    let next = lane_of.len() as u64 + 1;
                    found.push(Violation::Gap(book.node.clone(), peer.clone(), *lane, next));
                }
                lane_of.push(step.order);
            }
        }
    }
    for book in &history.books {
        let mut receipted: BTreeMap<(&str, Lane), u64> = BTreeMap::new();
        for step in &book.steps {
            match &step.what {
                What::Receipted(peer, lane, first, last) => {
                    let next = receipted.entry((peer, *lane)).or_insert(1);
                    if first != next {
                        found.push(Violation::Gap(book.node.clone(), peer.clone(), *lane, *next));
                    }
                    *next = last + 1;
                    let answered = answers.get(&(peer, &book.node, *lane));
                    let place = usize::try_from(*last).unwrap_or(usize::MAX).wrapping_sub(1);
                    let at = answered.and_then(|answered| answered.get(place));
                    if at.is_none_or(|at| *at > step.order) {
                        let (node, peer) = (book.node.clone(), peer.clone());
                        found.push(Violation::ReceiptForNothing(node, peer, *lane, *last));
                    }
                }
                What::Misbehaved(peer, reason) => {
                    let (node, peer) = (book.node.clone(), peer.clone());
                    found.push(Violation::Slandered(node, peer, *reason));
                }
                _ => {}
            }
        }
    }
    found
}
