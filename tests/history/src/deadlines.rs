//! Deadlines: whatever is open past its time is said to be, within a minute, by the clock
//! of a node that runs and believes it.

use std::collections::BTreeMap;

use barid_message::time::Millis;

use crate::{Book, Delivery, History, Violation, What};

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

fn quiet(book: &Book) -> Vec<Violation> {
    let mut open: BTreeMap<&Delivery, (Millis, Millis)> = BTreeMap::new();
    let mut found = Vec::new();
    let mut conclude = |delivery: &Delivery, (since, end): (Millis, Millis), (said, order)| {
        let (from, to) = (since.max(end), Millis(end.0 + SAID_WITHIN_MS));
        let is_late = said > to && from < to;
        let mut awake = book.awake.iter().filter(|awake| awake.since < order);
        let was_able = awake.any(|awake| awake.from <= from && awake.to >= to);
        if is_late && was_able {
            found.push(Violation::NotOverdue(delivery.clone(), book.node.clone()));
        }
    };
    for step in &book.steps {
        match &step.what {
            What::Accepted(delivery, terms) | What::Taken(delivery, terms, _) => {
                open.insert(delivery, (step.at, terms.end));
            }
            What::Overdue(delivery)
            | What::Ended(delivery, _)
            | What::WrittenOff(delivery)
            | What::Told(delivery, ..) => {
                if let Some(times) = open.remove(delivery) {
                    conclude(delivery, times, (step.at, step.order));
                }
            }
            _ => {}
        }
    }
    for (delivery, times) in open {
        conclude(delivery, times, (Millis(u64::MAX), u64::MAX));
    }
    found
}
