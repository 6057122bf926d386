//! The task behind a receiver: holds the stream, opens it again.

use std::collections::VecDeque;

use barid_proto::exchange::v1 as pb;
use barid_proto::exchange::v1::lease_result::Result as Outcome;
use barid_proto::exchange::v1::receive_messages_request::Command;
use barid_proto::exchange::v1::receive_messages_response::Event;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::{HandOut, ReceiveOptions};
use crate::caps;
use crate::client::agency::AgencyClient;
use crate::client::error::CallError;
use crate::client::retry::Backoff;

/// Commands on their way to the node. Beyond that the stream is stuck and is
/// opened again.
const COMMANDS: usize = 4 * caps::HAND_OUTS_OUTSTANDING as usize;

/// A hand-out's answer, waiting for the node's word.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) lease: Bytes,
    pub(super) command: Command,
    pub(super) reply: oneshot::Sender<Outcome>,
}

pub(super) struct Driver {
    client: AgencyClient,
    options: ReceiveOptions,
    /// Where hand-outs go; one place: what waits, waits in `queued`.
    hand_outs: mpsc::Sender<HandOut>,
    /// Handed out by the node, not yet taken by the consumer. A lease outlives
    /// its connection, so they are kept over a broken one.
    queued: VecDeque<HandOut>,
    asks: mpsc::Receiver<Ask>,
    /// Given to every hand-out. Keeps `asks` open.
    ask: mpsc::Sender<Ask>,
    /// Sent or to be sent, in order, not yet answered.
    unanswered: VecDeque<Ask>,
    backoff: Backoff,
    /// The consumer wants no more.
    closing: oneshot::Receiver<()>,
    closed: bool,
}

/// An open stream, both directions.
struct Session {
    requests: mpsc::Sender<pb::ReceiveMessagesRequest>,
    responses: Streaming<pb::ReceiveMessagesResponse>,
}

impl Driver {
    pub(super) fn new(
        client: AgencyClient,
        mut options: ReceiveOptions,
        closing: oneshot::Receiver<()>,
    ) -> (Self, mpsc::Receiver<HandOut>) {
        options.max_outstanding = options.max_outstanding.clamp(1, caps::HAND_OUTS_OUTSTANDING);
        let (hand_outs, taken) = mpsc::channel(1);
        let (ask, asks) = mpsc::channel(COMMANDS);
        let backoff = Backoff::new(client.node().retry);
        let driver = Self {
            client,
            options,
            hand_outs,
            queued: VecDeque::new(),
            asks,
            ask,
            unanswered: VecDeque::new(),
            backoff,
            closing,
            closed: false,
        };
        (driver, taken)
    }

    /// Runs until something that trying again does not mend.
    pub(super) async fn run(mut self) -> CallError {
        loop {
            let error = self.session().await;
            if self.closed || !error.ends_stream_only() {
                return error;
            }
            tracing::debug!(%error, "receiving stream is opened again");
            let pause = self.backoff.pause(&self.client.node().jitter);
            self.serve_until(Instant::now() + pause).await;
        }
    }

    /// Between sessions the consumer is served from what is here.
    async fn serve_until(&mut self, when: Instant) {
        loop {
            tokio::select! {
                () = sleep_until(when) => return,
                Ok(place) = self.hand_outs.reserve(), if !self.queued.is_empty() => {
                    if let Some(hand_out) = self.queued.pop_front() {
                        place.send(hand_out);
                    }
                }
            }
        }
    }

    /// One stream, until it breaks.
    async fn session(&mut self) -> CallError {
        let mut session = match self.open().await {
            Ok(session) => session,
            Err(error) => return error,
        };
        // Who has stopped waiting for an answer needs none.
        self.unanswered.retain(|ask| !ask.reply.is_closed());
        for ask in &self.unanswered {
            if let Err(error) = send(&session.requests, ask.command.clone()) {
                return error;
            }
        }
        let hand_outs = self.hand_outs.clone();
        let mut heard = Instant::now();
        loop {
            let step = tokio::select! {
                told = &mut self.closing, if !self.closed => {
                    // Asked once alone: a channel that has answered must not be asked again.
                    self.closed = true;
                    if told.is_ok() {
                        return leave(session).await;
                    }
                    // Dropped and not closed: what it has asked is still to be answered.
                    Ok(())
                }
                Some(ask) = self.asks.recv() => {
                    let sent = send(&session.requests, ask.command.clone());
                    self.unanswered.push_back(ask);
                    sent
                }
                response = session.responses.message() => {
                    heard = Instant::now();
                    self.take(response)
                }
                place = hand_outs.reserve(), if !self.queued.is_empty() => {
                    match (place, self.queued.pop_front()) {
                        (Ok(place), Some(hand_out)) => {
                            place.send(hand_out);
                            Ok(())
                        }
                        _ => Err(CallError::Interrupted),
                    }
                }
                () = sleep_until(heard + caps::HEARTBEAT_SILENCE) => Err(CallError::Interrupted),
            };
            if let Err(error) = step {
                return error;
            }
        }
    }

