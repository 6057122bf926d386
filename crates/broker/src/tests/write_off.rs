//! Two persons write off a dead node, which may come back.

use barid_message::Reason;
use barid_proto::audit::v1::Event;

use super::pair::{FIRST, Pair, SECOND};
use crate::caps;
use crate::decide::settle::Answer;

/// One message of the first node that stands somewhere on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// Has a number that never went out.
    Held,
    /// Went out, and was lost on the way.
    Lost,
    /// Arrived; the receipt was lost.
    Arrived,
    /// The receipt came.
    Passed,
}

const ALL: [Stands; 4] = [Stands::Held, Stands::Lost, Stands::Arrived, Stands::Passed];

/// Cut off, with one message under way.
fn cut_off(stands: Stands) -> Pair {
    let mut pair = Pair::new();
    pair.connect();
    pair.submit(0, 0, 900);
    if stands != Stands::Held {
        pair.offer(0, 10);
    }
    if matches!(stands, Stands::Arrived | Stands::Passed) {
        pair.arrive(1, 10);
    }
    if stands == Stands::Passed {
        pair.arrive(0, 10);
    }
    pair.cut();
    pair
}

/// What the sender is told of its only message, and how that was with the other node.
fn end(pair: &Pair) -> (Event, usize, u64) {
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    (event, pair.sides[1].taken().len(), pair.written_off(0).contradictions)
}

#[test]
fn it_takes_two_persons_and_a_day() {
    let mut pair = cut_off(Stands::Lost);
    let id = pair.propose(0, FIRST).unwrap();
    let reason = |refused: Result<u64, crate::decide::Refusal>| refused.unwrap_err().reason();
    assert_eq!(reason(pair.propose(0, SECOND)), Reason::WrongState);
    assert_eq!(reason(pair.confirm(0, FIRST, id)), Reason::SecondPersonNeeded);
    assert_eq!(reason(pair.confirm(0, SECOND, id + 1)), Reason::NotFound);
    pair.tick();
    assert_eq!(pair.sides[0].finals(0), [], "proposed is not decided");
    pair.wait(caps::WRITE_OFF_CONFIRM_MS / 1_000);
    assert_eq!(reason(pair.confirm(0, SECOND, id)), Reason::ProposalExpired);
    // Too old, it stands in nobody's way; withdrawn, neither.
    let id = pair.propose(0, SECOND).unwrap();
    pair.withdraw(0, FIRST, id).unwrap();
    assert_eq!(reason(pair.confirm(0, FIRST, id)), Reason::NotFound);
    let id = pair.propose(0, SECOND).unwrap();
    // A proposal outlives a start, either way.
    pair.restart(0, false);
    pair.restart(0, true);
    assert_eq!(pair.confirm(0, FIRST, id).unwrap(), 1);
    assert_eq!(reason(pair.confirm(0, FIRST, id)), Reason::NotFound);
    pair.tick();
    assert_eq!(end(&pair), (Event::NonDelivered, 0, 0));
}

#[test]
fn what_is_written_off_ends_wherever_it_stands() {
    for stands in ALL {
        let mut pair = cut_off(stands);
        assert_eq!(pair.write_off(0), 1, "{stands:?}");
        pair.tick();
        let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
        assert_eq!(event, Event::NonDelivered, "{stands:?}");
        let said = pair.sides[0].evidence_of(Event::NonDelivered);
        assert_eq!(said.reason(), Reason::WrittenOff);
        // Who may have it; what never left is nowhere else.
        let holder = if stands == Stands::Held { "" } else { "spiffe://ir.example/node" };
        assert_eq!(said.next_holder, holder, "{stands:?}");
        assert_eq!(pair.written_off(0).ended, 1);
    }
}

/// A deferred delivery has no number, and gets none any more.
#[test]
fn what_was_deferred_is_written_off_too() {
    let mut pair = Pair::new();
    pair.doubt_clock(1);
    pair.connect();
    pair.submit(0, 0, 900);
    pair.offer(0, 10);
    pair.arrive(1, 10);
    pair.arrive(0, 10);
    assert_eq!(pair.sides[0].events(Event::Deferred), 1);
    pair.cut();
    assert_eq!(pair.write_off(0), 1);
    pair.wait(3_600);
    assert_eq!(end(&pair), (Event::NonDelivered, 0, 0));
    assert_eq!(pair.sides[0].events(Event::Queued), 1, "no number again");
}

#[test]
fn a_node_that_comes_back_gets_a_void_for_what_it_never_took() {
    for stands in [Stands::Held, Stands::Lost] {
        for restarts in [None, Some(false), Some(true)] {
            let mut pair = cut_off(stands);
            pair.write_off(0);
            if let Some(from_snapshot) = restarts {
                pair.restart(0, from_snapshot);
            }
            pair.tick();
            // New messages go on behind the numbers that are void.
            pair.submit(0, 0, 60_000);
            pair.settle_down();
            assert_eq!(pair.breaches, 0, "{stands:?} {restarts:?}");
            assert_eq!(pair.sides[1].taken().len(), 1, "the new one alone");
            let finals: Vec<_> = pair.sides[0].finals(0).into_iter().map(|(_, e)| e).collect();
            assert_eq!(finals, [Event::NonDelivered, Event::HandedOver]);
            assert_eq!(pair.written_off(0).contradictions, 0);
        }
    }
}

