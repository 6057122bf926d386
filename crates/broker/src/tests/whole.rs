//! The broker as a whole: threads, disk and starts.

use std::time::Duration;

use barid_audit::entry::Body;
use barid_message::Reason;
use barid_message::time::Millis;

use super::place::{START, inbox};
use super::running::{Post, hand_out, killed, outstanding, snapshots, stop, submit};
use crate::clock::Clock as _;
use crate::decide::clock::Heard;
use crate::decide::write_off::ProposalName;

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_delivered_any_more_ends_in_many_small_steps() {
    let mut post = Post::new();
    let before = post.open().broker;
    post.send(&before, 300).await;
    stop(before).await;

    post.registry.agreements.clear();
    let broker = post.open().broker;
    let mut changes = broker.inbox_changes(&inbox(false)).unwrap();
    changes.mark_unchanged();
    assert!(hand_out(&broker, 64).await.is_empty());
    assert_eq!(outstanding(&broker).await, 300 - 256, "one command ends a bounded number");
    assert!(changes.has_changed().unwrap(), "the consumer is told to ask again");
    changes.mark_unchanged();
    assert!(hand_out(&broker, 64).await.is_empty());
    assert_eq!(outstanding(&broker).await, 0);
    assert!(!changes.has_changed().unwrap(), "nothing is left to ask for");
    stop(broker).await;
}

/// More than one turn of the timers ends, and a power cut in the middle of it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_off_ends_in_many_small_steps() {
    let mut post = Post::new();
    post.move_police_to("spiffe://ir.example/node");
    let broker = post.open().broker;
    post.send(&broker, 600).await;
    let id = broker.propose_write_off("first".into(), "ir".into(), "gone".into()).await.unwrap();
    let name = ProposalName { peer: "ir".into(), id };
    assert_eq!(broker.confirm_write_off("second".into(), name).await.unwrap(), 600);
    let left = killed(post.data.path());
    let again = post.open_in(left.path()).broker;
    for broker in [broker, again] {
        // What ends is news for the peer.
        let mut changes = broker.peer_changes("spiffe://ir.example/node").unwrap();
        let all_ended = async {
            while outstanding(&broker).await > 0 {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(60), all_ended).await.unwrap();
        let ended = broker.inspect(|state| {
            let link = state.link("spiffe://ir.example/node");
            link.map(|link| link.written_off().ended)
        });
        assert_eq!(ended.await.unwrap(), Some(600));
        stop(broker).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_in_doubt_refuses_nothing_for_good() {
    let post = Post::new();
    let broker = post.open().broker;
    post.set_wall(Millis(0));
    let good = post.sign(post.note(), START);
    let refusal = submit(&broker, good.clone()).await.unwrap_err();
    assert_eq!(refusal.reason(), Reason::ClockSuspect, "not that it comes from the future");
    assert!(refusal.retry_after_ms.is_some());

    post.set_wall(START);
    broker.confirm_clock("operator".into()).await.unwrap();
    assert!(!submit(&broker, good).await.unwrap().repeated);
    let stale = post.sign(post.note(), Millis(START.0 - 40 * 86_400_000));
    let refusal = submit(&broker, stale).await.unwrap_err();
    assert_eq!(refusal.reason(), Reason::TooOld, "the gate's word counts again");
    stop(broker).await;
}

/// What two peers heard just now say of a clock.
fn both_say(post: &Post, wall: Millis) -> Vec<Heard> {
    let at = post.clock.read().monotonic;
    ["af", "ir"].map(|peer| Heard { peer: peer.into(), said: wall, at }).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_confirm_a_clock_that_is_right_and_no_other() {
    let post = Post::new();
    let broker = post.open().broker;
    assert!(!broker.hear_clocks(both_say(&post, START)).await.unwrap(), "it is in no doubt");
    let before = both_say(&post, START);
    post.set_wall(Millis(START.0 + 3_600_000));
    for heard in [before, both_say(&post, START)] {
        assert!(!broker.hear_clocks(heard).await.unwrap(), "an hour apart");
    }
    let refusal = submit(&broker, post.sign(post.note(), START)).await.unwrap_err();
    assert_eq!(refusal.reason(), Reason::ClockSuspect);

    // It is put right, and nobody has to be found who says so.
    post.set_wall(START);
    assert!(!broker.hear_clocks(both_say(&post, START)[..1].to_vec()).await.unwrap(), "one alone");
    assert!(broker.hear_clocks(both_say(&post, Millis(START.0 + 60_000))).await.unwrap());
    submit(&broker, post.sign(post.note(), START)).await.unwrap();
    let position = broker.durable() - 2;
    let Body::Clock(facts) = broker.entry(position).unwrap().body else {
        panic!("the last but one")
    };
    assert_eq!((facts.suspect, &*facts.actor), (false, ""));
    assert_eq!(facts.peers, ["af", "ir"]);
    stop(broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_short_lives_come_to_a_snapshot_too() {
    let mut post = Post::new();
    post.snapshot_every_bytes = 48 << 10;
    let broker = post.open().broker;
    post.send(&broker, 40).await;
    let left = killed(post.data.path());
    assert_eq!(snapshots(left.path()), 0, "one life alone is too short");

    let again = post.open_in(left.path()).broker;
    post.send(&again, 40).await;
    // Answered behind all that was written before.
    outstanding(&again).await;
    assert_eq!(snapshots(left.path()), 1);
    stop(again).await;
    stop(broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_says_that_the_clock_was_in_doubt_and_goes_on_from_the_newest_entry() {
    let post = Post::new();
    let opened = post.open();
    assert!(!opened.start.clock_suspect);
    post.set_wall(Millis(0));
    submit(&opened.broker, post.sign(post.note(), START)).await.unwrap_err();
    stop(opened.broker).await;

    post.set_wall(Millis(START.0 + 86_400_000));
    let opened = post.open();
    assert!(opened.start.clock_suspect, "nobody has confirmed it");
    let newest = opened.broker.inspect(|state| state.last_time()).await.unwrap();
    assert_eq!(newest, START, "nobody has said that a day has passed");
    stop(opened.broker).await;
}
