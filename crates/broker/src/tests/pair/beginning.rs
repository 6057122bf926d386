//! Who the two nodes are, and what they have agreed.

use std::collections::{BTreeMap, VecDeque};

use barid_agreement::{Agreement, Terms};
use barid_message::address::Address;
use barid_message::key::{Algorithm, SigningKey};
use barid_message::{Kind, Purpose};
use barid_proto::journal::v1 as facts;
use bytes::Bytes;

use super::side::Side;
use super::{AGENCIES, Pair, START, identity, system};
use crate::decide::{Node, Policy};
use crate::lease::LeaseKey;
use crate::state::State;

fn registered(key: &SigningKey) -> facts::RegisteredKey {
    let spki = Bytes::copy_from_slice(key.public().spki());
    facts::RegisteredKey { spki, valid_from_ms: 0, valid_until_ms: 0 }
}

impl Pair {
    pub(in crate::tests) fn new() -> Self {
        let key = || SigningKey::generate(Algorithm::Ed25519).unwrap();
        let (agency_keys, evidence_keys) = ([key(), key()], [key(), key()]);
        let parties = AGENCIES.map(|text| Address::parse(text).unwrap()).to_vec();
        let terms = Terms {
            id: "agr:pk-ir".into(),
            version: 1,
            parties,
            kinds: vec![Kind::Note],
            purposes: vec![Purpose::BorderOperation],
        };
        let agreement = Agreement::new(terms).unwrap();
        let registry = |side: usize| {
            let agency = |of: usize, systems| facts::RegisteredAgency {
                address: AGENCIES[of].into(),
                systems,
                keys: vec![registered(&agency_keys[of])],
                may_flash: true,
            };
            let other = 1 - side;
            facts::RegistryFacts {
                agencies: vec![agency(side, vec![system(side)])],
                agreements: vec![facts::RegisteredAgreement {
                    agreement: None,
                    text: Bytes::copy_from_slice(agreement.text().as_bytes()),
                }],
                operators: vec![],
                peers: vec![facts::RegisteredPeer {
                    identity: identity(other),
                    name: "other".into(),
                    card_serial: 1,
                    valid_until_ms: u64::MAX,
                    evidence_keys: vec![registered(&evidence_keys[other])],
                    agencies: vec![agency(other, vec![])],
                    ..Default::default()
                }],
            }
        };
        let registries = [registry(0), registry(1)];
        let mut sides = [0, 1].into_iter().zip(registries).zip(agency_keys).zip(evidence_keys).map(
            |(((side, registry), agency_key), evidence_key)| Side {
                state: State::new(),
                entries: Vec::new(),
                node: Node {
                    identity: identity(side),
                    lease_key: LeaseKey::derive(b"secret"),
                    policy: Policy::default(),
                },
                agency_key,
                evidence_key,
                registry,
                blobs: BTreeMap::new(),
                session: None,
                starts: 0,
            },
        );
        let sides = [sides.next().unwrap(), sides.next().unwrap()];
        let agreement = agreement.reference();
        let wires = [VecDeque::new(), VecDeque::new()];
        let mut pair =
            Self { sides, wires, now: START, agreement, composed: 0, breaches: 0, written: 0 };
        pair.sides[0].begin(0, START);
        pair.sides[1].begin(1, START);
        pair
    }
}
