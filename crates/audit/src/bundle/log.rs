//! What a bundle shows of one log: a signed head, and entries that are under it.

use barid_proto::audit::v1 as pb;
use barid_proto::audit::v1::bundle_opening::Shown as Wire;
use barid_proto::journal::v1 as journal;
use barid_proto::journal::v1::{EntryKind, Leaf};
use bytes::Bytes;
use prost::Message as _;

use super::Refused;
use super::caps::{FACTS_BYTES_MAX, LEAF_BYTES_MAX};
use super::spans::{self, Spans};
use crate::checkpoint::{Checkpoint, Cosigned, SignedCheckpoint};
use crate::commitment::{Nonce, opens_digests, sha256};
use crate::note::{LogKey, WitnessKey};
use crate::tree::{Hash, verify_inclusion};

/// A log whose head is signed, with the entries that a bundle shows of it.
#[derive(Debug)]
pub struct ShownLog {
    pub(super) key: LogKey,
    pub(super) head: SignedCheckpoint,
    pub(super) witnesses: Vec<WitnessKey>,
    pub(super) cosigned: Vec<Cosigned>,
    pub(super) records: Vec<Record>,
    pub(super) spans: Spans,
}

/// An entry that is in the log.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) leaf: Leaf,
    pub(super) openings: Vec<Opening>,
}

/// A commitment of a leaf that was opened.
#[derive(Debug)]
pub(super) struct Opening {
    /// 0, or which item from 1.
    pub(super) index: u32,
    pub(super) shown: Shown,
}

/// What it opened to.
#[derive(Debug)]
pub(super) enum Shown {
    /// Evidence with this SHA-256.
    Evidence([u8; 32]),
    /// A start of the node.
    Restarted(journal::RestartedFacts),
    /// A registry.
    Registry(Box<journal::RegistryFacts>),
    /// A newer card of a peer.
    Renewed(Box<journal::PeerRenewedFacts>),
}

impl ShownLog {
    /// Checks one: the head's signatures, each entry's proof and each opening.
    pub(super) fn open(log: &pb::BundleLog) -> Result<Self, Refused> {
        let key = LogKey::from_vkey(&log.key).map_err(|_why| Refused::LogKey)?;
        let origin = key.name().to_string();
        let head = SignedCheckpoint::open(&log.checkpoint, &key)
            .map_err(|why| Refused::Head(origin.clone(), why))?;
        // No second form of the same note.
        if head.to_bytes() != log.checkpoint {
            return Err(Refused::NotCanonical);
        }
        let (witnesses, cosigned) = witnesses(log, &key, &head)?;
        let mut shown =
            Self { key, head, witnesses, cosigned, records: Vec::new(), spans: Spans::new() };
        for record in &log.records {
            let record = shown.record(record)?;
            let last = shown.records.last().map(|last| last.leaf.position);
            if last.is_some_and(|last| last >= record.leaf.position) {
                return Err(Refused::Order);
            }
            shown.records.push(record);
        }
        if shown.records.is_empty() { Err(Refused::Unused) } else { Ok(shown) }
    }

    /// The log's origin.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.key.name().as_str()
    }

    /// The log's key.
    #[must_use]
    pub const fn key(&self) -> &LogKey {
        &self.key
    }

    /// Its head, which the log has signed.
    #[must_use]
    pub const fn head(&self) -> &SignedCheckpoint {
        &self.head
    }

    /// Who cosigned the head, and when.
    #[must_use]
    pub fn cosigned(&self) -> &[Cosigned] {
        &self.cosigned
    }

    fn record(&mut self, record: &pb::BundleRecord) -> Result<Record, Refused> {
        let not_in_log = || Refused::NotInLog(self.key.name().to_string());
        if record.leaf.len() > LEAF_BYTES_MAX {
            return Err(Refused::TooLarge);
        }
        let leaf = Leaf::decode(record.leaf.clone()).map_err(|_why| Refused::Malformed)?;
        let path: Option<Vec<_>> = record.path.iter().map(|hash| Hash::from_slice(hash)).collect();
        let path = path.ok_or_else(not_in_log)?;
        let Checkpoint { size, root, .. } = *self.head.checkpoint();
        let hash = Hash::of_leaf(&record.leaf);
        verify_inclusion(hash, leaf.position, size, &path, root).map_err(|_why| not_in_log())?;
        if !spans::add(&mut self.spans, hash, leaf.position, size, &path) {
            return Err(not_in_log());
        }
        let mut openings: Vec<Opening> = Vec::new();
        for opening in &record.openings {
            if openings.last().is_some_and(|last| last.index >= opening.index) {
                return Err(Refused::Order);
            }
            openings.push(open(&leaf, opening)?);
        }
        if openings.is_empty() { Err(Refused::Unused) } else { Ok(Record { leaf, openings }) }
    }
}

