//! Many messages over one stream, several at a time, over any number of
//! connections.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use barid_proto::exchange::v1 as pb;
use barid_proto::exchange::v1::submit_messages_response::Outcome as Answer;
use barid_proto::message::v1::SignedMessage;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::agency::AgencyClient;
use super::error::{CallError, Refusal};
use super::receipt::{Receipt, SubmitError};
use super::retry::Backoff;
use crate::caps;

/// How a submission stream behaves.
#[derive(Clone, Copy, Debug)]
pub struct SubmitOptions {
    /// Messages sent and not yet given to the caller with their outcome; 1 to
    /// [`caps::SUBMIT_WINDOW`], other values are brought into that range.
    pub window: usize,
    /// How long the node may be away before what is unanswered is given up, and the
    /// longest delay it may ask for before a message is sent again.
    pub patience: Duration,
}

impl Default for SubmitOptions {
    fn default() -> Self {
        Self { window: caps::SUBMIT_WINDOW, patience: Duration::from_secs(60) }
    }
}

/// The sending half. Dropping it ends the stream once all is answered.
#[derive(Debug)]
pub struct Submitter {
    queue: mpsc::Sender<Entry>,
    window: Arc<Semaphore>,
    next: u64,
}

/// The receiving half. Every message sent has exactly one outcome here; it must
/// be read while sending, or the window fills and sending waits. Dropping it
/// ends the stream at once.
#[derive(Debug)]
pub struct Outcomes {
    outcomes: mpsc::Receiver<Finished>,
    window: Arc<Semaphore>,
    task: JoinSet<()>,
}

/// What became of one message.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// As given by [`Submitter::send`].
    pub sequence: u64,
    /// The receipt, or why there is none. A failed call says nothing about
    /// whether the node has the message: submit the same bytes again.
    pub result: Result<Receipt, SubmitError>,
}

/// The outcomes are no longer read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the submission stream has ended")]
pub struct SubmitClosed;

#[derive(Debug)]
struct Entry {
    sequence: u64,
    message: SignedMessage,
    failures: u32,
    place: OwnedSemaphorePermit,
}

/// Holds its place in the window until the caller takes it, so that no queue
/// between them can fill.
#[derive(Debug)]
struct Finished {
    outcome: Outcome,
    _place: OwnedSemaphorePermit,
}

impl Submitter {
    /// Sends when the window has room; gives the message's sequence number,
    /// from 0. If this future is dropped, the message was not sent.
    pub async fn send(&mut self, message: SignedMessage) -> Result<u64, SubmitClosed> {
        let place = Arc::clone(&self.window).acquire_owned().await;
        let sequence = self.next;
        let entry =
            Entry { sequence, message, failures: 0, place: place.map_err(|_closed| SubmitClosed)? };
        self.queue.try_send(entry).map_err(|_closed| SubmitClosed)?;
        self.next += 1;
        Ok(sequence)
    }
}

impl Outcomes {
    /// The next outcome, in the order of the node's answers. `None` after the
    /// last, once the [`Submitter`] is dropped.
    pub async fn next(&mut self) -> Option<Outcome> {
        if let Some(finished) = self.outcomes.recv().await {
            return Some(finished.outcome);
        }
        if let Some(Err(failed)) = self.task.join_next().await
            && failed.is_panic()
        {
            std::panic::resume_unwind(failed.into_panic());
        }
        None
    }
}

impl Drop for Outcomes {
    fn drop(&mut self) {
        self.window.close();
    }
}

pub(super) fn start(client: AgencyClient, options: SubmitOptions) -> (Submitter, Outcomes) {
    let places = options.window.clamp(1, caps::SUBMIT_WINDOW);
    let window = Arc::new(Semaphore::new(places));
    let (queue, entries) = mpsc::channel(places);
    let (finished, outcomes) = mpsc::channel(places);
    let backoff = Backoff::new(client.node().retry);
    let driver = Driver {
        client,
        places,
        patience: options.patience,
        entries,
        finished,
        unanswered: BTreeMap::new(),
        resend: BTreeSet::new(),
        backoff,
        heard: Instant::now(),
    };
    let mut task = JoinSet::new();
    task.spawn(driver.run());
    let submitter = Submitter { queue, window: Arc::clone(&window), next: 0 };
    let outcomes = Outcomes { outcomes, window, task };
    (submitter, outcomes)
}

struct Driver {
    client: AgencyClient,
    /// Size of the window, and with it of every queue here.
    places: usize,
    patience: Duration,
    entries: mpsc::Receiver<Entry>,
    finished: mpsc::Sender<Finished>,
    /// Sent or to be sent, by sequence.
    unanswered: BTreeMap<u64, Entry>,
    /// Refused for now; when to send again.
    resend: BTreeSet<(Instant, u64)>,
    backoff: Backoff,
    /// When the node last answered, or had nothing to answer.
    heard: Instant,
}

/// An open stream, both directions.
struct Session {
    requests: mpsc::Sender<pb::SubmitMessagesRequest>,
    responses: Streaming<pb::SubmitMessagesResponse>,
}

