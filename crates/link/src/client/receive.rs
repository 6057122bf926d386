//! Receiving from an inbox over any number of connections.

mod driver;

use std::time::Duration;

use barid_message::Reason;
use barid_message::address::Address;
use barid_proto::Timestamp;
use barid_proto::audit::v1::SignedEvidence;
use barid_proto::exchange::v1 as pb;
use barid_proto::exchange::v1::lease_result::Result as Outcome;
use barid_proto::exchange::v1::receive_messages_request::Command;
use barid_proto::message::v1::{SignedMessage, Status as MessageStatus};
use bytes::Bytes;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::agency::AgencyClient;
use super::error::{CallError, Refusal};
use crate::caps;
use driver::{Ask, Driver};

/// What is received, and how.
#[derive(Clone, Debug)]
pub struct ReceiveOptions {
    /// The inbox.
    pub inbox: Address,
    /// Statuses wanted; empty = ACTUAL alone.
    pub statuses: Vec<MessageStatus>,
    /// Messages handed out and not yet answered, 1 to
    /// [`caps::HAND_OUTS_OUTSTANDING`]; other values are brought into that
    /// range.
    pub max_outstanding: u32,
    /// How long an answer (ack, nack, refusal, renewal) may wait for the node's
    /// word, over broken connections.
    pub answer_limit: Duration,
}

impl ReceiveOptions {
    /// Actual messages of an inbox, 64 at a time.
    pub fn new(inbox: Address) -> Self {
        Self {
            inbox,
            statuses: Vec::new(),
            max_outstanding: caps::HAND_OUTS_OUTSTANDING,
            answer_limit: caps::CALL_DEADLINE,
        }
    }
}

/// Messages of an inbox. [`Receiver::close`] gives back what was handed out and not
/// answered; dropping it leaves that to the end of its leases.
#[derive(Debug)]
pub struct Receiver {
    hand_outs: mpsc::Receiver<HandOut>,
    closing: oneshot::Sender<()>,
    task: JoinSet<CallError>,
    ended: Option<CallError>,
}

/// One message, handed out to this consumer until its lease ends. Keep the
/// message, then [`HandOut::ack`] it: in that order, so that a crash between
/// the two leads to a repeat and not to a loss.
#[derive(Debug)]
pub struct HandOut {
    message: SignedMessage,
    lease: Bytes,
    lease_expires_at: Option<Timestamp>,
    redelivered: bool,
    attempt: u32,
    acceptance: Option<SignedEvidence>,
    head_unknown: bool,
    standing: pb::Standing,
    asks: mpsc::Sender<Ask>,
    limit: Duration,
}

/// Why an answer was not taken.
#[derive(Clone, Debug, Error)]
pub enum AnswerError {
    /// The node refused it. `ALREADY_FINAL` or `LEASE_UNKNOWN` after a broken
    /// connection may mean that it was taken the first time: the delivery's
    /// status tells.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No word from the node in time. The message comes again if the answer did
    /// not reach it.
    #[error("the node did not answer in time; the message may come again")]
    Unanswered,
    /// The [`Receiver`] is gone or has failed.
    #[error("the receiving stream has ended; the message comes again")]
    Ended,
    /// The node's answer is of another kind.
    #[error("the node's answer is not understood; it may be of a newer version")]
    Answer,
}

impl Receiver {
    /// The next message. Waits as long as it takes, over broken connections;
    /// may be dropped and called again without losing anything.
    ///
    /// # Errors
    /// What trying again does not mend (a refusal, a certificate), and then
    /// always the same.
    pub async fn next(&mut self) -> Result<HandOut, CallError> {
        if let Some(hand_out) = self.hand_outs.recv().await {
            return Ok(hand_out);
        }
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let error = match self.task.join_next().await {
            Some(Ok(error)) => error,
            Some(Err(failed)) if failed.is_panic() => {
                std::panic::resume_unwind(failed.into_panic())
            }
            Some(Err(_)) | None => CallError::Interrupted,
        };
        self.ended = Some(error.clone());
        Err(error)
    }
}

