//! Messages in: through the gate, onto the disk, to the sequencer.

use barid_journal::BlobRef;
use barid_journal::blobs::PutError;
use barid_message::Reason;
use barid_message::fault::Faults;
use barid_message::signed::SignedMessage;
use barid_proto::journal::v1 as pb;
use barid_proto::message::v1 as wire;
use barid_store::ReadView;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Broker, stopping};
use crate::caps;
use crate::command::{Candidate, Command, Receipt, Reply};
use crate::decide::Refusal;
use crate::decide::accept::{Blob, Submission};
use crate::decide::quota::claim;
use crate::gate::{self, Admitted, Known, NotAdmitted};
use crate::registry::Registry;

/// What the gate made of a message.
#[derive(Debug)]
pub enum Checked {
    /// It is new here, and admitted or refused.
    New(Result<Box<Admitted>, Box<NotAdmitted>>),
    /// It is whole and may be a repeat: the sequencer knows.
    Known(Known, Box<SignedMessage>),
}

/// A submission on its way through the sequencer.
#[derive(Debug)]
pub enum Pending {
    /// It was accepted before.
    Repeated(Receipt),
    /// It will be decided.
    Submitted(oneshot::Receiver<Result<Receipt, Refusal>>),
    /// It was refused at the gate, which is being recorded; the sequencer may know a
    /// better answer.
    Refused(Faults, oneshot::Receiver<Option<Refusal>>),
}

impl Pending {
    /// What was decided, once it is durable.
    ///
    /// # Errors
    /// [`Refusal`] with all faults found.
    pub async fn decided(self) -> Result<Receipt, Refusal> {
        match self {
            Self::Repeated(receipt) => Ok(receipt),
            Self::Submitted(answer) => answer.await.unwrap_or_else(|_| Err(stopping())),
            Self::Refused(faults, recorded) => {
                let instead = recorded.await.map_err(|_why| stopping())?;
                Err(instead.unwrap_or_else(|| faults.into()))
            }
        }
    }
}

impl Broker {
    /// Takes a message through the gate: signatures and rules, with no knowledge of
    /// other messages but whether it may be a repeat. Costs CPU and changes nothing.
    #[must_use]
    pub fn check(&self, identity: &str, message: wire::SignedMessage) -> Checked {
        let registry = self.registry();
        let message = match SignedMessage::from_proto(message) {
            Ok(message) => message,
            Err(faults) => return Checked::New(Err(Box::new(faults.into()))),
        };
        let is_seen = message.header().is_ok_and(|header| {
            !self.shared.dedupe.positions(header.origin(), &header.message_id()).is_empty()
        });
        match is_seen.then(|| gate::recognise(&registry, identity, &message)).flatten() {
            Some(known) => Checked::Known(known, Box::new(message)),
            None => Checked::New(self.admit(&registry, identity, message)),
        }
    }

    fn admit(
        &self,
        registry: &Registry,
        identity: &str,
        message: SignedMessage,
    ) -> Result<Box<Admitted>, Box<NotAdmitted>> {
        let admitted = gate::admit(registry, identity, message, self.now());
        admitted.map(Box::new).map_err(Box::new)
    }

    /// Hands a message that was checked, or what was wrong with it, to the sequencer.
    /// Messages are decided in the order of these calls; the receipt is on disk when
    /// what this returns is ready.
    ///
    /// # Errors
    /// [`Refusal`]: the node takes nothing now.
    pub async fn enqueue(&self, identity: &str, checked: Checked) -> Result<Pending, Refusal> {
        // What may be a conflict is asked about before it is written: most are not kept.
        let (admitted, asks) = match checked {
            Checked::New(admitted) => (admitted, false),
            Checked::Known(known, message) => {
                let repeated = self.ask(|reply| Command::Recognise(known, reply)).await?;
                if let Some(receipt) = repeated {
                    return Ok(Pending::Repeated(receipt));
                }
                (self.admit(&self.registry(), identity, *message), true)
            }
        };
        match admitted {
            Ok(admitted) => self.submit(identity, *admitted, asks).await,
            Err(refused) => self.refused(identity, *refused).await,
        }
    }

