//! Who may have how much, and what is kept for what is urgent.

use barid_message::compose::Draft;
use barid_message::{Precedence, Reason};
use bytes::Bytes;

use super::place::{START, identity};
use super::running::{Post, hand_out, stop, submit};
use crate::decide::settle::Answer;
use crate::decide::{Policy, Refusal};
use crate::{Broker, caps};

async fn sent(post: &Post, broker: &Broker, draft: Draft) -> Result<(), Refusal> {
    submit(broker, post.sign(draft, START)).await.map(drop)
}

fn refused(sent: Result<(), Refusal>, reason: Reason) {
    let refusal = sent.expect_err("it is too much");
    assert_eq!(refusal.reason(), reason);
    assert!(refusal.retry_after_ms.is_some(), "and says when to try again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_waits_that_has_its_number_and_what_is_urgent_goes_on() {
    let mut post = Post::new();
    post.policy = Policy { agency_max: 2, ..Policy::default() };
    let broker = post.open().broker;
    post.send(&broker, 2).await;
    refused(sent(&post, &broker, post.note()).await, Reason::Overloaded);
    let urgent = post.note().precedence(Precedence::Immediate);
    sent(&post, &broker, urgent).await.expect("it has places of its own");
    stop(broker).await;

    // So too for who starts again, from a snapshot.
    let broker = post.open().broker;
    refused(sent(&post, &broker, post.note()).await, Reason::Overloaded);
    for lent in hand_out(&broker, 2).await {
        let token = Bytes::copy_from_slice(&lent.token);
        lent.sent();
        broker.settle(identity(0), token, Answer::Ack).await.unwrap().decided().await.unwrap();
    }
    sent(&post, &broker, post.note()).await.expect("two have ended");
    refused(sent(&post, &broker, post.note()).await, Reason::Overloaded);
    stop(broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_take_no_more_than_they_may_and_a_part_is_for_what_is_urgent() {
    let mut post = Post::new();
    post.policy = Policy { bodies_bytes_max: 8_000, ..Policy::default() };
    let broker = post.open().broker;
    let mut taken = 0;
    while let Ok(()) = sent(&post, &broker, post.note()).await {
        taken += 1;
    }
    assert!((5..40).contains(&taken), "{taken} bodies are 8,000 bytes");
    refused(sent(&post, &broker, post.note()).await, Reason::StorageFull);
    let urgent = || post.note().precedence(Precedence::Immediate);
    sent(&post, &broker, urgent()).await.expect("one part in 16 is left");
    let mut more = 0;
    let refusal = loop {
        match sent(&post, &broker, urgent()).await {
            Ok(()) => more += 1,
            refused => break refused,
        }
    };
    refused(refusal, Reason::StorageFull);
    assert!(more * 16 <= taken + 16, "{more} more than {taken}");
    assert_eq!(hand_out(&broker, 1).await.len(), 1, "deliveries go on");
    stop(broker).await;
}

#[test]
fn flash_has_more_than_immediate_and_immediate_more_than_the_rest() {
    use crate::decide::quota::reserve;
    assert_eq!(reserve(Precedence::Routine), 0);
    assert_eq!(reserve(Precedence::Priority), 0);
    assert_eq!(reserve(Precedence::Immediate), caps::IMMEDIATE_RESERVE);
    assert!(reserve(Precedence::Flash) > reserve(Precedence::Immediate));
}
