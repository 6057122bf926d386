//! AuditService: the audit log, for those who check it.

use barid_audit::tree::{Hash, Tile};
use barid_broker::audit_log::{AuditLog, TileError};
use barid_broker::decide::Refusal;
use barid_link::stub::audit::audit_service_server::AuditService;
use barid_message::Reason;
use barid_proto::audit::v1::{
    GetCheckpointRequest, GetCheckpointResponse, GetConsistencyProofRequest,
    GetConsistencyProofResponse, GetInclusionProofRequest, GetInclusionProofResponse,
    GetTileRequest, GetTileResponse, ListLeavesRequest, ListLeavesResponse,
};
use bytes::Bytes;
use tonic::{Extensions, Request, Response, Status};

use super::events::purpose;
use super::reading::Reading;
use super::status::{refuse, status};
use super::{Services, blocking};

/// Leaves of one answer: they have room in a message of gRPC where they are of the usual
/// size, and else fewer come.
const LEAVES_MAX: u64 = 256;

/// Bytes of leaves in one answer.
const LEAVES_BYTES: usize = 384 * 1024;

/// Who is asked by: each on a listener of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Other nodes, which get heads, proofs and hashes.
    Peers,
    /// Operators, who get leaves too.
    Operators,
}

/// The handlers.
pub(crate) struct Auditing(pub(crate) Services, pub(crate) Audience);

impl Auditing {
    async fn admit(&self, call: &Extensions) -> Result<&AuditLog, Status> {
        match self.1 {
            Audience::Peers => self.0.peer(call).await.map(drop)?,
            Audience::Operators => self.0.operator(call).await.map(drop)?,
        }
        Ok(self.0.broker.audit_log())
    }
}

#[tonic::async_trait]
impl AuditService for Auditing {
    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let log = self.admit(request.extensions()).await?;
        let position = request.into_inner().position;
        if position.is_some_and(|position| position >= self.0.broker.durable()) {
            return Err(refuse(Reason::OutOfRange, "there is no such position yet"));
        }
        let head = match position {
            Some(position) => log.head_with(position).await,
            None => log.standing().head,
        };
        let head = head.ok_or_else(down)?;
        Ok(Response::new(GetCheckpointResponse {
            checkpoint: head.to_bytes().into(),
            log_key: log.key().to_vkey(),
        }))
    }

    async fn get_inclusion_proof(
        &self,
        request: Request<GetInclusionProofRequest>,
    ) -> Result<Response<GetInclusionProofResponse>, Status> {
        let log = self.admit(request.extensions()).await?;
        let GetInclusionProofRequest { position, size } = request.into_inner();
        if position >= size {
            return Err(refuse(Reason::OutOfRange, "the tree of that size has no such leaf"));
        }
        let hashes = blocking(|| log.inclusion(position, size)).map_err(unread)?;
        Ok(Response::new(GetInclusionProofResponse { hashes: wire(&hashes) }))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<GetConsistencyProofRequest>,
    ) -> Result<Response<GetConsistencyProofResponse>, Status> {
        let log = self.admit(request.extensions()).await?;
        let GetConsistencyProofRequest { old_size, new_size } = request.into_inner();
        if old_size == 0 || old_size > new_size {
            let text = "the older tree has 1 leaf at least, and no more than the newer";
            return Err(refuse(Reason::OutOfRange, text));
        }
        let hashes = blocking(|| log.consistency(old_size, new_size)).map_err(unread)?;
        Ok(Response::new(GetConsistencyProofResponse { hashes: wire(&hashes) }))
    }

    async fn get_tile(
        &self,
        request: Request<GetTileRequest>,
    ) -> Result<Response<GetTileResponse>, Status> {
        let log = self.admit(request.extensions()).await?;
        let GetTileRequest { level, index, width } = request.into_inner();
        let tile = u16::try_from(width).ok().and_then(|width| Tile::new(level, index, width));
        let tile = tile.ok_or_else(|| {
            refuse(Reason::FieldInvalid, "a tile has a level of 0 to 7 and 1 to 256 hashes")
        })?;
        let hashes = blocking(|| log.tile(tile)).map_err(unread)?;
        Ok(Response::new(GetTileResponse { hashes: hashes.into() }))
    }

    async fn list_leaves(
        &self,
        request: Request<ListLeavesRequest>,
    ) -> Result<Response<ListLeavesResponse>, Status> {
        if self.1 == Audience::Peers {
            let peer = self.0.peer(request.extensions()).await?;
            let text = "leaves are for auditors: they say who exchanges what, and when";
            return Err(self.0.refuse_on_record(&peer, Reason::NotPermitted, text).await);
        }
        let operator = self.0.operator(request.extensions()).await?;
        let ListLeavesRequest { position, count, purpose: why } = request.into_inner();
        purpose(&why)?;
        if why.trim().is_empty() {
            return Err(refuse(Reason::FieldMissing, "say why the leaves are read"));
        }
        if count == 0 || u64::from(count) > LEAVES_MAX {
            return Err(refuse(Reason::FieldInvalid, "1 to 256 leaves can be asked for at once"));
        }
        let log = self.0.broker.audit_log();
        let head = log.standing().head.ok_or_else(down)?.checkpoint().size;
        if position >= head {
            return Err(refuse(Reason::OutOfRange, "the newest head has no such leaf"));
        }
        let until = position.saturating_add(count.into()).min(head);
        let words = format!("leaves {position} to {}", until - 1);
        let broker = &self.0.broker;
        let mut reading = Reading::open(broker, &operator.identity, "leaves", words, &why).await?;
        let leaves = blocking(|| leaves(log, position, until)).map_err(unread)?;
        reading.count(leaves.len());
        Ok(Response::new(ListLeavesResponse { leaves }))
    }
}

/// As many of the leaves as one answer holds.
fn leaves(log: &AuditLog, from: u64, until: u64) -> Result<Vec<Bytes>, TileError> {
    let mut leaves = Vec::new();
    let mut bytes = 0;
    for index in from / Tile::WIDTH..until.div_ceil(Tile::WIDTH) {
        let first = index * Tile::WIDTH;
        let width = u16::try_from((until - first).min(Tile::WIDTH)).unwrap_or(u16::MAX);
        let skipped = usize::try_from(from.saturating_sub(first)).unwrap_or(usize::MAX);
        for leaf in log.entries(index, width)?.into_iter().skip(skipped) {
            bytes += leaf.len();
            if bytes > LEAVES_BYTES && !leaves.is_empty() {
                return Ok(leaves);
            }
            leaves.push(Bytes::from(leaf));
        }
    }
    Ok(leaves)
}

fn wire(hashes: &[Hash]) -> Vec<Bytes> {
    hashes.iter().map(|hash| Bytes::copy_from_slice(&hash.0)).collect()
}

fn down() -> Status {
    let text = "the audit log has no head at present; ask again in a moment";
    status(&Refusal::new(Reason::AuditLogDown, text).retry_after(1_000))
}

fn unread(error: TileError) -> Status {
    match error {
        TileError::Beyond { .. } => {
            refuse(Reason::OutOfRange, "the newest head has fewer leaves than that")
        }
        TileError::Missing(_) => {
            refuse(Reason::NotFound, "the audit log has no such file, or not any more")
        }
        TileError::Damaged(_) | TileError::Disk(_) => {
            tracing::error!(%error, "audit log cannot be read");
            down()
        }
    }
}
