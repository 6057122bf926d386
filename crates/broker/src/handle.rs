//! The broker as the rest of the node sees it: cheap to clone, and every answer
//! already durable.

mod arrivals;
mod exporting;
mod intake;
mod linking;
mod reading;
mod stopping;
mod writing_off;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use barid_journal::space::{DiskFailure, Room};
use barid_journal::{Blobs, Reader, Space};
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::time::Millis;
use barid_store::ReadView;
use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};

use crate::audit_log::AuditLog;
use crate::clock::{Clock, Reading};
use crate::command::{Command, Operation, Queued, Release, Settlement};
use crate::decide::clock::Heard;
use crate::decide::hand_out::Consumer;
use crate::decide::operator::{Act, DeliveryName};
use crate::decide::renew::Renewal;
use crate::decide::settle::Answer;
use crate::decide::{Node, Refusal};
use crate::figures::{Figures, Measured};
use crate::heads::Heads;
use crate::lent::Lent;
use crate::registry::Registry;
use crate::scrub::Scrubbing;
use crate::sequencer::SequencerError;
use crate::state::State;
use crate::state::dedupe::Dedupe;
use crate::writer::{Progress, WriteError};

pub use arrivals::Arrivals;
pub use exporting::Grounds;
pub use intake::{Checked, Pending};
pub use linking::{Arrived, Taking};
pub use reading::{Ended, Told};

/// Why the broker stopped. Anything but [`Stopped::InOrder`] must end the process:
/// what was told is durable, and the next start decides about the rest.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// It was told to.
    #[error("stopped in order")]
    InOrder,
    /// The journal could not be written.
    #[error("the journal could not be written; nothing was acknowledged that is not on disk")]
    Write(#[from] WriteError),
    /// The sequencer could not go on.
    #[error("the sequencer could not go on")]
    Sequencer(#[from] SequencerError),
    /// A thread panicked: a fault of this program.
    #[error("a thread of the broker panicked; this is a fault of this program")]
    Panicked,
}

/// The broker. Clones share it.
#[derive(Clone)]
pub struct Broker {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) commands: Sender<Queued>,
    pub(crate) places: Arc<Semaphore>,
    pub(crate) node: Arc<Node>,
    pub(crate) registry: watch::Receiver<Arc<Registry>>,
    pub(crate) dedupe: Dedupe,
    pub(crate) log_origin: String,
    pub(crate) start_nonce: Bytes,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) reader: Reader,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) figures: Arc<Figures>,
    pub(crate) space: Arc<Space>,
    pub(crate) projected: watch::Receiver<Option<ReadView>>,
    pub(crate) audit_log: AuditLog,
    pub(crate) heads: Heads,
    pub(crate) scrubbing: watch::Receiver<Scrubbing>,
    pub(crate) inboxes: BTreeMap<Address, watch::Receiver<()>>,
    pub(crate) peers: BTreeMap<Arc<str>, watch::Receiver<()>>,
    pub(crate) streams: AtomicU64,
    pub(crate) threads: Mutex<Threads>,
}

pub(crate) struct Threads {
    pub(crate) sequencer: Option<JoinHandle<Result<(), SequencerError>>>,
    pub(crate) writer: Option<JoinHandle<Result<(), WriteError>>>,
    pub(crate) projector: Option<JoinHandle<()>>,
    pub(crate) keeper: Option<JoinHandle<()>>,
    pub(crate) scrub: Option<JoinHandle<()>>,
    pub(crate) ended: watch::Receiver<()>,
}

impl Threads {
    /// Of a broker whose threads have not begun.
    pub(crate) fn none() -> Self {
        let (_, ended) = watch::channel(());
        Self { sequencer: None, writer: None, projector: None, keeper: None, scrub: None, ended }
    }
}

/// A consumer's answer on its way through the sequencer.
#[derive(Debug)]
pub struct Settling(oneshot::Receiver<Result<Settlement, Refusal>>);

