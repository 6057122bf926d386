//! A sync that fails: nobody is told anything that rests on it, the node ends, and the next
//! start finds out what survived.

use std::sync::Arc;
use std::time::Duration;

use barid_message::Reason;
use tokio::time::timeout;

use super::broken_disk::BrokenDisk;
use super::place::START;
use super::running::{Post, outstanding, stop, submit};
use crate::handle::Stopped;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_acknowledged_behind_a_failed_sync_and_nothing_before_it_is_lost() {
    let disk = BrokenDisk::default();
    let mut post = Post::new();
    post.disk = Arc::new(disk.clone());
    let mut acknowledged = 0;
    for round in 0..6 {
        let broker = post.open().broker;
        assert_eq!(outstanding(&broker).await, acknowledged, "in round {round}");
        post.send(&broker, 3).await;
        acknowledged += 3;
        // Of the journal, of the bodies, and of both at once.
        let broken = ["journal", "bodies", ""][round % 3];
        disk.break_below(&post.data.path().join(broken));
        let message = post.sign(post.note(), START);
        let refusal = submit(&broker, message.clone()).await.expect_err("it is not on the disk");
        assert!(
            matches!(refusal.reason(), Reason::ShuttingDown | Reason::StorageFull),
            "{refusal:?}"
        );
        let stopped = timeout(PATIENCE, broker.stopped()).await.expect("the node ends");
        assert!(matches!(stopped, Stopped::Write(_)), "{stopped:?}");
        drop(broker);

        // It is not tried again: a start on the same disk ends too, and says why.
        let error = post.try_open_in(post.data.path()).map(drop).expect_err("it is still broken");
        assert!(!error.to_string().contains("DATA_LOSS"), "{error}");
        disk.mend();
        // Whether it survived or not, it is there once when it is sent again.
        let broker = post.open().broker;
        let found = outstanding(&broker).await;
        assert!((acknowledged..=acknowledged + 1).contains(&found), "{found} of {acknowledged}");
        submit(&broker, message).await.expect("accepted, or known");
        acknowledged += 1;
        assert_eq!(outstanding(&broker).await, acknowledged);
        stop(broker).await;
    }
}
