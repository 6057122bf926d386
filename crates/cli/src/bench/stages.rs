//! Single stages of a message's way, one at a time on one thread, on what the runs have
//! left: the same messages, the same entries.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use barid_audit::commitment::Entropy;
use barid_audit::entry::{Body, Entry};
use barid_audit::evidence;
use barid_journal::{Blobs, DataDir, Journal, OsDisk, Record, blobs, data_dir, journal};
use barid_proto::message::v1 as pb;
use barid_store::{CACHE_BYTES_DEFAULT, Log, Store};
use bytes::Bytes;
use prost::Message as _;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use super::latency::Latency;
use super::letters::Letter;
use super::site::Site;

/// Messages of each measure.
const MESSAGES: u32 = 2_048;
/// Records of a group in the measure of many: what the node collects under load.
const GROUP: usize = 64;
/// Groups of one record in the measure of what a lone message waits for.
const LONE: usize = 512;
/// Random bytes that every entry is encoded with here.
const ENTROPY: Entropy = Entropy([7; 32]);

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Client,
    Node,
}

/// Processor time of one stage.
pub(super) struct Stage {
    pub(super) who: Who,
    pub(super) name: &'static str,
    /// Of each message.
    pub(super) cpu: Duration,
}

/// All of them.
pub(super) struct Stages {
    pub(super) stages: Vec<Stage>,
    /// Lengths: the signed message, the record of its acceptance, and that of its
    /// hand-over.
    pub(super) bytes: [usize; 3],
    /// A group of one record, written and synced.
    pub(super) lone_sync: Latency,
}

/// What is measured with.
struct Bench<'a> {
    site: &'a Site,
    letters: Vec<Letter>,
    wires: Vec<Bytes>,
    /// Of one acceptance and one hand-over each, in turn.
    entries: Vec<Entry>,
    stages: Vec<Stage>,
}

/// Measures; blocks. The node must be stopped.
pub(super) fn measure(site: &Site) -> anyhow::Result<Stages> {
    let mut bench = Bench {
        site,
        letters: Vec::new(),
        wires: Vec::new(),
        entries: entries(site)?,
        stages: Vec::new(),
    };
    bench.messages()?;
    bench.evidence()?;
    let records = bench.records();
    let lone_sync = bench.disk(&records)?;
    bench.projection()?;
    let length = |record: Option<&Record>| record.map_or(0, |one| one.leaf.len() + one.side.len());
    let [accepted, handed_over] = [length(records.first()), length(records.get(1))];
    let message = bench.wires.first().map_or(0, Bytes::len);
    Ok(Stages { stages: bench.stages, bytes: [message, accepted, handed_over], lone_sync })
}

/// Entries that the node wrote: an acceptance and a hand-over for each message, in turn,
/// with positions from 0.
fn entries(site: &Site) -> anyhow::Result<Vec<Entry>> {
    let data = DataDir::open(Arc::new(OsDisk), &site.data, data_dir::Options::default())?;
    let (journal, _recovered) = Journal::open(&data, &journal::Options::default())?;
    let (mut accepted, mut handed_over) = (Vec::new(), Vec::new());
    let enough = usize::try_from(MESSAGES)?;
    for record in journal.reader().scan(0) {
        let record = record?;
        let (kind, version, side) = (record.kind, record.version, record.side);
        let entry = Entry::decode(record.position, kind, version, &record.leaf, side)?;
        match &entry.body {
            Body::Accepted(_) if accepted.len() < enough => accepted.push(entry),
            Body::HandedOver if handed_over.len() < enough => handed_over.push(entry),
            _ if accepted.len() + handed_over.len() == 2 * enough => break,
            _ => {}
        }
    }
    ensure!(accepted.len() == handed_over.len(), "the runs were too short to measure stages");
    let mut entries: Vec<_> =
        accepted.into_iter().zip(handed_over).flat_map(|(one, other)| [one, other]).collect();
    for (position, entry) in (0..).zip(&mut entries) {
        entry.position = position;
    }
    Ok(entries)
}

