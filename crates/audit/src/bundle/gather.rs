//! Making a bundle, from what a node has kept.

use std::collections::BTreeMap;

use barid_message::digest::Digest;
use barid_proto::audit::v1 as pb;
use barid_proto::audit::v1::bundle_opening::Shown;
use barid_proto::audit::v1::{Evidence, SignedEvidence};
use barid_proto::journal::v1 as journal;
use barid_proto::journal::v1::EntryKind;
use barid_proto::message::v1::SignedMessage;
use bytes::Bytes;
use prost::Message as _;

use super::{Refused, shape};
use crate::checkpoint::SignedCheckpoint;
use crate::commitment::sha256;
use crate::evidence::with_proof;
use crate::note::{LogKey, NoteSignature, WitnessKey};
use crate::tree::Hash;

/// An entry as the journal keeps it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Encoded `Leaf`.
    pub leaf: Bytes,
    /// Encoded `Side`.
    pub side: Bytes,
}

/// A log that a bundle is made from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Its key.
    pub key: &'a LogKey,
    /// Its head.
    pub head: &'a SignedCheckpoint,
    /// Keys of witnesses whose cosignatures may stand under it.
    pub witnesses: &'a [WitnessKey],
}

/// Why no bundle could be made.
#[derive(Debug, thiserror::Error)]
pub enum GatherError<E> {
    /// The tree cannot be read.
    #[error("the log cannot be read")]
    Tree(E),
    /// The journal's bytes are not entries: damage, or a newer program's.
    #[error("an entry of the journal does not decode")]
    Malformed,
    /// The head does not cover it yet.
    #[error("the log's head does not cover the entry at position {0} yet; try again in a minute")]
    NotCovered(u64),
    /// What was gathered does not hold together.
    #[error("the evidence does not hold together: {0}")]
    Refused(#[from] Refused),
}

/// Makes the bundle of a message from one log: of `entries`, in order of their positions,
/// those that keep evidence about it, and of those that say whose keys counted those that
/// are needed. `sign` signs evidence of this log's own node; `prove` gives the proof that
/// the leaf at a position is under the head.
///
/// # Errors
/// [`GatherError`].
pub fn gather<E>(
    message: SignedMessage,
    entries: &[Kept],
    source: Source<'_>,
    sign: impl Fn(Bytes) -> SignedEvidence,
    prove: impl Fn(u64) -> Result<Vec<Hash>, E>,
) -> Result<Bytes, GatherError<E>> {
    let payload = message.envelope.as_ref().map(|envelope| &envelope.payload);
    let digest = Digest::of(payload.map_or(&[], |payload| payload));
    let mut gathering = Gathering {
        origin: source.key.name().as_str(),
        header_digest: digest,
        sign: &sign,
        evidence: BTreeMap::new(),
    };
    let mut records = Vec::new();
    for entry in entries {
        let leaf = journal::Leaf::decode(entry.leaf.clone());
        let side = journal::Side::decode(entry.side.clone());
        let (Ok(leaf), Ok(side)) = (leaf, side) else {
            return Err(GatherError::Malformed);
        };
        let openings = gathering.openings(leaf.kind(), &side).ok_or(GatherError::Malformed)?;
        if openings.is_empty() {
            continue;
        }
        let size = source.head.checkpoint().size;
        if leaf.position >= size {
            return Err(GatherError::NotCovered(leaf.position));
        }
        let path = prove(leaf.position).map_err(GatherError::Tree)?;
        let path = path.iter().map(|hash| Bytes::copy_from_slice(&hash.0)).collect();
        records.push(pb::BundleRecord { leaf: entry.leaf.clone(), path, openings });
    }
    let (checkpoint, witnesses) = head(&source);
    let key = source.key.to_vkey();
    let log = pb::BundleLog { key, checkpoint, witnesses, records };
    let evidence = gathering.evidence.into_values().collect();
    let bundle = pb::EvidenceBundle {
        version: shape::VERSION,
        message: Some(message),
        evidence,
        logs: vec![log],
    };
    Ok(without_unused(bundle)?)
}

/// Puts bundles of one message together, each from another log, into one.
///
/// # Errors
/// [`Refused`] where one of them, or all of them together, do not hold.
pub fn join(bundles: &[Bytes]) -> Result<Bytes, Refused> {
    let mut joined = pb::EvidenceBundle::default();
    let (mut evidence, mut logs) = (BTreeMap::new(), BTreeMap::new());
    for bytes in bundles {
        let bundle = shape::decode(bytes)?;
        super::check(&bundle)?;
        for signed in bundle.evidence {
            let place = place(&signed.evidence).ok_or(Refused::Evidence)?;
            evidence.entry(place).or_insert(signed);
        }
        for log in bundle.logs {
            let origin = log.key.split('+').next().unwrap_or_default().to_owned();
            logs.entry(origin).or_insert(log);
        }
        // Where one of them has the body, the whole has it.
        let has_body = bundle.message.as_ref().is_some_and(|message| !message.body.is_empty());
        if has_body || joined.message.is_none() {
            joined.message = bundle.message;
        }
    }
    joined.version = shape::VERSION;
    joined.evidence = evidence.into_values().collect();
    joined.logs = logs.into_values().collect();
    without_unused(joined)
}

/// Takes out entries about keys that nothing rests on: the check itself says which.
fn without_unused(mut bundle: pb::EvidenceBundle) -> Result<Bytes, Refused> {
    let (_, unused) = super::check(&bundle)?;
    for (log, record) in unused.into_iter().rev() {
        bundle.logs[log].records.remove(record);
    }
    Ok(bundle.encode_to_vec().into())
}

/// The head with the cosignatures of known witnesses alone, and their keys.
fn head(source: &Source<'_>) -> (Bytes, Vec<String>) {
    let mut head = source.head.clone().without_cosignatures(source.key);
    let mut keys = Vec::new();
    for key in source.witnesses {
        let signatures = source.head.note().signatures();
        let signature = signatures.iter().rev().find(|signature| key.made(signature));
        // One that does not hold is left out, and a second key of one witness.
        let is_known = keys.iter().any(|(name, _)| name == key.name());
        let holds = |signature: &NoteSignature| head.add(key, signature.clone()).is_ok();
        if !is_known && signature.is_some_and(holds) {
            keys.push((key.name().clone(), key.to_vkey()));
        }
    }
    keys.sort();
    (head.to_bytes().into(), keys.into_iter().map(|(_, key)| key).collect())
}

/// By what evidence is known and ordered.
type Place = (String, u64, u32);

fn place(evidence: &Bytes) -> Option<Place> {
    let Evidence { log_origin, position, index, .. } = Evidence::decode(evidence.clone()).ok()?;
    Some((log_origin, position, index))
}

struct Gathering<'a, F> {
    origin: &'a str,
    header_digest: Digest,
    sign: &'a F,
    evidence: BTreeMap<Place, SignedEvidence>,
}