impl Settling {
    /// What was decided, once it is durable.
    ///
    /// # Errors
    /// [`Refusal`]: unknown, another's, or over.
    pub async fn decided(self) -> Result<Settlement, Refusal> {
        self.0.await.unwrap_or_else(|_| Err(stopping()))
    }
}

impl std::fmt::Debug for Broker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Broker").field("progress", &self.shared.progress).finish_non_exhaustive()
    }
}

impl Broker {
    /// The registry in force.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        Arc::clone(&self.shared.registry.borrow())
    }

    /// Changes with the registry.
    #[must_use]
    pub fn registry_changes(&self) -> watch::Receiver<Arc<Registry>> {
        self.shared.registry.clone()
    }

    /// Puts a newer card of a peer in force.
    ///
    /// # Errors
    /// [`Refusal`] where the registry has changed since the card was checked, or nothing
    /// can be written down.
    pub async fn renew(&self, renewal: Renewal) -> Result<(), Refusal> {
        let renewal = Box::new(renewal);
        self.operate(|reply| Operation::Renew(renewal, reply)).await
    }

    /// Origin line of the log.
    #[must_use]
    pub fn log_origin(&self) -> &str {
        &self.shared.log_origin
    }

    /// The random bytes of this start.
    #[must_use]
    pub fn start_nonce(&self) -> Bytes {
        self.shared.start_nonce.clone()
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.shared.clock.read().wall
    }

    /// Both clocks, read at one moment.
    #[must_use]
    pub fn read_clock(&self) -> Reading {
        self.shared.clock.read()
    }

    /// The delivery log. Let go of it soon: one that has failed is opened again when
    /// nobody holds it any more.
    ///
    /// # Errors
    /// [`Refusal`] while it is down.
    pub fn view(&self) -> Result<ReadView, Refusal> {
        self.shared.projected.borrow().clone().ok_or_else(log_down)
    }

    /// Changes with the delivery log: there is more in it, or it is down (`None`).
    #[must_use]
    pub fn projected(&self) -> watch::Receiver<Option<ReadView>> {
        self.shared.projected.clone()
    }

    /// Positions below this one are durable.
    #[must_use]
    pub fn durable(&self) -> u64 {
        self.shared.progress.durable()
    }

    /// Whether the disk has room for new messages of every precedence.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.shared.progress.has_room(barid_journal::Claim::Intake)
    }

    /// The room on the disk under the data folder.
    ///
    /// # Errors
    /// [`DiskFailure`]: it cannot be measured.
    pub fn room(&self) -> Result<Room, DiskFailure> {
        self.shared.space.room()
    }

    /// What was measured since the start.
    #[must_use]
    pub fn measured(&self) -> Measured {
        self.shared.figures.read()
    }

    /// Deliveries that an inbox may hold.
    #[must_use]
    pub fn inbox_max(&self) -> usize {
        self.shared.node.policy.inbox_max
    }

    /// Bytes that this process may still take on the disk; 0 where it does not say.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.shared.blobs.free_bytes().unwrap_or(0)
    }

    /// A number for a stream, unique in this process.
    #[must_use]
    pub fn next_stream(&self) -> u64 {
        self.shared.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// Changes whenever something new may be ready in the inbox.
    #[must_use]
    pub fn inbox_changes(&self, inbox: &Address) -> Option<watch::Receiver<()>> {
        self.shared.inboxes.get(inbox).cloned()
    }

    /// Leases up to `max` deliveries to a consumer. What is dropped before it is sent
    /// goes back, also where nobody waits for the answer any more.
    ///
    /// # Errors
    /// [`Refusal`] where the node is stopping.
    pub async fn hand_out(&self, consumer: Consumer, max: usize) -> Result<Vec<Lent>, Refusal> {
        let commands = self.shared.commands.clone();
        self.ask(|reply| Command::HandOut(consumer, max, commands, reply)).await
    }

    /// Takes a consumer's answer. Answers are decided in the order of these calls.
    ///
    /// # Errors
    /// [`Refusal`] where the node is stopping.
    pub async fn settle(
        &self,
        caller: Arc<str>,
        token: Bytes,
        answer: Answer,
    ) -> Result<Settling, Refusal> {
        let place = self.place().await;
        let (reply, settled) = oneshot::channel();
        self.send(Command::Settle { caller, token, answer, reply }, place)?;
        Ok(Settling(settled))
    }

    /// Takes back what a stream holds whose consumer has left it. Never waits.
    pub fn release(&self, stream: u64, consumer: Arc<str>) {
        let command = Command::Release { stream, consumer };
        // Where the sequencer is gone, so are the leases.
        drop(self.shared.commands.send(Queued { command, _place: None }));
    }

    /// Puts a dead letter back.
    ///
    /// # Errors
    /// [`Refusal`] where there is none of that name.
    pub async fn retry(&self, act: Act, name: DeliveryName) -> Result<(), Refusal> {
        self.operate(|reply| Operation::Retry(act, name, reply)).await
    }

    /// Ends a dead letter; gives the evidence.
    ///
    /// # Errors
    /// [`Refusal`] where there is none of that name.
    pub async fn drop_letter(&self, act: Act, name: DeliveryName) -> Result<Bytes, Refusal> {
        self.operate(|reply| Operation::Drop(act, name, reply)).await
    }

    /// Takes all bodies that are damaged for lost, so that new messages are taken again.
    ///
    /// # Errors
    /// [`Refusal`] where there are none, or the journal itself is damaged.
    pub async fn take_for_lost(&self, operator: String) -> Result<(), Refusal> {
        self.operate(|reply| Operation::TakeForLost(operator, reply)).await
    }

    /// How far the scrub is; changes with it.
    #[must_use]
    pub fn scrubbing(&self) -> watch::Receiver<Scrubbing> {
        self.shared.scrubbing.clone()
    }

    /// Believes the clock again.
    ///
    /// # Errors
    /// [`Refusal`] where the node is stopping.
    pub async fn confirm_clock(&self, operator: String) -> Result<(), Refusal> {
        self.operate(|reply| Operation::ConfirmClock(operator, reply)).await
    }

    /// Believes the clock again where peers confirm it; whether they do.
    ///
    /// # Errors
    /// [`Refusal`] where the node is stopping.
    pub async fn hear_clocks(&self, heard: Vec<Heard>) -> Result<bool, Refusal> {
        self.ask(|reply| Command::Operate(Operation::HearClocks(heard, reply))).await
    }

    /// Looks at the state; the answer comes once all that was seen is durable.
    ///
    /// # Errors
    /// [`Refusal`] where the node is stopping.
    pub async fn inspect<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.ask(|reply| {
            Command::Inspect(Box::new(move |state| {
                let seen = look(state);
                let release: Release = Box::new(move || drop(reply.send(seen)));
                release
            }))
        })
        .await
    }

    async fn place(&self) -> Option<tokio::sync::OwnedSemaphorePermit> {
        Arc::clone(&self.shared.places).acquire_owned().await.ok()
    }

    async fn operate<T>(
        &self,
        operation: impl FnOnce(oneshot::Sender<Result<T, Refusal>>) -> Operation,
    ) -> Result<T, Refusal> {
        self.ask(|reply| Command::Operate(operation(reply))).await?
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, Refusal> {
        let place = self.place().await;
        let (reply, answer) = oneshot::channel();
        self.send(command(reply), place)?;
        answer.await.map_err(|_why| stopping())
    }

    fn send(
        &self,
        command: Command,
        place: Option<tokio::sync::OwnedSemaphorePermit>,
    ) -> Result<(), Refusal> {
        self.shared.commands.send(Queued { command, _place: place }).map_err(|_why| stopping())
    }
}

fn log_down() -> Refusal {
    let text = "the delivery log is down until it is opened again or rebuilt; messages are taken and \
                delivered; ask again";
    Refusal::new(Reason::DeliveryLogDown, text).retry_after(5_000)
}

fn stopping() -> Refusal {
    let text = "the node is stopping; keep the message and try again";
    Refusal::new(Reason::ShuttingDown, text).retry_after(1_000)
}
