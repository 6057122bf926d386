//! Histories of two nodes: random operations, cuts and crashes, then the laws of custody.

use std::collections::BTreeMap;

use barid_message::id::MessageId;
use barid_message::{Reason, Status};
use barid_proto::audit::v1::Event;
use proptest::prelude::*;

use super::pair::Pair;
use crate::decide::settle::Answer;

#[derive(Clone, Debug)]
pub(super) enum Op {
    Submit { from: bool, precedence: u8, lives_s: u16 },
    Offer { from: bool, max: u8 },
    Arrive { to: bool, count: u8 },
    Consume { at: bool, how: u8 },
    Wait(u16),
    Cut,
    Connect,
    Restart { which: bool, from_snapshot: bool },
    WriteOff { at: bool },
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        5 => (any::<bool>(), 0..3_u8, 1..900_u16)
            .prop_map(|(from, precedence, lives_s)| Op::Submit { from, precedence, lives_s }),
        6 => (any::<bool>(), 1..4_u8).prop_map(|(from, max)| Op::Offer { from, max }),
        8 => (any::<bool>(), 1..6_u8).prop_map(|(to, count)| Op::Arrive { to, count }),
        3 => (any::<bool>(), 0..4_u8).prop_map(|(at, how)| Op::Consume { at, how }),
        2 => (1..200_u16).prop_map(Op::Wait),
        1 => Just(Op::Cut),
        3 => Just(Op::Connect),
        1 => (any::<bool>(), any::<bool>())
            .prop_map(|(which, from_snapshot)| Op::Restart { which, from_snapshot }),
        1 => any::<bool>().prop_map(|at| Op::WriteOff { at }),
    ]
}