impl<F: Fn(Bytes) -> SignedEvidence> Gathering<'_, F> {
    /// What an entry shows of the message, or of keys; its evidence is kept on the way.
    fn openings(
        &mut self,
        kind: EntryKind,
        side: &journal::Side,
    ) -> Option<Vec<pb::BundleOpening>> {
        let of_keys = [EntryKind::Restarted, EntryKind::RegistryChanged, EntryKind::PeerRenewed];
        if of_keys.contains(&kind) {
            let shown = Shown::Facts(side.facts.clone());
            return Some(vec![opening(0, &side.nonce, &side.evidence, shown)]);
        }
        let mut openings = Vec::new();
        if self.is_about(&side.evidence) && place(&side.evidence)?.0 == self.origin {
            if kind == EntryKind::Taken {
                self.acceptance(&side.facts)?;
            }
            self.keep((self.sign)(side.evidence.clone()))?;
            let shown = Shown::FactsDigest(Bytes::copy_from_slice(&sha256(&side.facts)));
            openings.push(opening(0, &side.nonce, &side.evidence, shown));
        }
        for (index, item) in (1..).zip(&side.items) {
            if !self.is_about(&item.evidence) {
                continue;
            }
            let is_own = place(&item.evidence)?.0 == self.origin;
            let facts = journal::DeliveryFacts::decode(item.facts.clone()).ok()?;
            let signed = if is_own {
                (self.sign)(item.evidence.clone())
            } else {
                with_proof(item.evidence.clone(), &facts.proof)?
            };
            self.keep(signed)?;
            let shown = Shown::FactsDigest(Bytes::copy_from_slice(&sha256(&item.facts)));
            openings.push(opening(index, &item.nonce, &item.evidence, shown));
        }
        Some(openings)
    }

    /// The acceptance with which a message came from another node.
    fn acceptance(&mut self, facts: &Bytes) -> Option<()> {
        let facts = journal::TakenFacts::decode(facts.clone()).ok()?;
        let signed = SignedEvidence::decode(facts.acceptance).ok()?;
        self.keep(signed)
    }

    fn is_about(&self, evidence: &Bytes) -> bool {
        !evidence.is_empty()
            && Evidence::decode(evidence.clone())
                .is_ok_and(|evidence| evidence.header_digest == self.header_digest.0.as_slice())
    }

    fn keep(&mut self, mut signed: SignedEvidence) -> Option<()> {
        signed.opening = None;
        self.evidence.insert(place(&signed.evidence)?, signed);
        Some(())
    }
}

fn opening(index: u32, nonce: &Bytes, evidence: &[u8], shown: Shown) -> pb::BundleOpening {
    let evidence_digest = Bytes::copy_from_slice(&sha256(evidence));
    pb::BundleOpening { index, nonce: nonce.clone(), evidence_digest, shown: Some(shown) }
}
