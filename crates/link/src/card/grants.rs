//! What a newer card lets its node do that the older does not.

use std::collections::BTreeMap;
use std::fmt;

use barid_message::address::Address;
use barid_message::key::KeyId;
use barid_message::registry::RegisteredKey;

use super::{Card, CardAgency};

/// One thing that a card grants beyond an older one. Each lets its node, or whoever has
/// stolen its keys, say something in an agency's name that it could not say before; so
/// none of them counts on the node's word alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It speaks for another address.
    Agency(Address),
    /// That address may send FLASH.
    Flash(Address),
    /// That address signs with another key, or the key counts at more times.
    Key(Address, KeyId),
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agency(address) => write!(f, "it speaks for {address} too"),
            Self::Flash(address) => write!(f, "{address} may send FLASH"),
            Self::Key(address, keyid) => {
                write!(f, "{address} signs with key {keyid}, which is new or counts at more times")
            }
        }
    }
}

impl Card {
    /// What `newer` grants beyond this card, in the order of its agencies. Keys of the
    /// node itself, its addresses and its time are no grants: by these it speaks for
    /// nobody but itself.
    #[must_use]
    pub fn grants_beyond(&self, newer: &Self) -> Vec<Grant> {
        let (before, after) = (by_address(self), by_address(newer));
        let mut grants = Vec::new();
        for agency in newer.agencies() {
            let address = &agency.address;
            let Some(known) = before.get(address) else {
                grants.push(Grant::Agency(address.clone()));
                continue;
            };
            if agency.may_flash && !known.may_flash {
                grants.push(Grant::Flash(address.clone()));
            }
            let held: Vec<_> = signs_with(known, &before).collect();
            let added =
                signs_with(agency, &after).filter(|key| !held.iter().any(|held| covers(held, key)));
            grants.extend(added.map(|key| Grant::Key(address.clone(), key.key.keyid())));
        }
        grants
    }
}

type Agencies<'c> = BTreeMap<&'c Address, &'c CardAgency>;

fn by_address(card: &Card) -> Agencies<'_> {
    card.agencies().iter().map(|agency| (&agency.address, agency)).collect()
}

/// The keys that speak for an address: its own, and of a unit its agency's, as
/// [`KeyRegistry::lookup`](barid_message::registry::KeyRegistry::lookup) has it.
fn signs_with<'c>(
    agency: &'c CardAgency,
    all: &Agencies<'c>,
) -> impl Iterator<Item = &'c RegisteredKey> {
    let above = all.get(&agency.address.agency()).filter(|_| agency.address.is_unit());
    agency.keys.iter().chain(above.into_iter().flat_map(|above| &above.keys))
}

/// Whether a key counted already whenever it counts now.
fn covers(held: &RegisteredKey, key: &RegisteredKey) -> bool {
    let until = |key: &RegisteredKey| key.valid_until.map_or(u64::MAX, |end| end.0);
    held.key == key.key && held.valid_from <= key.valid_from && until(key) <= until(held)
}
