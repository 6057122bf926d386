//! What is refused costs no disk.

use barid_message::Reason;
use barid_proto::exchange::v1 as pb;
use barid_proto::message::v1::SignedMessage;
use pb::submit_messages_response::Outcome;
use tokio_stream::StreamExt as _;

use crate::harness::{Node, within};

/// Submits all over one stream, each as soon as it can be sent; gives the reasons of those that
/// were refused.
async fn refusals(node: &Node, messages: Vec<SignedMessage>) -> Vec<Reason> {
    let count = messages.len();
    let requests = (0..)
        .zip(messages)
        .map(|(sequence, message)| pb::SubmitMessagesRequest { sequence, message: Some(message) });
    let stream = tokio_stream::iter(requests.collect::<Vec<_>>());
    let answers = within(node.raw("pk/customs").submit_messages(stream)).await.expect("open");
    let answers: Vec<_> = answers.into_inner().collect().await;
    assert_eq!(answers.len(), count, "every message has its answer");
    let refusal = |answer: Result<pb::SubmitMessagesResponse, tonic::Status>| match answer
        .expect("an answer")
        .outcome
        .expect("an outcome")
    {
        Outcome::Receipt(_) => None,
        Outcome::Refusal(refusal) => {
            let is_passing = refusal.reason() == Reason::Overloaded;
            assert_eq!(refusal.retry_after_ms > 0, is_passing, "{refusal:?}");
            Some(refusal.reason())
        }
    };
    answers.into_iter().filter_map(refusal).collect()
}

/// Bytes of messages on the disk, without what is only preallocated.
fn bodies(node: &Node) -> usize {
    let epochs = std::fs::read_dir(node.data().join("bodies")).expect("bodies/");
    let segments = epochs.flat_map(|epoch| {
        std::fs::read_dir(epoch.expect("an epoch").path()).expect("an epoch can be listed")
    });
    let used = segments.map(|segment| {
        let bytes = std::fs::read(segment.expect("a segment").path()).expect("it can be read");
        bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    });
    used.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_writes_nothing_down() {
    const INBOX: usize = 100;
    let node = Node::site(&["pk/customs", "pk/police"])
        .setting("inbox_messages_max = 100000", &format!("inbox_messages_max = {INBOX}"))
        .start();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let note = |_| customs.sign(customs.note("Gate 2 closed.").to(&police.address));
    // The last of them are on their way while the inbox fills.
    let refused = refusals(&node, (0..INBOX + 300).map(note).collect()).await;
    assert_eq!(refused, [Reason::Overloaded; 300]);
    assert_eq!(node.totals().await.accepted, INBOX as u64);
    let full = bodies(&node);
    let each = note(0);
    let length = prost::Message::encoded_len(&each);
    assert!(full < INBOX * (length + 64), "{full} bytes for {INBOX} messages of {length}");

    let refused = refusals(&node, (0..300).map(note).collect()).await;
    assert_eq!(refused, [Reason::Overloaded; 300]);
    assert_eq!(bodies(&node), full);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_conflicts_the_first_ten_are_kept() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let id = customs.send(customs.note("Gate 2 closed.").to(&police.address)).await;
    let other = |n: u32| {
        let draft = customs.note(&format!("Gate 2 open, {n:03}.")).to(&police.address);
        customs.sign(draft.id(id))
    };
    let length = bodies(&node);
    let refused = refusals(&node, (0..300).map(other).collect()).await;
    assert_eq!(refused, [Reason::DuplicateIdConflict; 300]);
    // Twice as many where a minute begins meanwhile.
    let kept = (bodies(&node) - length) / length;
    assert!((9..=20).contains(&kept), "{kept} of 300 are kept");
}
