//! The audit finds what is broken, and nothing else.

use std::collections::BTreeSet;

use barid_message::time::Millis;
use barid_proto::audit::v1::Event;

use super::{Book, Delivery, Step, Violation, What, audit};

const PK: &str = "pk";
const IR: &str = "ir";
const AF: &str = "af";

fn delivery() -> Delivery {
    Delivery { id: "a message".to_owned(), recipient: "ir/police".to_owned() }
}

/// Each node's steps, with their times.
fn audited<const N: usize>(histories: [(&str, Vec<(u64, What)>); N]) -> Vec<Violation> {
    let books = histories.map(|(node, steps)| Book {
        node: node.to_owned(),
        steps: steps
            .into_iter()
            .map(|(at, what)| Step { at: Millis(at), delivery: delivery(), what })
            .collect(),
    });
    audit(&books, &BTreeSet::from([delivery()]))
}

fn taken(from: &str) -> What {
    What::Taken(from.to_owned())
}

fn passed(to: &str) -> What {
    What::Passed(to.to_owned())
}

fn told(by: &str, event: Event) -> What {
    What::Told(by.to_owned(), event)
}

const ACCEPTED: What = What::Accepted;
const HANDED_OVER: What = What::Ended(Event::HandedOver);
const GIVEN_UP: What = What::Ended(Event::NonDelivered);

/// What pk writes where all goes well.
fn sent() -> Vec<(u64, What)> {
    vec![(1, ACCEPTED), (3, passed(IR)), (5, told(IR, Event::HandedOver))]
}

fn received() -> Vec<(u64, What)> {
    vec![(2, taken(PK)), (4, HANDED_OVER)]
}

#[test]
fn a_sound_history_is_sound_in_any_order_of_the_books() {
    assert_eq!(audited([(PK, sent()), (IR, received())]), []);
    assert_eq!(audited([(IR, received()), (AF, vec![]), (PK, sent())]), []);
    // All within one millisecond, and evidence that is faster than the receipt.
    let at_once = |steps: Vec<(u64, What)>| steps.into_iter().map(|(_, what)| (7, what)).collect();
    assert_eq!(audited([(IR, at_once(received())), (PK, at_once(sent()))]), []);
    let no_receipt = vec![(1, ACCEPTED), (5, told(IR, Event::HandedOver))];
    assert_eq!(audited([(PK, no_receipt), (IR, received())]), []);
    // Ended at home, before anybody else had it.
    assert_eq!(audited([(PK, vec![(1, ACCEPTED), (2, GIVEN_UP)])]), []);
}

#[test]
fn what_was_promised_and_is_nowhere_is_lost() {
    assert_eq!(audited([(PK, vec![]), (IR, vec![])]), [Violation::Lost(delivery())]);
    let unknown = audit(
        &[Book {
            node: PK.to_owned(),
            steps: vec![
                Step { at: Millis(1), delivery: delivery(), what: ACCEPTED },
                Step { at: Millis(2), delivery: delivery(), what: GIVEN_UP },
            ],
        }],
        &BTreeSet::new(),
    );
    assert_eq!(unknown, [Violation::Unpromised(delivery())]);
}

#[test]
fn what_is_let_go_of_before_it_was_taken_has_no_holder() {
    let never = audited([(PK, vec![(1, ACCEPTED), (3, passed(IR))]), (IR, vec![])]);
    let nobody = |more: &[Violation]| {
        let mut all =
            vec![Violation::NoCause(delivery(), PK.to_owned()), Violation::NoHolder(delivery())];
        all.extend_from_slice(more);
        all
    };
    assert_eq!(never, nobody(&[Violation::NeverEnded(delivery())]));
    // Taken, but by the common clock only after it had been let go of.
    let late = vec![(4, taken(PK)), (4, HANDED_OVER)];
    assert_eq!(
        audited([(PK, sent()), (IR, late)]).first(),
        Some(&Violation::NoCause(delivery(), PK.to_owned()))
    );
    // A third node has it in place of the one that gave the receipt.
    let elsewhere = audited([
        (PK, vec![(1, ACCEPTED), (3, passed(IR)), (5, told(AF, Event::HandedOver))]),
        (AF, received()),
    ]);
    assert_eq!(elsewhere, [Violation::NoCause(delivery(), PK.to_owned())]);
}

