//! Watching other nodes' audit logs, and being watched: heads are cosigned where they
//! continue what was cosigned before, compared with what others were shown, and put on
//! record where they contradict one another.

mod comparing;
pub(crate) mod listener;
mod rounds;
mod seeing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::{KeyName, LogKey, Note, NoteError, WitnessKey, WitnessSigner};
use barid_link::card::Card;
use barid_message::key::{PublicKey, SigningKey};
use barid_message::registry::RegisteredKey;
use barid_message::time::Millis;
use barid_message::{Reason, reason};
use bytes::Bytes;

use crate::grpc::Services;
use crate::registry;

pub(crate) use rounds::{cosigned, exchanged, keep_rounds};
pub(crate) use seeing::{NotSeen, Seen, see};

/// Heads of other logs in one message: more than a node has neighbours.
pub(crate) const HEADS_MAX: usize = 32;

/// Calls of one peer in a minute: ten times what it needs with a head every second.
const ASKED_MAX: u32 = 1_800;

/// What a node knows as a witness beside the heads that it has cosigned.
pub(crate) struct Witness {
    signer: WitnessSigner,
    /// From one head of this node's log to the next.
    every: Duration,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Heads that came by others, by the log's origin: the log must be shown to come
    /// through them. One a log; the next one comes when it is settled.
    rumours: BTreeMap<String, Arc<SignedCheckpoint>>,
    /// The last of them that the log was shown to come through.
    settled: BTreeMap<String, Arc<SignedCheckpoint>>,
    /// What was put on record since the start: once is enough.
    told: BTreeSet<(String, &'static str)>,
    /// By peer: in which minute it asked last, and how often in that.
    asked: BTreeMap<String, (u64, u32)>,
    /// Others hold a head of this node's own log that is none of it.
    is_contradicted: bool,
}

impl Witness {
    /// Under the name `<trust domain>/witness`.
    ///
    /// # Errors
    /// The name is too long, or the key is none of the kind; both were checked before.
    pub(crate) fn new(
        trust_domain: &str,
        key: Arc<SigningKey>,
        every: Duration,
    ) -> Result<Self, NoteError> {
        let signer = WitnessSigner::new(name(trust_domain)?, key)?;
        Ok(Self { signer, every, memory: Mutex::default() })
    }

    /// Whether a peer asks so often that it must wait: a head that is taken is a write, and
    /// it can sign as many as it likes.
    pub(crate) fn is_asked_too_often(&self, peer: &str, now: Millis) -> bool {
        let minute = now.0 / 60_000;
        let mut memory = self.lock();
        let asked = memory.asked.entry(peer.to_owned()).or_default();
        if asked.0 != minute {
            *asked = (minute, 0);
        }
        asked.1 = asked.1.saturating_add(1);
        asked.1 > ASKED_MAX
    }

    /// Whether others hold a head of this node's log that is none of it.
    pub(crate) fn is_contradicted(&self) -> bool {
        self.lock().is_contradicted
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a node cosigns under.
fn name(trust_domain: &str) -> Result<KeyName, NoteError> {
    KeyName::parse(&format!("{trust_domain}/witness"))
}

/// The trust domain of "spiffe://<trust domain>/node".
fn domain(node: &str) -> Option<&str> {
    node.strip_prefix("spiffe://")?.strip_suffix("/node")
}

/// The card in force of a peer.
fn card(services: &Services, peer: &str) -> Option<Card> {
    registry::card(services.broker.registry().peer(peer)?)
}

fn valid(keys: &[RegisteredKey], now: Millis) -> impl Iterator<Item = PublicKey> {
    keys.iter().filter(move |key| key.is_valid_at(now)).map(|key| key.key.clone())
}

/// A note as a head of that node's own log: signed with a key on its card. `None` where it
/// is none.
fn head_of(
    services: &Services,
    peer: &str,
    note: &Note,
) -> Option<(LogKey, Arc<SignedCheckpoint>)> {
    let origin = note.text().lines().next()?;
    let epoch = origin.strip_prefix(domain(peer)?)?.strip_prefix("/log/")?;
    epoch.parse::<u64>().ok()?;
    let name = KeyName::parse(origin).ok()?;
    let card = card(services, peer)?;
    valid(card.log_keys(), services.broker.now()).find_map(|key| {
        let key = LogKey::new(name.clone(), key).ok()?;
        let head = SignedCheckpoint::of(note.clone(), &key).ok()?;
        Some((key, Arc::new(head)))
    })
}

/// The keys that a peer cosigns with.
pub(crate) fn witness_keys(services: &Services, peer: &str) -> Vec<WitnessKey> {
    let (Some(card), Some(name)) =
        (card(services, peer), domain(peer).and_then(|it| name(it).ok()))
    else {
        return Vec::new();
    };
    let keys = valid(card.witness_keys(), services.broker.now());
    keys.filter_map(|key| WitnessKey::new(name.clone(), key).ok()).collect()
}

/// Puts on record that a log is not what it was, with the two heads that prove it.
async fn accuse(services: &Services, peer: &str, why: Reason, found: &Note, known: &Note) {
    let is_news = services.witness.lock().told.insert((peer.to_owned(), reason::name(why)));
    if !is_news {
        return;
    }
    tracing::error!(
        peer,
        why = reason::name(why),
        "audit log of a node contradicts itself; both heads are in the journal; call its operator"
    );
    let bytes = |note: &Note| Bytes::from(note.to_string());
    services.broker.log_contradicted(peer.into(), why, bytes(found), bytes(known)).await;
}
