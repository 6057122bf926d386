//! Three days without a link, then everything at once.

use std::collections::BTreeMap;
use std::time::Duration;

use barid_audit::entry::{Body, Entry};
use barid_link::client::{OperatorClient, SubmitOptions};
use barid_message::Precedence;
use barid_message::compose::Draft;
use barid_message::time::Millis;
use barid_proto::audit::v1::{Event, Evidence};
use barid_proto::exchange::v1 as exchange;
use barid_proto::operations::v1 as ops;
use exchange::receive_evidence_response::Event as Answer;
use prost::Message as _;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::border::{Border, listens};
use super::wire::Wire;
use crate::harness::{Agency, Node, entries, header_of, id_of, say, within};

/// Messages of one run unless `BARID_DRAIN` says otherwise.
const MESSAGES: usize = 200;

/// From this many on, the caller's pauses are let grow to the longest.
const MANY: usize = 5_000;

/// How long the nodes are apart: three days, six hours at a time.
const STEPS: u32 = 12;
const STEP: Duration = Duration::from_hours(6);

/// From the mended wire to the last end that the sender is told.
const LIMIT: Duration = Duration::from_secs(60);

/// Pieces that go out before one of each lower lane does (`link::caps::LINK_FLOOR`).
const FLOOR: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_for_three_days_is_told_within_a_minute_flash_first() {
    let wire = Wire::new().await;
    let mut border = Border::made(Some(&wire.endpoint()));
    wire.leads_to(listens(&border.ir));
    border.pk.restart_moved();
    border.ir.restart_moved();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    wire.cut();
    let accepted = accept(&customs, &police, messages()).await;
    let operators = [border.pk.operator(), border.ir.operator()];
    let apart_since = clock(&operators[0]).await;
    for _ in 0..STEPS {
        for (node, operator) in [&mut border.pk, &mut border.ir].into_iter().zip(&operators) {
            pass_a_while(node, operator).await;
        }
    }
    // The worst moment: a call has just failed, after long failing.
    let count = accepted.len();
    wire.called_in_vain(if count >= MANY { 9 } else { 3 }).await;
    let mended_at = clock(&operators[0]).await;
    assert!(mended_at >= after(apart_since, STEP * STEPS));
    let mended = Instant::now();
    wire.mend();
    let (received, ()) =
        tokio::join!(receive(&police, count), told(&border.pk, customs.address.as_str(), count));
    let all_told = mended.elapsed();
    let flash_first = check_order(&accepted, &received);
    let lower = flash_first.lower_before_the_last;
    let books = [border.pk, border.ir].map(|mut node| {
        assert!(node.stop().status.success());
        entries(&node.data())
    });
    report(
        mended_at,
        &books,
        &format!(
            "{count} messages, {} FLASH with {lower} others among them, all told after {all_told:?}",
            flash_first.flash
        ),
    );
    assert!(all_told <= LIMIT, "{all_told:?}");
    // One piece in 16 for each of the three lower lanes, and one more that was due.
    assert!(FLOOR * lower <= 3 * (flash_first.flash + lower + FLOOR), "{lower} others first");
}

fn messages() -> usize {
    let asked = std::env::var_os("BARID_DRAIN").and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(MESSAGES)
}

/// Has so many messages accepted, of mixed precedence; gives their ids and precedences, in
/// the order of acceptance.
async fn accept(from: &Agency, to: &Agency, count: usize) -> Vec<(String, Precedence)> {
    let messages = (0..count).map(|number| from.sign(draft(from, number).to(&to.address)));
    let messages: Vec<_> = messages.collect();
    let ids = messages.iter().enumerate();
    let ids = ids.map(|(number, message)| (id_of(message), precedence(number))).collect();
    let (mut submitter, mut outcomes) = from.client.submit_stream(SubmitOptions::default());
    let mut sending = JoinSet::new();
    sending.spawn(async move {
        for message in messages {
            submitter.send(message).await.expect("the stream is open");
        }
    });
    while let Some(outcome) = within(outcomes.next()).await {
        outcome.result.expect("accepted");
    }
    sending.join_all().await;
    ids
}

/// Two in a hundred are FLASH, each behind what is less urgent.
fn precedence(number: usize) -> Precedence {
    match number % 50 {
        49 => Precedence::Flash,
        9 | 19 => Precedence::Immediate,
        number if number % 5 == 0 => Precedence::Priority,
        _ => Precedence::Routine,
    }
}

fn draft(from: &Agency, number: usize) -> Draft {
    match precedence(number) {
        Precedence::Flash => from.alert("Stolen truck").flash("it crosses within the hour"),
        level => from.note("One of many.").precedence(level),
    }
}

