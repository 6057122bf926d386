//! Who takes part: nodes of up to six countries, two agencies at each, and what they have
//! agreed. The same in every seed: keys are long in the making.

use std::sync::{Arc, LazyLock};

use barid_agreement::{Agreement, Terms};
use barid_message::address::Address;
use barid_message::header::AgreementRef;
use barid_message::key::SigningKey;
use barid_message::{Kind, Purpose};
use barid_proto::journal::v1 as facts;
use bytes::Bytes;

pub(crate) const COUNTRIES: [&str; 6] = ["pk", "ir", "af", "tm", "tj", "uz"];
/// Agencies at each node.
pub(crate) const AGENCIES: usize = 2;

/// Keys and agreement.
pub(crate) struct Cast {
    pub(crate) agreement: AgreementRef,
    text: Bytes,
    evidence: Vec<SigningKey>,
    logs: Vec<Arc<SigningKey>>,
    agencies: Vec<SigningKey>,
}

pub(crate) static CAST: LazyLock<Cast> = LazyLock::new(Cast::new);

/// Identity of a node.
pub(crate) fn identity(node: usize) -> String {
    format!("spiffe://{}/node", domain(node))
}

pub(crate) fn domain(node: usize) -> String {
    format!("{}.example", COUNTRIES[node])
}

/// An agency, counted over all nodes.
pub(crate) fn address(agency: usize) -> Address {
    let service = ["customs", "police"][agency % AGENCIES];
    Address::parse(&format!("{}/{service}", COUNTRIES[agency / AGENCIES])).unwrap()
}

/// Identity of one of the two systems of an agency.
pub(crate) fn system(agency: usize, which: usize) -> String {
    format!("spiffe://{}/agency/{}/{which}", domain(agency / AGENCIES), address(agency))
}

/// Identity of one of the two operators of a node.
pub(crate) fn operator(node: usize, which: usize) -> String {
    format!("spiffe://{}/operator/{which}", domain(node))
}

/// A key out of 32 bytes: PKCS#8 as RFC 8410 has it.
fn key(first: u8, second: usize) -> SigningKey {
    const PREFIX: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let mut secret = [first; 32];
    secret[0] = u8::try_from(second).unwrap();
    SigningKey::from_pkcs8_der(&[&PREFIX[..], &secret].concat()).unwrap()
}

fn registered(key: &SigningKey) -> facts::RegisteredKey {
    let spki = Bytes::copy_from_slice(key.public().spki());
    facts::RegisteredKey { spki, valid_from_ms: 0, valid_until_ms: 0 }
}

impl Cast {
    fn new() -> Self {
        let all = AGENCIES * COUNTRIES.len();
        let terms = Terms {
            id: "agr:all".into(),
            version: 1,
            parties: (0..all).map(address).collect(),
            kinds: vec![Kind::Note, Kind::Alert],
            purposes: vec![Purpose::BorderOperation],
        };
        let agreement = Agreement::new(terms).unwrap();
        Self {
            text: Bytes::copy_from_slice(agreement.text().as_bytes()),
            agreement: agreement.reference(),
            evidence: (0..COUNTRIES.len()).map(|node| key(1, node)).collect(),
            logs: (0..COUNTRIES.len()).map(|node| Arc::new(key(3, node))).collect(),
            agencies: (0..all).map(|agency| key(2, agency)).collect(),
        }
    }

    /// The key that signs a node's evidence.
    pub(crate) fn evidence_key(&self, node: usize) -> &SigningKey {
        &self.evidence[node]
    }

    /// The key that signs the heads of a node's log, which no thread keeps here.
    pub(crate) fn log_key(&self, node: usize) -> Arc<SigningKey> {
        Arc::clone(&self.logs[node])
    }

    /// The key that signs an agency's messages.
    pub(crate) fn agency_key(&self, agency: usize) -> &SigningKey {
        &self.agencies[agency]
    }

    /// What a node of so many knows of all.
    pub(crate) fn registry(&self, node: usize, nodes: usize) -> facts::RegistryFacts {
        let agencies = |of: usize| {
            (of * AGENCIES..(of + 1) * AGENCIES).map(move |agency| facts::RegisteredAgency {
                address: address(agency).to_string(),
                systems: if of == node {
                    vec![system(agency, 0), system(agency, 1)]
                } else {
                    vec![]
                },
                keys: vec![registered(self.agency_key(agency))],
                may_flash: true,
            })
        };
        let peers = (0..nodes).filter(|peer| *peer != node).map(|peer| facts::RegisteredPeer {
            identity: identity(peer),
            name: COUNTRIES[peer].into(),
            card_serial: 1,
            valid_until_ms: u64::MAX,
            evidence_keys: vec![registered(self.evidence_key(peer))],
            agencies: agencies(peer).collect(),
            ..Default::default()
        });
        facts::RegistryFacts {
            agencies: agencies(node).collect(),
            agreements: vec![facts::RegisteredAgreement {
                agreement: None,
                text: self.text.clone(),
            }],
            operators: vec![operator(node, 0), operator(node, 1)],
            peers: peers.collect(),
        }
    }
}
