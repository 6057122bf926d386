//! Consumers that are slow, stuck, or crash over and over, beside others that are not.

use std::time::Duration;

use barid_link::client::{AgencyClient, ReceiveOptions};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::in_campaign;
use super::scene::client;
use crate::harness::{Agency, Node, address, say};

/// Measured each time.
const MESSAGES: usize = 500;

/// Sent in between, to each of those in trouble.
const PAUSE: Duration = Duration::from_millis(25);

const STUCK: &str = "pk/health";
const SLOW: &str = "pk/veterinary";
const CRASHING: &str = "pk/coast-guard";

#[tokio::test(flavor = "multi_thread")]
async fn consumers_in_trouble_slow_no_other() {
    if !in_campaign("consumers_in_trouble_slow_no_other") {
        return;
    }
    let agencies = ["pk/customs", "pk/police", "ir/customs", STUCK, SLOW, CRASHING];
    let node = Node::site(&agencies).with_short_leases().start();
    let (customs, police) = (node.agency("pk/customs").await, node.agency("pk/police").await);
    p99(&customs, &police).await;
    let alone = p99(&customs, &police).await;
    let mut trouble = JoinSet::new();
    let (stop, stopped) = watch::channel(false);
    trouble.spawn(feed(node.agency("ir/customs").await, stopped));
    trouble.spawn(hold(client(&node, STUCK)));
    trouble.spawn(dawdle(client(&node, SLOW)));
    trouble.spawn(crash(client(&node, CRASHING)));
    // Until the leases of the stuck one end all the time.
    sleep(Duration::from_secs(8)).await;
    let beside = p99(&customs, &police).await;
    stop.send_replace(true);
    trouble.shutdown().await;
    say(&format!("faults::stuck: p99 {alone:?} alone, {beside:?} beside consumers in trouble"));
    assert!(beside <= 2 * alone, "{beside:?} beside, {alone:?} alone");
}

/// From the submission to the hand-out's end, of 99 in a hundred.
async fn p99(from: &Agency, to: &Agency) -> Duration {
    let mut inbox = to.inbox();
    let mut took = Vec::with_capacity(MESSAGES);
    for number in 0..MESSAGES {
        let message = from.sign(from.note(&number.to_string()).to(&to.address));
        let begun = Instant::now();
        from.submit(&message).await.expect("accepted");
        assert_eq!(inbox.take().await, number.to_string());
        took.push(begun.elapsed());
        sleep(Duration::from_millis(2)).await;
    }
    inbox.leave().await;
    took.sort_unstable();
    took[MESSAGES * 99 / 100]
}

/// Sends to all in trouble.
async fn feed(from: Agency, stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        let draft = from.note("for you").to(&address(STUCK)).to(&address(SLOW));
        from.send(draft.to(&address(CRASHING))).await;
        sleep(PAUSE).await;
    }
}

/// Takes all it is given, and answers nothing.
async fn hold(client: AgencyClient) {
    let mut inbox = client.receive(ReceiveOptions::new(address(STUCK)));
    let mut held = Vec::new();
    while let Ok(hand_out) = inbox.next().await {
        held.push(hand_out);
    }
}

/// One a second.
async fn dawdle(client: AgencyClient) {
    let mut inbox = client.receive(ReceiveOptions::new(address(SLOW)));
    while let Ok(mut hand_out) = inbox.next().await {
        sleep(Duration::from_secs(1)).await;
        // It may be late; then the message comes again.
        drop(hand_out.ack().await);
    }
}

/// Is gone as soon as it has something, and comes back.
async fn crash(client: AgencyClient) {
    loop {
        let mut inbox = client.receive(ReceiveOptions::new(address(CRASHING)));
        if inbox.next().await.is_err() {
            return;
        }
    }
}
