//! A head of a peer's own log, from that peer.

use std::sync::Arc;

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::{LogKey, Note, NoteSignature};
use barid_audit::tree::{Hash, verify_consistency};
use barid_audit::witness::{REQUEST_HASHES_MAX, Refusal};
use barid_broker::heads::AdmitError;
use barid_message::Reason;

use super::{accuse, head_of};
use crate::grpc::Services;

/// What a witness says to a head.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It continues what was cosigned.
    Cosigned(NoteSignature),
    /// Show that it continues the tree of this size.
    Held(u64),
}

/// Why a head is not cosigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotSeen {
    /// No signed note, or hashes that are none.
    Malformed,
    /// Not of the peer's log, or not signed with a key on its card.
    OtherLog,
    /// The proof is too long, or does not hold.
    ProofInvalid,
    /// Fewer leaves than were cosigned.
    RolledBack,
    /// Another root than was cosigned, or shown to others.
    Forked,
    /// It could not be stored.
    Unwritten,
}

/// Judges a head that a peer shows of its own log; `old` is what its proof begins at.
///
/// # Errors
/// [`NotSeen`]; where it proves that the log was changed, that is on record.
pub(crate) async fn see(
    services: &Services,
    peer: &str,
    old: u64,
    proof: &[Hash],
    note: &[u8],
) -> Result<Seen, NotSeen> {
    if proof.len() > REQUEST_HASHES_MAX {
        return Err(NotSeen::ProofInvalid);
    }
    let note = Note::parse(note).map_err(|_why| NotSeen::Malformed)?;
    let (key, head) = head_of(services, peer, &note).ok_or(NotSeen::OtherLog)?;
    let held = services.broker.heads().held(&key).map_err(|_why| NotSeen::Unwritten)?;
    if let Some(held) = &held {
        let (known, new) = (held.checkpoint(), head.checkpoint());
        if new.size < known.size {
            accuse(services, peer, Reason::HeadRolledBack, &note, held.note()).await;
            return Err(NotSeen::RolledBack);
        }
        if new.size == known.size && new.root != known.root {
            accuse(services, peer, Reason::HeadForked, &note, held.note()).await;
            return Err(NotSeen::Forked);
        }
    }
    if let Some(rumour) = rumour(services, &key, &head) {
        let size = rumour.checkpoint().size;
        if old != size {
            return Ok(Seen::Held(size));
        }
        let (known, new) = (rumour.checkpoint(), head.checkpoint());
        if verify_consistency(size, new.size, known.root, new.root, proof).is_err() {
            accuse(services, peer, Reason::HeadForked, &note, rumour.note()).await;
            return Err(NotSeen::Forked);
        }
        let mut memory = services.witness.lock();
        memory.rumours.remove(key.name().as_str());
        memory.settled.insert(key.name().to_string(), rumour);
        drop(memory);
        if held.as_ref().is_none_or(|held| held.checkpoint().size != size) {
            return Ok(Seen::Held(held.map_or(0, |held| held.checkpoint().size)));
        }
    }
    admit(services, peer, &key, old, proof, note).await
}

/// A head that came by another node, and that this one must come through.
fn rumour(
    services: &Services,
    key: &LogKey,
    head: &SignedCheckpoint,
) -> Option<Arc<SignedCheckpoint>> {
    let memory = services.witness.lock();
    let rumour = memory.rumours.get(key.name().as_str())?;
    let is_due = (1..=head.checkpoint().size).contains(&rumour.checkpoint().size);
    is_due.then(|| Arc::clone(rumour))
}

async fn admit(
    services: &Services,
    peer: &str,
    key: &LogKey,
    old: u64,
    proof: &[Hash],
    note: Note,
) -> Result<Seen, NotSeen> {
    let admitted = tokio::task::block_in_place(|| {
        services.broker.heads().admit(key, old, proof, note.clone())
    });
    match admitted {
        Ok(head) => {
            let time_s = services.broker.now().0 / 1_000;
            Ok(Seen::Cosigned(services.witness.signer.cosign(head.note().text(), time_s)))
        }
        Err(AdmitError::Refused(Refusal::Conflict(size))) => Ok(Seen::Held(size)),
        Err(AdmitError::Refused(Refusal::Unproven)) => {
            let known = services.broker.heads().held(key).ok().flatten();
            if let Some(known) = known {
                accuse(services, peer, Reason::ProofInvalid, &note, known.note()).await;
            }
            Err(NotSeen::ProofInvalid)
        }
        Err(AdmitError::Refused(Refusal::Fork(_))) => Err(NotSeen::Forked),
        Err(AdmitError::Refused(Refusal::Unsigned | Refusal::UnknownLog)) => Err(NotSeen::OtherLog),
        Err(AdmitError::Refused(_)) => Err(NotSeen::ProofInvalid),
        Err(error @ (AdmitError::Write(_) | AdmitError::Disk(_))) => {
            tracing::error!(%error, "head of a peer's log not stored, and not cosigned");
            Err(NotSeen::Unwritten)
        }
    }
}
