//! Which key speaks for whom, and when.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use thiserror::Error;

use crate::address::Address;
use crate::key::{KeyId, PublicKey};
use crate::time::Millis;

/// A key that is registered for an address, with its validity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKey {
    /// The key.
    pub key: PublicKey,
    /// From when on it counts.
    pub valid_from: Millis,
    /// From when on it no longer counts. None = until further notice.
    pub valid_until: Option<Millis>,
}

impl RegisteredKey {
    /// Whether the key counts at that time: from `valid_from` on, before `valid_until`.
    pub fn is_valid_at(&self, time: Millis) -> bool {
        self.valid_from <= time && self.valid_until.is_none_or(|end| time < end)
    }
}

/// The keys that a node knows, each for exactly one address.
#[derive(Clone, Debug, Default)]
pub struct KeyRegistry {
    keys: HashMap<KeyId, (Address, RegisteredKey)>,
}

/// The key is registered for another address, or another key has its id.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the key id {keyid} is already registered for {owner}; use a key of its own")]
pub struct KeyTaken {
    /// The id in question.
    pub keyid: KeyId,
    /// For whom it is registered.
    pub owner: Address,
}

impl KeyRegistry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a key for an address. The same key for the same address again sets
    /// its validity anew.
    ///
    /// # Errors
    /// [`KeyTaken`]: a key that speaks for two could not say for which.
    pub fn insert(&mut self, owner: Address, key: RegisteredKey) -> Result<(), KeyTaken> {
        let keyid = key.key.keyid();
        match self.keys.entry(keyid) {
            Entry::Vacant(slot) => {
                slot.insert((owner, key));
                Ok(())
            }
            Entry::Occupied(mut slot) => {
                let (holder, held) = slot.get();
                if *holder != owner || held.key != key.key {
                    return Err(KeyTaken { keyid, owner: holder.clone() });
                }
                slot.insert((owner, key));
                Ok(())
            }
        }
    }

    /// The key of that id, if it may speak for the address: an agency by its own
    /// keys, a unit by its own or its agency's.
    pub fn lookup(&self, address: &Address, keyid: KeyId) -> Option<&RegisteredKey> {
        let (owner, key) = self.keys.get(&keyid)?;
        (owner == address || *owner == address.agency()).then_some(key)
    }

    /// For whom the key of that id is registered.
    pub fn owner_of(&self, keyid: KeyId) -> Option<&Address> {
        self.keys.get(&keyid).map(|(owner, _)| owner)
    }

    /// Every registered key with its address, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &RegisteredKey)> {
        self.keys.values().map(|(owner, key)| (owner, key))
    }
}

#[cfg(test)]
mod tests {
    use super::{KeyRegistry, RegisteredKey};
    use crate::address::Address;
    use crate::key::{Algorithm, PublicKey, SigningKey};
    use crate::time::Millis;

    fn key() -> PublicKey {
        SigningKey::generate(Algorithm::Ed25519).unwrap().public().clone()
    }

    fn registered(key: &PublicKey) -> RegisteredKey {
        RegisteredKey { key: key.clone(), valid_from: Millis(10), valid_until: Some(Millis(20)) }
    }

    #[test]
    fn units_speak_by_their_agency_but_not_for_it() {
        let [agency, unit, other] =
            ["pk/customs", "pk/customs/torkham", "pk/police"].map(|a| Address::parse(a).unwrap());
        let (ours, theirs) = (key(), key());
        let mut registry = KeyRegistry::new();
        registry.insert(agency.clone(), registered(&ours)).unwrap();
        registry.insert(unit.clone(), registered(&theirs)).unwrap();
        assert!(registry.lookup(&agency, ours.keyid()).is_some());
        assert!(registry.lookup(&unit, ours.keyid()).is_some());
        assert!(registry.lookup(&unit, theirs.keyid()).is_some());
        assert!(registry.lookup(&agency, theirs.keyid()).is_none());
        assert!(registry.lookup(&other, ours.keyid()).is_none());
        assert_eq!(registry.owner_of(theirs.keyid()), Some(&unit));
        assert_eq!(registry.insert(other, registered(&ours)).unwrap_err().owner, agency);
        registry.insert(agency, registered(&ours)).unwrap();
        assert_eq!(registry.iter().count(), 2);
    }

    #[test]
    fn validity_begins_at_its_begin_and_ends_before_its_end() {
        let key = registered(&key());
        let at = |ms| key.is_valid_at(Millis(ms));
        assert_eq!([at(9), at(10), at(19), at(20)], [false, true, true, false]);
    }
}