#[test]
fn a_node_that_comes_back_and_handed_it_over_contradicts_the_final() {
    for stands in [Stands::Arrived, Stands::Passed] {
        for restarts in [None, Some(false), Some(true)] {
            let mut pair = cut_off(stands);
            pair.consume(1, Answer::Ack);
            pair.write_off(0);
            if let Some(from_snapshot) = restarts {
                pair.restart(0, from_snapshot);
            }
            pair.tick();
            pair.settle_down();
            assert_eq!(pair.breaches, 0, "{stands:?} {restarts:?}");
            // The final stands, and people are told.
            assert_eq!(end(&pair), (Event::NonDelivered, 1, 1), "{stands:?} {restarts:?}");
            assert_eq!(pair.sides[0].events(Event::Contradiction), 1);
            let told = pair.sides[0].evidence_of(Event::Contradiction);
            assert_eq!(
                (told.event(), &*told.issuer),
                (Event::HandedOver, "spiffe://ir.example/node")
            );
            let before = pair.written_off(0);
            pair.restart(0, true);
            assert_eq!(pair.written_off(0), before, "counted across a start");
        }
    }
}

#[test]
fn a_node_that_took_it_and_let_it_expire_contradicts_nothing() {
    let mut pair = cut_off(Stands::Passed);
    pair.write_off(0);
    pair.tick();
    pair.wait(900);
    pair.settle_down();
    assert_eq!(pair.breaches, 0);
    assert_eq!(end(&pair), (Event::NonDelivered, 1, 0));
    assert_eq!(pair.sides[1].events(Event::Expired), 1);
}

/// A node that lies: it says that it handed over what ended here and never left.
#[test]
fn the_end_of_what_a_node_never_got_is_a_contradiction_and_no_more() {
    let mut pair = Pair::new();
    pair.submit(0, 0, 10);
    pair.claim(0, Event::HandedOver, false);
    assert_eq!(pair.sides[0].finals(0), [], "held here, it is nobody else's to end");
    assert_eq!(pair.written_off(0).contradictions, 0);
    pair.wait(60);
    for (event, is_other, contradictions) in [
        (Event::Expired, false, 0),
        (Event::Overdue, false, 0),
        (Event::HandedOver, true, 0),
        (Event::HandedOver, false, 1),
        (Event::Refused, false, 2),
    ] {
        pair.claim(0, event, is_other);
        assert_eq!(pair.written_off(0).contradictions, contradictions, "{event:?}");
    }
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    assert_eq!(event, Event::Expired);
    assert_eq!(pair.breaches, 0);
}

/// What was sent to a node that was taken out of the configuration is still open.
#[test]
fn a_node_without_a_name_is_known_by_its_identity() {
    let mut pair = cut_off(Stands::Lost);
    pair.forget_other(0);
    assert_eq!(pair.propose(0, FIRST).unwrap_err().reason(), Reason::NotFound);
    let id = pair.propose_to(0, FIRST, "spiffe://ir.example/node").unwrap();
    assert_eq!(pair.confirm_of(0, SECOND, ("spiffe://ir.example/node", id)).unwrap(), 1);
    pair.tick();
    assert_eq!(end(&pair), (Event::NonDelivered, 0, 0));
}

/// The confirmation is one entry, the ends are others: a crash between them, and a node
/// that comes back before the last of them, find the rest.
#[test]
fn a_crash_between_the_confirmation_and_the_ends_leaves_them_due() {
    for from_snapshot in [false, true] {
        let mut pair = cut_off(Stands::Lost);
        for _ in 0..4 {
            pair.submit(0, 1, 900);
        }
        assert_eq!(pair.write_off(0), 5);
        assert_eq!(pair.sides[0].finals(0), []);
        pair.restart(0, from_snapshot);
        assert_eq!(pair.sides[0].finals(0).len(), 5);
        assert_eq!(pair.written_off(0).ended, 5);
        pair.settle_down();
        assert_eq!((pair.breaches, pair.sides[1].taken().len()), (0, 0));
    }
}

/// In the middle of a session too: a number that goes out next holds nothing of it.
#[test]
fn what_is_written_off_and_not_yet_ended_does_not_go_out() {
    let mut pair = cut_off(Stands::Held);
    pair.connect();
    pair.write_off(0);
    pair.offer(0, 10);
    pair.arrive(1, 10);
    pair.arrive(0, 10);
    assert_eq!(pair.breaches, 0);
    assert_eq!(end(&pair), (Event::NonDelivered, 0, 0));
}

/// What is on its way while the two persons decide: whatever comes first stands.
#[test]
fn a_receipt_that_meets_a_write_off_finds_its_delivery_ended() {
    let mut pair = Pair::new();
    pair.connect();
    pair.submit(0, 0, 900);
    pair.offer(0, 10);
    pair.write_off(0);
    pair.tick();
    // In the same session it is taken and handed over, and both are told.
    pair.arrive(1, 10);
    pair.consume(1, Answer::Ack);
    pair.offer(1, 10);
    pair.arrive(0, 10);
    assert_eq!(pair.breaches, 0);
    assert_eq!(end(&pair), (Event::NonDelivered, 1, 1));
}
