//! Evidence: what a node states about a message, signed, and how to check it.

use barid_message::dsse::PayloadType;
use barid_message::key::{KeyId, PublicKey, SigningKey};
use barid_proto::audit::v1::signed_evidence::Proof;
use barid_proto::audit::v1::{CommitmentOpening, Evidence, SignedEvidence};
use barid_proto::message::v1::Envelope;
use bytes::Bytes;
use prost::Message as _;

use crate::commitment;

/// Signs evidence for release. The bytes are those that were journaled, so that
/// the same receipt is always the same bytes.
#[must_use]
pub fn sign(
    evidence: Bytes,
    key: &SigningKey,
    opening: Option<CommitmentOpening>,
) -> SignedEvidence {
    SignedEvidence {
        proof: Some(Proof::Single(key.envelope(PayloadType::Evidence, evidence.clone()))),
        evidence,
        opening,
    }
}

/// Why evidence does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The bytes are not evidence.
    #[error("the evidence does not decode")]
    Malformed,
    /// It carries no signature, or one of a form this version does not know.
    #[error("the evidence carries no proof that this version can check")]
    NoProof,
    /// The signed bytes are not the evidence shown.
    #[error("the signature of the evidence is over something else")]
    OtherPayload,
    /// None of the trusted keys signed it.
    #[error("the evidence is signed with a key that is not trusted; compare the node's key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature of the evidence does not verify")]
    BadSignature,
}

/// Checks evidence against the keys that are trusted for its issuer.
///
/// # Errors
/// [`EvidenceError`]; each of them means that the statement proves nothing.
pub fn verify(signed: &SignedEvidence, trusted: &[PublicKey]) -> Result<Evidence, EvidenceError> {
    let Some(Proof::Single(envelope)) = &signed.proof else {
        return Err(EvidenceError::NoProof);
    };
    verify_envelope(envelope, &signed.evidence, trusted)?;
    Evidence::decode(signed.evidence.clone()).map_err(|_why| EvidenceError::Malformed)
}

fn verify_envelope(
    envelope: &Envelope,
    evidence: &Bytes,
    trusted: &[PublicKey],
) -> Result<(), EvidenceError> {
    let [signature] = envelope.signatures.as_slice() else {
        return Err(EvidenceError::NoProof);
    };
    if envelope.payload != *evidence || envelope.payload_type != PayloadType::Evidence.as_str() {
        return Err(EvidenceError::OtherPayload);
    }
    let keyid: KeyId =
        signature.keyid.as_ref().try_into().map(KeyId).map_err(|_why| EvidenceError::UnknownKey)?;
    let key = trusted.iter().find(|key| key.keyid() == keyid).ok_or(EvidenceError::UnknownKey)?;
    key.verify(PayloadType::Evidence, evidence, &signature.sig)
        .map_err(|_why| EvidenceError::BadSignature)
}

/// What proves evidence, without the evidence: an encoded `SignedEvidence` whose
/// evidence, and payload that is the same, are left out. [`with_proof`] puts them back.
#[must_use]
pub fn proof_alone(mut signed: SignedEvidence) -> Bytes {
    signed.evidence = Bytes::new();
    if let Some(Proof::Single(envelope)) = &mut signed.proof {
        envelope.payload = Bytes::new();
    }
    signed.encode_to_vec().into()
}

/// Evidence of another node with its proof, as it was signed. `None` where the proof
/// is none.
#[must_use]
pub fn with_proof(evidence: Bytes, proof: &[u8]) -> Option<SignedEvidence> {
    let mut signed = SignedEvidence::decode(proof).ok()?;
    if let Some(Proof::Single(envelope)) = &mut signed.proof {
        envelope.payload = evidence.clone();
    }
    signed.evidence = evidence;
    Some(signed)
}

/// Digest of evidence bytes, by which later evidence names it as its parent.
#[must_use]
pub fn digest(evidence: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&commitment::sha256(evidence))
}
