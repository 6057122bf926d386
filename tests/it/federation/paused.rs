//! Nodes that are stopped for a while, as a machine that sleeps is, and go on.

use std::time::Duration;

use barid_link::client::ReceiveOptions;
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::border::{Border, is_live, peer};
use crate::crash::ledger::{Delivery, Ledger};
use crate::crash::{submit, told_once_each};
use crate::harness::{Agency, address, id_of, within};

/// How long each is stopped unless `BARID_PAUSE` says otherwise, in seconds.
const PAUSE_S: u64 = 5;

/// How soon the link is up again.
const RELINKED: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_were_stopped_for_a_while_double_nothing() {
    let mut border = Border::start();
    border.live().await;
    let ledger = Ledger::default();
    let (stop, stopped) = watch::channel(false);
    let mut sending = JoinSet::new();
    let to = address("ir/police");
    let draft = move |sender: &Agency| sender.note("One by one.").to(&to);
    sending.spawn(submit(border.customs().await, draft, ledger.clone(), stopped));
    let mut consumers = JoinSet::new();
    consumers.spawn(take(border.police().await, ledger.clone()));
    ledger.wait_for_receipts(20).await;

    // One, both, the other: each sees the other stop, and is seen.
    border.ir.process().signal(Signal::STOP);
    sleep(pause() / 2).await;
    border.pk.process().signal(Signal::STOP);
    sleep(pause() / 2).await;
    border.ir.process().signal(Signal::CONT);
    sleep(pause() / 2).await;
    border.pk.process().signal(Signal::CONT);
    let relinked = async {
        while !is_live(&peer(&border.pk, "ir").await) || !is_live(&peer(&border.ir, "pk").await) {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(RELINKED, relinked).await.expect("the link is up again");
    ledger.wait_for_receipts(ledger.receipts() + 20).await;
    stop.send(true).expect("it sends");
    while let Some(sender) = within(sending.join_next()).await {
        sender.expect("a sender does not panic");
    }
    ledger.wait_for_all_to_be_kept().await;
    told_once_each(&border.pk, "pk/customs", &ledger).await;
    ledger.check();
    consumers.shutdown().await;
}

/// Keeps what is handed out, then acknowledges it, however long that takes.
async fn take(agency: Agency, ledger: Ledger) {
    let mut inbox = agency.client.receive(ReceiveOptions::new(agency.address.clone()));
    while let Ok(mut hand_out) = inbox.next().await {
        let id = id_of(hand_out.message());
        let delivery = Delivery { id, recipient: agency.address.to_string() };
        ledger.kept(&delivery, hand_out.redelivered());
        // In doubt it comes again.
        if hand_out.ack().await.is_ok() {
            ledger.confirmed(&delivery);
        }
    }
}

fn pause() -> Duration {
    let asked = std::env::var_os("BARID_PAUSE").and_then(|text| text.to_str()?.parse().ok());
    Duration::from_secs(asked.unwrap_or(PAUSE_S))
}
