//! Nodes that die and links that break, under load.

use std::collections::BTreeSet;
use std::time::Duration;

use barid_proto::audit::v1::Event;

use super::border::Border;
use crate::harness::{id_of, within};

/// Messages of one run.
const MESSAGES: usize = 200;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whichever_node_dies() {
    let mut border = Border::start();
    border.live().await;
    let customs = border.customs().await;
    let mut sent = BTreeSet::new();
    for number in 0..MESSAGES {
        let text = format!("truck {number}");
        let police = crate::harness::address("ir/police");
        sent.insert(customs.send(customs.note(&text).to(&police)).await.to_string());
        match number {
            50 | 150 => {
                border.ir.kill();
                border.ir.restart();
            }
            100 => {
                border.pk.kill();
                border.pk.restart();
            }
            _ => {}
        }
    }
    let police = border.police().await;
    let mut inbox = police.inbox();
    let mut received = BTreeSet::new();
    for _ in 0..MESSAGES {
        let mut hand_out = inbox.next().await;
        let id = id_of(hand_out.message()).to_string();
        assert!(received.insert(id), "handed out twice");
        within(hand_out.ack()).await.expect("taken");
    }
    assert_eq!(received, sent);
    let told = async {
        loop {
            let evidence = customs.evidence("").await;
            let ends: Vec<_> = evidence
                .iter()
                .map(|one| one.statement.as_ref().expect("it holds"))
                .filter(|said| said.event() == Event::HandedOver)
                .map(|said| said.message_id.clone())
                .collect();
            if ends.len() >= MESSAGES {
                return ends;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let ends = within(told).await;
    assert_eq!(ends.len(), MESSAGES, "one final each");
    assert_eq!(ends.into_iter().collect::<BTreeSet<_>>(), sent);
}
