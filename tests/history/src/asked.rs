//! What agencies were told, held against what nodes wrote down.

use std::collections::{BTreeMap, BTreeSet};

use barid_audit::entry::is_final;
use barid_proto::audit::v1::Event;

use crate::{Ask, Call, Delivery, History, Outcome, Violation, What};

/// All that was told and is not so.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut calls: Vec<&Call> = history.calls.iter().collect();
    calls.sort_by_key(|call| call.returned);
    let mut found = receipts(history, &calls);
    let mut inboxes: BTreeMap<&Delivery, Vec<&Call>> = BTreeMap::new();
    let mut told: BTreeMap<&Delivery, Vec<Event>> = BTreeMap::new();
    for call in calls {
        match &call.ask {
            Ask::Submit { .. } => {}
            Ask::HandOut { delivery, .. } | Ask::Settle(delivery, _) => {
                inboxes.entry(delivery).or_default().push(call);
            }
            Ask::Told(delivery, event) => told.entry(delivery).or_default().push(*event),
        }
    }
    let submitted = history.submitted();
    let unsent = inboxes.keys().filter(|delivery| !submitted.contains_key(**delivery));
    found.extend(unsent.map(|delivery| Violation::NobodySent(Delivery::clone(delivery))));
    let mut ends = ends(history);
    for (delivery, calls) in &inboxes {
        found.extend(inbox(delivery, calls, &ends.remove(delivery).unwrap_or_default()));
    }
    found.extend(evidence(history, &told));
    found
}

/// What a receipt is for, the receipt, and since when it is there.
type Promise<'a> = (&'a [u8], &'a [u8], u64);

/// Receipts: what they promise is there, once, and nothing else is.
fn receipts(history: &History, calls: &[&Call]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut first: BTreeMap<(&str, &str), Promise<'_>> = BTreeMap::new();
    for call in calls {
        let Ask::Submit { origin, id, header, .. } = &call.ask else { continue };
        let known = first.get(&(origin.as_str(), id.as_str()));
        let receipt = match &call.outcome {
            Outcome::Ok(receipt) => receipt,
            Outcome::Failed => {
                let had = known.filter(|(known, _, at)| known == header && *at <= call.invoked);
                found.extend(had.map(|_| Violation::TakenBack(origin.clone(), id.clone())));
                continue;
            }
            Outcome::Unknown => continue,
        };
        let now = (header.as_slice(), receipt.as_slice(), call.returned);
        let (known, given, _) = first.entry((origin, id)).or_insert(now);
        if known != header {
            found.push(Violation::TwoContents(origin.clone(), id.clone()));
        } else if given != receipt {
            found.push(Violation::TwoReceipts(origin.clone(), id.clone()));
        }
    }
    let accepted: BTreeSet<&Delivery> = history
        .books
        .iter()
        .flat_map(|book| &book.steps)
        .filter_map(|step| match &step.what {
            What::Accepted(delivery, _) => Some(delivery),
            _ => None,
        })
        .collect();
    let submitted = history.submitted();
    for (delivery, outcomes) in &submitted {
        let promised = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Ok(_)));
        if promised && !accepted.contains(delivery) {
            found.push(Violation::Lost(delivery.clone()));
        }
    }
    for delivery in accepted {
        let asked = submitted.get(delivery);
        if asked.is_none_or(|outcomes| outcomes.iter().all(|one| **one == Outcome::Failed)) {
            found.push(Violation::Unsubmitted(delivery.clone()));
        }
    }
    found
}

/// Hand-outs of one delivery and their answers, in order.
fn inbox(delivery: &Delivery, calls: &[&Call], ended: &Ended) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut hand_outs: Vec<&Call> = Vec::new();
    let mut settled = false;
    for call in calls.iter().filter(|call| matches!(call.outcome, Outcome::Ok(_))) {
        let (delivery, by) = (delivery.clone(), call.by.clone());
        match &call.ask {
            Ask::HandOut { redelivered, .. } => {
                if !redelivered && !hand_outs.is_empty() {
                    found.push(Violation::Unmarked(delivery.clone()));
                }
                if settled {
                    found.push(Violation::AfterItsEnd(delivery));
                }
                hand_outs.push(call);
            }
            Ask::Settle(_, event) => {
                let mut before = hand_outs.iter().filter(|given| given.returned <= call.invoked);
                if !before.clone().any(|given| given.by == by) {
                    found.push(Violation::NotHandedTo(delivery.clone(), by));
                } else if let Some(last) = before.next_back()
                    && last.by != by
                    && !ended
                        .starts
                        .iter()
                        .any(|start| (last.returned..=call.returned).contains(start))
                {
                    found.push(Violation::Stale(delivery.clone(), by));
                }
                if settled {
                    found.push(Violation::AckedTwice(delivery.clone()));
                }
                if !ended.events.contains(event) {
                    found.push(Violation::AckLost(delivery));
                }
                settled = true;
            }
            Ask::Submit { .. } | Ask::Told(..) => {}
        }
    }
    found
}

/// How nodes ended a delivery, and when those nodes started.
#[derive(Default)]
struct Ended {
    events: BTreeSet<Event>,
    starts: Vec<u64>,
}

fn ends(history: &History) -> BTreeMap<&Delivery, Ended> {
    let mut ends: BTreeMap<_, Ended> = BTreeMap::new();
    for book in &history.books {
        let starts = book.steps.iter().filter(|step| step.what == What::Started);
        let starts: Vec<u64> = starts.map(|step| step.order).collect();
        for step in &book.steps {
            if let What::Ended(delivery, event) = &step.what {
                let ended = ends.entry(delivery).or_default();
                ended.events.insert(*event);
                ended.starts.extend(&starts);
            }
        }
    }
    ends
}

/// Each sender has been told how each of its deliveries ended, once, as its node has it.
fn evidence(history: &History, told: &BTreeMap<&Delivery, Vec<Event>>) -> Vec<Violation> {
    let mut found = Vec::new();
    for book in &history.books {
        let mut own: BTreeMap<&Delivery, Option<Event>> = BTreeMap::new();
        for step in &book.steps {
            match &step.what {
                What::Accepted(delivery, _) => drop(own.insert(delivery, None)),
                What::Ended(delivery, event) | What::Told(delivery, _, event) => {
                    own.entry(delivery).and_modify(|end| *end = end.or(Some(*event)));
                }
                What::WrittenOff(delivery) => {
                    let event = Event::NonDelivered;
                    own.entry(delivery).and_modify(|end| *end = end.or(Some(event)));
                }
                _ => {}
            }
        }
        for (delivery, end) in own {
            let heard = told.get(delivery).into_iter().flatten();
            let finals: Vec<_> = heard.filter(|event| is_final(**event)).collect();
            match (finals.as_slice(), end) {
                ([one], Some(end)) if **one == end => {}
                ([_, _, ..], _) => found.push(Violation::AgencyToldTwice(delivery.clone())),
                // Still open: that is said elsewhere.
                ([], None) => {}
                _ => found.push(Violation::AgencyNotTold(delivery.clone())),
            }
        }
    }
    found
}
