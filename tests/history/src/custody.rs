//! Custody, held against the journals of all nodes together.
//!
//! Each journal is in order by itself. Across journals one thing orders: what a node writes
//! down of another's doing comes after that doing: custody is passed behind its taking
//! over, and an end is told behind its deciding. All journals are read side by side in
//! an order that has every cause in front of its effects, and at each step it is known
//! who has a copy, and who alone may end the delivery.

use std::collections::{BTreeMap, BTreeSet};

use barid_proto::audit::v1::Event;

use crate::{Delivery, History, Step, Violation, What};

/// What is known of a delivery at one moment.
#[derive(Default)]
struct Known {
    /// Where it was accepted.
    origin: Option<String>,
    /// Nodes with a copy.
    copies: BTreeSet<String>,
    /// The one that may end it: the last that took it.
    holder: Option<String>,
    /// Everyone who ever took it, and when.
    taken: BTreeMap<String, u64>,
    ended: Option<(String, Event, u64)>,
    told: Option<Event>,
    written_off: bool,
    contradicted: bool,
}

/// All that breaks the rule, in the order of its discovery.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let mut audit = Audit::default();
    let books = &history.books;
    let custody = |step: &&Step| step.what.delivery().is_some();
    let mut unread: Vec<_> =
        books.iter().map(|book| book.steps.iter().filter(custody).peekable()).collect();
    loop {
        let heads = unread.iter_mut().enumerate().filter_map(|(place, steps)| {
            let step = steps.peek()?;
            Some((!audit.is_caused(step), step.order, place))
        });
        // Where all wait for a cause, the first of them never had one.
        let Some((_, _, place)) = heads.min() else { break };
        if let Some(step) = unread[place].next() {
            audit.read(&books[place].node, step);
        }
    }
    audit.conclude();
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
        let known = step.what.delivery().and_then(|delivery| self.deliveries.get(delivery));
        let cause = match &step.what {
            What::Taken(..) => return known.is_some_and(|known| known.origin.is_some()),
            What::Passed(_, to) => known.and_then(|known| known.taken.get(to).copied()),
            What::Told(_, by, event) | What::Contradicted(_, by, event) => {
                known.and_then(|known| match &known.ended {
                    Some((node, ended, at)) if node == by && ended == event => Some(*at),
                    _ => None,
                })
            }
            _ => return true,
        };
        cause.is_some_and(|order| order <= step.order)
    }

    fn read(&mut self, node: &str, step: &Step) {
        let Some(delivery) = step.what.delivery() else { return };
        let uncaused = !self.is_caused(step);
        let known = self.deliveries.entry(delivery.clone()).or_default();
        let mut broken = Vec::new();
        if uncaused {
            broken.push(Violation::NoCause(delivery.clone(), node.to_owned()));
        }
        broken.extend(known.read(node, step, delivery));
        if known.copies.is_empty() && known.ended.is_none() && !known.written_off {
            broken.push(Violation::NoHolder(delivery.clone()));
        }
        self.found.extend(broken);
    }

    fn conclude(&mut self) {
        for (delivery, known) in &self.deliveries {
            let found = &mut self.found;
            match (&known.ended, &known.origin) {
                (Some((node, event, _)), Some(origin)) if known.written_off => {
                    let reached = matches!(event, Event::HandedOver | Event::Refused);
                    if reached && node != origin && !known.contradicted {
                        found.push(Violation::ContradictionLost(delivery.clone()));
                    }
                }
                (None, _) if known.written_off => {}
                (None, _) => found.push(Violation::NeverEnded(delivery.clone())),
                (Some((node, ..)), Some(origin)) if node == origin => {}
                (Some((_, event, _)), _) if known.told == Some(*event) => {}
                _ => found.push(Violation::NotTold(delivery.clone())),
            }
        }
    }
}

impl Known {
    /// Goes on by one step. Gives what is wrong with it.
    fn read(&mut self, node: &str, step: &Step, delivery: &Delivery) -> Option<Violation> {
        let is_origin = self.origin.as_deref() == Some(node);
        let broken: Option<fn(Delivery, String) -> Violation> = match &step.what {
            What::Accepted(..) => {
                let had = self.origin.is_some();
                self.origin = Some(node.to_owned());
                self.has(node, step.order);
                had.then_some(Violation::TakenTwice)
            }
            What::Taken(_, _, from) => {
                let had = self.ended.is_some() || self.taken.contains_key(node);
                let theirs = self.holder.as_ref() == Some(from);
                self.has(node, step.order);
                match (had, theirs) {
                    (true, _) => Some(Violation::TakenTwice),
                    (false, false) => Some(Violation::NotTheirs),
                    (false, true) => None,
                }
            }
            What::Passed(..) => {
                self.copies.remove(node);
                None
            }
            What::Ended(_, event) => {
                let is_second = self.ended.is_some() || self.written_off && is_origin;
                let is_theirs = self.holder.as_deref() == Some(node);
                self.ended = Some((node.to_owned(), *event, step.order));
                match (is_second, is_theirs) {
                    (true, _) => Some(Violation::TwoFinals),
                    (false, false) => Some(Violation::NoCustody),
                    (false, true) => None,
                }
            }
            What::WrittenOff(_) => {
                let has_end = self.told.is_some()
                    || self.written_off
                    || self.ended.as_ref().is_some_and(|(by, ..)| by == node);
                self.written_off = true;
                if is_origin {
                    has_end.then_some(Violation::TwoFinals)
                } else {
                    Some(Violation::NotTheirsToWriteOff)
                }
            }
            What::Told(_, _, event) => {
                let before = self.told.replace(*event);
                return before.map(|_| Violation::ToldTwice(delivery.clone()));
            }
            What::Contradicted(..) => {
                self.contradicted = true;
                (!self.written_off).then_some(Violation::NotContradicted)
            }
            _ => None,
        };
        broken.map(|violation| violation(delivery.clone(), node.to_owned()))
    }

    fn has(&mut self, node: &str, order: u64) {
        self.copies.insert(node.to_owned());
        self.holder = Some(node.to_owned());
        self.taken.insert(node.to_owned(), order);
    }
}
