//! Data folders that earlier releases left: every later release opens them, and says of them
//! what was said then.
//!
//! `tests/fixtures/<format>/` holds a data folder as a release left it (`data/`), and what that
//! release said of it (`said.txt`). With `BARID_RECORD=DIR` the test below that records writes
//! such a folder to DIR; whoever changes the format does, and the folder is kept for good. One
//! is recorded and opened at every run, so that the machinery works when it is needed.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use barid_audit::entry::Body;
use barid_journal::FORMAT;
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::time::Millis;
use barid_message::{Precedence, Reason};
use barid_store::{EventRow, Filter};
use prost::Message as _;
use tempfile::TempDir;

use super::place::{START, SYSTEM, identity};
use super::running::{Post, copy, hand_out, stop, submit};
use crate::Broker;
use crate::decide::operator::{Act, DeliveryName};
use crate::decide::settle::Answer;
use crate::state::link::LANES;
use crate::state::{Delivery, DeliveryKey, Phase, State, Totals};

const ADMIN: &str = "spiffe://pk.example/operator/admin";

/// A life with each sort of entry in it that a node makes by itself. The node has stopped.
async fn live(post: &mut Post) {
    let broker = post.open().broker;
    let urgent = post.sign(post.note().precedence(Precedence::Immediate), START);
    submit(&broker, urgent.clone()).await.unwrap();
    assert!(submit(&broker, urgent).await.unwrap().repeated);
    post.send(&broker, 4).await;
    broker.record_refusal(SYSTEM, Reason::NotPermitted).await;
    let answers = [Answer::Ack, Answer::Refuse(Reason::WrongAddressee), Answer::Nack(0)];
    for answer in answers {
        answer_next(&broker, post, answer).await;
    }
    let name = dead_letter(&broker, post).await;
    let act = Act { operator: ADMIN.into(), why: "it was mended".into() };
    broker.retry(act, name).await.unwrap();
    dead_letter(&broker, post).await;
    stop(broker).await;

    post.move_police_to("spiffe://ir.example/node");
    let broker = post.open().broker;
    post.send(&broker, 3).await;
    broker.propose_write_off(ADMIN.into(), "ir".into(), "it is gone".into()).await.unwrap();
    stop(broker).await;
}

/// The next hand-out is answered so; time passes until there is one.
async fn answer_next(broker: &Broker, post: &Post, answer: Answer) {
    let lent = loop {
        match hand_out(broker, 1).await.pop() {
            Some(lent) => break lent,
            None => post.pass(1_000),
        }
        tokio::task::yield_now().await;
    };
    let token = bytes::Bytes::copy_from_slice(&lent.token);
    lent.sent();
    broker.settle(identity(0), token, answer).await.unwrap().decided().await.unwrap();
}

/// Gives back what comes until there is one dead letter more; names it.
async fn dead_letter(broker: &Broker, post: &Post) -> DeliveryName {
    let dead = |state: &State| {
        let is_dead = |delivery: &&Delivery| matches!(delivery.phase, Phase::Dead(_));
        let first = state.deliveries().map(|(_, delivery)| delivery).find(is_dead);
        first.map(|delivery| DeliveryName {
            origin_agency: delivery.message.origin.to_string(),
            message_id: delivery.message.id.to_string(),
            recipient: delivery.recipient.to_string(),
        })
    };
    loop {
        if let Some(name) = broker.inspect(dead).await.unwrap() {
            return name;
        }
        answer_next(broker, post, Answer::Nack(0)).await;
    }
}

/// Entries that were there before the start of a broker.
async fn entries_before(broker: &Broker) -> u64 {
    // Behind it the first group of the start is durable.
    broker.inspect(|_| ()).await.unwrap();
    let positions = broker.shared.reader.scan(0).map(|record| record.unwrap().position);
    let is_start =
        |position: &u64| matches!(broker.entry(*position).unwrap().body, Body::Restarted(_));
    positions.filter(is_start).last().unwrap()
}

/// What a node says of these entries once it has opened the folder.
async fn said(broker: &Broker, entries: u64) -> String {
    let mut said = format!("entries {entries}\n");
    for position in 0..entries {
        let record = broker.shared.reader.read(position).unwrap();
        let (leaf, side) = (Digest::of(&record.leaf), Digest::of(&record.side));
        let (kind, version, time) = (record.kind, record.version, record.time_ms);
        let line = format!("entry {position} {kind}.{version} {time} leaf {leaf} side {side}\n");
        said.push_str(&line);
        if let Body::Accepted(facts) = broker.entry(position).unwrap().body {
            let body = broker.message(&facts).unwrap().encode_to_vec();
            said.push_str(&format!("body {position} {}\n", Digest::of(&body)));
        }
    }
    broker.wait_projected().await.unwrap();
    let view = broker.view().unwrap();
    let mut reached = None;
    loop {
        let page = view.events(&Filter::default(), reached, 100).unwrap();
        let rows = page.items.iter().filter(|row| row.cursor.position < entries);
        rows.for_each(|row| said.push_str(&of_row(row)));
        reached = page.reached;
        if page.is_complete {
            break;
        }
    }
    said + &broker.inspect(of_state).await.unwrap()
}

/// A row of the delivery log. Field by field, here and below: what `Debug` writes changes
/// with a name.
fn of_row(row: &EventRow) -> String {
    let (event, reason) = (row.event.as_str_name(), row.reason.as_str_name());
    let address =
        |address: &Option<Address>| address.as_ref().map_or_else(none, ToString::to_string);
    let id = row.message_id.map_or_else(none, |id| id.to_string());
    let (from, to) = (address(&row.origin_agency), address(&row.recipient));
    let (cursor, actor, tries, is_final) = (row.cursor, &row.actor, row.tries, row.is_final());
    format!("row {cursor} {event} {reason} {id} {from} {to} [{actor}] {tries} {is_final}\n")
}

