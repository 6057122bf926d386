//! Who is known here: agencies, their keys and systems, operators, agreements, peers.
//!
//! The registry is an entry of the journal like any other (SPINE §2.3), so that an
//! old message can be checked by the keys of its time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use barid_agreement::{Agreement, Agreements, TermsError};
use barid_message::address::{Address, AddressError};
use barid_message::key::{KeyError, PublicKey};
use barid_message::registry::{KeyRegistry, KeyTaken, RegisteredKey};
use barid_message::time::Millis;
use barid_proto::journal::v1 as pb;
use bytes::Bytes;

use crate::caps;

/// The registry in force.
#[derive(Debug)]
pub struct Registry {
    position: u64,
    keys: KeyRegistry,
    may_flash: BTreeMap<Address, bool>,
    systems: HashMap<String, Vec<Address>>,
    operators: BTreeSet<String>,
    agreements: Agreements,
    peers: BTreeMap<Arc<str>, Peer>,
    /// Which peer an address outside lives at.
    elsewhere: HashMap<Address, Arc<str>>,
    facts: pb::RegistryFacts,
}

/// Another node, as its pinned card says.
#[derive(Debug)]
pub struct Peer {
    /// Its identity, "spiffe://<trust domain>/node".
    pub identity: Arc<str>,
    /// What operators here call it.
    pub name: String,
    /// Until when its card may be used.
    pub valid_until: Millis,
    /// The keys of its agencies.
    pub keys: KeyRegistry,
    /// Serial of the card.
    pub card_serial: u64,
    /// SHA-256 of each TLS key that it may use.
    pub tls_keys: Vec<Bytes>,
    /// The card, encoded `SignedCard`.
    pub card: Bytes,
    /// SHA-256 of the signed bytes of the card that people have pinned.
    pub pinned: Bytes,
    /// The CA of the card before, DER, while certificates of it are replaced; else empty.
    pub former_ca: Bytes,
    evidence_keys: Vec<RegisteredKey>,
    former_evidence_keys: Vec<RegisteredKey>,
    may_flash: BTreeMap<Address, bool>,
}

impl Peer {
    /// The keys that its evidence may be signed with at a time.
    pub fn evidence_keys(&self, at: Millis) -> Vec<PublicKey> {
        let valid = self.evidence_keys.iter().filter(|key| key.is_valid_at(at));
        valid.map(|key| key.key.clone()).collect()
    }

    /// All keys that its evidence was or may be signed with: for what is kept already.
    pub fn all_evidence_keys(&self) -> impl Iterator<Item = &RegisteredKey> {
        self.evidence_keys.iter().chain(&self.former_evidence_keys)
    }

