//! One node: a broker over a disk in memory, that lives, dies and starts again.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use barid_audit::entry::Entry;
use barid_broker::audit_log::LogOptions;
use barid_broker::by_hand::ByHand;
use barid_broker::decide::Policy;
use barid_broker::{Broker, Options, Storage};
use barid_journal::{DataDir, Disk as _, Journal, Record, StoredRecord, data_dir, journal};
use barid_message::time::Millis;
use history::{Awake, Book, Step, Violation};

use crate::calls::Done;
use crate::cast::{CAST, domain, identity};
use crate::chance::Chance;
use crate::machine::{Flag, SimClock, SimRandom, Tasks, Time};
use crate::sim_disk::{Failure, Loss, SimDisk};

/// Bytes of a disk that is not full. Files are almost empty, and take no memory.
const CAPACITY: u64 = 1 << 30;
/// Just above what a node holds ready: the journal rolls now and then.
const SEGMENT_BYTES: u64 = (4 << 20) + (256 << 10);

pub(crate) struct Post {
    pub(crate) place: usize,
    pub(crate) disk: SimDisk,
    capacity: u64,
    pub(crate) clock: Arc<SimClock>,
    time: Time,
    options: Options,
    pub(crate) life: Option<Life>,
    /// When it starts again.
    pub(crate) starts_at: u64,
    /// What the power cut leaves that comes in the middle of a change.
    pub(crate) cut: Option<Loss>,
    /// The disk has gone wrong, or is full: a start may fail.
    pub(crate) is_troubled: bool,
    /// What is durable, by position, with the order in which it became so.
    pub(crate) entries: Vec<(u64, Entry)>,
    /// The same as it was written; nothing where it was found at a start.
    records: Vec<Option<Record>>,
    awake: Vec<Awake>,
    awake_since: Option<(Millis, u64)>,
    /// Proposals to write a peer off, by its name.
    pub(crate) proposals: BTreeMap<String, u64>,
}

/// A node that runs.
pub(crate) struct Life {
    pub(crate) hand: ByHand,
    pub(crate) tasks: Tasks<Done>,
    pub(crate) start_no: u64,
}

/// Why a node cannot go on.
#[derive(Debug)]
pub(crate) struct Dead(pub(crate) String);

impl Post {
    pub(crate) fn new(place: usize, nodes: usize, time: &Time, chance: &mut Chance) -> Self {
        let wrong_ms = i64::try_from(chance.below(240_000)).unwrap() - 120_000;
        let clock = Arc::new(SimClock::new(time.clone(), wrong_ms));
        let random = Arc::new(SimRandom::new(chance.branch()));
        let disk = SimDisk::new(CAPACITY);
        let policy = Policy {
            inbox_max: chance.one_of(&[5, 100_000, 100_000, 100_000]),
            tries_max: chance.one_of(&[2, 5]),
            ..Policy::default()
        };
        let options = Options {
            data: PathBuf::from("/data"),
            disk: Arc::new(disk.clone()),
            clock: Arc::<SimClock>::clone(&clock),
            random,
            identity: identity(place),
            trust_domain: domain(place),
            evidence_key_spki: CAST.evidence_key(place).public().spki().to_vec().into(),
            lease_secret: vec![u8::try_from(place).unwrap(); 32],
            log: LogOptions {
                key: CAST.log_key(place),
                checkpoint_every: Duration::MAX,
                cosignatures_needed: 0,
            },
            registry: CAST.registry(place, nodes),
            program_version: "0".into(),
            storage: Storage {
                segment_bytes: SEGMENT_BYTES,
                ballast_bytes: 1 << 20,
                free_bytes_min: 1 << 20,
                urgent_bytes: 256 << 10,
                snapshot_every_bytes: chance.one_of(&[8 << 10, 64 << 10, 1 << 30]),
                index_cache_bytes: 0,
                // Without threads there is no scrub.
                scrub_every: Duration::MAX,
                scrub_bytes_per_s: 0,
            },
            policy,
        };
        Self {
            place,
            disk,
            capacity: CAPACITY,
            clock,
            time: time.clone(),
            options,
            life: None,
            starts_at: 0,
            cut: None,
            is_troubled: false,
            entries: Vec::new(),
            records: Vec::new(),
            awake: Vec::new(),
            awake_since: None,
            proposals: BTreeMap::new(),
        }
    }

