//! Histories of the pure core: random operations, then what must hold in all of them.

mod audit_log;
mod broken_disk;
mod bundles;
mod damage;
mod failed_sync;
mod heads;
mod lineage;
mod links;
mod million;
mod pair;
pub(crate) mod parts;
mod place;
mod quota;
mod renewal;
mod retention;
mod running;
mod stored;
mod time;
mod whole;
mod world;
mod write_off;

use std::collections::BTreeMap;

use barid_message::{Precedence, Reason};
use barid_proto::audit::v1::Event;
use proptest::prelude::*;

use crate::caps;
use crate::decide::accept::{Verdict, is_pressed};
use crate::decide::settle::{Answer, Settled};
use place::inbox;
use world::World;

/// What may happen.
#[derive(Clone, Debug)]
enum Op {
    /// A message with these lifetimes (s), to one or both recipients.
    Submit { precedence: u8, lives_s: u16, both: bool },
    /// One of the messages so far again.
    Repeat(u8),
    /// One consumer of one inbox asks for up to so many.
    HandOut { inbox: bool, consumer: u8, max: u8 },
    /// One of the hand-outs so far is answered.
    Answer { which: u8, how: u8 },
    /// Time goes on (s).
    Wait(u16),
    /// The node starts again, from the journal alone.
    Restart,
    /// The node starts again, from a snapshot.
    RestartFromSnapshot,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => (0..4_u8, 1..2_000_u16, any::<bool>())
            .prop_map(|(precedence, lives_s, both)| Op::Submit { precedence, lives_s, both }),
        1 => any::<u8>().prop_map(Op::Repeat),
        4 => (any::<bool>(), 0..3_u8, 1..5_u8)
            .prop_map(|(inbox, consumer, max)| Op::HandOut { inbox, consumer, max }),
        6 => (any::<u8>(), 0..5_u8).prop_map(|(which, how)| Op::Answer { which, how }),
        3 => (1..300_u16).prop_map(Op::Wait),
        1 => Just(Op::Restart),
        1 => Just(Op::RestartFromSnapshot),
    ]
}