impl Bench<'_> {
    /// Takes the processor time of something done to every message.
    fn stage<T>(
        &mut self,
        who: Who,
        name: &'static str,
        work: impl FnOnce(&Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let before = computed();
        let done = work(self)?;
        let cpu = computed().saturating_sub(before) / MESSAGES;
        self.stages.push(Stage { who, name, cpu });
        Ok(done)
    }

    fn messages(&mut self) -> anyhow::Result<()> {
        self.letters = self.stage(Who::Client, "write, check and sign", |bench| {
            (0..MESSAGES).map(|_| bench.site.letter(1)).collect()
        })?;
        self.wires =
            self.letters.iter().map(|letter| Bytes::from(letter.message.encode_to_vec())).collect();
        let decoded: Vec<pb::SignedMessage> = self.stage(Who::Node, "decode", |bench| {
            bench.wires.iter().map(|wire| Ok(pb::SignedMessage::decode(wire.clone())?)).collect()
        })?;
        let verified: Vec<_> = self.stage(Who::Node, "verify: signature and rules", |bench| {
            decoded.into_iter().map(|message| bench.site.trust.verify(message)).collect()
        })?;
        self.stage(Who::Node, "encode for keeping", |_| {
            ensure!(verified.iter().all(|message| !message.wire().is_empty()), "empty");
            Ok(())
        })
    }

    fn evidence(&mut self) -> anyhow::Result<()> {
        let receipts: Vec<_> = self.stage(Who::Node, "sign the receipt", |bench| {
            let accepted = bench.entries.iter().step_by(2);
            let key = &bench.site.evidence_key;
            Ok(accepted.map(|entry| evidence::sign(entry.evidence.clone(), key, None)).collect())
        })?;
        let keys = [self.site.evidence_key.public().clone()];
        self.stage(Who::Client, "check the receipt", |_| {
            for receipt in &receipts {
                evidence::verify(receipt, &keys)?;
            }
            Ok(())
        })
    }

    fn records(&mut self) -> Vec<Record> {
        let before = computed();
        let records = self.entries.iter().map(record).collect();
        let cpu = computed().saturating_sub(before) / MESSAGES;
        self.stages.push(Stage { who: Who::Node, name: "encode and commit two entries", cpu });
        records
    }

    fn disk(&mut self, records: &[Record]) -> anyhow::Result<Latency> {
        let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
        let data = DataDir::open(Arc::new(OsDisk), &self.site.folder("stages"), options)?;
        let (mut journal, _recovered) = Journal::open(&data, &journal::Options::default())?;
        let blobs = Blobs::open(&data, blobs::Options::default())?;
        let places: Vec<_> = self.stage(Who::Node, "write the message", |bench| {
            bench.wires.iter().map(|wire| Ok(blobs.put(wire)?)).collect()
        })?;
        blobs.sync()?;
        self.stage(Who::Node, "write two entries, 64 a group", |_| {
            for group in records.chunks(GROUP) {
                let first = journal.durable().next_position;
                journal.append(first, group)?;
            }
            Ok(())
        })?;
        self.stage(Who::Node, "read the message", |_| {
            for place in &places {
                pb::SignedMessage::decode(blobs.get(*place)?)?;
            }
            Ok(())
        })?;
        let mut waits = Vec::with_capacity(LONE);
        for (record, wire) in records.iter().zip(&self.wires).take(LONE) {
            let first = journal.durable().next_position;
            let begun = Instant::now();
            blobs.put(wire)?;
            blobs.sync()?;
            journal.append(first, std::slice::from_ref(record))?;
            waits.push(begun.elapsed());
        }
        Ok(Latency::of(waits))
    }

    fn projection(&mut self) -> anyhow::Result<()> {
        let log = Log { origin: "bench.barid/log/1".to_owned(), epoch: data_dir::FIRST_EPOCH };
        let opened = Store::open(&self.site.folder("index"), &log, CACHE_BYTES_DEFAULT)?;
        let (mut projector, _view) = opened.store.split();
        self.stage(Who::Node, "project two entries", |bench| {
            for group in bench.entries.chunks(GROUP) {
                projector.project(group)?;
            }
            Ok(())
        })?;
        projector.flush().context("cannot write the delivery log")
    }
}

fn record(entry: &Entry) -> Record {
    let encoded = entry.encode(&ENTROPY);
    Record {
        kind: encoded.kind,
        version: encoded.version,
        time_ms: entry.time.0,
        leaf: encoded.leaf.into(),
        side: encoded.side.into(),
    }
}

/// Processor time of this thread so far.
pub(super) fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
}
