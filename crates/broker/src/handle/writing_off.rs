//! Writing off a peer, as operators ask for it.

use super::Broker;
use crate::command::Operation;
use crate::decide::Refusal;
use crate::decide::write_off::ProposalName;

impl Broker {
    /// Proposes to write off a peer; gives the number of the proposal.
    ///
    /// # Errors
    /// [`Refusal`] where there is no such peer, or a proposal waits already.
    pub async fn propose_write_off(
        &self,
        operator: String,
        peer: String,
        why: String,
    ) -> Result<u64, Refusal> {
        self.operate(|reply| Operation::ProposeWriteOff { operator, peer, why, reply }).await
    }

    /// Confirms a proposal of another operator; gives how many deliveries end. They do one
    /// by one behind this.
    ///
    /// # Errors
    /// [`Refusal`] where there is none, it is too old, or the operator's own.
    pub async fn confirm_write_off(
        &self,
        operator: String,
        name: ProposalName,
    ) -> Result<u64, Refusal> {
        self.operate(|reply| Operation::ConfirmWriteOff(operator, name, reply)).await
    }

    /// Withdraws a proposal.
    ///
    /// # Errors
    /// [`Refusal`] where there is none.
    pub async fn withdraw_write_off(
        &self,
        operator: String,
        name: ProposalName,
    ) -> Result<(), Refusal> {
        self.operate(|reply| Operation::WithdrawWriteOff(operator, name, reply)).await
    }
}
