//! Nodes that die and links that break, under load.

mod custody;

use std::collections::BTreeSet;
use std::time::Duration;

use barid_proto::audit::v1::Event;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::border::Border;
use super::wire::Wire;
use crate::crash::ledger::Ledger;
use crate::crash::{consume, submit, told_once_each};
use crate::harness::{address, id_of, random, within};

/// Messages of one run.
const MESSAGES: usize = 200;

/// Outages of one run unless `BARID_OUTAGES` says otherwise.
const OUTAGES: u32 = 4;

/// Both ways, while nodes are killed and the link is cut at random moments.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whatever_breaks() {
    let wire = Wire::new().await;
    let mut border = Border::start_over(&wire).await;
    let ledger = Ledger::default();
    let (stop, stopped) = watch::channel(false);
    let (mut senders, mut consumers) = (JoinSet::new(), JoinSet::new());
    for (from, to) in [("pk/customs", "ir/police"), ("ir/police", "pk/customs")] {
        let node = if from.starts_with("pk") { &border.pk } else { &border.ir };
        let sender = node.agency(from).await;
        senders.spawn(submit(sender, address(to), ledger.clone(), stopped.clone()));
        consumers.spawn(consume(node.agency(from).await, ledger.clone()));
    }
    for _ in 0..outages() {
        let more = 10 + usize::from(random()[0] % 60);
        ledger.wait_for_receipts(ledger.receipts() + more).await;
        match random()[1] % 3 {
            0 => {
                border.pk.kill();
                border.pk.restart();
            }
            1 => {
                border.ir.kill();
                border.ir.restart();
            }
            _ => wire.cut(Duration::from_millis(u64::from(random()[2]) * 4)).await,
        }
    }
    stop.send(true).expect("senders run");
    while let Some(sender) = within(senders.join_next()).await {
        sender.expect("a sender does not panic");
    }
    ledger.wait_for_all_to_be_kept().await;
    told_once_each(&border.pk, "pk/customs", &ledger).await;
    told_once_each(&border.ir, "ir/police", &ledger).await;
    ledger.check();
    custody::check(&border).await;
    consumers.shutdown().await;
}

fn outages() -> u32 {
    let asked = std::env::var_os("BARID_OUTAGES").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(OUTAGES)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_whichever_node_dies() {
    let mut border = Border::start();
    border.live().await;
    let customs = border.customs().await;
    let mut sent = BTreeSet::new();
    for number in 0..MESSAGES {
        let text = format!("truck {number}");
        let police = address("ir/police");
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
    let mut evidence = customs.client.evidence(String::new(), true);
    let mut ended = BTreeSet::new();
    while ended.len() < MESSAGES {
        let one = within(evidence.next()).await.expect("evidence").expect("it is followed");
        let said = one.statement.expect("it holds");
        let is_new = said.event() != Event::HandedOver || ended.insert(said.message_id);
        assert!(is_new, "one final each");
    }
    assert_eq!(ended, sent);
}
