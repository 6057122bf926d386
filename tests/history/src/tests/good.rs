//! Histories in which every promise is kept.

use barid_message::Precedence;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event;
use barid_proto::federation::v1::Lane;

use crate::{Ask, Awake, Book, Call, Delivery, History, Outcome, Step, Terms, What};

pub(super) const PK: &str = "spiffe://pk.example/node";
pub(super) const IR: &str = "spiffe://ir.example/node";
pub(super) const SENDER: &str = "pk/customs";
pub(super) const POLICE: &str = "police-1";

pub(super) fn delivery(id: &str) -> Delivery {
    Delivery { origin: SENDER.into(), id: id.into(), recipient: "ir/police".into() }
}

/// When deliveries end by themselves.
pub(super) const fn end() -> Millis {
    Millis(1_000_000)
}

pub(super) const fn terms() -> Terms {
    Terms { precedence: Precedence::Routine, end: end() }
}

/// A step of which order and clock are the same.
pub(super) fn step(order: u64, what: What) -> Step {
    Step { order, at: Millis(order), what }
}

pub(super) fn call(at: u64, by: &str, ask: Ask) -> Call {
    let outcome = Outcome::Ok(Vec::new());
    Call { invoked: at, returned: at + 1, at: Millis(at), by: by.into(), ask, outcome }
}

pub(super) fn submit(at: u64, id: &str) -> Call {
    let ask = Ask::Submit {
        origin: SENDER.into(),
        id: id.into(),
        header: vec![1],
        recipients: vec!["ir/police".into()],
    };
    Call { outcome: Outcome::Ok(vec![2]), ..call(at, SENDER, ask) }
}

pub(super) fn hand_out(at: u64, by: &str, id: &str, redelivered: bool) -> Call {
    call(at, by, Ask::HandOut { delivery: delivery(id), redelivered })
}

pub(super) fn settle(at: u64, by: &str, id: &str, event: Event) -> Call {
    call(at, by, Ask::Settle(delivery(id), event))
}

pub(super) fn told(at: u64, id: &str, event: Event) -> Call {
    call(at, SENDER, Ask::Told(delivery(id), event))
}

fn written(node: &str, steps: impl IntoIterator<Item = Step>) -> Book {
    let awake = vec![Awake { from: Millis(0), to: Millis(u64::MAX), since: 0, until: u64::MAX }];
    Book { node: node.into(), steps: steps.into_iter().collect(), awake }
}

/// The book of a node.
pub(super) fn book<'a>(history: &'a mut History, node: &str) -> &'a mut Book {
    history.books.iter_mut().find(|book| book.node == node).expect("a book of that node")
}

pub(super) fn is_overdue(step: &Step) -> bool {
    matches!(step.what, What::Overdue(_))
}

/// Sent and received at one node, after a first try that failed.
pub(super) fn local() -> History {
    History {
        calls: vec![
            submit(1, "a"),
            hand_out(20, POLICE, "a", false),
            hand_out(30, "police-2", "a", true),
            settle(40, "police-2", "a", Event::HandedOver),
            told(60, "a", Event::HandedOver),
        ],
        books: vec![written(
            PK,
            [
                step(2, What::Accepted(delivery("a"), terms())),
                step(41, What::Ended(delivery("a"), Event::HandedOver)),
            ],
        )],
    }
}

/// Sent at one node, received at another.
pub(super) fn handed_over() -> History {
    let books = vec![
        written(
            PK,
            [
                step(2, What::Accepted(delivery("a"), terms())),
                step(12, What::Passed(delivery("a"), IR.into())),
                step(12, What::Receipted(IR.into(), Lane::Routine, 1, 1)),
                step(50, What::Told(delivery("a"), IR.into(), Event::HandedOver)),
                step(50, What::Answered(IR.into(), Lane::Evidence, 1)),
            ],
        ),
        written(
            IR,
            [
                step(10, What::Taken(delivery("a"), terms(), PK.into())),
                step(10, What::Answered(PK.into(), Lane::Routine, 1)),
                step(41, What::Ended(delivery("a"), Event::HandedOver)),
                step(55, What::Receipted(PK.into(), Lane::Evidence, 1, 1)),
            ],
        ),
    ];
    History {
        calls: vec![
            submit(1, "a"),
            hand_out(20, POLICE, "a", false),
            settle(40, POLICE, "a", Event::HandedOver),
            told(60, "a", Event::HandedOver),
        ],
        books,
    }
}