impl Receiver {
    /// Ends the stream in order: what was handed out and not answered is ready for
    /// others at once, and was no failed try.
    pub async fn close(mut self) {
        if self.closing.send(()).is_err() {
            tracing::debug!("the receiving stream has ended already");
        }
        drop(timeout(caps::CLOSE_LIMIT, self.task.join_next()).await);
    }
}

impl HandOut {
    /// The message, as signed.
    pub fn message(&self) -> &SignedMessage {
        &self.message
    }

    /// True where the message may have been handed out before: compare ids.
    pub fn redelivered(&self) -> bool {
        self.redelivered
    }

    /// Tries so far, this one included.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Until when the node waits for the answer.
    pub fn lease_expires_at(&self) -> Option<&Timestamp> {
        self.lease_expires_at.as_ref()
    }

    /// Evidence of the origin's node that it accepted the message.
    pub fn acceptance(&self) -> Option<&SignedEvidence> {
        self.acceptance.as_ref()
    }

    /// True where the message replaces or recalls one that this inbox was not given.
    pub fn head_unknown(&self) -> bool {
        self.head_unknown
    }

    /// What the node knows of messages that replace or recall this one.
    pub fn standing(&self) -> pb::Standing {
        self.standing
    }

    /// Says that the message is kept: gives evidence HANDED_OVER.
    pub async fn ack(&mut self) -> Result<SignedEvidence, AnswerError> {
        let ack = pb::Ack { lease: self.lease.clone(), signed_ack: None };
        evidence_of(self.ask(Command::Ack(ack)).await?)
    }

    /// Refuses the message for good, for a reason of 350 to 399: gives evidence
    /// REFUSED.
    pub async fn refuse(&mut self, reason: Reason) -> Result<SignedEvidence, AnswerError> {
        let refuse = pb::Refuse { lease: self.lease.clone(), reason: reason.into() };
        evidence_of(self.ask(Command::Refuse(refuse)).await?)
    }

    /// Gives the message back, to be tried again not before `retry_after` (at
    /// most 1 h); without it, when the node thinks best.
    pub async fn nack(
        &mut self,
        retry_after: Option<Duration>,
    ) -> Result<pb::Returned, AnswerError> {
        let retry_after = retry_after.unwrap_or_default().as_millis();
        let nack = pb::Nack {
            lease: self.lease.clone(),
            retry_after_ms: u32::try_from(retry_after).unwrap_or(u32::MAX),
        };
        match self.ask(Command::Nack(nack)).await? {
            Outcome::Returned(returned) => Ok(returned),
            other => Err(unexpected(other)),
        }
    }

    /// Asks for another 30 s.
    pub async fn renew(&mut self) -> Result<(), AnswerError> {
        let renew = pb::Renew { lease: self.lease.clone() };
        match self.ask(Command::Renew(renew)).await? {
            Outcome::Renewed(renewed) => {
                self.lease_expires_at = renewed.lease_expires_at;
                Ok(())
            }
            other => Err(unexpected(other)),
        }
    }

    async fn ask(&self, command: Command) -> Result<Outcome, AnswerError> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask { lease: self.lease.clone(), command, reply };
        let asking = async {
            self.asks.send(ask).await.map_err(|_closed| AnswerError::Ended)?;
            answer.await.map_err(|_closed| AnswerError::Ended)
        };
        timeout(self.limit, asking).await.unwrap_or(Err(AnswerError::Unanswered))
    }
}

fn evidence_of(outcome: Outcome) -> Result<SignedEvidence, AnswerError> {
    match outcome {
        Outcome::Evidence(evidence) => Ok(evidence),
        other => Err(unexpected(other)),
    }
}

fn unexpected(outcome: Outcome) -> AnswerError {
    match outcome {
        Outcome::Refusal(refusal) => AnswerError::Refused(Box::new(Refusal::from_proto(refusal))),
        Outcome::Evidence(_) | Outcome::Returned(_) | Outcome::Renewed(_) => AnswerError::Answer,
    }
}

pub(super) fn start(client: AgencyClient, options: ReceiveOptions) -> Receiver {
    let (closing, closed) = oneshot::channel();
    let (driver, hand_outs) = Driver::new(client, options, closed);
    let mut task = JoinSet::new();
    task.spawn(driver.run());
    Receiver { hand_outs, closing, task, ended: None }
}
