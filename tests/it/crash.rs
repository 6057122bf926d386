//! SIGKILL at any moment: what was receipted is there, once.

pub(crate) mod ledger;
mod rebuild;

use std::collections::BTreeSet;
use std::time::Duration;

use barid_link::client::{AnswerError, SubmitError};
use barid_message::Reason;
use barid_message::compose::Draft;
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::exchange::v1 as exchange;
use exchange::receive_evidence_response::Event as Answer;
use prost::Message as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::harness::{Agency, Node, book, id_of, random, within};
use history::{Ask, Call, History};
use ledger::{Delivery, Ledger, done};

/// Kills of one test unless `BARID_KILLS` says otherwise.
const KILLS: u32 = 3;

/// Who submits.
const SENDERS: [&str; 2] = ["pk/customs", "ir/customs"];

#[tokio::test(flavor = "multi_thread")]
async fn kills_lose_nothing_and_double_nothing() {
    survive(|_node| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_with_a_lost_index_lose_nothing_and_double_nothing() {
    survive(|node| std::fs::remove_dir_all(node.data().join("index")).expect("removed")).await;
}

/// Kills the node over and over at random moments under load. `meanwhile` happens between
/// kill and start.
async fn survive(meanwhile: impl Fn(&Node)) {
    let mut node = Node::start(&[SENDERS[0], SENDERS[1], "pk/police"]);
    let ledger = Ledger::default();
    let to = crate::harness::address("pk/police");
    let (stop, stopped) = watch::channel(false);
    let mut senders = JoinSet::new();
    for sender in SENDERS {
        let sender = node.agency(sender).await;
        let to = to.clone();
        let draft = move |sender: &Agency| sender.note("One by one.").to(&to);
        senders.spawn(submit(sender, draft, ledger.clone(), stopped.clone()));
    }
    let mut consumers = JoinSet::new();
    for _ in 0..2 {
        consumers.spawn(consume(node.agency("pk/police").await, ledger.clone()));
    }

    for number in 0..kills() {
        let more = 10 + usize::from(random()[0] % 120);
        ledger.wait_for_receipts(ledger.receipts() + more).await;
        tokio::time::sleep(Duration::from_micros(u64::from(random()[1]) * 200)).await;
        node.kill();
        meanwhile(&node);
        if number % 3 == 2 {
            // Also in the middle of a start, which itself must survive that.
            node.start_and_kill(Duration::from_micros(u64::from(random()[2]) * 400));
        }
        node.restart();
    }
    stop.send(true).expect("senders run");
    while let Some(sender) = within(senders.join_next()).await {
        sender.expect("a sender does not panic");
    }

    ledger.wait_for_all_to_be_kept().await;
    let receipts = u64::try_from(ledger.receipts()).expect("a count");
    assert!(receipts >= u64::from(kills()) * 10);
    let mut calls = ledger.submissions();
    for agency in SENDERS {
        calls.extend(told_once_each(&node, agency, &ledger).await);
    }
    ledger.check();
    let totals = node.totals().await;
    assert_eq!(totals.accepted, receipts, "repeats are not accepted again");
    assert_eq!((totals.handed_over, totals.outstanding), (receipts, 0));
    consumers.shutdown().await;
    assert!(node.stop().status.success());
    let books = vec![book("the node", &node)];
    assert_eq!(history::check(&History { calls, books }), []);
}

fn kills() -> u32 {
    let asked = std::env::var_os("BARID_KILLS").and_then(|kills| kills.to_str()?.parse().ok());
    asked.unwrap_or(KILLS)
}

/// Submits one message after the other; each until it has its receipt.
pub(crate) async fn submit(
    agency: Agency,
    mut draft: impl FnMut(&Agency) -> Draft,
    ledger: Ledger,
    stopped: watch::Receiver<bool>,
) {
    while !*stopped.borrow() {
        let message = agency.sign(draft(&agency));
        let id = id_of(&message);
        // In doubt, the same bytes again.
        while let Err(error) = agency.client.submit(message.clone()).await {
            let in_doubt = matches!(&error, SubmitError::Call(call) if call.is_passing());
            assert!(in_doubt, "{id}: {error}");
            // Where most calls fail, the client tries each only once.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        ledger.receipted(&message);
    }
}

/// Keeps what is handed out, then acknowledges it.
pub(crate) async fn consume(agency: Agency, ledger: Ledger) {
    let mut inbox = agency.inbox();
    loop {
        let mut hand_out = inbox.next().await;
        let id = id_of(hand_out.message());
        let delivery = Delivery { id, recipient: agency.address.to_string() };
        ledger.kept(&delivery, hand_out.redelivered());
        match hand_out.ack().await {
            Ok(_evidence) => ledger.confirmed(&delivery),
            // It was handed out again meanwhile, or taken before the answer was lost; which
            // of the two, a log that is being rebuilt cannot say yet.
            Err(AnswerError::Refused(refusal)) if is_of_an_outage(refusal.reason) => {}
            Err(AnswerError::Unanswered) => {}
            Err(other) => panic!("{delivery:?}: {other}"),
        }
    }
}

fn is_of_an_outage(reason: Reason) -> bool {
    matches!(reason, Reason::LeaseUnknown | Reason::AlreadyFinal | Reason::DeliveryLogDown)
}

/// The sender has one receipt for each of its messages, and one final for each recipient,
/// which are given for the checker. Read by stubs alone: checking thousands of signatures is not what is tested here.
pub(crate) async fn told_once_each(node: &Node, agency: &str, ledger: &Ledger) -> Vec<Call> {
    let request = exchange::ReceiveEvidenceRequest {
        agency: agency.to_owned(),
        after: String::new(),
        follow: true,
    };
    let mut rpc = node.raw(agency);
    let mut stream = within(rpc.receive_evidence(request)).await.expect("open").into_inner();
    let owed = ledger.owed_to(agency);
    let mut told = BTreeSet::new();
    while told.len() < owed.len() {
        let response = within(stream.message()).await.expect("evidence").expect("more");
        let Some(Answer::Evidence(item)) = response.event else { continue };
        let evidence = item.evidence.expect("evidence").evidence;
        let evidence = Evidence::decode(evidence).expect("evidence");
        if evidence.event() == Event::RelayAccepted {
            // On the way to another node, and no end.
            continue;
        }
        let news = (evidence.event(), evidence.message_id, evidence.recipient);
        assert!(told.insert(news.clone()), "{news:?} was told twice");
    }
    assert_eq!(told, owed, "one receipt and one final each");
    let told = told.into_iter().map(|(event, id, recipient)| {
        let delivery = history::Delivery { origin: agency.to_owned(), id, recipient };
        done(agency, Ask::Told(delivery, event))
    });
    told.collect()
}
