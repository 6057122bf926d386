//! Rounds over a link that this node has opened: its head is shown and cosigned, the
//! peer's is looked at and cosigned, and both compare what they hold of other logs.

use std::time::Duration;

use barid_audit::note::NoteSignature;
use barid_audit::tree::Hash;
use barid_link::caps;
use barid_link::stub::audit::audit_service_client::AuditServiceClient;
use barid_link::stub::audit::witness_service_client::WitnessServiceClient;
use barid_proto::audit::v1::add_checkpoint_response::Answer;
use barid_proto::audit::v1::{
    AddCheckpointRequest, AddCosignatureRequest, ExchangeHeadsRequest, GetCheckpointRequest,
    GetConsistencyProofRequest,
};
use bytes::Bytes;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::comparing::{compare, held};
use super::{Seen, see, witness_keys};
use crate::grpc::Services;

/// From one round to the next at most: a changed log is noticed within two of them.
const ROUND_MAX: Duration = Duration::from_secs(10);

/// Proofs asked for in one round: from the rumour, from the head held, and once more where
/// either has changed meanwhile.
const TRIES: usize = 4;

/// Goes round for as long as the link is up.
pub(crate) async fn keep_rounds(services: Services, peer: std::sync::Arc<str>, channel: Channel) {
    // What the peer is known to hold of this node's log, and what it was shown.
    let (mut known, mut shown) = (0, 0);
    loop {
        if let Err(status) = show(&services, &peer, &channel, &mut known, &mut shown).await {
            tracing::debug!(%peer, code = ?status.code(), "head not shown to a peer");
        }
        if let Err(status) = look(&services, &peer, &channel).await {
            tracing::debug!(%peer, code = ?status.code(), "head of a peer not looked at");
        }
        if let Err(status) = exchange(&services, &channel).await {
            tracing::debug!(%peer, code = ?status.code(), "heads not compared with a peer");
        }
        // No oftener than there are new heads.
        tokio::time::sleep(services.witness.every.min(ROUND_MAX)).await;
    }
}

/// Has this node's newest head cosigned.
async fn show(
    services: &Services,
    peer: &str,
    channel: &Channel,
    known: &mut u64,
    shown: &mut u64,
) -> Result<(), Status> {
    let log = services.broker.audit_log();
    for _ in 0..TRIES {
        let Some(head) = log.standing().head else { return Ok(()) };
        let size = head.checkpoint().size;
        if size <= *shown {
            return Ok(());
        }
        let proof = match *known {
            0 => Vec::new(),
            old => tokio::task::block_in_place(|| log.consistency(old, size)).unwrap_or_default(),
        };
        let proof = proof.iter().map(|hash| Bytes::copy_from_slice(&hash.0)).collect();
        let checkpoint = head.to_bytes().into();
        let asked = AddCheckpointRequest { old_size: *known, proof, checkpoint };
        let answer = witness(channel).add_checkpoint(timed(asked)).await?.into_inner().answer;
        match answer {
            Some(Answer::Cosignature(line)) => {
                cosigned(services, peer, &line);
                (*known, *shown) = (size, size);
                return Ok(());
            }
            Some(Answer::HeldSize(held)) => *known = held,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Puts a peer's cosignature under this node's head, where it holds.
pub(crate) fn cosigned(services: &Services, peer: &str, line: &str) {
    let Ok(signature) = NoteSignature::parse(line) else { return };
    let log = services.broker.audit_log();
    let held = witness_keys(services, peer)
        .iter()
        .any(|key| key.made(&signature) && log.cosign(key, signature.clone()).is_ok());
    if !held {
        tracing::debug!(peer, "a cosignature does not hold, or is of an older head");
    }
}

/// Looks at the peer's newest head, and cosigns it.
async fn look(services: &Services, peer: &str, channel: &Channel) -> Result<(), Status> {
    let asked = GetCheckpointRequest { position: None };
    let note = audit(channel).get_checkpoint(timed(asked)).await?.into_inner().checkpoint;
    let size = size_of(&note);
    let (mut old, mut proof) = (0, Vec::new());
    for _ in 0..TRIES {
        match see(services, peer, old, &proof, &note).await {
            Ok(Seen::Cosigned(signature)) => {
                let asked = AddCosignatureRequest { cosignature: signature.to_string() };
                witness(channel).add_cosignature(timed(asked)).await?;
                return Ok(());
            }
            Ok(Seen::Held(held)) => {
                (old, proof) = (held, prove(channel, held, size).await?);
            }
            Err(_told) => return Ok(()),
        }
    }
    Ok(())
}

async fn prove(channel: &Channel, old: u64, size: u64) -> Result<Vec<Hash>, Status> {
    if old == 0 || old >= size {
        return Ok(Vec::new());
    }
    let asked = GetConsistencyProofRequest { old_size: old, new_size: size };
    let answer = audit(channel).get_consistency_proof(timed(asked)).await?.into_inner();
    Ok(answer.hashes.iter().filter_map(|hash| Hash::from_slice(hash)).collect())
}

async fn exchange(services: &Services, channel: &Channel) -> Result<(), Status> {
    let asked = ExchangeHeadsRequest { checkpoints: held(services) };
    let answer = witness(channel).exchange_heads(timed(asked)).await?.into_inner();
    compare(services, &answer.checkpoints).await;
    Ok(())
}

/// What is said here of a peer's heads to another one, who says its own.
pub(crate) async fn exchanged(services: &Services, heads: &[Bytes]) -> Vec<Bytes> {
    compare(services, heads).await;
    held(services)
}

/// Leaves that a note says it is about, which nobody believes yet.
fn size_of(note: &[u8]) -> u64 {
    let line = std::str::from_utf8(note).ok().and_then(|note| note.lines().nth(1));
    line.and_then(|line| line.parse().ok()).unwrap_or(0)
}

fn audit(channel: &Channel) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(channel.clone())
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES)
}

fn witness(channel: &Channel) -> WitnessServiceClient<Channel> {
    WitnessServiceClient::new(channel.clone())
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES)
}

fn timed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(caps::CALL_DEADLINE);
    request
}
