//! The custody rule, held against the journals of all nodes together.
//!
//! Each journal is in order by itself. Across journals one thing orders: what a node writes
//! down of another's doing comes after that doing: custody is passed behind its taking
//! over, and an end is told behind its deciding. All journals are read side by side in
//! an order that has every cause in front of its effects, and at each step it is known
//! who has a copy, and who alone may end the delivery.

use std::collections::{BTreeMap, BTreeSet};

use barid_message::time::Millis;
use barid_proto::audit::v1::Event;

use crate::crash::ledger::Delivery;

#[cfg(test)]
mod tests;

/// What one node's journal says of deliveries, in order.
pub(super) struct Book {
    /// Identity of the node.
    pub(super) node: String,
    pub(super) steps: Vec<Step>,
}

/// One entry about one delivery.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Millis,
    pub(super) delivery: Delivery,
    pub(super) what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Accepted from the agency that sent it.
    Accepted,
    /// Taken over from this node.
    Taken(String),
    /// This node has a receipt that it was taken over.
    Passed(String),
    /// Ended here, by this final event.
    Ended(Event),
    /// This node says that it has ended there, by this final event.
    Told(String, Event),
}

/// How the rule was broken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Violation {
    /// Promised by a receipt, and in nobody's journal.
    Lost(Delivery),
    /// Accepted, and never promised.
    Unpromised(Delivery),
    /// Nobody had a copy, and it had not ended.
    NoHolder(Delivery),
    /// Accepted or taken over by this node while it had it already, or after its end.
    TakenTwice(Delivery, String),
    /// Taken over from one that did not have it.
    NotTheirs(Delivery, String),
    /// This node wrote down what had not happened yet, or never happened, elsewhere.
    NoCause(Delivery, String),
    /// A second final, by this node.
    TwoFinals(Delivery, String),
    /// Ended by this node, which did not have custody.
    NoCustody(Delivery, String),
    /// It is still open.
    NeverEnded(Delivery),
    /// Its originator's node does not know the end, or knows another.
    NotTold(Delivery),
    /// Its originator's node was told twice.
    ToldTwice(Delivery),
}

/// What is known of a delivery at one moment.
#[derive(Default)]
struct Known {
    /// Where it was accepted.
    origin: Option<String>,
    /// Nodes with a copy.
    copies: BTreeSet<String>,
    /// The one that may end it: the last that took it.
    holder: Option<String>,
    /// Everyone who ever took it, with the time.
    taken: BTreeMap<String, Millis>,
    ended: Option<(String, Event, Millis)>,
    told: Option<Event>,
}

/// Everything that breaks the rule, in the order of its discovery.
pub(super) fn audit(books: &[Book], promised: &BTreeSet<Delivery>) -> Vec<Violation> {
    let mut audit = Audit::default();
    let mut unread: Vec<_> = books.iter().map(|book| book.steps.iter().peekable()).collect();
    loop {
        let heads = books.iter().zip(&mut unread).enumerate();
        let heads = heads.filter_map(|(place, (book, steps))| {
            let step = steps.peek()?;
            Some((!audit.is_caused(step), step.at, place, &book.node))
        });
        // Where all wait for a cause, the first of them never had one.
        let Some((_, _, place, node)) = heads.min() else { break };
        if let Some(step) = unread[place].next() {
            audit.read(node, step);
        }
    }
    audit.conclude(promised);
    audit.found
}

#[derive(Default)]
struct Audit {
    deliveries: BTreeMap<Delivery, Known>,
    found: Vec<Violation>,
}

impl Audit {
    /// Whether all has been read that must have happened before.
    fn is_caused(&self, step: &Step) -> bool {
        let known = self.deliveries.get(&step.delivery);
        let cause = match &step.what {
            What::Accepted | What::Ended(_) => return true,
            What::Taken(_) => return known.is_some_and(|known| known.origin.is_some()),
            What::Passed(to) => known.and_then(|known| known.taken.get(to).copied()),
            What::Told(by, event) => known.and_then(|known| match &known.ended {
                Some((node, ended, at)) if node == by && ended == event => Some(*at),
                _ => None,
            }),
        };
        // All nodes of a test go by one clock.
        cause.is_some_and(|at| at <= step.at)
    }

    fn read(&mut self, node: &str, step: &Step) {
        let Step { at, delivery, what } = step;
        let uncaused = !self.is_caused(step);
        let known = self.deliveries.entry(delivery.clone()).or_default();
        let mut found = |violation: fn(Delivery, String) -> Violation| {
            self.found.push(violation(delivery.clone(), node.to_owned()));
        };
        if uncaused {
            found(Violation::NoCause);
        }
        let had = known.origin.is_some();
        match what {
            What::Accepted => {
                if had {
                    found(Violation::TakenTwice);
                }
                known.origin = Some(node.to_owned());
                known.has(node, *at);
            }
            What::Taken(from) => {
                if known.ended.is_some() || known.taken.contains_key(node) {
                    found(Violation::TakenTwice);
                }
                if known.holder.as_ref() != Some(from) {
                    found(Violation::NotTheirs);
                }
                known.has(node, *at);
            }
            What::Passed(_) => {
                known.copies.remove(node);
            }
            What::Ended(event) => {
                if known.ended.is_some() {
                    found(Violation::TwoFinals);
                } else if known.holder.as_deref() != Some(node) {
                    found(Violation::NoCustody);
                }
                known.ended = Some((node.to_owned(), *event, *at));
            }
            What::Told(_, event) => {
                if known.told.replace(*event).is_some() {
                    self.found.push(Violation::ToldTwice(delivery.clone()));
                }
            }
        }
        if known.copies.is_empty() && known.ended.is_none() {
            self.found.push(Violation::NoHolder(delivery.clone()));
        }
    }

    fn conclude(&mut self, promised: &BTreeSet<Delivery>) {
        let lost = promised.iter().filter(|delivery| !self.deliveries.contains_key(delivery));
        self.found.extend(lost.cloned().map(Violation::Lost));
        for (delivery, known) in &self.deliveries {
            if !promised.contains(delivery) {
                self.found.push(Violation::Unpromised(delivery.clone()));
            }
            match (&known.ended, &known.origin) {
                (None, _) => self.found.push(Violation::NeverEnded(delivery.clone())),
                (Some((node, ..)), Some(origin)) if node == origin => {}
                (Some((_, event, _)), _) if known.told == Some(*event) => {}
                _ => self.found.push(Violation::NotTold(delivery.clone())),
            }
        }
    }
}

impl Known {
    fn has(&mut self, node: &str, at: Millis) {
        self.copies.insert(node.to_owned());
        self.holder = Some(node.to_owned());
        self.taken.insert(node.to_owned(), at);
    }
}
