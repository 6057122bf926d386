//! Who is known here: agencies, their keys and systems, operators, agreements.
//!
//! The registry is an entry of the journal like any other (SPINE §2.3), so that an
//! old message can be checked by the keys of its time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use barid_agreement::{Agreement, Agreements, TermsError};
use barid_message::address::{Address, AddressError};
use barid_message::key::{KeyError, PublicKey};
use barid_message::registry::{KeyRegistry, KeyTaken, RegisteredKey};
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;

/// The registry in force.
#[derive(Debug)]
pub struct Registry {
    position: u64,
    keys: KeyRegistry,
    may_flash: BTreeMap<Address, bool>,
    systems: HashMap<String, Vec<Address>>,
    operators: BTreeSet<String>,
    agreements: Agreements,
    facts: pb::RegistryFacts,
}

/// Why facts are no registry. The configuration is checked before it gets here, so
/// in the journal this means a newer program or a fault of ours.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// An address.
    #[error("an agency's address in the registry is malformed")]
    Address(#[from] AddressError),
    /// A key.
    #[error("a key in the registry cannot be used")]
    Key(#[from] KeyError),
    /// A key that two agencies share.
    #[error("two agencies share one key in the registry")]
    KeyTaken(#[from] KeyTaken),
    /// An agreement.
    #[error("an agreement in the registry cannot be used")]
    Agreement(#[from] TermsError),
}

impl Registry {
    /// Builds the registry that stands at `position` of the journal.
    ///
    /// # Errors
    /// [`RegistryError`] names what cannot be used.
    pub fn new(facts: pb::RegistryFacts, position: u64) -> Result<Self, RegistryError> {
        let mut keys = KeyRegistry::default();
        let mut may_flash = BTreeMap::new();
        let mut systems: HashMap<String, Vec<Address>> = HashMap::new();
        for agency in &facts.agencies {
            let address = Address::parse(&agency.address)?;
            may_flash.insert(address.clone(), agency.may_flash);
            for system in &agency.systems {
                systems.entry(system.clone()).or_default().push(address.clone());
            }
            for key in &agency.keys {
                let registered = RegisteredKey {
                    key: PublicKey::from_spki(&key.spki)?,
                    valid_from: Millis(key.valid_from_ms),
                    valid_until: (key.valid_until_ms != 0).then_some(Millis(key.valid_until_ms)),
                };
                keys.insert(address.clone(), registered)?;
            }
        }
        let agreements = facts
            .agreements
            .iter()
            .map(|agreement| Agreement::parse(&agreement.text))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            position,
            keys,
            may_flash,
            systems,
            operators: facts.operators.iter().cloned().collect(),
            agreements: Agreements::new(agreements, position)?,
            facts,
        })
    }

    /// An empty registry: that of a journal which has none yet.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            position: 0,
            keys: KeyRegistry::default(),
            may_flash: BTreeMap::new(),
            systems: HashMap::new(),
            operators: BTreeSet::new(),
            agreements: Agreements::default(),
            facts: pb::RegistryFacts::default(),
        }
    }

    /// Position of the entry that set it.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The signing keys.
    #[must_use]
    pub const fn keys(&self) -> &KeyRegistry {
        &self.keys
    }

    /// The agreements.
    #[must_use]
    pub const fn agreements(&self) -> &Agreements {
        &self.agreements
    }

    /// What it was built from.
    #[must_use]
    pub const fn facts(&self) -> &pb::RegistryFacts {
        &self.facts
    }

    /// The inboxes hosted here, by address.
    pub fn inboxes(&self) -> impl Iterator<Item = &Address> {
        self.may_flash.keys()
    }

    /// Whether an inbox of that address is hosted here.
    #[must_use]
    pub fn hosts(&self, address: &Address) -> bool {
        self.may_flash.contains_key(address)
    }

    /// Whether the agency may send FLASH.
    #[must_use]
    pub fn may_flash(&self, address: &Address) -> bool {
        self.may_flash.get(address).copied().unwrap_or(false)
    }

    /// The addresses that a system may send as and receive for.
    #[must_use]
    pub fn addresses_of(&self, identity: &str) -> &[Address] {
        self.systems.get(identity).map_or(&[], Vec::as_slice)
    }

    /// Whether that identity is an operator here.
    #[must_use]
    pub fn is_operator(&self, identity: &str) -> bool {
        self.operators.contains(identity)
    }
}