fn run(world: &mut World, op: Op) {
    match op {
        Op::Submit { precedence, lives_s, both } => world.submit(precedence, lives_s, both),
        Op::Repeat(which) => world.repeat(usize::from(which)),
        Op::HandOut { inbox: second, consumer, max } => {
            world.hand_out(&inbox(second), consumer, usize::from(max));
        }
        Op::Answer { which, how } => {
            let answer = match how {
                0 | 1 => Answer::Ack,
                2 => Answer::Nack(0),
                3 => Answer::Refuse(Reason::WrongAddressee),
                _ => Answer::Renew,
            };
            // Answers to what is over are refused, and that is part of it.
            drop(world.answer(usize::from(which), answer));
        }
        Op::Wait(seconds) => world.wait(u64::from(seconds)),
        Op::Restart => world.restart(),
        Op::RestartFromSnapshot => world.restart_from_snapshot(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Every delivery of every accepted message gets exactly one final, nothing is
    /// acknowledged that was not handed out, and the journal alone gives the state.
    #[test]
    fn every_delivery_ends_once(ops in proptest::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in ops {
            let restarts = matches!(op, Op::Restart | Op::RestartFromSnapshot);
            if restarts {
                world.check_rebuild();
            }
            run(&mut world, op);
        }
        // Everything that lives ends by its deadline.
        world.wait(40 * 86_400);
        world.check_rebuild();
        let mut finals: BTreeMap<(u64, u32), Vec<Event>> = BTreeMap::new();
        for (key, event) in world.finals() {
            finals.entry(key).or_default().push(event);
        }
        let owed = world.owed();
        prop_assert_eq!(finals.len(), owed.len());
        for key in owed {
            prop_assert_eq!(finals.get(&key).map(Vec::len), Some(1));
        }
        let totals = world.state.totals();
        prop_assert_eq!(
            totals.deliveries,
            totals.handed_over + totals.refused_deliveries + totals.expired + totals.non_delivered
        );
        prop_assert_eq!(world.state.deliveries().count(), 0);
    }
}

#[test]
fn flash_overtakes_what_waits_and_order_holds_within_a_precedence() {
    let mut world = World::new();
    for precedence in [3, 3, 2, 0, 1, 3, 0] {
        world.submit(precedence, 1_000, false);
    }
    let handed_out = world.hand_out(&inbox(false), 0, 64);
    let precedences: Vec<_> = handed_out.iter().map(|one| one.message.precedence).collect();
    assert_eq!(
        precedences,
        [
            Precedence::Flash,
            Precedence::Flash,
            Precedence::Immediate,
            Precedence::Priority,
            Precedence::Routine,
            Precedence::Routine,
            Precedence::Routine
        ]
    );
    let flash: Vec<_> = handed_out[..2].iter().map(|one| one.message.position).collect();
    assert!(flash.is_sorted());
}

#[test]
fn a_fifth_failure_makes_a_dead_letter_and_an_operator_gives_five_new_tries() {
    let mut world = World::new();
    world.submit(3, 2_000, false);
    for attempt in 1..=caps::TRIES_MAX {
        let handed_out = world.hand_out(&inbox(false), 0, 1);
        assert_eq!(handed_out[0].attempt, attempt);
        assert_eq!(handed_out[0].redelivered, attempt > 1);
        world.answer_last(Answer::Nack(0)).unwrap();
        world.wait(60);
    }
    assert!(world.hand_out(&inbox(false), 0, 1).is_empty());
    world.retry_dead_letter();
    assert_eq!(world.hand_out(&inbox(false), 0, 1)[0].attempt, 1);
}

#[test]
fn what_fails_together_is_not_tried_again_together() {
    let mut world = World::new();
    for _ in 0..32 {
        world.submit(3, 2_000, false);
    }
    world.hand_out(&inbox(false), 0, 32);
    world.wait(31);
    let delays = world.delays();
    assert_eq!(delays.len(), 32);
    let different: std::collections::BTreeSet<_> = delays.iter().collect();
    assert!(different.len() > 16, "{different:?}");
    let min = caps::RETRY_MIN_MS;
    assert!(delays.iter().all(|delay| (min * 3 / 4..=min).contains(delay)), "{different:?}");
}

#[test]
fn an_answer_counts_after_a_restart_until_somebody_else_is_given_the_message() {
    let mut world = World::new();
    world.submit(3, 2_000, false);
    world.hand_out(&inbox(false), 0, 1);
    world.restart();
    world.hand_out(&inbox(false), 1, 1);
    let first = world.answer(0, Answer::Ack);
    assert_eq!(first.unwrap_err().reason(), Reason::LeaseUnknown);

    let mut world = World::new();
    world.submit(3, 2_000, false);
    world.hand_out(&inbox(false), 0, 1);
    world.restart();
    assert!(matches!(world.answer(0, Answer::Ack), Ok(Settled::Entry(_))));
}

#[test]
fn a_grant_that_never_left_is_taken_back_as_if_it_had_not_been() {
    let mut world = World::new();
    world.submit(3, 2_000, false);
    world.hand_out(&inbox(false), 0, 1);
    world.wait(40);
    let unsent = world.hand_out(&inbox(false), 1, 1).remove(0);
    assert_eq!((unsent.attempt, unsent.redelivered), (2, true));
    assert_eq!(world.state.give_back(unsent.key, unsent.number), Some(inbox(false)));
    assert_eq!(world.state.give_back(unsent.key, unsent.number), None, "once");

    let again = world.hand_out(&inbox(false), 1, 1).remove(0);
    assert_eq!((again.attempt, again.token), (unsent.attempt, unsent.token));
    world.state.give_back(again.key, again.number);
    world.answer(0, Answer::Ack).expect("nobody else has seen it since");
    assert_eq!(world.state.give_back(again.key, again.number), None, "it is over");
}

#[test]
fn another_consumers_token_is_worth_nothing() {
    let mut world = World::new();
    world.submit(3, 2_000, false);
    world.hand_out(&inbox(false), 0, 1);
    let stolen = world.answer_as(0, 1, Answer::Ack);
    assert_eq!(stolen.unwrap_err().reason(), Reason::LeaseNotYours);
}

#[test]
fn what_waits_holds_no_more_of_the_journal_than_its_own_bytes() {
    let mut world = World::new();
    world.submit(3, 100, true);
    assert_eq!(world.side_parts_held(), 0);
}

#[test]
fn a_repeat_gives_the_same_receipt_and_another_header_a_conflict() {
    let mut world = World::new();
    world.submit(3, 1_000, true);
    let receipt = world.receipt(0);
    assert!(matches!(world.verdict_of(0), Verdict::Repeat(evidence) if evidence == receipt));
    world.restart();
    assert!(matches!(world.verdict_of(0), Verdict::Repeat(evidence) if evidence == receipt));
    assert!(matches!(world.verdict_of_other_header(0), Verdict::Conflict(_)));
}

#[test]
fn intake_asks_before_what_is_on_its_way_could_overfill_an_inbox() {
    let mut world = World::new();
    world.node.policy.inbox_max = caps::COMMANDS_MAX + 2;
    world.submit(3, 1_000, false);
    assert!(!is_pressed(&world.state, &world.node));
    world.submit(3, 1_000, true);
    assert!(is_pressed(&world.state, &world.node), "4,096 more fill it");
    world.wait(2_000);
    assert!(!is_pressed(&world.state, &world.node), "they have ended");
    world.doubt_clock(true);
    assert!(is_pressed(&world.state, &world.node));
}

#[test]
fn a_permit_of_an_older_registry_is_refused() {
    let mut world = World::new();
    let Verdict::Refused(refusal) = world.verdict_behind_a_change() else {
        panic!("it was checked against what is no more");
    };
    assert_eq!(refusal.reason(), Reason::RegistryChanged);
    assert!(matches!(world.new_verdict(), Verdict::Accepted(_)));
}

#[test]
fn a_message_is_given_back_for_an_hour_at_most() {
    let mut world = World::new();
    world.submit(3, 10_000, false);
    world.hand_out(&inbox(false), 0, 1);
    let too_long = world.answer_last(Answer::Nack(3_600_001));
    assert_eq!(too_long.unwrap_err().reason(), Reason::FieldInvalid);
    assert!(world.answer_last(Answer::Nack(3_600_000)).is_ok());
}
