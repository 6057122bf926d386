//! Starting the threads, with what this start has to say as their first group.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use barid_audit::note::LogSigner;
use barid_journal::{Blobs, Files, Journal, Reader, Recovered, Snapshots, Space};
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use barid_store::{ReadView, Store};
use bytes::Bytes;
use tokio::sync::{Semaphore, watch};

use super::{OpenError, Options};
use crate::audit_log::{AuditLog, Desk, Keeper, LogOptions, Standing};
use crate::caps;
use crate::clock::{Reading, Watch};
use crate::command::{Group, Queued};
use crate::decide::refusals::Windows;
use crate::decide::{Node, operator, start};
use crate::handle::{Broker, Shared, Threads};
use crate::heads::Heads;
use crate::lease::LeaseKey;
use crate::projector::{Index, Projector};
use crate::registry::Registry;
use crate::scrub::{Scrub, Scrubbing};
use crate::sequencer::{Sequencer, SnapshotEvery};
use crate::state::State;
use crate::writer::{Progress, Writer};

/// What was opened and now gets its threads.
pub(crate) struct Parts {
    pub(crate) journal: Journal,
    pub(crate) recovered: Recovered,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) snapshots: Snapshots,
    pub(crate) index: Index,
    /// `None`: it could not be opened yet.
    pub(crate) store: Option<Store>,
    pub(crate) reader: Reader,
    pub(crate) space: Arc<Space>,
    /// Where the audit log lies, and what signs it.
    pub(crate) log: (Files, LogSigner),
    pub(crate) heads: Heads,
}

pub(crate) struct Beginning {
    pub(crate) now: Reading,
    pub(crate) is_suspect: bool,
    pub(crate) log_origin: String,
    /// Bytes replayed: short lives must not put the next snapshot off for ever.
    pub(crate) since_snapshot: u64,
}

/// A broker whose threads have not begun.
pub(crate) struct Assembly {
    pub(crate) sequencer: Sequencer,
    pub(crate) writer: Writer,
    pub(crate) projector: Projector,
    pub(crate) keeper: Keeper,
    pub(crate) scrub: Scrub,
    pub(crate) store: Option<Store>,
    pub(crate) shared: Shared,
}

impl Assembly {
    /// Starts the threads.
    pub(crate) fn run(self) -> Result<Broker, OpenError> {
        let Self { sequencer, writer, projector, keeper, scrub, store, mut shared } = self;
        let project = move || projector.run(store);
        let threads = start_threads(sequencer, writer, project, keeper, scrub)?;
        shared.threads = Mutex::new(threads);
        Ok(Broker { shared: Arc::new(shared) })
    }
}

/// Puts the parts together. The first group holds what this start has to say; it is
/// written like any other.
pub(crate) fn assemble(
    options: &Options,
    parts: Parts,
    state: State,
    beginning: &Beginning,
) -> Result<Assembly, OpenError> {
    let Parts { journal, recovered, blobs, snapshots, index, store, reader, space, .. } = parts;
    let (commands, command_queue) = channel::<Queued>();
    let (groups, group_queue) = sync_channel::<Group>(1);
    // One word is enough: the journal says how far it has grown.
    let (grow, grown) = sync_channel(1);
    let (projected, projected_watch) = watch::channel(None);
    let (alive, writer_alive) = sync_channel(0);
    let (scrubbed, scrubbing) = watch::channel(Scrubbing::default());
    let progress = Arc::new(Progress::new(recovered.next_position));
    let kept = (reader.clone(), Arc::clone(&blobs), Arc::clone(&progress));
    let mut sequencer = sequencer(options, state, beginning, (command_queue, groups), kept);
    let figures = Arc::clone(&sequencer.figures);
    let (keeper, audit_log) = keeper(&sequencer, parts.log, &options.log);
    let start_nonce = first_entries(&mut sequencer, options, recovered, beginning)?;
    let in_force = sequencer.registry.subscribe();
    let (senders, receivers) = watches(in_force.borrow().inboxes().cloned());
    let (peer_senders, peer_receivers) =
        watches(in_force.borrow().peers().map(|peer| Arc::clone(&peer.identity)));
    let writer = Writer {
        journal,
        blobs: Arc::clone(&blobs),
        snapshots: snapshots.clone(),
        groups: group_queue,
        progress: Arc::clone(&progress),
        figures: Arc::clone(&figures),
        clock: Arc::clone(&options.clock),
        commands: commands.clone(),
        grown: grow,
        _alive: alive,
        _attends: keeper.desk.attend(),
        inboxes: senders,
        peers: peer_senders,
    };
    let scrub = Scrub {
        reader: reader.clone(),
        blobs: Arc::clone(&blobs),
        snapshots,
        audit_log: audit_log.clone(),
        view: projected_watch.clone(),
        progress: Arc::clone(&progress),
        commands: commands.clone(),
        every: options.storage.scrub_every,
        bytes_per_s: options.storage.scrub_bytes_per_s,
        told: scrubbed,
        alive: writer_alive,
    };
    let shared = Shared {
        commands,
        node: Arc::clone(&sequencer.node),
        places: Arc::new(Semaphore::new(caps::COMMANDS_MAX)),
        registry: in_force,
        dedupe: sequencer.state.dedupe().clone(),
        log_origin: beginning.log_origin.clone(),
        start_nonce,
        clock: Arc::clone(&options.clock),
        reader,
        blobs,
        progress,
        figures,
        space,
        projected: projected_watch,
        audit_log,
        heads: parts.heads,
        scrubbing,
        inboxes: receivers,
        peers: peer_receivers,
        streams: AtomicU64::new(0),
        threads: Mutex::new(Threads::none()),
    };
    let projector = projector(&sequencer, index, grown, projected);
    Ok(Assembly { sequencer, writer, projector, keeper, scrub, store, shared })
}

