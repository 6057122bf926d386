//! The client of one operator.

use barid_audit::bundle::caps::BUNDLE_BYTES_MAX;
use barid_proto::operations::v1 as pb;
use tonic::Streaming;
use tonic::transport::Channel;

use super::audit::AuditClient;
use super::channel::{ClientConfig, NodeChannel};
use super::error::CallError;
use crate::caps;
use crate::stub::operations::operations_service_client::OperationsServiceClient;
use crate::tls::ConnectorError;

/// The client of one operator. Cloning shares the connection.
#[derive(Clone, Debug)]
pub struct OperatorClient(NodeChannel);

fn rpc(channel: Channel) -> OperationsServiceClient<Channel> {
    OperationsServiceClient::new(channel)
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES)
}

calls! { OperatorClient:
    /// Whether anything is wrong with the node.
    status(GetStatusRequest) -> GetStatusResponse via get_status, call;
    /// State of the node.
    node_status(GetNodeStatusRequest) -> GetNodeStatusResponse via get_node_status, call;
    /// A page of the delivery log.
    list_events(ListEventsRequest) -> ListEventsResponse via list_events, call;
    /// Everything that happened to one message.
    trace_message(TraceMessageRequest) -> TraceMessageResponse via trace_message, call;
    /// What waits where.
    list_queues(ListQueuesRequest) -> ListQueuesResponse via list_queues, call;
    /// What the bodies of messages take on the disk, and what would free them.
    disk_usage(GetDiskUsageRequest) -> GetDiskUsageResponse via get_disk_usage, call;
    /// How the links with other nodes stand.
    list_peers(ListPeersRequest) -> ListPeersResponse via list_peers, call;
    /// Lets a peer's newer card count. Not tried again by itself: where the connection
    /// broke, look first.
    renew_peer(RenewPeerRequest) -> RenewPeerResponse via renew_peer, once;
    /// A page of the dead letters.
    list_dead_letters(ListDeadLettersRequest) -> ListDeadLettersResponse via list_dead_letters, call;
    /// One dead letter with its message.
    get_dead_letter(GetDeadLetterRequest) -> GetDeadLetterResponse via get_dead_letter, call;
    /// Puts a dead letter back into its inbox. Not tried again by itself: where the
    /// connection broke, look first.
    retry_dead_letter(RetryDeadLetterRequest) -> RetryDeadLetterResponse via retry_dead_letter, once;
    /// Ends a dead letter. Not tried again by itself: where the connection broke, look
    /// first.
    drop_dead_letter(DropDeadLetterRequest) -> DropDeadLetterResponse via drop_dead_letter, once;
    /// Proposes to write a peer off. Not tried again by itself: where the connection broke,
    /// look first.
    propose_write_off(ProposeWriteOffRequest) -> ProposeWriteOffResponse via propose_write_off, once;
    /// Confirms a proposal of another operator. Not tried again by itself, likewise.
    confirm_write_off(ConfirmWriteOffRequest) -> ConfirmWriteOffResponse via confirm_write_off, once;
    /// Withdraws a proposal. Not tried again by itself, likewise.
    withdraw_write_off(WithdrawWriteOffRequest) -> WithdrawWriteOffResponse via withdraw_write_off, once;
    /// Says that the node's clock is right.
    confirm_clock(ConfirmClockRequest) -> ConfirmClockResponse via confirm_clock, once;
    /// Takes bodies that are damaged for lost. Not tried again by itself: where the
    /// connection broke, look first.
    take_for_lost(TakeForLostRequest) -> TakeForLostResponse via take_for_lost, once;
}

impl OperatorClient {
    /// Checks the configuration. The connection is made by the first call.
    pub fn new(config: ClientConfig) -> Result<Self, ConnectorError> {
        Ok(Self(NodeChannel::new(config)?))
    }

    /// The node's audit log, over the same connection.
    #[must_use]
    pub fn audit(&self) -> AuditClient {
        AuditClient(self.0.clone())
    }

    /// Events as they happen. The stream is not opened again when it breaks: go
    /// on with the newest event's cursor as `after`. Silence of more than
    /// [`caps::HEARTBEAT_SILENCE`] means that it broke.
    pub async fn tail_events(
        &self,
        request: pb::TailEventsRequest,
    ) -> Result<EventTail, CallError> {
        let mut rpc = rpc(self.0.channel.clone());
        let opening = rpc.tail_events(request);
        Ok(EventTail(self.0.open(opening).await?))
    }
}

impl OperatorClient {
    /// Everything that proves what became of one message: an encoded evidence bundle. Not
    /// asked for again where the connection breaks, for each asking is on record.
    pub async fn export_evidence(
        &self,
        request: pb::ExportEvidenceRequest,
    ) -> Result<Vec<u8>, CallError> {
        let mut rpc = rpc(self.0.channel.clone());
        let opening = rpc.export_evidence(request);
        let mut chunks = self.0.open(opening).await?;
        let mut bundle = Vec::new();
        let broken = |status| CallError::from_status(&status);
        while let Some(next) = chunks.message().await.map_err(broken)? {
            bundle.extend_from_slice(&next.chunk);
            if bundle.len() > BUNDLE_BYTES_MAX {
                return Err(CallError::Answer);
            }
        }
        Ok(bundle)
    }
}

/// Events as they happen.
#[derive(Debug)]
pub struct EventTail(Streaming<pb::TailEventsResponse>);

/// What a tail tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Tailed {
    /// An event.
    Event(pb::EventRecord),
    /// Something begins to be wrong with the node, or ends; where it was asked for.
    Problem(pb::ProblemChange),
}

impl EventTail {
    /// The next event or problem; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Tailed>, CallError> {
        use barid_proto::operations::v1::tail_events_response::Item;
        loop {
            let read = tokio::time::timeout(caps::HEARTBEAT_SILENCE, self.0.message());
            let item = match read.await {
                Ok(Ok(Some(response))) => response.item,
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(status)) => return Err(CallError::from_status(&status)),
                Err(_elapsed) => return Err(CallError::Interrupted),
            };
            match item {
                Some(Item::Event(event)) => return Ok(Some(Tailed::Event(event))),
                Some(Item::Problem(change)) => return Ok(Some(Tailed::Problem(change))),
                Some(Item::Heartbeat(_)) => {}
                Some(Item::Closing(closing)) => {
                    return Err(CallError::closed(closing.reason, closing.message));
                }
                None => return Err(CallError::Answer),
            }
        }
    }
}