pub(super) fn run(pair: &mut Pair, op: &Op) {
    match *op {
        Op::Submit { from, precedence, lives_s } => {
            pair.submit(usize::from(from), precedence, lives_s);
        }
        Op::Offer { from, max } => pair.offer(usize::from(from), max),
        Op::Arrive { to, count } => pair.arrive(usize::from(to), usize::from(count)),
        Op::Consume { at, how } => {
            let answer = match how {
                0 => Answer::Refuse(Reason::WrongAddressee),
                1 => Answer::Nack(0),
                _ => Answer::Ack,
            };
            pair.consume(usize::from(at), answer);
        }
        Op::Wait(seconds) => pair.wait(u64::from(seconds)),
        Op::Cut => pair.cut(),
        Op::Connect => pair.connect(),
        Op::Restart { which, from_snapshot } => pair.restart(usize::from(which), from_snapshot),
        Op::WriteOff { at } => drop(pair.write_off(usize::from(at))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn custody_has_one_holder_and_every_delivery_one_final(ops in prop::collection::vec(op(), 1..60)) {
        let mut pair = Pair::new();
        for op in &ops {
            run(&mut pair, op);
        }
        pair.settle_down();
        prop_assert_eq!(pair.breaches, 0);
        for origin in 0..2 {
            let (here, there) = (&pair.sides[origin], &pair.sides[1 - origin]);
            let accepted = here.accepted();
            let finals: BTreeMap<_, _> = here.finals(origin).into_iter().collect();
            prop_assert_eq!(here.finals(origin).len(), finals.len(), "two finals at the origin");
            for (_, id) in &accepted {
                prop_assert!(finals.contains_key(id), "{} never ended", id);
            }
            let taken = there.taken();
            let unique: std::collections::BTreeSet<_> = taken.iter().map(|(_, id)| id).collect();
            prop_assert_eq!(unique.len(), taken.len(), "taken over twice");
            // Whoever held it last decided, and the origin was told just that, but for
            // what two persons wrote off there: then it is told what it was not.
            let decided: BTreeMap<_, _> = there.finals(origin).into_iter().collect();
            let written_off = here.written_off();
            for (_, id) in taken.iter().filter(|(_, id)| !written_off.contains(id)) {
                prop_assert_eq!(decided.get(id), finals.get(id));
            }
            let reached = |id: &&String| {
                matches!(decided.get(*id), Some(Event::HandedOver | Event::Refused))
            };
            let contradicted: std::collections::BTreeSet<_> =
                written_off.iter().filter(reached).cloned().collect();
            prop_assert_eq!(here.ids(Event::Contradiction), contradicted);
            prop_assert_eq!(pair.written_off(origin).ended, written_off.len() as u64);
            // Nothing was deferred: order within a precedence is that of acceptance.
            for precedence in taken.iter().map(|(precedence, _)| precedence) {
                let of = |all: &[(_, String)]| -> Vec<String> {
                    all.iter().filter(|(p, _)| p == precedence).map(|(_, id)| id.clone()).collect()
                };
                let order: Vec<_> =
                    of(&accepted).into_iter().filter(|id| unique.contains(id)).collect();
                prop_assert_eq!(of(&taken), order);
            }
        }
    }
}

#[test]
fn in_doubt_past_the_deadline_is_overdue_and_the_final_follows_when_the_link_heals() {
    let mut pair = Pair::new();
    pair.submit(0, 0, 100);
    pair.connect();
    pair.offer(0, 10);
    // It left, and nobody knows whether it arrived.
    pair.cut();
    pair.wait(99);
    assert_eq!(pair.sides[0].events(Event::Overdue), 0);
    pair.wait(200);
    assert_eq!(pair.sides[0].events(Event::Overdue), 1);
    assert_eq!(pair.sides[0].finals(0), []);
    pair.settle_down();
    // It never arrived: held here again, and past its time.
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    assert_eq!(event, Event::Expired);
}

#[test]
fn a_dead_letter_of_a_peer_is_ended_by_the_peer_alone() {
    let mut pair = Pair::new();
    pair.sides[1].node.policy.tries_max = 1;
    pair.submit(0, 0, 100);
    pair.connect();
    pair.offer(0, 10);
    pair.arrive(1, 10);
    pair.arrive(0, 10);
    pair.consume(1, Answer::Nack(0));
    // Told to its sender; then nothing gets through until it is past its time.
    pair.offer(1, 10);
    pair.arrive(0, 10);
    assert_eq!(pair.sides[0].events(Event::DeadLettered), 1);
    pair.cut();
    pair.wait(300);
    assert_eq!(pair.sides[0].finals(0), []);
    assert_eq!(pair.sides[0].events(Event::Overdue), 1);
    pair.settle_down();
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    assert_eq!((event, pair.breaches), (Event::Expired, 0));
}

#[test]
fn an_end_that_comes_after_its_id_was_forgotten_is_still_an_end() {
    let mut pair = Pair::new();
    pair.submit(0, 0, 100);
    pair.connect();
    pair.offer(0, 10);
    pair.arrive(1, 10);
    pair.arrive(0, 10);
    // Taken over, and handed over behind a cut that lasts longer than ids are remembered.
    pair.cut();
    pair.consume(1, Answer::Ack);
    pair.wait(40 * 86_400);
    for from_snapshot in [true, false] {
        pair.restart(0, from_snapshot);
    }
    assert_eq!(pair.sides[0].finals(0), []);
    pair.settle_down();
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    assert_eq!((event, pair.breaches), (Event::HandedOver, 0));
    assert_eq!(pair.sides[0].events(Event::Contradiction), 0);
}

#[test]
fn what_never_left_expires_and_its_number_is_void() {
    let mut pair = Pair::new();
    pair.submit(0, 0, 10);
    pair.submit(0, 0, 1_000);
    pair.wait(60);
    assert_eq!(pair.sides[0].finals(0).len(), 1);
    pair.settle_down();
    assert_eq!(pair.breaches, 0);
    assert_eq!(pair.sides[1].taken().len(), 1);
    assert_eq!(pair.sides[0].events(Event::HandedOver), 1);
}

#[test]
fn after_a_crash_what_may_have_left_is_not_decided_about() {
    let mut pair = Pair::new();
    pair.submit(0, 0, 100);
    pair.connect();
    pair.offer(0, 10);
    pair.arrive(1, 10);
    // It arrived, its receipt did not, and whoever sent it remembers only its journal.
    pair.restart(0, false);
    pair.consume(1, Answer::Ack);
    pair.wait(300);
    assert_eq!(pair.sides[0].finals(0), []);
    pair.settle_down();
    assert_eq!(pair.breaches, 0);
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    assert_eq!(event, Event::HandedOver);
}

/// One message on its way to a side, and arrived there.
fn sent_and_arrived(pair: &mut Pair, lives_s: u16, meanwhile: impl FnOnce(&mut Pair)) {
    pair.submit(0, 1, lives_s);
    pair.connect();
    pair.offer(0, 10);
    meanwhile(pair);
    pair.arrive(1, 10);
}

#[test]
fn what_nobody_takes_over_is_answered_and_not_written() {
    let mut pair = Pair::new();
    sent_and_arrived(&mut pair, 900, |_| ());
    assert_eq!((pair.written, pair.sides[1].taken().len()), (1, 1));
    sent_and_arrived(&mut pair, 100, |pair| pair.wait(200));
    sent_and_arrived(&mut pair, 900, |pair| pair.sides[1].node.policy.inbox_max = 1);
    sent_and_arrived(&mut pair, 900, |pair| {
        let policy = &mut pair.sides[1].node.policy;
        (policy.inbox_max, policy.peer_max) = (100, 1);
    });
    sent_and_arrived(&mut pair, 900, |pair| pair.doubt_clock(1));
    pair.arrive(0, 10);
    assert_eq!((pair.written, pair.sides[1].taken().len(), pair.breaches), (1, 1, 0));
    assert_eq!(
        pair.sides[0].events(Event::Deferred),
        3,
        "a full inbox, too much of one peer, a clock in doubt"
    );
}

#[test]
fn an_id_that_may_have_been_forgotten_is_taken_over_no_more() {
    let mut pair = Pair::new();
    sent_and_arrived(&mut pair, 900, |pair| pair.forget_ids(1));
    pair.arrive(0, 10);
    assert_eq!((pair.written, pair.breaches), (0, 0));
    let [(_, event)] = pair.sides[0].finals(0).try_into().unwrap();
    assert_eq!(event, Event::Refused);
    assert_eq!(pair.sides[0].reasons(Event::Refused), [Reason::TooOld]);
}

#[test]
fn an_exercise_in_the_thread_of_what_is_real_is_not_taken_over() {
    let mut pair = Pair::new();
    pair.connect();
    pair.submit(0, 0, 800);
    pair.offer(0, 4);
    pair.arrive(1, 8);
    let [(_, real)] = &pair.sides[1].taken()[..] else { panic!("it was taken over") };
    let thread = MessageId::parse(real).unwrap();
    for name in ["", "Silk"] {
        let status = if name.is_empty() { Status::Actual } else { Status::Exercise };
        pair.submit_changed(0, 0, 800, |draft| draft.thread(thread).status(status, name));
        pair.offer(0, 4);
        pair.arrive(1, 8);
        pair.arrive(0, 8);
    }
    assert_eq!(pair.sides[1].taken().len(), 2, "what is real, and what belongs to it");
    assert_eq!(pair.sides[0].reasons(Event::Refused), [Reason::StatusMixed]);
}