#[test]
fn two_finals_are_found_whoever_decided_them() {
    let twice = vec![(2, taken(PK)), (4, HANDED_OVER), (6, GIVEN_UP)];
    assert_eq!(
        audited([(PK, sent()), (IR, twice)]).first(),
        Some(&Violation::TwoFinals(delivery(), IR.to_owned()))
    );
    let both = audited([(PK, vec![(1, ACCEPTED), (5, GIVEN_UP)]), (IR, received())]);
    assert_eq!(both.first(), Some(&Violation::TwoFinals(delivery(), PK.to_owned())));
}

#[test]
fn only_who_has_custody_may_end_it() {
    // pk's copy is in doubt as soon as ir has taken it.
    let doubtful = audited([(PK, vec![(1, ACCEPTED), (3, GIVEN_UP)]), (IR, vec![(2, taken(PK))])]);
    assert_eq!(doubtful, [Violation::NoCustody(delivery(), PK.to_owned())]);
    let passed_on = vec![(1, ACCEPTED), (3, passed(IR)), (4, GIVEN_UP)];
    let passed_on = audited([(PK, passed_on), (IR, vec![(2, taken(PK))])]);
    assert_eq!(passed_on, [Violation::NoCustody(delivery(), PK.to_owned())]);
    let stranger = audited([(PK, vec![(1, ACCEPTED)]), (AF, vec![(2, HANDED_OVER)])]);
    assert_eq!(
        stranger,
        [Violation::NoCustody(delivery(), AF.to_owned()), Violation::NotTold(delivery())]
    );
}

#[test]
fn nothing_is_taken_twice_or_from_whom_it_is_not() {
    let twice = vec![(2, taken(PK)), (3, taken(PK)), (4, HANDED_OVER)];
    assert_eq!(
        audited([(PK, sent()), (IR, twice)]).first(),
        Some(&Violation::TakenTwice(delivery(), IR.to_owned()))
    );
    let after_its_end = vec![(2, taken(PK)), (4, HANDED_OVER), (5, taken(PK))];
    let found = audited([(PK, sent()), (IR, after_its_end)]);
    assert!(found.contains(&Violation::TakenTwice(delivery(), IR.to_owned())), "{found:?}");
    let from_nobody = vec![(2, taken(AF)), (4, HANDED_OVER)];
    assert_eq!(
        audited([(PK, sent()), (IR, from_nobody)]),
        [Violation::NotTheirs(delivery(), IR.to_owned())]
    );
}

#[test]
fn every_end_is_told_once_and_as_it_was() {
    let untold = vec![(1, ACCEPTED), (3, passed(IR))];
    assert_eq!(audited([(PK, untold), (IR, received())]), [Violation::NotTold(delivery())]);
    let open = audited([(PK, vec![(1, ACCEPTED), (3, passed(IR))]), (IR, vec![(2, taken(PK))])]);
    assert_eq!(open, [Violation::NeverEnded(delivery())]);
    let otherwise = vec![(1, ACCEPTED), (3, passed(IR)), (5, told(IR, Event::Refused))];
    assert_eq!(
        audited([(PK, otherwise), (IR, received())]),
        [Violation::NoCause(delivery(), PK.to_owned()), Violation::NotTold(delivery())]
    );
    let twice = [sent(), vec![(6, told(IR, Event::HandedOver))]].concat();
    assert_eq!(audited([(PK, twice), (IR, received())]), [Violation::ToldTwice(delivery())]);
}
