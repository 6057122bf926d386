//! Peers that two operators write off.

use barid_broker::decide::write_off::{self, ProposalName};
use barid_broker::state::State;
use barid_broker::state::write_off::Proposal;
use barid_message::Reason;
use barid_proto::operations::v1::{
    ConfirmWriteOffRequest, ConfirmWriteOffResponse, ProposeWriteOffRequest,
    ProposeWriteOffResponse, WithdrawWriteOffRequest, WithdrawWriteOffResponse, WriteOff,
};
use tonic::Status;

use super::authn::Operator;
use super::events::purpose;
use super::status::{refuse, status};
use super::{Services, timestamp};

/// Proposes one. Why must be said: another person has to follow it.
pub(super) async fn propose(
    services: &Services,
    operator: &Operator,
    request: ProposeWriteOffRequest,
) -> Result<ProposeWriteOffResponse, Status> {
    purpose(&request.why)?;
    if request.why.is_empty() {
        let text = "say why it is to be written off; it is kept on record, and shown to whoever \
                    confirms";
        return Err(refuse(Reason::FieldMissing, text));
    }
    let ProposeWriteOffRequest { peer, why } = request;
    let broker = &services.broker;
    let proposed = broker.propose_write_off(operator.identity.to_string(), peer.clone(), why).await;
    let id = proposed.map_err(|refusal| status(&refusal))?;
    let found = broker.inspect(move |state| by_id(state, id)).await;
    // Gone again: withdrawn meanwhile.
    let write_off = found.map_err(|refusal| status(&refusal))?;
    let write_off = write_off.map(|write_off| WriteOff { peer, ..write_off });
    Ok(ProposeWriteOffResponse { write_off })
}

/// Confirms one of another operator.
pub(super) async fn confirm(
    services: &Services,
    operator: &Operator,
    request: ConfirmWriteOffRequest,
) -> Result<ConfirmWriteOffResponse, Status> {
    let ConfirmWriteOffRequest { peer, id } = request;
    let name = ProposalName { peer, id };
    let confirmed = services.broker.confirm_write_off(operator.identity.to_string(), name).await;
    let deliveries = confirmed.map_err(|refusal| status(&refusal))?;
    Ok(ConfirmWriteOffResponse { deliveries })
}

/// Withdraws one.
pub(super) async fn withdraw(
    services: &Services,
    operator: &Operator,
    request: WithdrawWriteOffRequest,
) -> Result<WithdrawWriteOffResponse, Status> {
    let WithdrawWriteOffRequest { peer, id } = request;
    let name = ProposalName { peer, id };
    let withdrawn = services.broker.withdraw_write_off(operator.identity.to_string(), name).await;
    withdrawn.map_err(|refusal| status(&refusal))?;
    Ok(WithdrawWriteOffResponse {})
}

fn by_id(state: &State, id: u64) -> Option<WriteOff> {
    state.links().find_map(|(peer, link)| {
        let proposal = link.proposal().filter(|proposal| proposal.id == id)?;
        Some(shown(proposal, peer, write_off::outstanding(state, peer)))
    })
}

/// A proposal, with the deliveries that would end now.
pub(super) fn shown(proposal: &Proposal, peer: &str, outstanding: u64) -> WriteOff {
    WriteOff {
        id: proposal.id,
        peer: peer.to_owned(),
        proposed_by: proposal.by.clone(),
        why: proposal.why.clone(),
        proposed_at: timestamp(proposal.at),
        expires_at: timestamp(proposal.until),
        outstanding,
    }
}
