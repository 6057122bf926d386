//! The client of one agency's system.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use barid_message::address::Address;
use barid_message::id::MessageId;
use barid_message::key::PublicKey;
use barid_proto::exchange::v1 as pb;
use barid_proto::exchange::v1::receive_messages_request::Command;
use barid_proto::exchange::v1::receive_messages_response::Event;
use barid_proto::message::v1::{SignedMessage, Status as MessageStatus};
use tokio::sync::OnceCell;
use tonic::Streaming;
use tonic::transport::Channel;

use super::channel::{ClientConfig, NodeChannel};
use super::error::CallError;
use super::evidence::EvidenceStream;
use super::receipt::{Receipt, SubmitError};
use super::receive::{self, ReceiveOptions, Receiver};
use super::submit::{self, Outcomes, SubmitOptions, Submitter};
use crate::caps;
use crate::stub::exchange::exchange_service_client::ExchangeServiceClient;
use crate::tls::ConnectorError;

/// The client of one agency's system. Cloning shares the connection.
#[derive(Clone, Debug)]
pub struct AgencyClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: NodeChannel,
    address: Address,
    /// The node's evidence keys, pinned at first use.
    keys: OnceCell<Vec<PublicKey>>,
    /// The evidence keys of nodes linked with it, by identity, as the node names them now.
    linked: RwLock<HashMap<String, Arc<[PublicKey]>>>,
}

impl AgencyClient {
    /// Checks the configuration. The connection is made by the first call.
    pub fn new(config: ClientConfig, address: Address) -> Result<Self, ConnectorError> {
        Ok(Self(Arc::new(Inner {
            node: NodeChannel::new(config)?,
            address,
            keys: OnceCell::new(),
            linked: RwLock::default(),
        })))
    }

    /// As [`AgencyClient::new`], with evidence keys that are known already.
    pub fn with_keys(
        config: ClientConfig,
        address: Address,
        keys: Vec<PublicKey>,
    ) -> Result<Self, ConnectorError> {
        Ok(Self(Arc::new(Inner {
            node: NodeChannel::new(config)?,
            address,
            keys: OnceCell::new_with(Some(keys)),
            linked: RwLock::default(),
        })))
    }

    /// The address that this client acts for.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// Who the node is, and what the caller may do there.
    pub async fn node_info(&self) -> Result<pb::GetNodeInfoResponse, CallError> {
        let request = pb::GetNodeInfoRequest {};
        self.0
            .node
            .call(
                request,
                |channel, request| async move { rpc(channel).get_node_info(request).await },
            )
            .await
    }

    /// The keys that this node's evidence is checked with: those given, or
    /// those it named at first use. A node that comes with other keys later is
    /// not believed by this client.
    pub async fn evidence_keys(&self) -> Result<&[PublicKey], CallError> {
        let ask = async || {
            let info = self.node_info().await?;
            let keys: Result<Vec<_>, _> =
                info.evidence_keys.iter().map(|key| PublicKey::from_spki(&key.spki)).collect();
            keys.map_err(|_ignored| CallError::Answer)
        };
        Ok(self.0.keys.get_or_try_init(ask).await?)
    }

    /// Learns the keys of the nodes that messages go to from here, which these may change
    /// as they like. For them the node's word is taken, as it is for which node an agency
    /// lives at.
    pub(super) async fn learn_linked_nodes(&self) -> Result<(), CallError> {
        let info = self.node_info().await?;
        let linked = info.linked_nodes.into_iter().map(|linked| {
            let keys = linked.evidence_keys.iter();
            let keys = keys.filter_map(|key| PublicKey::from_spki(&key.spki).ok()).collect();
            (linked.node, keys)
        });
        *self.0.linked.write().unwrap_or_else(PoisonError::into_inner) = linked.collect();
        Ok(())
    }

    /// The keys that evidence of this issuer is checked with.
    pub(super) fn keys_of(&self, issuer: &str) -> Arc<[PublicKey]> {
        let linked = self.0.linked.read().unwrap_or_else(PoisonError::into_inner);
        linked.get(issuer).map_or_else(|| self.pinned_keys().into(), Arc::clone)
    }

