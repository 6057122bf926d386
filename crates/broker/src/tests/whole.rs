//! The broker as a whole: threads, disk and starts.

use super::place::inbox;
use super::running::{Post, hand_out, outstanding, stop};

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
