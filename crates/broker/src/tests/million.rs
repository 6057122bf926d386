//! A node with a million messages, a hundred thousand of them open: how long it takes to
//! start, and how much memory. In a run of all tests there are a thousand.
//! `BARID_MESSAGES=1000000 BARID_MESSAGES_IN=DIR cargo test --release -p barid-broker --
//! --nocapture million` fills a new folder, and starts once on it, each time it is called.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use barid_audit::commitment::Entropy;
use barid_audit::entry::{Body, Entry, Item};
use barid_journal::{Blobs, DataDir, Journal, OsDisk, Record, data_dir};
use barid_message::Reason;
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use bytes::Bytes;

use super::place::START;
use super::running::{Post, outstanding, stop, submit};
use crate::caps;
use crate::clock::{Clock, SystemClock};
use crate::scrub::Scrubbing;

/// Of so many messages one is open.
const OPEN_OF: u64 = 10;

/// What the process has of memory, and had at most; and the processor time that it took, by
/// ticks of 10 ms.
fn memory() -> String {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks: f64 =
        stat.split(' ').skip(13).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum();

    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mib = |key| {
        let line = status.lines().find(|line| line.starts_with(key)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
    };
    let cpu = ticks / 100.0;
    format!("{} MiB, at most {} MiB, {cpu:.2} s of a processor", mib("VmRSS"), mib("VmHWM"))
}

/// The entry by which a message was accepted, again for another id and another body.
fn accepted(model: &Entry, position: u64, number: u64, at: barid_journal::BlobRef) -> Entry {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&number.to_be_bytes());
    let id = MessageId::new(START, random).to_string();
    let mut entry = Entry { position, ..model.clone() };
    if let Body::Accepted(facts) = &mut entry.body {
        facts.message_id.clone_from(&id);
        (facts.blob_segment, facts.blob_offset) = (at.segment, at.offset);
    }
    for item in &mut entry.items {
        item.facts.message_id.clone_from(&id);
        item.facts.accepted_position = position;
    }
    entry
}

/// The entry by which its delivery was handed over.
fn handed_over(accepted: &Entry, position: u64) -> Entry {
    let item = Item {
        event: Event::HandedOver,
        reason: Reason::Unspecified,
        facts: accepted.items[0].facts.clone(),
        evidence: Bytes::from(vec![7; 300]),
    };
    Entry {
        position,
        time: accepted.time,
        body: Body::HandedOver,
        evidence: Bytes::new(),
        items: vec![item],
    }
}

/// What many messages leave in a folder in which one was accepted.
fn fill(data: &Path, messages: u64) {
    let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
    let data = DataDir::open(Arc::new(OsDisk), data, options).unwrap();
    let (mut journal, _) = Journal::open(&data, &Default::default()).unwrap();
    let blobs = Blobs::open(&data, Default::default()).unwrap();
    let mut entries = journal.reader().scan(0);
    let model = entries
        .find_map(|record| {
            let entry = crate::projector::decode(record.unwrap()).unwrap();
            matches!(entry.body, Body::Accepted(_)).then_some(entry)
        })
        .unwrap();
    let Body::Accepted(facts) = &model.body else { unreachable!("it was looked for") };
    let body = blobs.get(crate::kept::Kept::accepted(facts).at()).unwrap();
    let mut position = journal.durable().next_position;
    let mut group = Vec::new();
    let mut place = None;
    for number in 1..=messages {
        let is_open = number.is_multiple_of(OPEN_OF);
        // What has ended shares one.
        let at = match place {
            Some(at) if !is_open => at,
            _ => *place.insert(blobs.put(&body).unwrap()),
        };
        let entry = accepted(&model, position, number, at);
        group.push(record(&entry));
        position += 1;
        if !is_open {
            group.push(record(&handed_over(&entry, position)));
            position += 1;
        }
        if group.len() >= 900 || number == messages {
            blobs.sync().unwrap();
            let first = position - group.len() as u64;
            journal.append(first, &group).unwrap();
            group.clear();
        }
    }
}

fn record(entry: &Entry) -> Record {
    let mut entropy = [0; 32];
    entropy[..8].copy_from_slice(&entry.position.to_be_bytes());
    let encoded = entry.encode(&Entropy(entropy));
    Record {
        kind: encoded.kind,
        version: encoded.version,
        time_ms: entry.time.0,
        leaf: encoded.leaf.into(),
        side: encoded.side.into(),
    }
}

/// One start, and all that follows from it. At a million each is for a process of its own:
/// memory that was taken before is not given back.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_with_many_messages() {
    let asked = std::env::var_os("BARID_MESSAGES").and_then(|text| text.to_str()?.parse().ok());
    let messages = asked.unwrap_or(1_000_u64);
    let mut post = Post::new();
    post.segment_bytes = 64 << 20;
    post.policy.inbox_max = 10 * caps::INBOX_MAX;
    let folder = std::env::var_os("BARID_MESSAGES_IN").map(PathBuf::from);
    let data = folder.unwrap_or_else(|| post.data.path().join("data"));
    if !data.exists() {
        let broker = post.open_in(&data).broker;
        submit(&broker, post.sign(post.note(), START)).await.unwrap();
        stop(broker).await;
        std::fs::remove_dir_all(data.join("index")).unwrap();
        fill(&data, messages);
    }
    let clock = SystemClock::new();
    let begun = clock.read().monotonic;
    let seconds = || (clock.read().monotonic - begun).as_secs_f64();
    let opened = tokio::task::block_in_place(|| post.open_in(&data));
    let (entries, replayed) = (opened.broker.durable(), opened.start.replayed);
    println!("{entries} entries, {replayed} replayed: {:.2} s, {}", seconds(), memory());
    assert_eq!(outstanding(&opened.broker).await as u64, messages / OPEN_OF + 1);
    let mut projected = opened.broker.projected();
    drop(projected.wait_for(Option::is_some).await.unwrap());
    println!("delivery log up: {:.2} s, {}", seconds(), memory());
    let mut scrubbing = opened.broker.scrubbing();
    drop(scrubbing.wait_for(|scrubbing| scrubbing.passes > 0).await.unwrap());
    let Scrubbing { bytes, damages, .. } = *scrubbing.borrow();
    println!("{} MiB looked at: {:.2} s, {}", bytes >> 20, seconds(), memory());
    assert_eq!(damages, 0);
    stop(opened.broker).await;
    println!("stopped: {:.2} s, {}", seconds(), memory());
}