    /// Submits one message and waits for its receipt. Tries again by the
    /// published table; the same message again gives the same receipt.
    pub async fn submit(&self, message: SignedMessage) -> Result<Receipt, SubmitError> {
        let keys = self.evidence_keys().await?;
        let request = pb::SubmitMessageRequest { message: Some(message.clone()) };
        let answer =
            self.0
                .node
                .call(request, |channel, request| async move {
                    rpc(channel).submit_message(request).await
                })
                .await?;
        let pb::SubmitMessageResponse { receipt, repeated_submission } = answer;
        let receipt = receipt.ok_or(CallError::Answer)?;
        Ok(Receipt::check(&message, receipt, repeated_submission, keys)?)
    }

    /// Submits many over one stream, several at a time.
    pub fn submit_stream(&self, options: SubmitOptions) -> (Submitter, Outcomes) {
        submit::start(self.clone(), options)
    }

    /// Receives from an inbox until dropped, over any number of connections.
    pub fn receive(&self, options: ReceiveOptions) -> Receiver {
        receive::start(self.clone(), options)
    }

    /// Looks at what waits in an inbox, taking nothing. Empty `statuses`: ACTUAL
    /// alone.
    pub async fn peek(
        &self,
        inbox: &Address,
        statuses: &[MessageStatus],
    ) -> Result<Peek, CallError> {
        let open = pb::OpenInbox {
            inbox: inbox.to_string(),
            statuses: statuses.iter().map(|status| (*status).into()).collect(),
            peek: true,
            ..pb::OpenInbox::default()
        };
        let first = pb::ReceiveMessagesRequest { command: Some(Command::Open(open)) };
        let mut rpc = self.rpc();
        let opening = rpc.receive_messages(tokio_stream::once(first));
        Ok(Peek(self.0.node.open(opening).await?))
    }

    /// Evidence about messages that the agency sent, after a cursor (empty:
    /// from the beginning); with `follow`, as it happens.
    pub fn evidence(&self, after: String, follow: bool) -> EvidenceStream {
        EvidenceStream::new(self.clone(), after, follow)
    }

    /// What has become of a message.
    pub async fn status(
        &self,
        origin: &Address,
        id: MessageId,
    ) -> Result<pb::GetMessageStatusResponse, CallError> {
        let request = pb::GetMessageStatusRequest {
            origin_agency: origin.to_string(),
            message_id: id.to_string(),
        };
        self.0
            .node
            .call(request, |channel, request| async move {
                rpc(channel).get_message_status(request).await
            })
            .await
    }

    /// The evidence keys if they are pinned already, else none.
    pub(super) fn pinned_keys(&self) -> &[PublicKey] {
        self.0.keys.get().map_or(&[], Vec::as_slice)
    }

    pub(super) fn node(&self) -> &NodeChannel {
        &self.0.node
    }

    pub(super) fn rpc(&self) -> ExchangeServiceClient<Channel> {
        rpc(self.0.node.channel.clone())
    }
}

fn rpc(channel: Channel) -> ExchangeServiceClient<Channel> {
    ExchangeServiceClient::new(channel)
        .max_decoding_message_size(caps::GRPC_MESSAGE_BYTES)
        .max_encoding_message_size(caps::GRPC_MESSAGE_BYTES)
}

/// What waits in an inbox.
#[derive(Debug)]
pub struct Peek(Streaming<pb::ReceiveMessagesResponse>);

impl Peek {
    /// The next message; `None` after the last one that waits now.
    pub async fn next(&mut self) -> Result<Option<pb::HandOut>, CallError> {
        loop {
            let read = tokio::time::timeout(caps::HEARTBEAT_SILENCE, self.0.message());
            let event = match read.await {
                Ok(Ok(Some(event))) => event.event,
                Ok(Ok(None)) => return Ok(None),
                Ok(Err(status)) => return Err(CallError::from_status(&status)),
                Err(_elapsed) => return Err(CallError::Interrupted),
            };
            match event {
                Some(Event::HandOut(hand_out)) => return Ok(Some(hand_out)),
                Some(Event::Heartbeat(_) | Event::Evidence(_)) => {}
                Some(Event::Closing(closing)) => {
                    return Err(CallError::closed(closing.reason, closing.message));
                }
                Some(Event::LeaseResult(_)) | None => return Err(CallError::Answer),
            }
        }
    }
}
