//! A body that is damaged while the node runs: nobody is blamed for it, and others go on.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use barid_message::Reason;
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, text_of, within};

/// Flips a bit in the one place of the bodies where this text lies.
fn damage(node: &Node, text: &str) {
    let path = node.data().join("bodies/1/00000000000000000000.seg");
    let bytes = std::fs::read(&path).expect("a segment can be read");
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes());
    let at = at.expect("the text lies there");
    let file = OpenOptions::new().write(true).open(&path).expect("a segment");
    file.write_all_at(&[bytes[at] ^ 1], at as u64).expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_body_is_put_aside_and_others_go_on() {
    let mut node = Node::site(&["pk/customs", "pk/police"]).with_short_leases().start();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    for text in ["first", "second", "third"] {
        customs.send(customs.note(text).to(&police.address)).await;
    }
    damage(&node, "second");

    let mut inbox = police.inbox();
    let (mut first, mut third) = (inbox.next().await, inbox.next().await);
    assert_eq!(
        (text_of(first.message()), text_of(third.message())),
        ("first".into(), "third".into())
    );
    within(first.ack()).await.expect("taken");
    within(third.ack()).await.expect("taken");
    let totals = node.totals().await;
    assert_eq!((totals.outstanding, totals.unreadable, totals.dead_letters), (1, 1, 0));
    let mut peek = within(police.client.peek(&police.address, &[])).await.expect("a look");
    let told = within(peek.next()).await.expect_err("it cannot be shown");
    assert_eq!(told.reason(), Some(Reason::DataLoss));

    // Longer than a lease: there was none, and no failed try.
    tokio::time::sleep(Duration::from_secs(6)).await;
    let said = node.process().said();
    assert_eq!(said.matches("message cannot be read back").count(), 2, "hand-out, look: {said}");
    node.kill();
    assert!(node.fails_to_start().stderr.contains("DATA_LOSS"));
    damage(&node, "recond");
    node.restart();
    let mut second = inbox.next().await;
    assert_eq!((text_of(second.message()), second.attempt()), ("second".into(), 1));
    within(second.ack()).await.expect("taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_dead_letter_is_told_as_lost() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("Cannot be read.").to(&police.address)).await;
    let mut inbox = police.inbox();
    for _ in 0..5 {
        let returned = inbox.next().await.nack(Some(Duration::from_millis(1))).await;
        returned.expect("given back");
    }
    damage(&node, "Cannot be read.");

    let operator = node.operator();
    let letters = within(operator.list_dead_letters(ops::ListDeadLettersRequest::default())).await;
    let delivery = letters.expect("a list").dead_letters[0].delivery.clone();
    let purpose = "why it fails".to_owned();
    let look = ops::GetDeadLetterRequest { delivery, purpose };
    let told = within(operator.get_dead_letter(look)).await.expect_err("it cannot be shown");
    assert_eq!(told.reason(), Some(Reason::DataLoss));
}