    pub(crate) fn name(&self) -> String {
        identity(self.place)
    }

    pub(crate) fn broker(&self) -> Option<Broker> {
        self.life.as_ref().map(|life| life.hand.broker().clone())
    }

    /// Starts.
    pub(crate) fn start(&mut self) -> Result<(), Box<Violation>> {
        self.options.disk = Arc::new(self.disk.clone());
        let (hand, start) = match ByHand::open(&self.options) {
            Ok(opened) => opened,
            Err(_) if self.is_troubled || self.disk.has_failed() => return Ok(()),
            Err(error) => {
                return Err(Box::new(Violation::DoesNotStart(self.name(), error.to_string())));
            }
        };
        let found = hand.broker().durable();
        if found < self.entries.len() as u64 {
            return Err(Box::new(Violation::Rewritten(self.name(), found)));
        }
        let order = self.time.next_order();
        // Written before the node died, and told to nobody.
        for position in self.entries.len() as u64..found {
            let entry = hand.broker().entry(position);
            let entry =
                entry.map_err(|_why| Box::new(Violation::Rewritten(self.name(), position)))?;
            self.entries.push((order, entry));
            self.records.push(None);
        }
        self.life = Some(Life { hand, tasks: Tasks::default(), start_no: start.start_no });
        Ok(())
    }

    /// Begins something, where the node runs.
    pub(crate) fn begin(
        &mut self,
        flag: Arc<Flag>,
        work: impl Future<Output = Done> + 'static,
    ) -> bool {
        let life = self.life.as_mut();
        life.map(|life| life.tasks.begin(flag, work)).is_some()
    }

    /// Goes on with what was begun. Gives what is done.
    pub(crate) fn go_on(&mut self) -> Vec<Done> {
        self.life.as_mut().map(|life| life.tasks.go_on()).unwrap_or_default()
    }

    /// Decides one command and what is due. Whether there was a command.
    pub(crate) fn decide(&mut self) -> Result<bool, Dead> {
        let Some(life) = &mut self.life else { return Ok(false) };
        let decided = life.hand.decide().map_err(|error| Dead(error.to_string()))?;
        self.note();
        self.is_alive().map(|()| decided)
    }

    /// Writes what was decided, and tells it. Whether there was something.
    pub(crate) fn write(&mut self) -> Result<bool, Dead> {
        let Some(life) = &mut self.life else { return Ok(false) };
        let written = life.hand.write().map_err(|error| Dead(error.to_string()))?;
        let Some(records) = written else { return Ok(false) };
        let order = self.time.next_order();
        for record in records {
            let position = self.entries.len() as u64;
            let Record { kind, version, leaf, side, .. } = record.clone();
            let entry = Entry::decode(position, kind, version, &leaf, side).unwrap();
            self.entries.push((order, entry));
            self.records.push(Some(record));
        }
        self.note();
        self.is_alive().map(|()| true)
    }

    /// Whether it matters that the writer looks for room when it has nothing to write.
    pub(crate) fn looks_for_room(&self) -> bool {
        let has_room = |life: &Life| life.hand.broker().has_room();
        self.life.as_ref().is_some_and(|life| self.is_troubled || !has_room(life))
    }

    /// As a writer does that has nothing to write.
    pub(crate) fn reserve(&mut self) -> Result<(), Dead> {
        let Some(life) = &mut self.life else { return Ok(()) };
        life.hand.reserve().map_err(|error| Dead(error.to_string()))?;
        self.note();
        self.is_alive()
    }

    /// Whether its power has gone, and it has not noticed yet: nothing can be read.
    pub(crate) fn has_no_power(&self) -> bool {
        self.cut.is_some() && self.disk.has_failed()
    }

    fn is_alive(&self) -> Result<(), Dead> {
        if self.has_no_power() {
            return Err(Dead("the power is gone".into()));
        }
        Ok(())
    }

    /// When something is due here, from now.
    pub(crate) fn due_in(&self) -> Option<Duration> {
        let life = self.life.as_ref()?;
        let due = life.hand.due_in()?;
        // What cannot be written down stays due.
        Some(if self.is_troubled { due.max(Duration::from_secs(1)) } else { due })
    }

