//! The broker as a whole: threads, disk and starts.

use barid_message::Reason;
use barid_message::time::Millis;

use super::place::{START, inbox};
use super::running::{Post, hand_out, killed, outstanding, snapshots, stop, submit};

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
    assert!(!opened.clock_suspect);
    post.set_wall(Millis(0));
    submit(&opened.broker, post.sign(post.note(), START)).await.unwrap_err();
    stop(opened.broker).await;

    post.set_wall(Millis(START.0 + 86_400_000));
    let opened = post.open();
    assert!(opened.clock_suspect, "nobody has confirmed it");
    let newest = opened.broker.inspect(|state| state.last_time()).await.unwrap();
    assert_eq!(newest, START, "nobody has said that a day has passed");
    stop(opened.broker).await;
}
