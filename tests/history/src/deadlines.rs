//! Deadlines: whatever is open past its time is said to be, within a minute, by the clock
//! of a node that runs and believes it.

use std::collections::BTreeMap;

use barid_message::time::Millis;

use crate::{Awake, Book, Delivery, History, Violation, What};

/// How long a node may take to say so (ms).
const SAID_WITHIN_MS: u64 = 60_000;

/// All that was kept quiet.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    history.books.iter().flat_map(|book| times(book).into_iter().chain(quiet(book))).collect()
}

/// Time does not go back.
fn times(book: &Book) -> Option<Violation> {
    let mut steps = book.steps.iter().zip(book.steps.iter().skip(1));
    let back = steps.position(|(one, next)| next.at < one.at)?;
    Some(Violation::TimeBack(book.node.clone(), back + 1))
}

/// A delivery that is open: since when, by the node's clock and in order, and its end.
struct Open {
    at: Millis,
    order: u64,
    end: Millis,
}

fn quiet(book: &Book) -> Vec<Violation> {
    let mut open: BTreeMap<&Delivery, Open> = BTreeMap::new();
    let mut found = Vec::new();
    let mut conclude = |delivery: &Delivery, open: &Open, (said, order): (Millis, u64)| {
        let (from, to) = (open.at.max(open.end), Millis(open.end.0 + SAID_WITHIN_MS));
        let is_late = said > to && from < to;
        let meanwhile = |awake: &&Awake| awake.since < order && awake.until > open.order;
        let mut awake = book.awake.iter().filter(meanwhile);
        if is_late && awake.any(|awake| awake.from <= from && awake.to >= to) {
            found.push(Violation::NotOverdue(delivery.clone(), book.node.clone()));
        }
    };
    for step in &book.steps {
        match &step.what {
            What::Accepted(delivery, terms) | What::Taken(delivery, terms, _) => {
                open.insert(delivery, Open { at: step.at, order: step.order, end: terms.end });
            }
            What::Overdue(delivery)
            | What::Ended(delivery, _)
            | What::WrittenOff(delivery)
            | What::Told(delivery, ..) => {
                if let Some(open) = open.remove(delivery) {
                    conclude(delivery, &open, (step.at, step.order));
                }
            }
            _ => {}
        }
    }
    for (delivery, open) in &open {
        conclude(delivery, open, (Millis(u64::MAX), u64::MAX));
    }
    found
}