    async fn open(&self) -> Result<Session, CallError> {
        // What the consumer has not taken yet counts.
        let queued = u32::try_from(self.queued.len()).unwrap_or(u32::MAX);
        let room = self.options.max_outstanding.saturating_sub(queued).max(1);
        let (requests, outbound) = mpsc::channel(COMMANDS);
        let open_inbox = pb::OpenInbox {
            inbox: self.options.inbox.to_string(),
            statuses: self.options.statuses.iter().map(|status| (*status).into()).collect(),
            max_outstanding: room,
            with_evidence: false,
            evidence_after: String::new(),
            peek: false,
        };
        send(&requests, Command::Open(open_inbox))?;
        let mut rpc = self.client.rpc();
        let opening = rpc.receive_messages(ReceiverStream::new(outbound));
        Ok(Session { responses: self.client.node().open(opening).await?, requests })
    }

    fn take(
        &mut self,
        response: Result<Option<pb::ReceiveMessagesResponse>, tonic::Status>,
    ) -> Result<(), CallError> {
        let response = response
            .map_err(|status| CallError::from_status(&status))?
            .ok_or(CallError::Interrupted)?;
        self.backoff.reset();
        match response.event.ok_or(CallError::Answer)? {
            Event::HandOut(hand_out) => {
                let hand_out = self.hand_out(hand_out)?;
                self.queue(hand_out);
                Ok(())
            }
            Event::LeaseResult(result) => self.answered(result),
            Event::Closing(closing) => Err(CallError::closed(closing.reason, closing.message)),
            Event::Heartbeat(_) | Event::Evidence(_) => Ok(()),
        }
    }

    /// The node leaves at most `max_outstanding` leases open. With twice as many
    /// waiting here, the consumer is slow and the oldest lease has ended: its
    /// message comes again, by a lease that still counts.
    fn queue(&mut self, hand_out: HandOut) {
        let most = 2 * caps::HAND_OUTS_OUTSTANDING as usize;
        if self.queued.len() >= most && self.queued.pop_front().is_some() {
            tracing::warn!("consumer is slower than its leases; the oldest hand-out is let go");
        }
        self.queued.push_back(hand_out);
    }

    fn hand_out(&self, hand_out: pb::HandOut) -> Result<HandOut, CallError> {
        let pb::HandOut {
            message,
            lease,
            lease_expires_at,
            redelivered,
            attempt,
            acceptance,
            head_unknown,
            standing,
        } = hand_out;
        Ok(HandOut {
            standing: pb::Standing::try_from(standing).unwrap_or_default(),
            message: message.ok_or(CallError::Answer)?,
            lease,
            lease_expires_at,
            redelivered,
            attempt,
            acceptance,
            head_unknown,
            asks: self.ask.clone(),
            limit: self.options.answer_limit,
        })
    }

    /// Answers about one lease come in the order of the questions.
    fn answered(&mut self, result: pb::LeaseResult) -> Result<(), CallError> {
        let pb::LeaseResult { lease, result } = result;
        let outcome = result.ok_or(CallError::Answer)?;
        let of_lease = self.unanswered.iter().position(|ask| ask.lease == lease);
        let ask =
            of_lease.and_then(|index| self.unanswered.remove(index)).ok_or(CallError::Answer)?;
        if ask.reply.send(outcome).is_err() {
            tracing::debug!("nobody waits for this answer any more");
        }
        Ok(())
    }
}

/// Ends the requests, so that the node takes back what is unanswered, and waits for
/// it to end the stream.
async fn leave(session: Session) -> CallError {
    let Session { requests, mut responses } = session;
    drop(requests);
    while let Ok(Some(_)) = responses.message().await {}
    CallError::Interrupted
}

fn send(
    requests: &mpsc::Sender<pb::ReceiveMessagesRequest>,
    command: Command,
) -> Result<(), CallError> {
    requests
        .try_send(pb::ReceiveMessagesRequest { command: Some(command) })
        .map_err(|_stuck| CallError::Interrupted)
}
