//! Witnesses: who sees that a log only grows, and signs its heads for having seen it
//! (C2SP tlog-witness and tlog-cosignature 1.0). The rules alone: whoever holds the heads
//! must check and store in one step.

use std::fmt;

use crate::checkpoint::{Checkpoint, Cosigned};
use crate::note::{
    NOTE_BYTES_MAX, NOTE_SIGNATURES_MAX, Note, NoteError, NoteSignature, WitnessKey, decode_base64,
    encode_base64, parse_decimal,
};
use crate::tree::{Hash, verify_consistency};

#[cfg(test)]
mod tests;

/// Hashes of a proof in a request.
pub const REQUEST_HASHES_MAX: usize = 63;

/// Bytes of a request: the note, 63 lines of hashes, the old size.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 45 * REQUEST_HASHES_MAX + 64;

/// Why a witness does not cosign a checkpoint. None of these changes what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The request cannot be read.
    #[error("the request is not an old size, hashes and a checkpoint")]
    Malformed,
    /// More than 63 hashes.
    #[error("the request has more than {REQUEST_HASHES_MAX} hashes")]
    ProofTooLong,
    /// The old size is larger than the checkpoint's.
    #[error("the old size is larger than the checkpoint's")]
    OldSize,
    /// No log with this origin is known.
    #[error("no log with this origin is known here")]
    UnknownLog,
    /// The log has not signed it.
    #[error("the checkpoint is not signed with a key that is known of its log")]
    Unsigned,
    /// The old size is not that of the newest head that was cosigned.
    #[error("the newest head cosigned here has {0} leaves")]
    Conflict(u64),
    /// As large as the newest head that was cosigned, with another root: the log shows
    /// different people different histories. Both heads together are the proof.
    #[error("another root was cosigned here for this size of {0} leaves")]
    Fork(u64),
    /// The proof does not lead from the newest head cosigned to this one.
    #[error("the checkpoint is not shown to continue the newest head cosigned here")]
    Unproven,
}

impl Refusal {
    /// The HTTP status that the standard has for it.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Malformed | Self::ProofTooLong | Self::OldSize => 400,
            Self::Unsigned => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) | Self::Fork(_) => 409,
            Self::Unproven => 422,
        }
    }
}

/// Whether a witness that holds `held` as the newest head it has cosigned of a log may
/// cosign `new`, which the log has signed. `old` is the size that the proof starts from.
///
/// # Errors
/// [`Refusal`]. Nothing else may be concluded from [`Refusal::Conflict`] than that the
/// other side must prove from the size given.
pub fn judge(
    held: Option<&Checkpoint>,
    old: u64,
    proof: &[Hash],
    new: &Checkpoint,
) -> Result<(), Refusal> {
    if proof.len() > REQUEST_HASHES_MAX {
        return Err(Refusal::ProofTooLong);
    }
    if old > new.size {
        return Err(Refusal::OldSize);
    }
    let held_size = held.map_or(0, |held| held.size);
    if old != held_size {
        return Err(Refusal::Conflict(held_size));
    }
    match held {
        Some(held) if held.size == new.size && held.root != new.root => {
            Err(Refusal::Fork(new.size))
        }
        Some(held) if held.size > 0 => {
            verify_consistency(held.size, new.size, held.root, new.root, proof)
                .map_err(|_why| Refusal::Unproven)
        }
        // Every tree continues the one without leaves, and there is nothing to prove.
        Some(_) | None if proof.is_empty() => Ok(()),
        Some(_) | None => Err(Refusal::Unproven),
    }
}

/// What a log asks of a witness: the body of `add-checkpoint`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Size that the proof starts from: what the witness has cosigned, or 0.
    pub old: u64,
    /// Proof of consistency from there to the checkpoint.
    pub proof: Vec<Hash>,
    /// The checkpoint, not checked yet.
    pub note: Note,
}

impl Request {
    /// Reads a request. Nothing in it is believed yet.
    ///
    /// # Errors
    /// [`Refusal::Malformed`] and [`Refusal::ProofTooLong`].
    pub fn parse(body: &[u8]) -> Result<Self, Refusal> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(Refusal::Malformed);
        }
        let body = std::str::from_utf8(body).map_err(|_why| Refusal::Malformed)?;
        let (head, note) = body.split_once("\n\n").ok_or(Refusal::Malformed)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old = old.and_then(parse_decimal).ok_or(Refusal::Malformed)?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() == REQUEST_HASHES_MAX {
                return Err(Refusal::ProofTooLong);
            }
            let hash = decode_base64(line).and_then(|hash| Hash::from_slice(&hash));
            proof.push(hash.ok_or(Refusal::Malformed)?);
        }
        let note = Note::parse(note.as_bytes()).map_err(|_why| Refusal::Malformed)?;
        Ok(Self { old, proof, note })
    }
}

/// The body as it is sent.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        self.proof.iter().try_for_each(|hash| writeln!(f, "{}", encode_base64(&hash.0)))?;
        write!(f, "\n{}", self.note)
    }
}

/// Reads a witness's answer: signature lines, not checked yet.
///
/// # Errors
/// [`NoteError`].
pub fn parse_answer(body: &[u8]) -> Result<Vec<NoteSignature>, NoteError> {
    if body.len() > NOTE_BYTES_MAX {
        return Err(NoteError::TooLarge);
    }
    let body = std::str::from_utf8(body).map_err(|_why| NoteError::NotText)?;
    let lines = body.strip_suffix('\n').ok_or(NoteError::Shape)?.split('\n');
    let signatures: Vec<_> =
        lines.take(NOTE_SIGNATURES_MAX + 1).map(NoteSignature::parse).collect::<Result<_, _>>()?;
    if signatures.len() > NOTE_SIGNATURES_MAX {
        return Err(NoteError::TooLarge);
    }
    Ok(signatures)
}

/// How many of which witnesses make a head trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    witnesses: Vec<WitnessKey>,
    needed: usize,
}

/// Why a policy is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// More cosignatures than there are witnesses.
    #[error("the policy asks for {needed} cosignatures of {witnesses} witnesses")]
    Unreachable {
        /// Cosignatures asked for.
        needed: usize,
        /// Witnesses there are.
        witnesses: usize,
    },
    /// A name or a key stands there twice: one witness would count as two.
    #[error("the policy names a witness twice, by its name or by its key")]
    Repeated,
}

impl Policy {
    /// A head is trusted when `needed` of these have cosigned it. None may be needed:
    /// then the log's own signature is all.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn new(witnesses: Vec<WitnessKey>, needed: usize) -> Result<Self, PolicyError> {
        if needed > witnesses.len() {
            return Err(PolicyError::Unreachable { needed, witnesses: witnesses.len() });
        }
        let repeated = witnesses.iter().enumerate().any(|(at, one)| {
            witnesses[..at]
                .iter()
                .any(|other| one.name() == other.name() || one.key() == other.key())
        });
        if repeated { Err(PolicyError::Repeated) } else { Ok(Self { witnesses, needed }) }
    }

    /// Who counts.
    #[must_use]
    pub fn witnesses(&self) -> &[WitnessKey] {
        &self.witnesses
    }

    /// How many are needed.
    #[must_use]
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// Whether these are enough, each witness of the policy counted once.
    #[must_use]
    pub fn is_met_by(&self, cosigned: &[Cosigned]) -> bool {
        let counts = |key: &&WitnessKey| cosigned.iter().any(|one| one.witness == *key.name());
        self.witnesses.iter().filter(counts).count() >= self.needed
    }
}
