//! Order: what one sender sends to one recipient under one precedence is taken over and
//! first handed out in the order of its acceptance, but for what was deferred, and for what
//! was over by the node's clock when it was passed by.

use std::collections::{BTreeMap, BTreeSet};

use barid_message::time::Millis;

use crate::{Ask, Call, Delivery, History, Outcome, Terms, Violation, What};

/// All that overtook.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut accepted = BTreeMap::new();
    for step in history.books.iter().flat_map(|book| &book.steps) {
        if let What::Accepted(delivery, terms) = &step.what {
            let place = accepted.len();
            accepted.entry(delivery).or_insert((place, *terms));
        }
    }
    for delivery in history.deferred() {
        accepted.remove(delivery);
    }
    let mut found = Vec::new();
    for book in &history.books {
        let taken = book.steps.iter().filter_map(|step| match &step.what {
            // What is over is never passed by here: it leaves a void in its number.
            What::Taken(delivery, ..) => Some((delivery, Millis(0))),
            _ => None,
        });
        found.extend(overtaken(&accepted, taken));
    }
    // Also what was on its way to a consumer when its node died.
    let mut hand_outs: Vec<(&Call, &Delivery)> = history
        .calls
        .iter()
        .filter(|call| call.outcome != Outcome::Failed)
        .filter_map(|call| match &call.ask {
            Ask::HandOut { delivery, .. } => Some((call, delivery)),
            _ => None,
        })
        .collect();
    hand_outs.sort_by_key(|(call, _)| call.returned);
    let came = hand_outs.into_iter().map(|(call, delivery)| (delivery, call.at));
    found.extend(overtaken(&accepted, came));
    found
}

type Accepted<'a> = BTreeMap<&'a Delivery, (usize, Terms)>;

fn overtaken<'a>(
    accepted: &Accepted<'_>,
    came: impl Iterator<Item = (&'a Delivery, Millis)>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut lines: BTreeMap<_, Vec<(usize, Millis, &Delivery)>> = BTreeMap::new();
    for (delivery, at) in came {
        let Some((place, terms)) = accepted.get(delivery) else { continue };
        if !seen.insert(delivery) {
            continue;
        }
        let line =
            lines.entry((&delivery.origin, &delivery.recipient, terms.precedence)).or_default();
        let first = line.iter().find(|(other, then, _)| other > place && *then < terms.end);
        if let Some((_, _, first)) = first {
            found.push(Violation::OutOfOrder(Delivery::clone(first), delivery.clone()));
        }
        line.push((*place, at, delivery));
    }
    found
}
