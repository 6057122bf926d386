//! Which ids were accepted before: 8 bytes of a digest and a position each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use barid_journal::planted;
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::id::MessageId;
use barid_message::time::Millis;
use barid_proto::journal::v1::DedupeDay;

use super::Message;
use crate::caps;

const DAY_MS: u64 = 86_400_000;

/// Day under which a snapshot keeps fingerprints that share that of another id.
const COLLISIONS: u32 = u32::MAX;

/// Fingerprints of (originating agency, id), by the day of the id's own time, so
/// that a day that no acceptable id can have any more is dropped whole.
///
/// A hit is only a hint: the entry at that position is read and compared. Two ids
/// with one fingerprint are both kept. Clones share the ids: the fold alone writes
/// them, intake looks at them before it does any work for a repeat.
#[derive(Clone, Debug, Default)]
pub struct Dedupe(Arc<RwLock<Ids>>);

#[derive(Debug, Default)]
struct Ids {
    days: BTreeMap<u32, HashMap<u64, u64>>,
    /// Positions that share the fingerprint of another one.
    collisions: HashMap<u64, Vec<u64>>,
    /// Ids of days before it may have been forgotten. It only rises: a clock that stood
    /// ahead and was put right again must not make forgotten ids new ones.
    oldest: u32,
}

impl Dedupe {
    /// Positions at which this id may have been accepted: almost always none or one.
    #[must_use]
    pub fn positions(&self, origin: &Address, id: &MessageId) -> Vec<u64> {
        let fingerprint = fingerprint(origin, id);
        let ids = self.read();
        let first = ids.days.get(&day(id)).and_then(|day| day.get(&fingerprint));
        let others = ids.collisions.get(&fingerprint);
        first.into_iter().chain(others.into_iter().flatten()).copied().collect()
    }

    /// Whether this id may have been accepted and forgotten since.
    #[must_use]
    pub fn may_have_forgotten(&self, id: &MessageId) -> bool {
        day(id) < self.read().oldest && !planted("take-forgotten-id")
    }

    /// Days before this one may have been forgotten (since 1970).
    pub(super) fn oldest_day(&self) -> u32 {
        self.read().oldest
    }

    pub(super) fn insert(&self, origin: &Address, id: &MessageId, position: u64) {
        self.write().insert(day(id), fingerprint(origin, id), position);
    }

    /// Forgets ids that are too old to be accepted again at `now`, but those of messages
    /// that are still open: what becomes of them is found by their ids.
    pub(super) fn forget_before<'m>(&self, now: Millis, open: impl Iterator<Item = &'m Message>) {
        let oldest = day_number(now.0).saturating_sub(caps::DEDUPE_DAYS);
        let mut ids = self.write();
        ids.oldest = ids.oldest.max(oldest);
        if ids.days.first_key_value().is_some_and(|(day, _)| *day < oldest) {
            ids.days = ids.days.split_off(&oldest);
            for message in open.filter(|message| day(&message.id) < oldest) {
                let fingerprint = fingerprint(&message.origin, &message.id);
                ids.insert(day(&message.id), fingerprint, message.position);
            }
        }
    }

    /// Everything, sorted, so that one state has one snapshot; day by day.
    pub(super) fn each_to_snapshot(&self, mut give: impl FnMut(DedupeDay)) {
        let ids = self.read();
        for (day, positions) in &ids.days {
            let mut sorted: Vec<(u64, u64)> = positions.iter().map(|(f, p)| (*f, *p)).collect();
            sorted.sort_unstable();
            let (fingerprints, positions) = sorted.into_iter().unzip();
            give(DedupeDay { day: *day, fingerprints, positions });
        }
        let sorted: BTreeMap<_, _> = ids.collisions.iter().collect();
        let (fingerprints, positions) = sorted
            .into_iter()
            .flat_map(|(fingerprint, positions)| positions.iter().map(|p| (*fingerprint, *p)))
            .unzip();
        give(DedupeDay { day: COLLISIONS, fingerprints, positions });
    }

    /// No ids, and none of days before `oldest` are new.
    pub(super) fn new(oldest: u32) -> Self {
        Self(Arc::new(RwLock::new(Ids { oldest, ..Ids::default() })))
    }

    /// Takes in a day that a snapshot kept. `None` where it is none.
    pub(super) fn restore(&self, day: &DedupeDay) -> Option<()> {
        if day.fingerprints.len() != day.positions.len() {
            return None;
        }
        let mut ids = self.write();
        if day.day != COLLISIONS {
            ids.days.entry(day.day).or_default().reserve(day.fingerprints.len());
        }
        for (fingerprint, position) in day.fingerprints.iter().zip(&day.positions) {
            if day.day == COLLISIONS {
                ids.collisions.entry(*fingerprint).or_default().push(*position);
            } else {
                ids.insert(day.day, *fingerprint, *position);
            }
        }
        Some(())
    }

    fn read(&self) -> RwLockReadGuard<'_, Ids> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ids> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ids {
    fn insert(&mut self, day: u32, fingerprint: u64, position: u64) {
        let day = self.days.entry(day).or_default();
        if *day.entry(fingerprint).or_insert(position) != position {
            self.collisions.entry(fingerprint).or_default().push(position);
        }
    }
}

fn day(id: &MessageId) -> u32 {
    day_number(id.unix_ms())
}

fn day_number(ms: u64) -> u32 {
    u32::try_from(ms / DAY_MS).unwrap_or(COLLISIONS - 1)
}

/// What an id is known by.
pub(crate) fn fingerprint(origin: &Address, id: &MessageId) -> u64 {
    let mut input = Vec::with_capacity(96);
    input.extend_from_slice(id.as_bytes());
    if !planted("dedupe-by-id-only") {
        input.extend_from_slice(origin.as_str().as_bytes());
    }
    let digest = Digest::of(&input);
    let mut first = [0; 8];
    first.copy_from_slice(&digest.0[..8]);
    u64::from_be_bytes(first)
}
