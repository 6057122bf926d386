//! A consumer's answers: decided in the order in which they came, without waiting
//! for one before the next is taken.

use std::sync::Arc;

use barid_broker::command::Settlement;
use barid_broker::decide::Refusal;
use barid_broker::decide::settle::Answer;
use barid_broker::{Ended, Settling};
use barid_message::Reason;
use barid_message::time::Millis;
use barid_proto::audit::v1::Event as Final;
use barid_proto::exchange::v1::lease_result::Result as LeaseOutcome;
use barid_proto::exchange::v1::receive_messages_request::Command;
use barid_proto::exchange::v1::receive_messages_response::Event;
use barid_proto::exchange::v1::{
    Ack, LeaseResult, Nack, ReceiveMessagesResponse, Refuse, Renew, Renewed, Returned,
};
use bytes::Bytes;
use tokio::sync::mpsc;
use tonic::Status;

use super::outbound::Answers;
use super::receive::gone;
use super::status::refuse;
use super::{Services, timestamp};

/// Answers of one stream that wait for their decision.
const WINDOW: usize = 128;

/// An answer that waits for its decision.
struct Waiting {
    lease: Bytes,
    is_ack: bool,
    settling: Result<Settling, Refusal>,
}

/// What an answer did to the lease that it was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lease {
    /// It is over, or was never this stream's: there is room for another hand-out.
    Over,
    /// It runs until then.
    Until(Millis),
}

impl Lease {
    /// `None` where it runs on as before: a refused answer must not make room, or a
    /// consumer could hold any number of messages by answering them wrongly.
    fn after(decided: &Result<Settlement, Refusal>) -> Option<Self> {
        match decided {
            Ok(Settlement::Renewed(until)) => Some(Self::Until(*until)),
            Ok(Settlement::Final(_) | Settlement::Again(_) | Settlement::DeadLetter) => {
                Some(Self::Over)
            }
            Err(refusal) => matches!(
                refusal.reason(),
                Reason::AlreadyFinal | Reason::LeaseUnknown | Reason::LeaseNotYours
            )
            .then_some(Self::Over),
        }
    }
}

/// Takes answers, and tells the stream when they are decided.
pub(super) struct Settler {
    services: Services,
    caller: Arc<str>,
    waiting: Option<mpsc::Sender<Waiting>>,
    settled: mpsc::Receiver<(Bytes, Lease)>,
}

impl Settler {
    pub(super) fn start(services: &Services, caller: Arc<str>, answers: Answers) -> Self {
        let (waiting, decided) = mpsc::channel(WINDOW);
        let (settling, settled) = mpsc::channel(2 * WINDOW);
        let answering =
            answer_all(services.clone(), Arc::clone(&caller), decided, answers, settling);
        services.tasks.spawn(answering);
        Self { services: services.clone(), caller, waiting: Some(waiting), settled }
    }

    /// The next hand-out that was answered, and what became of its lease.
    pub(super) async fn settled(&mut self) -> (Bytes, Lease) {
        match self.settled.recv().await {
            Some(settled) => settled,
            None => std::future::pending().await,
        }
    }

    /// Takes one answer.
    pub(super) async fn take(&self, command: Command) -> Result<(), Status> {
        let (lease, answer) = match command {
            Command::Ack(Ack { lease, signed_ack: None }) => (lease, Ok(Answer::Ack)),
            Command::Ack(Ack { lease, signed_ack: Some(_) }) => (lease, Err(not_yet())),
            Command::Nack(Nack { lease, retry_after_ms }) => {
                (lease, Ok(Answer::Nack(retry_after_ms)))
            }
            Command::Refuse(Refuse { lease, reason }) => {
                let reason = barid_message::reason::from_number(reason);
                (lease, Ok(Answer::Refuse(reason)))
            }
            Command::Renew(Renew { lease }) => (lease, Ok(Answer::Renew)),
            Command::Open(_) => {
                return Err(refuse(Reason::WrongState, "this stream's inbox is open already"));
            }
        };
        let is_ack = matches!(answer, Ok(Answer::Ack));
        let settling = match answer {
            Ok(answer) => {
                self.services.broker.settle(Arc::clone(&self.caller), lease.clone(), answer).await
            }
            Err(refusal) => {
                self.services.broker.record_refusal(&self.caller, refusal.reason()).await;
                Err(refusal)
            }
        };
        match &self.waiting {
            Some(waiting) => {
                let answer = Waiting { lease, is_ack, settling };
                waiting.send(answer).await.map_err(|_gone| gone())
            }
            None => Err(gone()),
        }
    }

    /// Waits until everything taken is answered.
    pub(super) async fn finish(&mut self) -> Result<(), Status> {
        self.waiting = None;
        while self.settled.recv().await.is_some() {}
        Ok(())
    }
}

async fn answer_all(
    services: Services,
    caller: Arc<str>,
    mut decided: mpsc::Receiver<Waiting>,
    answers: Answers,
    settling: mpsc::Sender<(Bytes, Lease)>,
) {
    while let Some(Waiting { lease, is_ack, settling: pending }) = decided.recv().await {
        let decided = match pending {
            Ok(pending) => pending.decided().await,
            Err(refusal) => Err(refusal),
        };
        let decided = match decided {
            Err(refusal) if refusal.reason() == Reason::LeaseUnknown => {
                ended(&services, &caller, &lease, is_ack, refusal).await
            }
            decided => decided,
        };
        let after = Lease::after(&decided);
        let result = result(&services, decided);
        let event = Event::LeaseResult(LeaseResult { lease: lease.clone(), result: Some(result) });
        let response = ReceiveMessagesResponse { event: Some(event) };
        if answers.send(Ok(response)).await.is_err() {
            return;
        }
        if let Some(after) = after
            && settling.send((lease, after)).await.is_err()
        {
            return;
        }
    }
}

/// An answer to what is over: the same acknowledgement again gets the same evidence,
/// anything else is told how it ended.
async fn ended(
    services: &Services,
    caller: &str,
    lease: &[u8],
    is_ack: bool,
    refusal: Refusal,
) -> Result<Settlement, Refusal> {
    match services.broker.ended(caller, lease).await? {
        Some(Ended { event: Final::HandedOver, by_this: true, evidence }) if is_ack => {
            Ok(Settlement::Final(evidence))
        }
        Some(Ended { evidence, .. }) => {
            let text = "the delivery has ended already; its evidence says how";
            let refusal = Refusal::new(Reason::AlreadyFinal, text);
            Err(Refusal { evidence: Some(evidence), ..refusal })
        }
        None => Err(refusal),
    }
}

fn result(services: &Services, decided: Result<Settlement, Refusal>) -> LeaseOutcome {
    match decided {
        Ok(Settlement::Final(evidence)) => {
            LeaseOutcome::Evidence(services.signed(evidence).unwrap_or_default())
        }
        Ok(Settlement::Again(at)) => {
            LeaseOutcome::Returned(Returned { next_try_at: timestamp(at), dead_lettered: false })
        }
        Ok(Settlement::DeadLetter) => {
            LeaseOutcome::Returned(Returned { next_try_at: None, dead_lettered: true })
        }
        Ok(Settlement::Renewed(until)) => {
            LeaseOutcome::Renewed(Renewed { lease_expires_at: timestamp(until) })
        }
        Err(refusal) => LeaseOutcome::Refusal(services.refusal(refusal)),
    }
}

fn not_yet() -> Refusal {
    let text = "acknowledgements signed by the agency are not supported yet; leave signed_ack out";
    Refusal::new(Reason::NotSupportedYet, text)
}
