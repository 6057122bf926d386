//! A receipt: the node's signed word that it has the message.

use barid_audit::evidence::{self, EvidenceError};
use barid_message::digest::Digest;
use barid_message::key::PublicKey;
use barid_proto::audit::v1::{Event, Evidence, SignedEvidence};
use barid_proto::message::v1::SignedMessage;
use thiserror::Error;

use super::error::CallError;

/// A receipt whose signature and subject were checked. From here on the node
/// owes the message's deliveries.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    /// As signed: keep this.
    pub evidence: SignedEvidence,
    /// What it says.
    pub statement: Evidence,
    /// True where the node had the message already.
    pub repeated: bool,
}

/// Why a message has no receipt.
#[derive(Clone, Debug, Error)]
pub enum SubmitError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The node answered with something that is no receipt for this message.
    #[error("the node's receipt does not hold: keep the message and tell the node's operator")]
    Receipt(#[from] ReceiptError),
}

/// Why a receipt does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The evidence proves nothing.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// It is about another message, or not about its acceptance.
    #[error("the receipt is for something else")]
    OtherSubject,
}

impl Receipt {
    pub(super) fn check(
        message: &SignedMessage,
        evidence: SignedEvidence,
        repeated: bool,
        keys: &[PublicKey],
    ) -> Result<Self, ReceiptError> {
        let statement = evidence::verify(&evidence, keys)?;
        let header = message.envelope.as_ref().map(|envelope| &envelope.payload);
        let of_this_message =
            header.is_some_and(|header| *Digest::of(header).as_bytes() == *statement.header_digest);
        if !of_this_message || statement.event() != Event::SubmissionAccepted {
            return Err(ReceiptError::OtherSubject);
        }
        Ok(Self { evidence, statement, repeated })
    }
}