    /// Whether its card says that it speaks for this address.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        self.may_flash.contains_key(address)
    }

    /// Whether its card lets that agency send FLASH.
    #[must_use]
    pub fn may_flash(&self, address: &Address) -> bool {
        self.may_flash.get(address).copied().unwrap_or(false)
    }

    /// The addresses that it speaks for.
    pub fn agencies(&self) -> impl Iterator<Item = &Address> {
        self.may_flash.keys()
    }
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
    /// An address that is said to live in two places.
    #[error("{0} lives at two nodes in the registry")]
    AddressTaken(Address),
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
                keys.insert(address.clone(), registered(key)?)?;
            }
        }
        let mut elsewhere = HashMap::new();
        let mut peers = BTreeMap::new();
        for facts in &facts.peers {
            let peer = peer(facts)?;
            for address in peer.agencies() {
                let taken = elsewhere.insert(address.clone(), Arc::clone(&peer.identity));
                if taken.is_some() || may_flash.contains_key(address) {
                    return Err(RegistryError::AddressTaken(address.clone()));
                }
            }
            peers.insert(Arc::clone(&peer.identity), peer);
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
            peers,
            elsewhere,
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
            peers: BTreeMap::new(),
            elsewhere: HashMap::new(),
            facts: pb::RegistryFacts::default(),
        }
    }

    /// The registry from `position` on, in which a peer is what a newer card says.
    ///
    /// # Errors
    /// [`RegistryError`] as of [`Registry::new`].
    pub fn renewed(&self, peer: pb::RegisteredPeer, position: u64) -> Result<Self, RegistryError> {
        let mut facts = self.facts.clone();
        for known in facts.peers.iter_mut().filter(|known| known.identity == peer.identity) {
            known.clone_from(&peer);
        }
        Self::new(facts, position)
    }

    /// What the configuration says, but for cards that were renewed since people pinned
    /// them: these stay as the journal has them, whatever lies in the file.
    #[must_use]
    pub fn with_renewals(&self, mut configured: pb::RegistryFacts) -> pb::RegistryFacts {
        for peer in &mut configured.peers {
            let known = self.facts.peers.iter().find(|known| known.identity == peer.identity);
            let Some(known) = known else {
                continue;
            };
            if known.pinned == peer.pinned && known.card_serial > peer.card_serial {
                let name = std::mem::take(&mut peer.name);
                *peer = pb::RegisteredPeer { name, ..known.clone() };
            } else {
                keep_former_keys(known, peer);
            }
        }
        configured
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

    /// Whether the agency, hosted here, may send FLASH.
    #[must_use]
    pub fn may_flash(&self, address: &Address) -> bool {
        self.may_flash.get(address).copied().unwrap_or(false)
    }

    /// The nodes that are linked with this one.
    pub fn peers(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    /// A linked node by its identity.
    #[must_use]
    pub fn peer(&self, identity: &str) -> Option<&Peer> {
        self.peers.get(identity)
    }

    /// The linked node at which an address lives.
    #[must_use]
    pub fn peer_of(&self, address: &Address) -> Option<&Peer> {
        self.elsewhere.get(address).and_then(|identity| self.peers.get(identity))
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

/// What a peer signed with a key that its newer card has no more can still be read.
pub(crate) fn keep_former_keys(known: &pb::RegisteredPeer, newer: &mut pb::RegisteredPeer) {
    let is_gone =
        |key: &&pb::RegisteredKey| newer.evidence_keys.iter().all(|held| held.spki != key.spki);
    let former = known.evidence_keys.iter().chain(&known.former_evidence_keys).filter(is_gone);
    let former = former.take(caps::FORMER_KEYS_MAX).cloned().collect();
    newer.former_evidence_keys = former;
}

fn registered(key: &pb::RegisteredKey) -> Result<RegisteredKey, KeyError> {
    Ok(RegisteredKey {
        key: PublicKey::from_spki(&key.spki)?,
        valid_from: Millis(key.valid_from_ms),
        valid_until: (key.valid_until_ms != 0).then_some(Millis(key.valid_until_ms)),
    })
}

fn peer(facts: &pb::RegisteredPeer) -> Result<Peer, RegistryError> {
    let mut keys = KeyRegistry::default();
    let mut may_flash = BTreeMap::new();
    for agency in &facts.agencies {
        let address = Address::parse(&agency.address)?;
        for key in &agency.keys {
            keys.insert(address.clone(), registered(key)?)?;
        }
        may_flash.insert(address, agency.may_flash);
    }
    let all = |keys: &[pb::RegisteredKey]| keys.iter().map(registered).collect::<Result<_, _>>();
    Ok(Peer {
        identity: facts.identity.as_str().into(),
        name: facts.name.clone(),
        valid_until: Millis(facts.valid_until_ms),
        keys,
        card_serial: facts.card_serial,
        tls_keys: facts.tls_keys.clone(),
        card: facts.card.clone(),
        pinned: facts.pinned.clone(),
        former_ca: facts.former_ca.clone(),
        evidence_keys: all(&facts.evidence_keys)?,
        former_evidence_keys: all(&facts.former_evidence_keys)?,
        may_flash,
    })
}
