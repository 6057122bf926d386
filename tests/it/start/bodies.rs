//! Bodies of messages that are gone or damaged: found at the start, before anybody is told
//! that their recipient did not take them.

use std::path::PathBuf;

use super::{AGENCIES, refused};
use crate::harness::{Node, Process, address, write};

/// A node that was killed with one message still to be delivered; gives its id.
async fn killed_with_one_outstanding() -> (Node, String) {
    let mut node = Node::start(&AGENCIES);
    let customs = node.agency("pk/customs").await;
    let id = customs.send(customs.note("Gate 2 closed.").to(&address("pk/police"))).await;
    node.kill();
    (node, id.to_string())
}

/// The one segment of bodies.
fn segment(node: &Node) -> PathBuf {
    node.data().join("bodies/1/00000000000000000000.seg")
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_gone_are_told_and_the_node_does_not_start() {
    let (node, id) = killed_with_one_outstanding().await;
    std::fs::remove_dir_all(node.data().join("bodies")).expect("removed");
    // Told again at every start, not only at the first.
    for _ in 0..2 {
        let ended = node.fails_to_start();
        let what = format!("DATA_LOSS: the body of message {id} from pk/customs");
        refused(&ended, &what, "put back an undamaged copy");
        assert!(ended.stderr.contains("at byte 0 of"), "{}", ended.stderr);
        assert!(ended.stderr.contains("00000000000000000000.seg"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_body_is_told_and_an_undamaged_copy_mends_it() {
    let (mut node, id) = killed_with_one_outstanding().await;
    let whole = std::fs::read(segment(&node)).expect("a segment can be read");
    for byte in [0, 20, 200] {
        let mut bytes = whole.clone();
        bytes[byte] ^= 0x10;
        write(&segment(&node), &bytes);
        refused(&node.fails_to_start(), "DATA_LOSS: the body of message", &id);
    }
    write(&segment(&node), &whole);
    node.restart();
    let police = node.agency("pk/police").await;
    assert_eq!(police.inbox().take().await, "Gate 2 closed.");

    // What has ended is no longer needed for a start.
    assert!(node.stop().status.success());
    std::fs::remove_file(segment(&node)).expect("removed");
    Process::serve(&node.config()).listening().expect("the node starts");
}
