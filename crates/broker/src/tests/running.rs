//! A broker with its threads, on a real disk, under a clock that is set by hand.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barid_journal::{Disk, OsDisk};
use barid_message::Status;
use barid_message::compose::{Draft, compose};
use barid_message::header::AgreementRef;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::time::Millis;
use barid_proto::journal::v1 as facts;
use barid_proto::message::v1::SignedMessage;
use tempfile::TempDir;

use super::place::{START, SYSTEM, agreement, identity, inbox, note, registry};
use crate::audit_log::LogOptions;
use crate::clock::{Clock, Reading};
use crate::command::Receipt;
use crate::decide::hand_out::Consumer;
use crate::decide::{Policy, Refusal};
use crate::lent::Lent;
use crate::random::MachineRandom;
use crate::{Broker, OpenError, Opened, Options, Storage, open};

/// A clock that stands still.
pub(super) struct SetClock(Mutex<Reading>);

impl Clock for SetClock {
    fn read(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

/// One node's folder, and who writes to it.
pub(super) struct Post {
    pub(super) data: TempDir,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Arc<SetClock>,
    pub(super) registry: facts::RegistryFacts,
    pub(super) segment_bytes: u64,
    pub(super) snapshot_every_bytes: u64,
    pub(super) scrub_every: Duration,
    pub(super) policy: Policy,
    pub(super) log: LogOptions,
    agreement: AgreementRef,
    key: SigningKey,
    sent: AtomicU64,
}

impl Post {
    pub(super) fn new() -> Self {
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let agreement = agreement();
        let reading = Reading { wall: START, monotonic: Duration::ZERO };
        Self {
            data: tempfile::tempdir().unwrap(),
            disk: Arc::new(OsDisk),
            clock: Arc::new(SetClock(Mutex::new(reading))),
            registry: registry(&key, &agreement),
            segment_bytes: 8 << 20,
            snapshot_every_bytes: 64 << 20,
            scrub_every: Duration::from_secs(3_600),
            policy: Policy::default(),
            log: LogOptions {
                key: Arc::new(SigningKey::generate(Algorithm::Ed25519).unwrap()),
                checkpoint_every: Duration::from_secs(30),
                cosignatures_needed: 0,
            },
            agreement: agreement.reference(),
            key,
            sent: AtomicU64::new(0),
        }
    }

    /// The police lives at another node from the next start on.
    pub(super) fn move_police_to(&mut self, node: &str) {
        let police = inbox(false);
        let (here, there) =
            self.registry.agencies.drain(..).partition(|agency| agency.address != police.as_str());
        self.registry.agencies = here;
        self.registry.peers = vec![facts::RegisteredPeer {
            identity: node.into(),
            name: "ir".into(),
            card_serial: 1,
            valid_until_ms: u64::MAX,
            agencies: there,
            ..Default::default()
        }];
    }

    /// Sets the wall clock alone.
    pub(super) fn set_wall(&self, wall: Millis) {
        self.clock.0.lock().unwrap().wall = wall;
    }

    /// Both clocks go on.
    pub(super) fn pass(&self, ms: u64) {
        let mut clock = self.clock.0.lock().unwrap();
        clock.wall.0 += ms;
        clock.monotonic += Duration::from_millis(ms);
    }

    pub(super) fn now(&self) -> Millis {
        self.clock.read().wall
    }

    pub(super) fn open(&self) -> Opened {
        self.open_in(self.data.path())
    }

    pub(super) fn open_in(&self, data: &Path) -> Opened {
        self.try_open_in(data).unwrap()
    }

    pub(super) fn try_open_in(&self, data: &Path) -> Result<Opened, OpenError> {
        let clock: Arc<dyn Clock> = Arc::<SetClock>::clone(&self.clock);
        open(Options {
            random: Arc::new(MachineRandom::new()),
            data: data.to_owned(),
            disk: Arc::clone(&self.disk),
            clock,
            identity: "spiffe://pk.example/node".into(),
            trust_domain: "pk.example".into(),
            evidence_key_spki: bytes::Bytes::new(),
            lease_secret: b"secret".to_vec(),
            log: self.log.clone(),
            registry: self.registry.clone(),
            program_version: "0".into(),
            storage: Storage {
                segment_bytes: self.segment_bytes,
                ballast_bytes: 1 << 20,
                free_bytes_min: 1 << 20,
                urgent_bytes: 0,
                snapshot_every_bytes: self.snapshot_every_bytes,
                index_cache_bytes: 4 << 20,
                scrub_every: self.scrub_every,
                scrub_bytes_per_s: u64::MAX,
            },
            policy: self.policy,
        })
    }

    pub(super) fn note(&self) -> Draft {
        note(&self.agreement).to(&inbox(false))
    }

    /// Signs a draft as of `now`, whatever the node's clock says.
    pub(super) fn sign(&self, draft: Draft, now: Millis) -> SignedMessage {
        let mut random = [0; 10];
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        random[..8].copy_from_slice(&number.to_be_bytes());
        compose(draft, now, random, &self.key).unwrap()
    }

    /// Sends so many notes, which must be accepted.
    pub(super) async fn send(&self, broker: &Broker, count: usize) {
        let mut pending = Vec::new();
        for _ in 0..count {
            let checked = broker.check(SYSTEM, self.sign(self.note(), START));
            pending.push(broker.enqueue(SYSTEM, checked).await.unwrap());
        }
        for one in pending {
            one.decided().await.unwrap();
        }
    }
}

pub(super) async fn submit(broker: &Broker, message: SignedMessage) -> Result<Receipt, Refusal> {
    broker.enqueue(SYSTEM, broker.check(SYSTEM, message)).await?.decided().await
}

/// Up to `max` deliveries for the police.
pub(super) async fn hand_out(broker: &Broker, max: usize) -> Vec<Lent> {
    let consumer = Consumer {
        inbox: inbox(false),
        identity: identity(0),
        stream: 0,
        statuses: vec![Status::Actual],
    };
    broker.hand_out(consumer, max).await.unwrap()
}

pub(super) async fn outstanding(broker: &Broker) -> usize {
    broker.inspect(|state| state.deliveries().count()).await.unwrap()
}

/// What a broker that was killed now would leave behind, without the index: that of one
/// that runs cannot be copied, and the next start builds it.
pub(super) fn killed(data: &Path) -> TempDir {
    let left = tempfile::tempdir().unwrap();
    copy(data, left.path());
    std::fs::remove_dir_all(left.path().join("index")).unwrap();
    left
}

pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if let Err(error) = std::fs::copy(entry.path(), &target) {
            // Files of the audit log get their names while it is copied.
            assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}");
        }
    }
}

/// Snapshots in a data folder.
pub(super) fn snapshots(data: &Path) -> usize {
    std::fs::read_dir(data.join("state")).unwrap().count()
}

pub(super) async fn stop(broker: Broker) {
    broker.stop();
    broker.stopped().await;
}
