//! All parts of the crate together, as a node uses them.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use barid_journal::{
    BlobRef, Blobs, Claim, DataDir, Disk, Journal, OpenError, Reader, Record, Recovered, Snapshots,
    StoredRecord, Witness, blobs, data_dir, journal,
};
use bytes::Bytes;

use crate::sim_disk::{Random, SimDisk};

pub(crate) const ROOT: &str = "/data";
pub(crate) const SEGMENT_BYTES: u64 = 8 << 10;
pub(crate) const RESERVED_BYTES: u64 = 7 << 10;
/// For urgent messages alone.
pub(crate) const URGENT_BYTES: u64 = 96 << 10;

const RESTARTED: u16 = 1;
const ENTRY: u16 = 2;

pub(crate) struct Node {
    pub(crate) journal: Journal,
    pub(crate) recovered: Recovered,
    pub(crate) reader: Reader,
    pub(crate) blobs: Blobs,
    pub(crate) snapshots: Snapshots,
}

impl Node {
    pub(crate) fn open(disk: &SimDisk) -> Result<Self, Box<dyn Error>> {
        let options = data_dir::Options {
            ballast_bytes: 64 << 10,
            free_bytes_min: 64 << 10,
            urgent_bytes: URGENT_BYTES,
        };
        let disk: Arc<dyn Disk> = Arc::new(disk.clone());
        let data = DataDir::open(disk, Path::new(ROOT), options)?;
        let snapshots = Snapshots::open(&data);
        let witnesses = snapshots.newest_valid()?.witnesses();
        let options = journal::Options { segment_bytes: SEGMENT_BYTES, witnesses };
        let (journal, recovered) = Journal::open(&data, &options)?;
        let blobs = Blobs::open(&data, blobs::Options { segment_bytes: 0 })?;
        let reader = journal.reader();
        Ok(Self { journal, recovered, reader, blobs, snapshots })
    }
}

/// Opens the journal alone, without a witness.
pub(crate) fn open_journal(disk: &SimDisk) -> Result<(Journal, Recovered), OpenError> {
    open_witnessed(disk, Vec::new())
}

/// Opens the journal alone.
pub(crate) fn open_witnessed(
    disk: &SimDisk,
    witnesses: Vec<Witness>,
) -> Result<(Journal, Recovered), OpenError> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
    let data = DataDir::open(disk, Path::new(ROOT), options).unwrap();
    Journal::open(&data, &journal::Options { segment_bytes: SEGMENT_BYTES, witnesses })
}

pub(crate) fn record(kind: u16, leaf: Vec<u8>, side: Vec<u8>) -> Record {
    Record { kind, version: 1, time_ms: 1_700_000_000_000, leaf: leaf.into(), side: side.into() }
}

/// What a node has told the world, and what it was about to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) records: Vec<Record>,
    in_flight: Vec<Record>,
    blobs: Vec<(BlobRef, Vec<u8>)>,
}

pub(crate) fn same(stored: &StoredRecord, record: &Record) -> bool {
    let StoredRecord { position: _, kind, version, time_ms, leaf, side } = stored.clone();
    *record == Record { kind, version, time_ms, leaf, side }
}

impl Ledger {
    /// Everything that was told is there, and what was about to be told is
    /// there as a whole or not at all.
    pub(crate) fn check(&mut self, node: &Node) {
        let found: Vec<StoredRecord> = node.reader.scan(0).map(Result::unwrap).collect();
        assert_eq!(found.len() as u64, node.recovered.next_position);
        let told = self.records.len();
        assert!(found.len() >= told, "{} of {told} records are left", found.len());
        let mut all = self.records.clone();
        if found.len() > told {
            all.append(&mut self.in_flight);
        }
        assert_eq!(found.len(), all.len(), "a group is there as a whole or not at all");
        for (position, (stored, record)) in (0..).zip(found.iter().zip(&all)) {
            assert_eq!(stored.position, position);
            assert!(same(stored, record));
            assert_eq!(node.reader.read(position).unwrap(), *stored);
        }
        let starts = found.iter().filter(|record| record.kind == RESTARTED);
        let last = starts.last().map_or(0, |record| number(&record.leaf));
        assert_eq!(node.recovered.start_no, last + 1);
        self.records = all;
        self.in_flight.clear();
        for (at, bytes) in &self.blobs {
            assert_eq!(node.blobs.get(*at).unwrap(), bytes);
        }
        if let Some(snapshot) = node.snapshots.newest_valid().unwrap().newest {
            assert_eq!(number(&snapshot.body), snapshot.position);
            assert!(snapshot.position <= node.recovered.next_position);
        }
    }

    fn append(&mut self, node: &mut Node, records: Vec<Record>) -> Result<(), Box<dyn Error>> {
        node.journal.reserve(RESERVED_BYTES, Claim::Delivery)?;
        self.in_flight.clone_from(&records);
        let first = self.records.len() as u64;
        let durable = node.journal.append(first, &records)?;
        self.records.append(&mut self.in_flight);
        assert_eq!(durable.next_position, self.records.len() as u64);
        assert_eq!(node.reader.next_position(), durable.next_position);
        Ok(())
    }
}

/// A start, some work, and no stop.
pub(crate) fn live(
    disk: &SimDisk,
    ledger: &mut Ledger,
    groups: u64,
    seed: u64,
) -> Result<(), Box<dyn Error>> {
    let mut node = Node::open(disk)?;
    ledger.check(&node);
    let mut random = Random::new(seed);
    let start = node.recovered.start_no.to_be_bytes().to_vec();
    ledger.append(&mut node, vec![record(RESTARTED, start, Vec::new())])?;
    for group in 0..groups {
        let length = random.below(2000);
        let message = random.bytes(length);
        let at = node.blobs.put(&message)?;
        let count = random.below(3) + 1;
        let records = (0..count).map(|_| {
            let (leaf, side) = (random.below(700), random.below(900));
            record(ENTRY, random.bytes(leaf), random.bytes(side))
        });
        let records = records.collect();
        node.blobs.sync()?;
        ledger.append(&mut node, records)?;
        ledger.blobs.push((at, message));
        if group % 4 == 3 {
            let durable = node.journal.durable();
            node.snapshots.write(durable, &durable.next_position.to_be_bytes())?;
        }
    }
    Ok(())
}

fn number(bytes: &Bytes) -> u64 {
    u64::from_be_bytes(bytes[..].try_into().unwrap())
}
