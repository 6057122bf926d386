//! WitnessService: what nodes that watch one another's logs use.

use std::sync::Arc;

use barid_audit::tree::Hash;
use barid_broker::decide::Refusal;
use barid_link::stub::audit::witness_service_server::WitnessService;
use barid_message::Reason;
use barid_proto::audit::v1::add_checkpoint_response::Answer;
use barid_proto::audit::v1::{
    AddCheckpointRequest, AddCheckpointResponse, AddCosignatureRequest, AddCosignatureResponse,
    ExchangeHeadsRequest, ExchangeHeadsResponse,
};
use tonic::{Extensions, Request, Response, Status};

use super::Services;
use super::status::{refuse, status};
use crate::witness::{HEADS_MAX, NotSeen, Seen, cosigned, exchanged, see};

/// The handlers.
pub(crate) struct Witnessing(pub(crate) Services);

impl Witnessing {
    async fn admit(&self, call: &Extensions) -> Result<Arc<str>, Status> {
        let peer = self.0.peer(call).await?;
        if self.0.witness.is_asked_too_often(&peer, self.0.broker.now()) {
            let text = "that is more than a witness need be asked in a minute";
            return Err(status(&Refusal::new(Reason::Overloaded, text).retry_after(60_000)));
        }
        Ok(peer)
    }
}

#[tonic::async_trait]
impl WitnessService for Witnessing {
    async fn add_checkpoint(
        &self,
        request: Request<AddCheckpointRequest>,
    ) -> Result<Response<AddCheckpointResponse>, Status> {
        let peer = self.admit(request.extensions()).await?;
        let AddCheckpointRequest { old_size, proof, checkpoint } = request.into_inner();
        let proof: Option<Vec<_>> = proof.iter().map(|hash| Hash::from_slice(hash)).collect();
        let proof = proof.ok_or_else(|| refused(NotSeen::Malformed))?;
        let seen = see(&self.0, &peer, old_size, &proof, &checkpoint).await.map_err(refused)?;
        let answer = match seen {
            Seen::Cosigned(signature) => Answer::Cosignature(signature.to_string()),
            Seen::Held(size) => Answer::HeldSize(size),
        };
        Ok(Response::new(AddCheckpointResponse { answer: Some(answer) }))
    }

    async fn add_cosignature(
        &self,
        request: Request<AddCosignatureRequest>,
    ) -> Result<Response<AddCosignatureResponse>, Status> {
        let peer = self.admit(request.extensions()).await?;
        cosigned(&self.0, &peer, &request.into_inner().cosignature);
        Ok(Response::new(AddCosignatureResponse {}))
    }

    async fn exchange_heads(
        &self,
        request: Request<ExchangeHeadsRequest>,
    ) -> Result<Response<ExchangeHeadsResponse>, Status> {
        self.admit(request.extensions()).await?;
        let heads = request.into_inner().checkpoints;
        if heads.len() > HEADS_MAX {
            return Err(refuse(Reason::ListInvalid, "at most 32 heads at once"));
        }
        let checkpoints = exchanged(&self.0, &heads).await;
        Ok(Response::new(ExchangeHeadsResponse { checkpoints }))
    }
}

fn refused(why: NotSeen) -> Status {
    let (reason, text) = match why {
        NotSeen::Malformed => {
            (Reason::Malformed, "no signed note, or a hash that has not 32 bytes")
        }
        NotSeen::OtherLog => {
            (Reason::OtherLog, "not a head of your log, signed with a log key on your card here")
        }
        NotSeen::ProofInvalid => {
            (Reason::ProofInvalid, "the proof does not lead from the head held here to this one")
        }
        NotSeen::RolledBack => {
            (Reason::HeadRolledBack, "a head of your log with more leaves was cosigned here")
        }
        NotSeen::Forked => {
            (Reason::HeadForked, "your log has shown another history; both heads are kept")
        }
        NotSeen::Unwritten => {
            let text = "the head cannot be stored now, and is not cosigned";
            return status(&Refusal::new(Reason::StorageFull, text).retry_after(10_000));
        }
    };
    refuse(reason, text)
}
