//! ExchangeService: what agency systems use.

use barid_broker::registry::{Peer, Registry};
use barid_link::stub::exchange::exchange_service_server::ExchangeService;
use barid_message::Reason;
use barid_message::address::Address;
use barid_message::key::{Algorithm, PublicKey};
use barid_proto::exchange::v1::{
    Agreement, GetMessageStatusRequest, GetMessageStatusResponse, GetNodeInfoRequest,
    GetNodeInfoResponse, LinkedNode, PublicKey as WireKey, ReceiveEvidenceRequest,
    ReceiveEvidenceResponse, ReceiveMessagesRequest, SubmitMessageRequest, SubmitMessageResponse,
    SubmitMessagesRequest, SubmitMessagesResponse,
};
use barid_proto::message::v1::{AgreementRef, SignatureAlgorithm};
use bytes::Bytes;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::authn::Caller;
use super::outbound::Outbound;
use super::status::status;
use super::{Services, evidence, message_status, receive, submit, timestamp};

/// The handlers.
pub(crate) struct Exchange(pub(crate) Services);

type Answers<T> = ReceiverStream<Result<T, Status>>;

#[tonic::async_trait]
impl ExchangeService for Exchange {
    async fn get_node_info(
        &self,
        request: Request<GetNodeInfoRequest>,
    ) -> Result<Response<GetNodeInfoResponse>, Status> {
        let caller = self.0.caller(request.extensions()).await?;
        Ok(Response::new(self.node_info(&caller)))
    }

    async fn submit_message(
        &self,
        request: Request<SubmitMessageRequest>,
    ) -> Result<Response<SubmitMessageResponse>, Status> {
        let caller = self.0.caller(request.extensions()).await?;
        let Some(message) = request.into_inner().message else {
            let (why, text) = (Reason::FieldMissing, "the request holds no message");
            return Err(self.0.refuse_on_record(&caller.identity, why, text).await);
        };
        let broker = &self.0.broker;
        let checked = broker.check(&caller.identity, message);
        let receipt = match broker.enqueue(&caller.identity, checked).await {
            Ok(pending) => pending.decided().await,
            Err(refusal) => Err(refusal),
        }
        .map_err(|refusal| status(&refusal))?;
        Ok(Response::new(SubmitMessageResponse {
            repeated_submission: receipt.repeated,
            receipt: self.0.signed(receipt.evidence),
        }))
    }

    type SubmitMessagesStream = Answers<SubmitMessagesResponse>;

    async fn submit_messages(
        &self,
        request: Request<Streaming<SubmitMessagesRequest>>,
    ) -> Result<Response<Self::SubmitMessagesStream>, Status> {
        let caller = self.0.caller(request.extensions()).await?;
        submit::stream(&self.0, caller, request.into_inner()).map(Response::new)
    }

    type ReceiveMessagesStream = Outbound;

    async fn receive_messages(
        &self,
        request: Request<Streaming<ReceiveMessagesRequest>>,
    ) -> Result<Response<Self::ReceiveMessagesStream>, Status> {
        let caller = self.0.caller(request.extensions()).await?;
        receive::stream(&self.0, caller, request.into_inner()).map(Response::new)
    }

    type ReceiveEvidenceStream = Answers<ReceiveEvidenceResponse>;

    async fn receive_evidence(
        &self,
        request: Request<ReceiveEvidenceRequest>,
    ) -> Result<Response<Self::ReceiveEvidenceStream>, Status> {
        let caller = self.0.caller(request.extensions()).await?;
        evidence::stream(&self.0, &caller, &request.into_inner()).await.map(Response::new)
    }

    async fn get_message_status(
        &self,
        request: Request<GetMessageStatusRequest>,
    ) -> Result<Response<GetMessageStatusResponse>, Status> {
        let caller = self.0.caller(request.extensions()).await?;
        message_status::get(&self.0, &caller, &request.into_inner()).await.map(Response::new)
    }
}

impl Exchange {
    fn node_info(&self, caller: &Caller) -> GetNodeInfoResponse {
        let registry = self.0.broker.registry();
        let agreements = registry
            .agreements()
            .iter()
            .filter(|held| caller.addresses().iter().any(|address| held.has_party(address)));
        GetNodeInfoResponse {
            node: self.0.identity.clone(),
            name: self.0.name.clone(),
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            log_origin: self.0.broker.log_origin().to_owned(),
            evidence_keys: vec![wire_key(self.0.evidence_key.public())],
            addresses: caller.addresses().iter().map(ToString::to_string).collect(),
            agreements: agreements.map(wire_agreement).collect(),
            time: timestamp(self.0.broker.now()),
            linked_nodes: registry
                .peers()
                .map(|peer| linked_node(&registry, caller, peer))
                .collect(),
        }
    }
}

/// A linked node, with no more of its agencies than the caller may write to.
fn linked_node(registry: &Registry, caller: &Caller, peer: &Peer) -> LinkedNode {
    let is_party = |address: &&Address| {
        registry.agreements().iter().any(|agreement| {
            agreement.has_party(address)
                && caller.addresses().iter().any(|own| agreement.has_party(own))
        })
    };
    LinkedNode {
        node: peer.identity.as_ref().to_owned(),
        name: peer.name.clone(),
        evidence_keys: peer.all_evidence_keys().map(|key| wire_key(&key.key)).collect(),
        addresses: peer.agencies().filter(is_party).map(ToString::to_string).collect(),
    }
}

fn wire_key(key: &PublicKey) -> WireKey {
    let algorithm = match key.algorithm() {
        Algorithm::Ed25519 => SignatureAlgorithm::Ed25519,
        Algorithm::EcdsaP256 => SignatureAlgorithm::EcdsaP256Sha256,
    };
    WireKey {
        keyid: Bytes::copy_from_slice(&key.keyid().0),
        algorithm: algorithm.into(),
        spki: Bytes::copy_from_slice(key.spki()),
    }
}

fn wire_agreement(agreement: &barid_agreement::Agreement) -> Agreement {
    let reference = agreement.reference();
    Agreement {
        reference: Some(AgreementRef {
            id: reference.id,
            version: reference.version,
            sha256: Bytes::copy_from_slice(&reference.sha256.0),
            clause: reference.clause,
        }),
        parties: agreement.parties().map(ToString::to_string).collect(),
        kinds: agreement.kinds().map(Into::into).collect(),
        purposes: agreement.purposes().map(Into::into).collect(),
    }
}