/// The peer did not take it over, and it ended where it was accepted.
pub(super) fn refused_and_ended() -> History {
    History {
        calls: vec![submit(1, "a"), told(60, "a", Event::Refused)],
        books: vec![
            written(
                PK,
                [
                    step(2, What::Accepted(delivery("a"), terms())),
                    step(12, What::Ended(delivery("a"), Event::Refused)),
                    step(12, What::Receipted(IR.into(), Lane::Routine, 1, 1)),
                ],
            ),
            written(IR, [step(10, What::Answered(PK.into(), Lane::Routine, 1))]),
        ],
    }
}

/// Two messages, one behind the other.
pub(super) fn order_kept() -> History {
    let both = ["a", "b"];
    let ended = |id: &str| What::Ended(delivery(id), Event::HandedOver);
    let steps = [
        step(2, What::Accepted(delivery("a"), terms())),
        step(4, What::Accepted(delivery("b"), terms())),
        step(31, ended("a")),
        step(33, ended("b")),
    ];
    let mut calls = vec![submit(1, "a"), submit(3, "b")];
    calls.extend((20..).step_by(2).zip(both).map(|(at, id)| hand_out(at, POLICE, id, false)));
    let settled = (30..).step_by(2).zip(both);
    calls.extend(settled.map(|(at, id)| settle(at, POLICE, id, Event::HandedOver)));
    calls.extend(both.map(|id| told(60, id, Event::HandedOver)));
    History { calls, books: vec![written(PK, steps)] }
}

/// The first of two was deferred on its way.
pub(super) fn defer_first(history: &mut History) {
    history.books[0].steps.insert(2, step(5, What::Deferred(delivery("a"))));
}

/// The second of two is handed out first.
pub(super) fn swap_hand_outs(history: &mut History) {
    let (first, rest) = history.calls[2..].split_first_mut().expect("two hand-outs");
    std::mem::swap(&mut first.returned, &mut rest[0].returned);
    std::mem::swap(&mut first.invoked, &mut rest[0].invoked);
}

/// In doubt past its deadline, then told.
pub(super) fn overdue() -> History {
    let mut history = handed_over();
    let late = end().0 + 300_000;
    let said = Step { order: 45, at: Millis(end().0 + 45_000), what: What::Overdue(delivery("a")) };
    let steps = &mut book(&mut history, PK).steps;
    steps.insert(3, said);
    steps[4..].iter_mut().for_each(|step| step.at = Millis(late));
    history
}

/// Written off where it was sent; the other node, which had it, ends it all the same.
pub(super) fn written_off(event: Event) -> History {
    let mut history = handed_over();
    let steps = &mut book(&mut history, PK).steps;
    steps[3] = step(30, What::WrittenOff(delivery("a")));
    let answer = match event {
        Event::HandedOver => What::Contradicted(delivery("a"), IR.into(), event),
        _ => What::Told(delivery("a"), IR.into(), event),
    };
    steps.insert(4, step(50, answer));
    for step in &mut book(&mut history, IR).steps {
        if let What::Ended(_, ended) = &mut step.what {
            *ended = event;
        }
    }
    if event != Event::HandedOver {
        history.calls.retain(|call| !matches!(call.ask, Ask::Settle(..)));
    }
    history.calls.retain(|call| !matches!(call.ask, Ask::Told(..)));
    history.calls.push(told(60, "a", Event::NonDelivered));
    history
}