impl Record {
    /// What the entry is about.
    pub(super) fn kind(&self) -> EntryKind {
        self.leaf.kind()
    }
}

/// Keys of those who cosigned, and that nobody else's signature stands under the head.
fn witnesses(
    log: &pb::BundleLog,
    key: &LogKey,
    head: &SignedCheckpoint,
) -> Result<(Vec<WitnessKey>, Vec<Cosigned>), Refused> {
    let fault = |why| Refused::Head(key.name().to_string(), why);
    let mut witnesses: Vec<WitnessKey> = Vec::new();
    for witness in &log.witnesses {
        let witness = WitnessKey::from_vkey(witness).map_err(|why| fault(why.into()))?;
        if witnesses.last().is_some_and(|last| last.name() >= witness.name()) {
            return Err(Refused::Order);
        }
        witnesses.push(witness);
    }
    let cosigned = head.cosigned_by(&witnesses).map_err(|why| fault(why.into()))?;
    // A signature that nobody's key checks could be any bytes; so could a second one.
    if cosigned.len() != witnesses.len() || head.note().signatures().len() != witnesses.len() + 1 {
        return Err(Refused::Unused);
    }
    Ok((witnesses, cosigned))
}

fn open(leaf: &Leaf, opening: &pb::BundleOpening) -> Result<Opening, Refused> {
    let refused = || Refused::Opening(leaf.position);
    let commitment = match opening.index.checked_sub(1) {
        None => &leaf.commitment,
        Some(place) => {
            let item = usize::try_from(place).ok().and_then(|place| leaf.items.get(place));
            &item.ok_or_else(refused)?.commitment
        }
    };
    let nonce = opening.nonce.as_ref().try_into().map(Nonce).map_err(|_why| refused())?;
    let evidence: [u8; 32] =
        opening.evidence_digest.as_ref().try_into().map_err(|_why| refused())?;
    let (digest, facts) = match &opening.shown {
        Some(Wire::FactsDigest(digest)) => {
            (digest.as_ref().try_into().map_err(|_why| refused())?, None)
        }
        Some(Wire::Facts(facts)) => (sha256(facts), Some(facts)),
        None => return Err(refused()),
    };
    if !opens_digests(commitment, &nonce, &evidence, &digest) {
        return Err(refused());
    }
    let shown = match facts {
        None => Shown::Evidence(evidence),
        Some(facts) if opening.index == 0 && evidence == sha256(&[]) => {
            facts_of(leaf.kind(), facts)?
        }
        Some(_) => return Err(Refused::Unused),
    };
    Ok(Opening { index: opening.index, shown })
}

/// Facts of the kinds that say whose keys counted. Others have nothing to say here.
fn facts_of(kind: EntryKind, facts: &Bytes) -> Result<Shown, Refused> {
    if facts.len() > FACTS_BYTES_MAX {
        return Err(Refused::TooLarge);
    }
    let facts = facts.clone();
    let shown = match kind {
        EntryKind::Restarted => journal::RestartedFacts::decode(facts).map(Shown::Restarted),
        EntryKind::RegistryChanged => {
            journal::RegistryFacts::decode(facts).map(|facts| Shown::Registry(Box::new(facts)))
        }
        EntryKind::PeerRenewed => {
            journal::PeerRenewedFacts::decode(facts).map(|facts| Shown::Renewed(Box::new(facts)))
        }
        _ => return Err(Refused::Unused),
    };
    shown.map_err(|_why| Refused::Malformed)
}
