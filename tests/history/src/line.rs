//! Order: what one sender sends to one recipient under one precedence is taken over and
//! first handed out in the order of its acceptance, but for what was deferred, and for what
//! was over by a clock that is in doubt now.

use std::collections::BTreeMap;

use barid_message::Precedence;

use crate::{Ask, Call, Delivery, History, Outcome, Violation, What};

/// All that overtook.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut accepted = BTreeMap::new();
    for step in history.books.iter().flat_map(|book| &book.steps) {
        if let What::Accepted(delivery, terms) = &step.what {
            let place = accepted.len();
            accepted.entry(delivery).or_insert((place, terms.precedence));
        }
    }
    for delivery in history.deferred() {
        accepted.remove(delivery);
    }
    let mut found = Vec::new();
    for book in &history.books {
        let taken = book.steps.iter().filter_map(|step| match &step.what {
            What::Taken(delivery, ..) => Some(delivery),
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
    let doubts = doubts(history);
    hand_outs.retain(|(call, delivery)| {
        let doubted = doubts.get(delivery).into_iter().flatten();
        !doubted.into_iter().any(|(from, to)| (*from..*to).contains(&call.returned))
    });
    hand_outs.sort_by_key(|(call, _)| call.returned);
    found.extend(overtaken(&accepted, hand_outs.into_iter().map(|(_, delivery)| delivery)));
    found
}

/// When the clock of a node that had a delivery was in doubt: from, to.
fn doubts(history: &History) -> BTreeMap<&Delivery, Vec<(u64, u64)>> {
    let mut doubts: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for book in &history.books {
        let mut times = Vec::new();
        for step in &book.steps {
            match (&step.what, times.last_mut()) {
                (What::InDoubt(true), _) => times.push((step.order, u64::MAX)),
                (What::InDoubt(false), Some((_, to))) => *to = step.order,
                _ => {}
            }
        }
        for step in book.steps.iter().filter(|_| !times.is_empty()) {
            if let What::Accepted(delivery, _) | What::Taken(delivery, ..) = &step.what {
                doubts.entry(delivery).or_default().extend(&times);
            }
        }
    }
    doubts
}

type Accepted<'a> = BTreeMap<&'a Delivery, (usize, Precedence)>;

fn overtaken<'a>(
    accepted: &Accepted<'_>,
    came: impl Iterator<Item = &'a Delivery>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut seen = BTreeMap::new();
    let mut newest: BTreeMap<_, (usize, &Delivery)> = BTreeMap::new();
    for delivery in came {
        let Some((place, precedence)) = accepted.get(delivery) else { continue };
        if seen.insert(delivery, ()).is_some() {
            continue;
        }
        let lane = (&delivery.origin, &delivery.recipient, *precedence);
        let newest = newest.entry(lane).or_insert((*place, delivery));
        if newest.0 > *place {
            found.push(Violation::OutOfOrder(newest.1.clone(), delivery.clone()));
        } else {
            *newest = (*place, delivery);
        }
    }
    found
}
