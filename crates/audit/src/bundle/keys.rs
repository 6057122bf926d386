//! Whose keys counted when a log wrote something down, by that log's own entries.

use std::collections::BTreeSet;

use barid_message::key::{KeyId, PublicKey};
use barid_proto::journal::v1 as journal;
use barid_proto::journal::v1::{RegisteredAgency, RegisteredKey, RegisteredPeer};

use super::Refused;
use super::log::{Record, Shown, ShownLog};

/// Entries about keys that something rested on. What nothing rests on has no place in a
/// bundle.
#[derive(Debug, Default)]
pub(super) struct Used(BTreeSet<(String, u64)>);

impl Used {
    fn note(&mut self, log: &ShownLog, record: &Record) {
        self.0.insert((log.origin().to_owned(), record.leaf.position));
    }

    /// The entries about keys that were not needed, by their log and place in it.
    pub(super) fn others(&self, logs: &[ShownLog]) -> Vec<(usize, usize)> {
        let mut others = Vec::new();
        for (number, log) in logs.iter().enumerate() {
            for (place, record) in log.records.iter().enumerate() {
                let is_about_keys = !matches!(facts(record), Some(Shown::Evidence(_)));
                let key = (log.origin().to_owned(), record.leaf.position);
                if is_about_keys && !self.0.contains(&key) {
                    others.push((number, place));
                }
            }
        }
        others
    }
}

/// The registry of a log as it stood before a position.
pub(super) struct InForce<'a> {
    log: &'a ShownLog,
    at: &'a Record,
    registry: &'a journal::RegistryFacts,
}

impl<'a> InForce<'a> {
    /// What counted when `record` was written: the newest registry that the bundle shows
    /// before it.
    pub(super) fn at(log: &'a ShownLog, at: &'a Record, used: &mut Used) -> Result<Self, Refused> {
        let before = log.records.iter().rev().filter(|one| one.leaf.position < at.leaf.position);
        let mut registries = before.filter_map(|record| match facts(record)? {
            Shown::Registry(registry) => Some((record, &**registry)),
            _ => None,
        });
        let (record, registry) = registries
            .next()
            .ok_or_else(|| Refused::NoRegistry(log.origin().to_owned(), at.leaf.position))?;
        used.note(log, record);
        Ok(Self { log, at, registry })
    }

    /// An agency that this log's node speaks for.
    pub(super) fn agency(&self, address: &str) -> Option<&'a RegisteredAgency> {
        self.registry.agencies.iter().find(|agency| agency.address == address)
    }

    /// Another node, as the card says that counted then.
    pub(super) fn peer(&self, identity: &str, used: &mut Used) -> Option<&'a RegisteredPeer> {
        let before = self.log.records.iter().rev();
        let before = before.filter(|one| one.leaf.position < self.at.leaf.position);
        for record in before {
            match facts(record) {
                Some(Shown::Renewed(renewed)) => {
                    let peer = renewed.peer.as_ref().filter(|peer| peer.identity == identity);
                    if let Some(peer) = peer {
                        used.note(self.log, record);
                        return Some(peer);
                    }
                }
                Some(Shown::Registry(_)) => break,
                _ => {}
            }
        }
        self.registry.peers.iter().find(|peer| peer.identity == identity)
    }
}

/// The key with which a log's own node signed, as one of its starts has written down.
/// Evidence is signed when it is told, so a later start's key is as good.
pub(super) fn own_key(log: &ShownLog, keyid: KeyId, used: &mut Used) -> Option<PublicKey> {
    for record in &log.records {
        if let Some(Shown::Restarted(start)) = facts(record)
            && KeyId::of_spki(&start.evidence_key_spki) == keyid
        {
            used.note(log, record);
            return PublicKey::from_spki(&start.evidence_key_spki).ok();
        }
    }
    None
}

/// The key of this id among those that are registered, if it counted at a time
/// (milliseconds since 1970).
pub(super) fn valid(keys: &[RegisteredKey], keyid: KeyId, at_ms: u64) -> Option<PublicKey> {
    let key = keys.iter().find(|key| KeyId::of_spki(&key.spki) == keyid)?;
    let counts =
        key.valid_from_ms <= at_ms && (key.valid_until_ms == 0 || at_ms < key.valid_until_ms);
    if counts { PublicKey::from_spki(&key.spki).ok() } else { None }
}

/// What an entry about keys says.
fn facts(record: &Record) -> Option<&Shown> {
    record.openings.first().map(|opening| &opening.shown)
}
