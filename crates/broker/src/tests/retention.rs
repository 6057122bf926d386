//! Bodies go when nobody needs them any more, and not before.

use std::path::PathBuf;
use std::time::Duration;

use barid_audit::entry::Body;
use barid_journal::OsDisk;
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::journal::v1 as facts;
use bytes::Bytes;

use super::place::{START, identity};
use super::running::{Post, hand_out, killed, stop};
use super::world::World;
use crate::Broker;
use crate::decide::retention::removal;
use crate::decide::settle::Answer;
use crate::fsck::{Mending, Signed, fsck};

const HOUR_MS: u64 = 3_600_000;

#[test]
fn a_segment_goes_when_all_in_it_have_ended_and_may_go() {
    let mut world = World::new();
    world.submit_kept(1_000);
    world.submit_kept(2_000);
    let due = |world: &World, written_from| {
        removal(&world.state, world.now(), written_from).map(|entry| entry.body)
    };
    assert_eq!(due(&world, 1), None, "they are open");
    for _ in 0..2 {
        world.hand_out(&super::place::inbox(false), 0, 1);
        world.answer_last(Answer::Ack).unwrap();
    }
    assert_eq!(due(&world, 1), None, "they may have to be given out again");
    world.wait(1_500);
    assert_eq!(due(&world, 1), None, "one of them may");
    world.wait(600);
    assert_eq!(due(&world, 0), None, "somebody writes there");
    world.doubt_clock(true);
    assert_eq!(due(&world, 1), None, "nobody knows how late it is");
    world.doubt_clock(false);
    let segments = vec![facts::RemovedSegment { number: 0, messages: 2, bytes: 2 }];
    let gone = Body::BodiesRemoved(facts::BodiesRemovedFacts { segments });
    assert_eq!(due(&world, 1), Some(gone));
    world.let_go(1);
    assert_eq!(due(&world, 1), None);
    assert!(world.state.segments().is_removed(0));
    world.check_rebuild();
    world.restart_from_snapshot();
    assert!(world.state.segments().is_removed(0));
}

/// Handed over, and not to be kept for more than an hour.
async fn delivered(post: &Post, broker: &Broker) {
    for _ in 0..3 {
        let note = post.note().deliver_by(Millis(START.0 + HOUR_MS));
        super::running::submit(broker, post.sign(note, START)).await.unwrap();
    }
    for lent in hand_out(broker, 64).await {
        let token = Bytes::copy_from_slice(&lent.token);
        lent.sent();
        broker.settle(identity(0), token, Answer::Ack).await.unwrap().decided().await.unwrap();
    }
}

fn segment(post: &Post, number: u64) -> PathBuf {
    post.data.path().join(format!("bodies/1/{number:020}.seg"))
}

/// The place of the first message.
fn first(broker: &Broker) -> facts::AcceptedFacts {
    let mut accepted = (0..).map_while(|position| broker.entry(position).ok());
    accepted
        .find_map(|entry| match entry.body {
            Body::Accepted(facts) => Some(*facts),
            _ => None,
        })
        .expect("a message was accepted")
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_nobody_needs_are_unlinked_once_that_is_on_record() {
    let post = Post::new();
    let broker = post.open().broker;
    delivered(&post, &broker).await;
    stop(broker).await;
    let kept = std::fs::read(segment(&post, 0)).unwrap();
    let broker = post.open().broker;
    post.send(&broker, 1).await;
    stop(broker).await;

    post.set_wall(Millis(START.0 + 2 * HOUR_MS));
    let broker = post.open().broker;
    let gone = async {
        while segment(&post, 0).exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.unwrap();
    assert!(segment(&post, 1).exists(), "what is open stays");
    let refusal = broker.message(&first(&broker)).unwrap_err();
    assert_eq!(refusal.reason(), Reason::NotFound, "it is not lost");
    let left = killed(post.data.path());
    stop(broker).await;

    // Killed between the entry and the file's end.
    let back = left.path().join("bodies/1").join(segment(&post, 0).file_name().unwrap());
    std::io::Write::write_all(&mut std::fs::File::create(&back).unwrap(), &kept).unwrap();
    let broker = post.open_in(left.path()).broker;
    assert!(!back.exists(), "the next start goes on");
    let mut scrubbing = broker.scrubbing();
    drop(scrubbing.wait_for(|scrubbing| scrubbing.passes > 0).await.unwrap());
    assert_eq!(broker.scrubbing().borrow().damages, 0, "what was let go is no damage");
    stop(broker).await;
    let report =
        fsck(std::sync::Arc::new(OsDisk), left.path(), (Mending::No, Signed::Checked), drop)
            .unwrap();
    assert_eq!(report.damages, 0);
}