/// Some hours pass for a node, and it goes by the new time without a doubt.
async fn pass_a_while(node: &mut Node, operator: &OperatorClient) {
    let until = after(clock(operator).await, STEP);
    node.process().pass(STEP);
    while clock(operator).await < until {
        tokio::task::yield_now().await;
    }
}

/// A node's clock, which must not be in doubt.
async fn clock(operator: &OperatorClient) -> Millis {
    let status = within(operator.node_status(ops::GetNodeStatusRequest {})).await;
    let status = status.expect("the node says how it is");
    assert!(!status.clock_suspect, "the clock is in doubt");
    Millis::from_proto(&status.time.expect("its time")).expect("a time")
}

fn after(time: Millis, duration: Duration) -> Millis {
    Millis(time.0 + u64::try_from(duration.as_millis()).expect("some hours"))
}

/// Takes everything, in the order in which it is handed out.
async fn receive(agency: &Agency, count: usize) -> Vec<(String, Precedence)> {
    let mut inbox = agency.inbox();
    let mut acks = JoinSet::new();
    let mut received = Vec::new();
    for _ in 0..count {
        let mut hand_out = inbox.next().await;
        assert!(!hand_out.redelivered(), "nobody has had it before");
        let level = header_of(hand_out.message()).precedence.expect("row 7").level();
        received.push((id_of(hand_out.message()), level));
        acks.spawn(async move { within(hand_out.ack()).await.expect("taken") });
        while acks.try_join_next().is_some() {}
    }
    acks.join_all().await;
    received
}

/// Waits until the sender was told that each of so many messages was handed over.
async fn told(node: &Node, agency: &str, count: usize) {
    let request = exchange::ReceiveEvidenceRequest {
        agency: agency.to_owned(),
        after: String::new(),
        follow: true,
    };
    let mut rpc = node.raw(agency);
    let mut stream = within(rpc.receive_evidence(request)).await.expect("open").into_inner();
    let mut ends = 0;
    while ends < count {
        let response = within(stream.message()).await.expect("evidence").expect("more");
        if let Some(Answer::Evidence(item)) = response.event {
            let evidence = item.evidence.expect("evidence").evidence;
            let evidence = Evidence::decode(evidence).expect("evidence");
            ends += usize::from(evidence.event() == Event::HandedOver);
        }
    }
}

/// How far FLASH came first.
struct FlashFirst {
    flash: usize,
    /// What was handed out in front of the last of it: the floors of the lower lanes.
    lower_before_the_last: usize,
}

/// Each once; in order of acceptance within a precedence; and FLASH first, as long as no
/// lower lane is owed its piece.
fn check_order(accepted: &[(String, Precedence)], received: &[(String, Precedence)]) -> FlashFirst {
    let by_level = |messages: &[(String, Precedence)]| {
        let mut levels: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for (id, level) in messages {
            levels.entry((*level).into()).or_default().push(id.clone());
        }
        levels
    };
    assert_eq!(by_level(received), by_level(accepted), "in order within each precedence");
    let is_flash = |(_, level): &&(String, Precedence)| *level == Precedence::Flash;
    let flash = received.iter().filter(is_flash).count();
    let first = received.iter().take_while(is_flash).count();
    assert!(first >= flash.min(FLOOR - 1), "{first} FLASH first, of {flash}");
    let last = received.iter().rposition(|one| is_flash(&one)).expect("some FLASH");
    let lower_before_the_last = last + 1 - flash;
    FlashFirst { flash, lower_before_the_last }
}

/// Says how long after the mending each stage was over.
fn report(mended_at: Millis, [pk, ir]: &[Vec<Entry>; 2], summary: &str) {
    let since = |entry: Option<&Entry>| {
        let time = entry.expect("some").time.0;
        Duration::from_millis(time.saturating_sub(mended_at.0))
    };
    let last = |entries: &[Entry], is_meant: fn(&Entry) -> bool| {
        since(entries.iter().rfind(|entry| is_meant(entry)))
    };
    let first_taken = since(ir.iter().find(|entry| matches!(entry.body, Body::Taken(_))));
    let taken = last(ir, |entry| matches!(entry.body, Body::Taken(_)));
    let handed_over = last(ir, |entry| matches!(entry.body, Body::HandedOver));
    let passed = last(pk, |entry| matches!(entry.body, Body::CustodyReceived(_)));
    let known = last(pk, |entry| matches!(entry.body, Body::EvidenceTaken(_)));
    say(&format!(
        "federation::drain: {summary}; by the journals: first taken over {first_taken:?}, last \
         {taken:?}, last receipt {passed:?}, last handed over {handed_over:?}, last end known \
         {known:?}"
    ));
}