fn none() -> String {
    "-".to_owned()
}

/// What is outstanding, but for what a start changes.
fn of_state(state: &State) -> String {
    let Totals {
        accepted,
        refused,
        deliveries,
        handed_over,
        refused_deliveries,
        expired,
        non_delivered,
    } = state.totals();
    let ended = [handed_over, refused_deliveries, expired, non_delivered];
    let mut said = format!("totals {accepted} {refused} {deliveries} {ended:?}\n");
    for (DeliveryKey { accepted, index }, delivery) in state.deliveries() {
        let Delivery { message, recipient, outward, tries, phase, last_reason, .. } = delivery;
        let phase = match phase {
            // Whether its next try is due, the clock says.
            Phase::Ready | Phase::Delayed(_) | Phase::Leased(_) | Phase::Unreadable => {
                "here".to_owned()
            }
            Phase::Dead(since) => format!("dead {}", since.0),
            Phase::Queued => "queued".to_owned(),
            Phase::Deferred(until) => format!("deferred {}", until.0),
            Phase::Passed => "passed".to_owned(),
        };
        let way = outward.as_ref().map_or_else(none, |way| format!("{}#{}", way.peer, way.slot));
        let (id, reason) = (message.id, last_reason.as_str_name());
        let line =
            format!("open {accepted}.{index} {id} {recipient} {way} {tries} {phase} {reason}\n");
        said.push_str(&line);
    }
    for (peer, link) in state.links() {
        let proposal = link.proposal();
        let proposal = proposal
            .map_or_else(none, |it| format!("{} [{}] [{}] {}", it.id, it.by, it.why, it.until.0));
        said.push_str(&format!("link {peer} {proposal}\n"));
        for lane in LANES {
            let (out, inbound) = (link.outbound(lane), link.inbound(lane));
            let numbers = [out.next, out.next_unanswered, out.horizon, inbound.next_expected];
            said.push_str(&format!("lane {} {numbers:?}\n", lane.as_str_name()));
            for (number, slot) in &out.slots {
                said.push_str(&format!("slot {number} {}\n", slot.digest(lane, *number)));
            }
        }
    }
    said
}

/// Opens a copy, so that what is stored stays as it was left.
async fn open_copy(post: &Post, data: &Path) -> (Broker, TempDir) {
    let copied = tempfile::tempdir().unwrap();
    copy(data, copied.path());
    (post.open_in(copied.path()).broker, copied)
}

/// Records a folder: the data as the node left it, and what is said of it.
async fn record(folder: &Path) {
    let mut post = Post::new();
    live(&mut post).await;
    copy(post.data.path(), &folder.join("data"));
    // Space that a node keeps for itself, and makes again.
    fs::remove_file(folder.join("data/ballast")).unwrap();
    let (broker, _copied) = open_copy(&post, &folder.join("data")).await;
    let said = said(&broker, entries_before(&broker).await).await;
    stop(broker).await;
    let text = format!("time {}\n{said}", post.now().0);
    File::create(folder.join("said.txt")).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Lines that are said of a stored folder now and were not then, or the other way round.
async fn differences(folder: &Path) -> Vec<String> {
    let then = fs::read_to_string(folder.join("said.txt")).unwrap();
    let (time, then) = then.strip_prefix("time ").unwrap().split_once('\n').unwrap();
    let entries = then.lines().next().and_then(|line| line.strip_prefix("entries ")).unwrap();
    let post = Post::new();
    post.set_wall(Millis(time.parse().unwrap()));
    let (broker, _copied) = open_copy(&post, &folder.join("data")).await;
    let now = said(&broker, entries.parse().unwrap()).await;
    stop(broker).await;
    let lines = now.lines().count().max(then.lines().count());
    let differs = |line: &usize| now.lines().nth(*line) != then.lines().nth(*line);
    let told = |line| {
        let (now, then) = (now.lines().nth(line), then.lines().nth(line));
        format!("{}, line {}: {now:?}, and then {then:?}", folder.display(), line + 2)
    };
    (0..lines).filter(differs).map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_release_left_opens_and_says_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let asked = std::env::var_os("BARID_RECORD").map(PathBuf::from);
    let recorded = asked.unwrap_or_else(|| temporary.path().to_owned());
    record(&recorded).await;
    assert_eq!(differences(&recorded).await, [""; 0]);
    let said = fs::read_to_string(recorded.join("said.txt")).unwrap();
    let sorts = [
        "EVENT_HANDED_OVER",
        "EVENT_REFUSED",
        "EVENT_RETURNED",
        "EVENT_DEAD_LETTERED",
        "EVENT_RETRIED",
        "EVENT_SUBMISSION_REJECTED",
        " here ",
        " dead ",
        " queued ",
        "slot 3 ",
        "[it is gone]",
    ];
    for what in sorts {
        assert!(said.contains(what), "the recorded life has {what}: {said}");
    }

    let stored = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    for format in fs::read_dir(stored).into_iter().flatten() {
        let folder = format.unwrap().path();
        let number: u32 = folder.file_name().unwrap().to_str().unwrap().parse().unwrap();
        assert!((0..=FORMAT).contains(&number), "{} is of the future", folder.display());
        assert_eq!(differences(&folder).await, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_says_something_else_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path()).await;
    let file = folder.path().join("said.txt");
    let other = fs::read_to_string(&file).unwrap().replace("HANDED_OVER", "EXPIRED");
    File::create(&file).unwrap().write_all(other.as_bytes()).unwrap();
    let found = differences(folder.path()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("EVENT_HANDED_OVER") && found[0].contains("EVENT_EXPIRED"));
}
