//! A message that its consumer cannot bear.

use std::time::Duration;

use barid_link::client::AnswerError;

use crate::harness::{Node, now, text_of, within};

/// How long the next message may wait for it.
const DELAY: Duration = Duration::from_secs(1);

/// Tries, then it is a dead letter.
const TRIES: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_every_time_holds_up_no_other() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("poison").to(&police.address)).await;
    let (mut tries, mut number) = (0, 0);
    while tries < TRIES {
        customs.send(customs.note(&number.to_string()).to(&police.address)).await;
        let sent = now();
        // One at a time: what fails must not stand in the way.
        let mut inbox = police.inbox_of(1, &[]);
        loop {
            let mut hand_out = inbox.next().await;
            if text_of(hand_out.message()) == "poison" {
                tries += 1;
                assert_eq!(hand_out.attempt(), tries);
                let failed = within(hand_out.nack(Some(Duration::from_millis(100)))).await;
                assert_eq!(failed.expect("given back").dead_lettered, tries == TRIES);
                continue;
            }
            assert_eq!(text_of(hand_out.message()), number.to_string());
            match within(hand_out.ack()).await {
                Ok(_) => break,
                Err(AnswerError::Unanswered) => continue,
                Err(other) => panic!("{other}"),
            }
        }
        let waited = Duration::from_millis(now().0 - sent.0);
        assert!(waited <= DELAY, "message {number} waited {waited:?}");
        number += 1;
        inbox.leave().await;
    }
    let totals = node.totals().await;
    assert_eq!((totals.handed_over, totals.outstanding), (number, 1));
    assert_eq!(totals.dead_letters, 1);
}