fn keeper(
    sequencer: &Sequencer,
    (files, signer): (Files, LogSigner),
    options: &LogOptions,
) -> (Keeper, AuditLog) {
    let desk = Arc::new(Desk::default());
    let (standing, watched) = watch::channel(Standing::default());
    let log = AuditLog::new(files.clone(), signer.public().clone(), Arc::clone(&desk), watched);
    let keeper = Keeper {
        files,
        reader: sequencer.reader.clone(),
        signer,
        every: options.checkpoint_every,
        needed: options.cosignatures_needed.max(1),
        progress: Arc::clone(&sequencer.progress),
        clock: Arc::clone(&sequencer.clock),
        desk,
        standing,
    };
    (keeper, log)
}

fn projector(
    sequencer: &Sequencer,
    index: Index,
    grown: Receiver<()>,
    projected: watch::Sender<Option<ReadView>>,
) -> Projector {
    let progress = Arc::clone(&sequencer.progress);
    let (reader, clock) = (sequencer.reader.clone(), Arc::clone(&sequencer.clock));
    Projector { index, reader, progress, clock, grown, projected }
}

fn sequencer(
    options: &Options,
    state: State,
    beginning: &Beginning,
    (commands, groups): (Receiver<Queued>, SyncSender<Group>),
    (reader, blobs, progress): (Reader, Arc<Blobs>, Arc<Progress>),
) -> Sequencer {
    Sequencer {
        state,
        node: Arc::new(node(options)),
        clock: Arc::clone(&options.clock),
        watch: Watch::new(beginning.now),
        reader,
        progress,
        figures: Arc::default(),
        commands,
        groups,
        windows: Windows::default(),
        unkept: Millis(0),
        pending: Group::default(),
        recent: VecDeque::new(),
        snapshot_every: SnapshotEvery(options.storage.snapshot_every_bytes),
        since_snapshot: beginning.since_snapshot,
        random: Arc::clone(&options.random),
        blobs,
        removal_asked: Millis(0),
        registry: Arc::new(watch::Sender::new(Arc::new(Registry::empty()))),
    }
}

fn node(options: &Options) -> Node {
    Node {
        identity: options.identity.clone(),
        lease_key: LeaseKey::derive(&options.lease_secret),
        policy: options.policy,
    }
}

fn start_threads(
    sequencer: Sequencer,
    writer: Writer,
    project: impl FnOnce() + Send + 'static,
    keeper: Keeper,
    scrub: Scrub,
) -> Result<Threads, OpenError> {
    let (guard, ended) = watch::channel(());
    let guard = Arc::new(guard);
    Ok(Threads {
        projector: Some(spawn("projector", &guard, project)?),
        keeper: Some(spawn("audit-log", &guard, move || keeper.run())?),
        scrub: Some(spawn("scrub", &guard, move || scrub.run())?),
        writer: Some(spawn("writer", &guard, move || writer.run())?),
        sequencer: Some(spawn("sequencer", &guard, move || sequencer.run())?),
        ended,
    })
}

type Watches<K> = (BTreeMap<K, watch::Sender<()>>, BTreeMap<K, watch::Receiver<()>>);

/// One watch each: the writer says that something is there, others hear it.
fn watches<K: Ord + Clone>(keys: impl Iterator<Item = K>) -> Watches<K> {
    keys.map(|key| {
        let (sender, receiver) = watch::channel(());
        ((key.clone(), sender), (key, receiver))
    })
    .unzip()
}

fn first_entries(
    sequencer: &mut Sequencer,
    options: &Options,
    recovered: Recovered,
    beginning: &Beginning,
) -> Result<Bytes, OpenError> {
    let mut nonce = [0; 16];
    sequencer.random.fill(&mut nonce)?;
    let nonce = Bytes::copy_from_slice(&nonce);
    let wall = beginning.now.wall;
    let facts = pb::RestartedFacts {
        start_no: recovered.start_no,
        nonce: nonce.clone(),
        wall_clock_ms: wall.0,
        dropped_bytes: recovered.dropped_bytes,
        program_version: options.program_version.clone(),
        log_origin: beginning.log_origin.clone(),
        evidence_key_spki: options.evidence_key_spki.clone(),
    };
    // In doubt, time goes on from the newest entry until somebody confirms it.
    let now = if beginning.is_suspect { sequencer.state.last_time() } else { wall };
    sequencer.commit(start::restarted(&sequencer.state, now, facts))?;
    if beginning.is_suspect {
        sequencer.watch = Watch::new(Reading { wall: now, ..beginning.now });
        if !sequencer.state.clock_suspect() {
            sequencer.commit(operator::clock(&sequencer.state, now, true, ""))?;
        }
    }
    if let Some(entry) = start::registry(&sequencer.state, now, &options.registry) {
        sequencer.commit(entry)?;
    }
    // Nobody listens yet, and the first group is durable before anybody is answered.
    sequencer.registry.send_replace(Arc::clone(sequencer.state.registry()));
    // Whoever held a lease when the node went down may still acknowledge.
    sequencer.state.hold_ends(Millis(now.0 + options.policy.lease_ms));
    Ok(nonce)
}

/// Starts a thread that holds a share of `ended` until it ends, however it ends.
fn spawn<T: Send + 'static>(
    name: &str,
    ended: &Arc<watch::Sender<()>>,
    run: impl FnOnce() -> T + Send + 'static,
) -> Result<thread::JoinHandle<T>, OpenError> {
    let ended = Arc::clone(ended);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let result = run();
            drop(ended);
            result
        })
        .map_err(OpenError::Thread)
}
