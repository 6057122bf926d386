//! UPDATE and CANCEL at the origin's node.

use barid_message::compose::Draft;
use barid_message::header::Version;
use barid_message::id::MessageId;
use barid_message::{Reason, Status};

use super::place::inbox;
use super::world::World;
use crate::decide::accept::Verdict;
use crate::decide::settle::Answer;
use crate::state::lines::Standing;

/// A refused submission's reason.
fn refused(verdict: &Verdict) -> Reason {
    match verdict {
        Verdict::Refused(refusal) => refusal.reason(),
        other => panic!("it was not refused: {other:?}"),
    }
}

/// A world with one message, and its thread.
fn world() -> (World, MessageId) {
    let mut world = World::new();
    world.submit(3, 5_000, false);
    let thread = world.version(0).id;
    (world, thread)
}

fn forged(version: &Version) -> Version {
    let mut other = version.clone();
    other.header_digest.0[0] ^= 1;
    other
}

#[test]
fn an_update_replaces_the_head_and_a_recall_ends_the_matter() {
    let (mut world, thread) = world();
    let first = world.version(0);
    let update = |world: &World, to: &Version| world.draft(3, 500, false).updates(thread, to);
    let cancel = |world: &World, to: &Version| world.draft(3, 500, false).cancels(thread, to);
    world.send(update(&world, &first));
    let second = world.version(1);
    assert_eq!(world.state.standing(&first.originator, &first.id), Standing::Replaced);
    assert_eq!(refused(&world.verdict_on_draft(cancel(&world, &first))), Reason::HeadReplaced);
    world.send(cancel(&world, &second));
    assert_eq!(world.state.standing(&second.originator, &second.id), Standing::Recalled);
    let recall = world.version(2);
    for draft in [update(&world, &second), cancel(&world, &second)] {
        assert_eq!(refused(&world.verdict_on_draft(draft)), Reason::HeadRecalled);
    }
    assert_eq!(refused(&world.verdict_on_draft(update(&world, &recall))), Reason::HeadMismatch);
    // A repeat gets its receipt whatever the matter has come to.
    assert!(matches!(world.verdict_of(1), Verdict::Repeat(_)));
    let handed_out = world.hand_out(&inbox(false), 0, 9);
    let standings: Vec<_> = handed_out.iter().map(|one| (one.standing, one.head_unknown)).collect();
    let known = |standing| (standing, false);
    assert_eq!(standings, [Standing::Replaced, Standing::Recalled, Standing::Head].map(known));
}

#[test]
fn what_is_not_the_head_that_it_says_is_refused() {
    let (world, thread) = world();
    let first = world.version(0);
    let stranger = Version { id: MessageId::new(world.now(), [9; 10]), ..first.clone() };
    let other_thread = stranger.id;
    let draft = || world.draft(3, 500, false);
    let exercise = draft().status(Status::Exercise, "SHAMSHAD 27");
    // FLASH is an alert here, and the first message a note.
    let alert = world.draft(0, 500, false);
    let cases: [(Draft, Reason); 6] = [
        (draft().updates(thread, &stranger), Reason::HeadUnknown),
        (draft().cancels(thread, &stranger), Reason::HeadUnknown),
        (draft().updates(thread, &forged(&first)), Reason::HeadMismatch),
        (draft().updates(other_thread, &first), Reason::HeadMismatch),
        // What is real is no matter of an exercise (V16), whatever it replaces.
        (exercise.updates(thread, &first), Reason::StatusMixed),
        (alert.updates(thread, &first), Reason::HeadMismatch),
    ];
    for (number, (draft, reason)) in cases.into_iter().enumerate() {
        assert_eq!(refused(&world.verdict_on_draft(draft)), reason, "case {number}");
    }
    // Nothing of this has changed how it stands.
    assert_eq!(world.state.standing(&first.originator, &first.id), Standing::Head);
}

#[test]
fn a_fork_is_kept_and_told_until_it_is_merged() {
    let (mut world, thread) = world();
    let first = world.version(0);
    let update = |world: &World, to: &Version| world.draft(3, 500, false).updates(thread, to);
    world.send(update(&world, &first));
    assert_eq!(world.last_reasons(), [Reason::Unspecified; 2]);
    world.send(update(&world, &first));
    assert_eq!(world.last_reasons(), [Reason::ThreadForked; 2]);
    assert_eq!(world.state.lines().forks(), 1);
    let (left, right) = (world.version(1), world.version(2));
    // Whoever goes on with one branch is told again.
    world.send(update(&world, &left));
    assert_eq!(world.last_reasons(), [Reason::ThreadForked; 2]);
    world.restart_from_snapshot();
    assert_eq!(world.state.lines().forks(), 1);
    let left = world.version(3);
    world.send(update(&world, &left).updates(thread, &right));
    assert_eq!(world.last_reasons(), [Reason::Unspecified; 2]);
    world.restart();
    assert_eq!(world.state.lines().forks(), 0);
    let handed_out = world.hand_out(&inbox(false), 0, 9);
    assert_eq!(handed_out.len(), 5);
    let heads = handed_out.iter().filter(|one| one.standing == Standing::Head);
    assert_eq!(heads.map(|one| one.message.id).collect::<Vec<_>>(), [world.version(4).id]);
}

#[test]
fn heads_beyond_the_limit_are_refused() {
    let (mut world, thread) = world();
    let first = world.version(0);
    let update = |world: &World| world.draft(3, 500, false).updates(thread, &first);
    for _ in 0..crate::caps::HEADS_MAX {
        world.send(update(&world));
    }
    assert_eq!(refused(&world.verdict_on_draft(update(&world))), Reason::ThreadForked);
}

#[test]
fn a_recipient_that_was_not_given_the_head_is_told_so() {
    let (mut world, thread) = world();
    let first = world.version(0);
    world.send(world.draft(3, 500, true).updates(thread, &first));
    world.restart_from_snapshot();
    let marks = |world: &mut World, info| -> Vec<_> {
        world.hand_out(&inbox(info), u8::from(info), 9).iter().map(|one| one.head_unknown).collect()
    };
    assert_eq!(marks(&mut world, false), [false, false]);
    assert_eq!(marks(&mut world, true), [true]);
    assert!(world.answer_last(Answer::Ack).is_ok());
}

#[test]
fn a_head_is_known_as_long_as_ids_are() {
    let (mut world, thread) = world();
    let first = world.version(0);
    let days = u64::from(crate::caps::DEDUPE_DAYS) + 2;
    world.wait(days * 86_400);
    world.restart();
    let draft = world.draft(3, 500, false).updates(thread, &first);
    assert_eq!(refused(&world.verdict_on_draft(draft)), Reason::HeadUnknown);
}
