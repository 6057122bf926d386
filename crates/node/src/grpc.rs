//! The services: from wire to decision and back, and nothing else.

mod auditing;
mod authn;
mod deadline;
mod disk;
mod events;
mod evidence;
mod exchange;
mod export;
mod health;
mod letters;
mod linking;
mod message_status;
mod operations;
mod outbound;
mod peers;
mod reading;
mod receive;
mod scrape;
mod settling;
mod status;
mod submit;
mod trace;
mod witnessing;
mod write_offs;

use std::collections::BTreeSet;
use std::sync::Arc;

use barid_audit::evidence::{sign, with_proof};
use barid_broker::{Broker, Told};
use barid_link::card::Card;
use barid_message::key::SigningKey;
use barid_message::time::Millis;
use barid_proto::audit::v1::SignedEvidence;
use barid_store::{ReadError, ReadView};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;

use crate::health::Health;
use crate::link::Hub;
use crate::streams::Streams;
use crate::witness::Witness;

pub(crate) use auditing::{Audience, Auditing};
pub(crate) use deadline::DeadlineLayer;
pub(crate) use exchange::Exchange;
pub(crate) use linking::Links;
pub(crate) use operations::Operations;
pub(crate) use scrape::{PATH as METRICS_PATH, Scrape};
pub(crate) use witnessing::Witnessing;

/// Answers of a stream that wait to be sent. A slow reader makes its own stream
/// wait, nobody else's.
const ANSWERS_MAX: usize = 64;

/// What all handlers share. Clones are handles.
#[derive(Clone)]
pub(crate) struct Services(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) broker: Broker,
    pub(crate) evidence_key: SigningKey,
    /// The card that peers are sent where they hold an older one.
    pub(crate) own_card: Option<Card>,
    pub(crate) identity: String,
    pub(crate) name: String,
    pub(crate) start_no: u64,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) receivers: Streams,
    pub(crate) readers: Streams,
    pub(crate) submitters: Streams,
    pub(crate) consumers: Streams,
    pub(crate) hub: Hub,
    pub(crate) health: Health,
    pub(crate) witness: Witness,
    /// Identities that may ask how the node is, and nothing else.
    pub(crate) monitors: BTreeSet<String>,
}

impl Services {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    /// Evidence for release: signed, or with the signature of the node that it is of.
    fn told(&self, told: Told) -> Option<SignedEvidence> {
        if told.proof.is_empty() {
            self.signed(told.evidence)
        } else {
            with_proof(told.evidence, &told.proof)
        }
    }

    /// Signs evidence for release; none where there is none.
    fn signed(&self, evidence: Bytes) -> Option<SignedEvidence> {
        (!evidence.is_empty()).then(|| sign(evidence, &self.0.evidence_key, None))
    }
}

impl std::ops::Deref for Services {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Runs what blocks for some milliseconds (reading the delivery log) without holding
/// up the other tasks of this thread.
fn blocking<T>(read: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(read)
}

impl Services {
    /// Reads the delivery log, which may be down.
    fn read_log<T>(
        &self,
        read: impl FnOnce(&ReadView) -> Result<T, ReadError>,
    ) -> Result<T, Status> {
        let log = self.broker.view().map_err(|down| status::status(&down))?;
        blocking(|| read(&log)).map_err(|error| status::unreadable(&error))
    }
}

/// A time as the wire has it.
fn timestamp(time: Millis) -> Option<barid_proto::Timestamp> {
    Some(time.to_proto())
}