    /// Dies as it stands. What the cache holds is there afterwards, or what `loss` leaves.
    pub(crate) fn die(&mut self, loss: Option<Loss>) {
        self.sleep();
        self.life = None;
        let loss = self.cut.take().filter(|_| self.disk.has_failed()).or(loss);
        self.disk = match loss {
            Some(loss) => self.disk.after_power_cut(loss),
            None => self.disk.after_kill(),
        };
    }

    /// Stops in order.
    pub(crate) fn stop(&mut self) -> Result<(), Dead> {
        self.sleep();
        let Some(life) = self.life.take() else { return Ok(()) };
        let stopped = life.hand.stop();
        let disk = self.disk.after_kill();
        stopped.map_err(|error| Dead(error.to_string()))?;
        self.disk = disk;
        Ok(())
    }

    /// The n-th change from now on goes wrong.
    pub(crate) fn go_wrong(&mut self, n: u64, failure: Failure, cut: Option<Loss>) {
        self.disk.fail_at(n, failure);
        self.cut = cut;
        self.is_troubled = true;
    }

    /// The disk takes no more than this.
    pub(crate) fn fill(&mut self, left: u64) {
        let used = self.capacity - self.disk.free_bytes(&self.options.data).unwrap_or(0);
        self.capacity = used + left;
        self.disk.set_capacity(self.capacity);
        self.is_troubled = true;
    }

    /// The disk has room, and nothing goes wrong any more.
    pub(crate) fn mend(&mut self) {
        self.capacity = CAPACITY;
        self.disk.set_capacity(CAPACITY);
        self.disk.fail_at(u64::MAX, Failure::Error);
        (self.cut, self.is_troubled) = (None, false);
    }

    /// Sets the wall clock.
    pub(crate) fn jump(&mut self, by_ms: i64) {
        self.sleep();
        self.clock.jump(by_ms);
    }

    /// Notes whether the node is awake.
    fn note(&mut self) {
        let is_awake = self.life.as_ref().is_some_and(|life| {
            let state = life.hand.state();
            // An entry has no time before the one in front of it, whatever the clock says.
            let is_right = !state.clock_suspect() && self.clock.wall() >= state.last_time();
            is_right && life.hand.broker().has_room()
        });
        match (is_awake, self.awake_since) {
            (true, None) => {
                self.awake_since = Some((self.clock.wall(), self.time.next_order()));
            }
            (false, Some(_)) => self.sleep(),
            _ => {}
        }
    }

    pub(crate) fn sleep(&mut self) {
        if let Some((from, since)) = self.awake_since.take() {
            let until = self.time.next_order();
            self.awake.push(Awake { from, to: self.clock.wall(), since, until });
        }
    }

    /// What it wrote down.
    pub(crate) fn book(&mut self) -> Book {
        self.sleep();
        let steps = self.entries.iter().flat_map(|(order, entry)| {
            let step = |what| Step { order: *order, at: entry.time, what };
            history::steps(entry).into_iter().map(step)
        });
        Book { node: self.name(), steps: steps.collect(), awake: self.awake.clone() }
    }

    /// What lies on the disk of a node that is down, as it was written.
    pub(crate) fn stored(&self) -> Result<Vec<StoredRecord>, Box<dyn Error>> {
        let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
        let disk = Arc::new(self.disk.after_kill());
        let data = DataDir::open(disk, &self.options.data, options)?;
        let options = journal::Options { segment_bytes: SEGMENT_BYTES, witnesses: Vec::new() };
        let (journal, _) = Journal::open(&data, &options)?;
        Ok(journal.reader().scan(0).collect::<Result<_, _>>()?)
    }

    /// The first entry that was durable and is not what it was.
    pub(crate) fn rewritten(&self) -> Option<Violation> {
        let stored = match self.stored() {
            Ok(stored) => stored,
            Err(error) => return Some(Violation::DoesNotStart(self.name(), error.to_string())),
        };
        let same = |stored: &StoredRecord, record: &Option<Record>| {
            record.as_ref().is_none_or(|record| {
                (stored.kind, stored.time_ms, &stored.leaf, &stored.side)
                    == (record.kind, record.time_ms, &record.leaf, &record.side)
            })
        };
        let kept = stored.iter().zip(&self.records).take_while(|(s, r)| same(s, r)).count();
        (kept < self.records.len()).then(|| Violation::Rewritten(self.name(), kept as u64))
    }
}
