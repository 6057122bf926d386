//! What time brings: deadlines, doubt, and clocks that were wrong.

use barid_message::{Precedence, Reason};
use barid_proto::audit::v1::Event;

use super::place::inbox;
use super::world::World;
use crate::decide::accept::Verdict;
use crate::decide::settle::Answer;

#[test]
fn whoever_was_handed_it_in_time_may_acknowledge_past_the_deadline() {
    let mut world = World::new();
    world.submit(3, 100, false);
    world.wait(80);
    world.hand_out(&inbox(false), 0, 1);
    world.wait(25);
    assert!(world.finals().is_empty(), "expiry waits for the lease");
    world.answer(0, Answer::Ack).unwrap();
    assert_eq!(world.finals()[0].1, Event::HandedOver);
}

#[test]
fn what_may_be_kept_no_longer_is_delivered_no_longer() {
    let mut world = World::new();
    world.submit_kept(100);
    world.wait(99);
    assert!(world.finals().is_empty());
    world.wait(1);
    assert_eq!(world.finals()[0].1, Event::NonDelivered);
    assert!(world.hand_out(&inbox(false), 0, 1).is_empty());
}

#[test]
fn in_doubt_past_the_deadline_is_overdue_once_and_final_when_the_lease_ends() {
    let mut world = World::new();
    world.submit(3, 100, false);
    world.wait(80);
    world.hand_out(&inbox(false), 0, 1);
    for _ in 0..8 {
        world.wait(20);
        world.answer(0, Answer::Renew).unwrap();
    }
    assert_eq!(world.events(Event::Overdue), 1);
    let said = world.time_of(Event::Overdue);
    let end = world.ends_of(0);
    assert!(said > end && said.0 < end.0 + 60_000, "by a minute past, as SPINE §3.2 has it");
    assert!(world.finals().is_empty());
    world.wait(31);
    assert_eq!(world.finals()[0].1, Event::Expired);
}

#[test]
fn what_is_over_is_not_handed_out_after_a_start_and_does_not_stand_in_the_way() {
    let mut world = World::new();
    world.submit(1, 100, false);
    world.submit(3, 1_000, false);
    world.pass(101);
    world.restart();
    let handed_out = world.hand_out(&inbox(false), 0, 64);
    let precedences: Vec<_> = handed_out.iter().map(|one| one.message.precedence).collect();
    assert_eq!(precedences, [Precedence::Routine], "the other one is over");
    assert!(world.finals().is_empty(), "who held it before the start may still answer");
    world.wait(31);
    assert_eq!(world.finals()[0].1, Event::Expired);
}

#[test]
fn what_is_over_when_its_turn_comes_ends_there() {
    let mut world = World::new();
    world.wait(60);
    world.submit(1, 100, false);
    world.submit(3, 1_000, false);
    world.pass(101);
    assert_eq!(world.hand_out(&inbox(false), 0, 1).len(), 1);
    assert_eq!(world.finals()[0].1, Event::Expired);
}

/// A delivery that was handed out in time and is held until it is overdue.
fn overdue() -> World {
    let mut world = World::new();
    world.submit(3, 100, false);
    world.wait(80);
    world.hand_out(&inbox(false), 0, 1);
    for _ in 0..6 {
        world.wait(20);
        world.answer(0, Answer::Renew).unwrap();
    }
    assert_eq!(world.events(Event::Overdue), 1);
    world
}

#[test]
fn what_is_overdue_ends_after_a_restart_from_a_snapshot() {
    let mut world = overdue();
    world.check_rebuild();
    world.restart_from_snapshot();
    world.wait(31);
    assert_eq!(world.finals()[0].1, Event::Expired);
}

#[test]
fn what_is_overdue_ends_when_its_consumer_gives_it_back() {
    let mut world = overdue();
    world.leave(0);
    world.wait(0);
    assert_eq!(world.finals()[0].1, Event::Expired);
}

#[test]
fn what_is_overdue_ends_when_a_clock_that_came_into_doubt_is_believed_again() {
    let mut world = overdue();
    world.doubt_clock(true);
    world.wait(60);
    assert!(world.finals().is_empty(), "nothing ends while the clock is in doubt");
    world.doubt_clock(false);
    world.wait(31);
    assert_eq!(world.finals()[0].1, Event::Expired);
}

#[test]
fn with_a_clock_in_doubt_nothing_new_is_taken_and_nothing_ends() {
    let mut world = World::new();
    world.submit(3, 100, false);
    world.doubt_clock(true);
    world.wait(90);
    assert!(matches!(world.new_verdict(), Verdict::Refused(refusal)
        if refusal.reason() == Reason::ClockSuspect));
    assert!(matches!(world.verdict_of_other_header(0), Verdict::Refused(refusal)
        if refusal.reason() == Reason::ClockSuspect));
    let receipt = world.receipt(0);
    assert!(matches!(world.verdict_of(0), Verdict::Repeat(evidence) if evidence == receipt));
    world.wait(10_000);
    assert!(world.finals().is_empty());
    assert_eq!(world.hand_out(&inbox(false), 0, 1).len(), 1, "it still delivers");
}

const DAYS: u64 = 86_400;

#[test]
fn an_id_forgotten_under_a_clock_that_stood_ahead_is_not_taken_again() {
    let mut world = World::new();
    world.submit(3, 1_000, false);
    world.wait(20 * DAYS);
    world.submit(3, 1_000, false);
    world.pass(20 * DAYS);
    world.restart();
    world.put_clock_back(20 * DAYS);
    let is_too_old = |verdict| matches!(verdict, Verdict::Refused(refusal) if refusal.reason() == Reason::TooOld);
    assert!(is_too_old(world.verdict_of_other_header(0)));
    world.restart_from_snapshot();
    assert!(is_too_old(world.verdict_of_other_header(0)));
    assert!(matches!(world.verdict_of(1), Verdict::Repeat(_)), "this one is remembered");
}

#[test]
fn what_was_set_by_a_clock_that_stood_ahead_does_not_last_for_days() {
    let mut world = World::new();
    world.pass(10 * DAYS);
    world.submit(3, 1_000, false);
    world.submit(3, 1_000, false);
    world.hand_out(&inbox(false), 0, 2);
    world.answer_last(Answer::Nack(60_000)).unwrap();
    world.put_clock_back(10 * DAYS);
    world.check_rebuild();
    world.wait(29);
    assert_eq!(world.events(Event::Returned), 1, "the other lease begins anew");
    world.wait(40);
    assert_eq!(world.events(Event::Returned), 2, "and ends");
    assert_eq!(world.hand_out(&inbox(false), 0, 2).len(), 2);
}