impl Driver {
    async fn run(mut self) {
        while let Some(entry) = self.entries.recv().await {
            self.unanswered.insert(entry.sequence, entry);
            self.heard = Instant::now();
            while !self.unanswered.is_empty() {
                let Err(error) = self.session().await else {
                    return;
                };
                if self.unanswered.is_empty() {
                    break;
                }
                if !error.ends_stream_only() || self.heard.elapsed() >= self.patience {
                    self.give_up(&error);
                    break;
                }
                tracing::debug!(%error, "submission stream is opened again");
                sleep(self.backoff.pause(&self.client.node().jitter)).await;
            }
        }
    }

    /// Every message waiting gets the same outcome; those sent later begin anew.
    fn give_up(&mut self, error: &CallError) {
        self.resend.clear();
        while let Some((_sequence, entry)) = self.unanswered.pop_first() {
            self.finish(entry, Err(SubmitError::Call(error.clone())));
        }
        while let Ok(entry) = self.entries.try_recv() {
            self.finish(entry, Err(SubmitError::Call(error.clone())));
        }
    }

    fn finish(&self, entry: Entry, result: Result<Receipt, SubmitError>) {
        let finished =
            Finished { outcome: Outcome { sequence: entry.sequence, result }, _place: entry.place };
        // There is room: the queue has as many places as the window. It may be
        // closed; then nobody wants to know.
        if self.finished.try_send(finished).is_err() {
            tracing::trace!("outcome not wanted any more");
        }
    }

    /// One stream, until all is answered and nothing more comes (`Ok`), or it
    /// breaks.
    async fn session(&mut self) -> Result<(), CallError> {
        self.client.evidence_keys().await?;
        self.resend.clear();
        let mut session = self.open().await?;
        let mut more = true;
        let mut answered = Instant::now();
        while more || !self.unanswered.is_empty() {
            let again = self.resend.first().copied();
            let silence = answered.max(self.heard) + self.client.node().deadline;
            tokio::select! {
                entry = self.entries.recv(), if more => match entry {
                    None => more = false,
                    Some(entry) => {
                        if self.unanswered.is_empty() {
                            self.heard = Instant::now();
                        }
                        // Kept before it is sent: a stream that breaks here must not
                        // take the message with it.
                        let sent = send(&session.requests, &entry);
                        self.unanswered.insert(entry.sequence, entry);
                        sent?;
                    }
                },
                response = session.responses.message() => {
                    let response = response.map_err(|status| CallError::from_status(&status))?;
                    self.answer(response.ok_or(CallError::Interrupted)?)?;
                    answered = Instant::now();
                    self.heard = answered;
                    self.backoff.reset();
                }
                () = until(again.map(|(when, _)| when)) => {
                    if let Some((_, sequence)) = self.resend.pop_first()
                        && let Some(entry) = self.unanswered.get(&sequence)
                    {
                        send(&session.requests, entry)?;
                    }
                }
                () = sleep_until(silence), if !self.unanswered.is_empty() && again.is_none() => {
                    return Err(CallError::Interrupted);
                }
            }
        }
        Ok(())
    }

    /// What is unanswered goes first, and is there before the call is made: a
    /// node may want to see a message before it answers.
    async fn open(&self) -> Result<Session, CallError> {
        let (requests, outbound) = mpsc::channel(self.places);
        for entry in self.unanswered.values() {
            send(&requests, entry)?;
        }
        let mut rpc = self.client.rpc();
        let opening = rpc.submit_messages(ReceiverStream::new(outbound));
        Ok(Session { responses: self.client.node().open(opening).await?, requests })
    }

    fn answer(&mut self, response: pb::SubmitMessagesResponse) -> Result<(), CallError> {
        let pb::SubmitMessagesResponse { sequence, outcome, repeated_submission } = response;
        let outcome = outcome.ok_or(CallError::Answer)?;
        let mut entry = self.unanswered.remove(&sequence).ok_or(CallError::Answer)?;
        let result = match outcome {
            Answer::Receipt(receipt) => {
                let keys = self.client.pinned_keys();
                Receipt::check(&entry.message, receipt, repeated_submission, keys)
                    .map_err(SubmitError::from)
            }
            Answer::Refusal(refusal) => {
                let error = CallError::Refused(Box::new(Refusal::from_proto(refusal)));
                let node = self.client.node();
                entry.failures += 1;
                let asked = error.retry_after().unwrap_or_default();
                let is_left = entry.failures < node.retry.attempts && asked < self.patience;
                if error.is_overload() && is_left {
                    let mut backoff = Backoff::after(node.retry, entry.failures - 1);
                    let pause = backoff.pause(&node.jitter).max(asked);
                    self.resend.insert((Instant::now() + pause, sequence));
                    self.unanswered.insert(sequence, entry);
                    return Ok(());
                }
                Err(SubmitError::Call(error))
            }
        };
        self.finish(entry, result);
        Ok(())
    }
}

/// There is room: at most a window is unanswered, and what is sent again was
/// answered first. A closed queue is a broken stream.
fn send(
    requests: &mpsc::Sender<pb::SubmitMessagesRequest>,
    entry: &Entry,
) -> Result<(), CallError> {
    requests
        .try_send(pb::SubmitMessagesRequest {
            sequence: entry.sequence,
            message: Some(entry.message.clone()),
        })
        .map_err(|_closed| CallError::Interrupted)
}

async fn until(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}