    async fn submit(
        &self,
        identity: &str,
        admitted: Admitted,
        asks: bool,
    ) -> Result<Pending, Refusal> {
        self.wait_for_projector().await;
        let claim = claim(admitted.message.header().precedence());
        if !self.shared.progress.has_room(claim) {
            return Err(storage_full());
        }
        let place = self.place().await;
        let (reply, answer) = oneshot::channel();
        let submitted_by = identity.to_owned();
        let mut candidate = Box::new(Candidate { admitted, submitted_by, reply });
        // With its place taken: the sequencer counts on it that no more messages pass
        // here than there are places before what it says is seen.
        if asks || self.shared.progress.is_pressed() {
            let (go_on, told) = oneshot::channel();
            // The place is that of the message, for this command and the next.
            self.send(Command::Foresee(candidate, go_on), None)?;
            candidate = match told.await {
                Ok(candidate) => candidate,
                Err(_answered) => return Ok(Pending::Submitted(answer)),
            };
        }
        let Candidate { admitted, submitted_by, reply } = *candidate;
        let blob = match self.shared.blobs.put_for(claim, &admitted.message.wire()) {
            Ok(BlobRef { segment, offset, length }) => Blob { segment, offset, length },
            Err(PutError::Full) => return Err(storage_full()),
            Err(error) => {
                tracing::error!(%error, "message not written");
                let text = "the node could not write the message; keep it and try again";
                return Err(Refusal::new(Reason::StorageFull, text).retry_after(30_000));
            }
        };
        let submission = Submission { admitted, blob, submitted_by };
        self.send(Command::Submit(Box::new(submission), reply), place)?;
        Ok(Pending::Submitted(answer))
    }

    /// Keeps a record of a refusal at the gate.
    async fn refused(&self, identity: &str, refused: NotAdmitted) -> Result<Pending, Refusal> {
        let NotAdmitted { faults, known } = refused;
        let mut facts = by(identity, faults.first().reason);
        if let Some(Known { origin, id, header_digest }) = known {
            origin.as_str().clone_into(&mut facts.origin_agency);
            facts.message_id = id.to_string();
            facts.header_digest = Bytes::copy_from_slice(&header_digest.0);
        }
        let (reply, recorded) = oneshot::channel();
        self.record(facts, Some(reply)).await?;
        Ok(Pending::Refused(faults, recorded))
    }

    /// Keeps a record that something other than a message was refused. Waits for a place
    /// in the queue and not for the disk: the answer changes nothing, so a flood of bad
    /// calls must not cost a sync each.
    pub async fn record_refusal(&self, identity: &str, reason: Reason) {
        if self.record(by(identity, reason), None).await.is_err() {
            tracing::debug!("refusal is not on record; the node is stopping");
        }
    }

    async fn record(
        &self,
        facts: pb::RefusedFacts,
        reply: Option<Reply<Option<Refusal>>>,
    ) -> Result<(), Refusal> {
        let place = self.place().await;
        self.send(Command::Refused(Box::new(facts), reply), place)
    }

    /// Intake waits where the delivery log is too far behind.
    async fn wait_for_projector(&self) {
        let durable = self.durable();
        let mut projected = self.projected();
        // The journal goes on without a log that is down.
        let near = |log: &Option<ReadView>| {
            log.as_ref().is_none_or(|log| log.applied() + caps::PROJECTION_LAG_MAX >= durable)
        };
        // An error means that the projector is gone.
        drop(projected.wait_for(near).await);
    }
}

/// By whom and why, nothing of what.
fn by(identity: &str, reason: Reason) -> pb::RefusedFacts {
    let mut facts = pb::RefusedFacts { identity: identity.to_owned(), ..Default::default() };
    facts.set_reason(reason);
    facts
}

fn storage_full() -> Refusal {
    let text =
        "the node's disk is full; keep the message and try again, and tell the node's operator";
    Refusal::new(Reason::StorageFull, text).retry_after(30_000)
}
