//! A start: what was durable is found, what is outstanding is rebuilt, and only then
//! does anything run.

mod bodies;
mod origin;
mod run;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use barid_audit::entry::EntryError;
use barid_audit::note::NoteError;
use barid_journal::data_dir::DataDir;
use barid_journal::journal::Options as JournalOptions;
use barid_journal::reader::ReadError;
use barid_journal::snapshots::Found;
use barid_journal::space::DiskFailure;
use barid_journal::{Blobs, Claimant, Disk, Files, Journal, Reader, Snapshots, Witness};
use barid_proto::journal::v1 as pb;
use barid_store::{Applied, Log};
use bytes::Bytes;

use crate::audit_log::{self, LogOptions};
use crate::caps;
use crate::clock::{Clock, Watch};
use crate::decide::Policy;
use crate::handle::Broker;
use crate::heads::Heads;
use crate::projector::{Index, decode};
use crate::random::{NoRandom, Random};
use crate::sequencer::SequencerError;
use crate::state::{FoldError, State};
use crate::writer::WriteError;
pub use bodies::BodyLoss;
pub use origin::OtherOrigin;
pub(crate) use run::{Assembly, assemble};
use run::{Beginning, Parts};

/// How a broker is opened.
pub struct Options {
    /// The data folder.
    pub data: PathBuf,
    /// The disk under it.
    pub disk: Arc<dyn Disk>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// Identity of the node, "spiffe://<trust domain>/node".
    pub identity: String,
    /// The trust domain; with the epoch it names the log.
    pub trust_domain: String,
    /// SubjectPublicKeyInfo of the key that signs evidence.
    pub evidence_key_spki: Bytes,
    /// Secret from which lease tokens are derived; the same at every start.
    pub lease_secret: Vec<u8>,
    /// The audit log.
    pub log: LogOptions,
    /// The registry of the configuration.
    pub registry: pb::RegistryFacts,
    /// Version of the program.
    pub program_version: String,
    /// Sizes.
    pub storage: Storage,
    /// What its operator chose about deliveries.
    pub policy: Policy,
}

/// Sizes of what lies on disk.
#[derive(Clone, Copy, Debug)]
pub struct Storage {
    /// Bytes of a segment of the journal or of bodies.
    pub segment_bytes: u64,
    /// Bytes of the file that is given up on a full disk.
    pub ballast_bytes: u64,
    /// New messages are refused while less than this is free (bytes).
    pub free_bytes_min: u64,
    /// Of what is free beyond that, so much is for IMMEDIATE and FLASH alone (bytes).
    pub urgent_bytes: u64,
    /// Bytes of journal between two snapshots.
    pub snapshot_every_bytes: u64,
    /// Bytes of the index's cache.
    pub index_cache_bytes: u64,
    /// From the beginning of one pass of the scrub to the next.
    pub scrub_every: Duration,
    /// Bytes that the scrub reads in a second.
    pub scrub_bytes_per_s: u64,
}

