//! Evidence about an agency's messages, from a cursor, over any number of
//! connections.

use barid_audit::evidence::{self, EvidenceError};
use barid_proto::audit::v1::{Evidence, SignedEvidence};
use barid_proto::exchange::v1 as pb;
use barid_proto::exchange::v1::receive_evidence_response::Event;
use prost::Message as _;
use tokio::time::{sleep, timeout};
use tonic::Streaming;

use super::agency::AgencyClient;
use super::error::CallError;
use super::retry::Backoff;
use crate::caps;

/// Evidence whose signature was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvenEvidence {
    /// Go on behind it with this, once it is safe on your side.
    pub cursor: String,
    /// As signed.
    pub evidence: SignedEvidence,
    /// What it says, or why it proves nothing.
    pub statement: Result<Evidence, EvidenceError>,
    /// It says otherwise than a final that was told before, and that stands.
    pub contradicts: bool,
}

/// Evidence, in the order of the node's log, none left out.
#[derive(Debug)]
pub struct EvidenceStream {
    client: AgencyClient,
    /// Of the newest evidence given to the caller.
    after: String,
    follow: bool,
    open: Option<Streaming<pb::ReceiveEvidenceResponse>>,
    /// Whether the keys were learnt anew for the evidence behind `after`.
    asked: bool,
    backoff: Backoff,
}

impl EvidenceStream {
    pub(super) fn new(client: AgencyClient, after: String, follow: bool) -> Self {
        let backoff = Backoff::new(client.node().retry);
        Self { client, after, follow, open: None, asked: false, backoff }
    }

    /// The next evidence. `None` at the end of what is there, if not told to
    /// follow. A broken connection is made again, however often it takes; may be
    /// dropped and called again.
    ///
    /// # Errors
    /// What trying again does not mend: a refusal, a certificate.
    pub async fn next(&mut self) -> Result<Option<ProvenEvidence>, CallError> {
        loop {
            match self.read().await {
                Ok(Some(item)) => {
                    let proven = self.prove(item)?;
                    if proven.statement == Err(EvidenceError::UnknownKey) && !self.asked {
                        // A linked node may have changed its key meanwhile. The stream is
                        // opened again in front of this, and the keys are learnt before.
                        (self.asked, self.open) = (true, None);
                        continue;
                    }
                    self.asked &= proven.statement.is_err();
                    self.after.clone_from(&proven.cursor);
                    self.backoff.reset();
                    return Ok(Some(proven));
                }
                Ok(None) if !self.follow => return Ok(None),
                Ok(None) => self.rest().await,
                Err(error) if error.ends_stream_only() => self.rest().await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn rest(&mut self) {
        self.open = None;
        let pause = self.backoff.pause(&self.client.node().jitter);
        tracing::debug!("evidence stream is opened again");
        sleep(pause).await;
    }

    /// The next evidence of the open stream, which is opened first if need be.
    async fn read(&mut self) -> Result<Option<pb::EvidenceItem>, CallError> {
        let stream = match &mut self.open {
            Some(stream) => stream,
            closed @ None => {
                // Before anything is read: from here to the caller's hands no
                // step waits, so that nothing read is lost when the caller drops
                // this future.
                self.client.evidence_keys().await?;
                self.client.learn_linked_nodes().await?;
                let request = pb::ReceiveEvidenceRequest {
                    agency: self.client.address().to_string(),
                    after: self.after.clone(),
                    follow: self.follow,
                };
                let mut rpc = self.client.rpc();
                let opening = rpc.receive_evidence(request);
                closed.insert(self.client.node().open(opening).await?)
            }
        };
        loop {
            let response = timeout(caps::HEARTBEAT_SILENCE, stream.message())
                .await
                .map_err(|_elapsed| CallError::Interrupted)?
                .map_err(|status| CallError::from_status(&status))?;
            let Some(response) = response else {
                return Ok(None);
            };
            match response.event.ok_or(CallError::Answer)? {
                Event::Evidence(item) => return Ok(Some(item)),
                Event::Heartbeat(_) => self.backoff.reset(),
                Event::Closing(closing) => {
                    return Err(CallError::closed(closing.reason, closing.message));
                }
            }
        }
    }

    fn prove(&self, item: pb::EvidenceItem) -> Result<ProvenEvidence, CallError> {
        let pb::EvidenceItem { cursor, evidence, contradicts } = item;
        let evidence = evidence.ok_or(CallError::Answer)?;
        // Who it says it is of decides with whose keys it must hold.
        let issuer = Evidence::decode(evidence.evidence.clone()).unwrap_or_default().issuer;
        Ok(ProvenEvidence {
            cursor,
            statement: evidence::verify(&evidence, &self.client.keys_of(&issuer)),
            evidence,
            contradicts,
        })
    }
}