/// Why a broker does not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data folder.
    #[error(transparent)]
    DataDir(#[from] barid_journal::data_dir::OpenError),
    /// Whose data it is.
    #[error(transparent)]
    Origin(#[from] OtherOrigin),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] barid_journal::OpenError),
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
    /// The index could neither be opened nor begun anew.
    #[error(transparent)]
    Store(#[from] barid_store::OpenError),
    /// A record could not be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A record is not an entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The body of a message that is still to be delivered.
    #[error(transparent)]
    Body(#[from] BodyLoss),
    /// An entry does not fold.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The first entries could not be made.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// The audit log's key.
    #[error("the audit log cannot be signed: {0}; [audit] log_key must be an Ed25519 key")]
    LogKey(#[from] NoteError),
    /// Space could not be reserved.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A thread could not be started.
    #[error("a thread could not be started; look at the limits of this process")]
    Thread(#[source] std::io::Error),
    /// The machine gives no randomness.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

/// A broker that runs.
#[derive(Debug)]
pub struct Opened {
    /// The broker.
    pub broker: Broker,
    /// What its start found.
    pub start: Start,
}

/// What a start found.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// Its number.
    pub start_no: u64,
    /// Bytes of a torn tail that recovery dropped: nobody was told of them.
    pub dropped_bytes: u64,
    /// Entries replayed to rebuild what is outstanding.
    pub replayed: u64,
    /// The clock is in doubt.
    pub clock_suspect: bool,
}

/// Opens the data folder, rebuilds what is outstanding, and starts the threads.
///
/// # Errors
/// [`OpenError`]: one sentence that says what to do. Nothing was told to anyone.
pub fn open(options: Options) -> Result<Opened, OpenError> {
    let Recovery { parts, state, beginning, start } = recover(&options, WithLog::Yes)?;
    let broker = assemble(&options, parts, state, &beginning)?.run()?;
    Ok(Opened { broker, start })
}

/// Whether there is a delivery log, which lies on a real disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithLog {
    Yes,
    No,
}

/// What lies on the disk, opened, and what it comes to.
pub(crate) struct Recovery {
    pub(crate) parts: Parts,
    pub(crate) state: State,
    pub(crate) beginning: Beginning,
    pub(crate) start: Start,
}

/// Opens the data folder and rebuilds what is outstanding.
pub(crate) fn recover(options: &Options, with_log: WithLog) -> Result<Recovery, OpenError> {
    let storage = options.storage;
    let data = DataDir::open(
        Arc::clone(&options.disk),
        &options.data,
        barid_journal::data_dir::Options {
            ballast_bytes: storage.ballast_bytes,
            free_bytes_min: storage.free_bytes_min,
            urgent_bytes: storage.urgent_bytes,
        },
    )?;
    let log_origin = format!("{}/log/{}", options.trust_domain, data.epoch());
    origin::check(&data, &log_origin)?;

    // The index and the snapshots are opened first: how far they have seen the
    // journal is what the journal is held against.
    let log = Log { origin: log_origin.clone(), epoch: data.epoch() };
    let index = Index { directory: data.index_dir(), log, cache_bytes: storage.index_cache_bytes };
    // It writes when it is opened after a kill.
    data.space().make_way(caps::INDEX_OPEN_BYTES)?;
    let log = if with_log == WithLog::Yes { open_log(&index)? } else { None };
    let snapshots = Snapshots::open(&data);
    let found = snapshots.newest_valid()?;
    for damaged in &found.damaged {
        tracing::warn!(%damaged, "snapshot passed over");
    }
    let signer = audit_log::signer(&log_origin, &options.log)?;
    let files = Files::of_log(&data);
    let mut witnesses = witnesses(&found, log.as_ref().and_then(|log| log.applied));
    // What was signed was durable: a journal that is shorter has lost something.
    let head = audit_log::head(&files, signer.public())?;
    witnesses.extend(head.map(|head| Witness {
        claimant: Claimant::Checkpoint,
        position: head.checkpoint().size,
        chain: None,
    }));
    let journal_options = JournalOptions { segment_bytes: storage.segment_bytes, witnesses };
    let (journal, recovered) = Journal::open(&data, &journal_options)?;
    let blob_options = barid_journal::blobs::Options { segment_bytes: storage.segment_bytes };
    let blobs = Arc::new(Blobs::open(&data, blob_options)?);

    let reader = journal.reader();
    let (state, replayed) = replay(&reader, found.newest.as_ref())?;
    // What a crash left of those that were let go.
    blobs.remove(state.segments().removed().iter().copied())?;
    bodies::check(&state, &blobs)?;

    let now = options.clock.read();
    // What the journal doubts, nobody has confirmed since.
    let is_suspect = state.clock_suspect()
        || recovered.next_position > 0 && Watch::contradicts(now.wall, state.last_time());
    let beginning = Beginning { now, is_suspect, log_origin, since_snapshot: replayed.bytes };
    let parts = Parts {
        journal,
        recovered,
        blobs,
        snapshots,
        index,
        store: log.map(|log| log.store),
        reader,
        space: Arc::clone(data.space()),
        log: (files, signer),
        heads: Heads::open(Files::of_heads(&data)),
    };
    let start = Start {
        start_no: recovered.start_no,
        dropped_bytes: recovered.dropped_bytes,
        replayed: replayed.entries,
        clock_suspect: is_suspect,
    };
    Ok(Recovery { parts, state, beginning, start })
}

/// The delivery log. `None` on a disk without room for it.
fn open_log(index: &Index) -> Result<Option<barid_store::Opened>, OpenError> {
    match index.open() {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.is_full() => {
            tracing::error!(%error, "disk full; no delivery log, and no witness, until it has room");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Who has seen how much of the journal.
fn witnesses(found: &Found, applied: Option<Applied>) -> Vec<Witness> {
    let index = applied.map(|applied| Witness {
        claimant: Claimant::Index,
        position: applied.witnessed,
        chain: None,
    });
    found.witnesses().into_iter().chain(index).collect()
}

/// What was replayed behind the snapshot.
#[derive(Clone, Copy, Debug, Default)]
struct Replayed {
    entries: u64,
    bytes: u64,
}

/// The state at the journal's end: from the newest usable snapshot, else from the
/// beginning.
fn replay(
    reader: &Reader,
    snapshot: Option<&barid_journal::Snapshot>,
) -> Result<(State, Replayed), OpenError> {
    let restored = snapshot.and_then(|snapshot| {
        State::from_snapshot(snapshot.position, &snapshot.body)
            .inspect_err(|error| tracing::warn!(%error, "replaying the whole journal"))
            .ok()
    });
    let mut state = restored.unwrap_or_default();
    let mut replayed = Replayed::default();
    for record in reader.scan(state.next_position()) {
        let record = record?;
        replayed.entries += 1;
        replayed.bytes += (record.leaf.len() + record.side.len()) as u64;
        state.fold(&decode(record)?)?;
    }
    Ok((state, replayed))
}
