//! A far end that plays a script: the client is tested against what a node may
//! do, and against what a good node never does.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use barid_audit::evidence;
use barid_link::client::{AgencyClient, ClientConfig, RetryPolicy};
use barid_link::stub::exchange::exchange_service_server::{ExchangeService, ExchangeServiceServer};
use barid_link::tls::{AcceptCounts, AcceptLimits, Acceptor, PeerIdentity};
use barid_message::address::Address;
use barid_message::digest::Digest;
use barid_message::key::{Algorithm, SigningKey};
use barid_proto::audit::v1::{Event, Evidence, SignedEvidence};
use barid_proto::exchange::v1 as pb;
use barid_proto::message::v1::{Envelope, SignedMessage};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::listener::SOON;
use crate::pki::{Ca, Leaf, Pair};

/// With a time limit, so that what never comes fails the test.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(SOON, future).await.expect("in time")
}

/// What the far end does with one submission.
pub(crate) enum Step {
    /// Signs a receipt.
    Accept,
    /// Signs a receipt for something else.
    AcceptOther,
    /// Signs a receipt with a key that it never named.
    AcceptForged,
    /// Answers with a status.
    Fail(Status),
    /// Never answers.
    Hang,
}

/// One stream, as the test plays it.
#[derive(Debug)]
pub(crate) struct Inbound<Q, A> {
    pub(crate) first: Q,
    pub(crate) requests: Option<Streaming<Q>>,
    pub(crate) answers: mpsc::Sender<Result<A, Status>>,
}

pub(crate) type ReceiveStream = Inbound<pb::ReceiveMessagesRequest, pb::ReceiveMessagesResponse>;
pub(crate) type SubmitStream = Inbound<pb::SubmitMessagesRequest, pb::SubmitMessagesResponse>;
pub(crate) type EvidenceCall = Inbound<pb::ReceiveEvidenceRequest, pb::ReceiveEvidenceResponse>;

/// What the far end saw and is to do.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) steps: VecDeque<Step>,
    /// Of each submission: who called, and with which time limit.
    pub(crate) calls: Vec<(String, Option<String>)>,
}

struct Play {
    script: Arc<Mutex<Script>>,
    key: SigningKey,
    receives: mpsc::Sender<ReceiveStream>,
    submits: mpsc::Sender<SubmitStream>,
    evidence: mpsc::Sender<EvidenceCall>,
}

/// The far end, running.
pub(crate) struct Node {
    pub(crate) ca: Ca,
    pub(crate) script: Arc<Mutex<Script>>,
    pub(crate) counts: AcceptCounts,
    pub(crate) receives: mpsc::Receiver<ReceiveStream>,
    pub(crate) submits: mpsc::Receiver<SubmitStream>,
    pub(crate) evidence: mpsc::Receiver<EvidenceCall>,
    pub(crate) key: SigningKey,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) fn refusal(code: Code, reason: &str, retry_after: Option<Duration>) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, "barid", []);
    if retry_after.is_some() {
        details.set_retry_info(retry_after);
    }
    Status::with_error_details(code, "in plain words", details)
}

/// A message as far as the client looks at it: the header's bytes.
pub(crate) fn message(header: &str) -> SignedMessage {
    SignedMessage {
        envelope: Some(Envelope { payload: header.to_owned().into(), ..Envelope::default() }),
        body: "body".into(),
    }
}

pub(crate) fn signed(key: &SigningKey, event: Event, header: &[u8]) -> SignedEvidence {
    let statement = Evidence {
        event: event.into(),
        header_digest: Digest::of(header).to_bytes(),
        ..Evidence::default()
    };
    evidence::sign(statement.encode_to_vec().into(), key, None)
}

impl Node {
    pub(crate) async fn start(steps: impl IntoIterator<Item = Step>) -> Self {
        let ca = Ca::new();
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let bound = Acceptor::bind(any_port, &ca.server(), AcceptLimits::default()).await;
        let (acceptor, incoming) = bound.unwrap();
        let (address, counts) = (acceptor.local_addr(), acceptor.counts());
        let script = Arc::new(Mutex::new(Script {
            steps: steps.into_iter().collect(),
            ..Script::default()
        }));
        let key = SigningKey::generate(Algorithm::Ed25519).unwrap();
        let (receives_in, receives) = mpsc::channel(8);
        let (submits_in, submits) = mpsc::channel(8);
        let (evidence_in, evidence) = mpsc::channel(8);
        let play = Play {
            script: Arc::clone(&script),
            key: SigningKey::from_pkcs8_der(&key.to_pkcs8_der()).unwrap(),
            receives: receives_in,
            submits: submits_in,
            evidence: evidence_in,
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(acceptor.run(std::future::pending()));
        tasks.spawn(async {
            tonic::transport::Server::builder()
                .add_service(ExchangeServiceServer::new(play))
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        Self { ca, script, counts, receives, submits, evidence, key, address, _tasks: tasks }
    }

    pub(crate) fn config(&self, pair: Pair) -> ClientConfig {
        let mut config = ClientConfig::new(self.ca.client(self.address.port(), pair), 7);
        config.retry = RetryPolicy {
            first: Duration::from_millis(10),
            ceiling: Duration::from_millis(40),
            ..RetryPolicy::default()
        };
        config
    }

    pub(crate) fn client(&self) -> AgencyClient {
        let config = self.config(self.ca.issue(&Leaf::CLIENT));
        AgencyClient::new(config, Address::parse("pk/customs").unwrap()).unwrap()
    }

    pub(crate) fn calls(&self) -> usize {
        self.script.lock().unwrap().calls.len()
    }
}

type Answers<A> = Result<Response<ReceiverStream<Result<A, Status>>>, Status>;

/// Hands a stream over to the test.
async fn play_stream<Q: Send + 'static, A>(
    to: &mpsc::Sender<Inbound<Q, A>>,
    mut requests: Streaming<Q>,
) -> Answers<A> {
    let (answers, outbound) = mpsc::channel(64);
    let to = to.clone();
    // The first request is read behind the response, which the client awaits.
    let first = requests.message().await?.expect("a first request");
    let inbound = Inbound { first, requests: Some(requests), answers };
    to.send(inbound).await.expect("the test runs");
    Ok(Response::new(ReceiverStream::new(outbound)))
}

#[tonic::async_trait]
impl ExchangeService for Play {
    async fn get_node_info(
        &self,
        _request: Request<pb::GetNodeInfoRequest>,
    ) -> Result<Response<pb::GetNodeInfoResponse>, Status> {
        let public = self.key.public();
        Ok(Response::new(pb::GetNodeInfoResponse {
            evidence_keys: vec![pb::PublicKey {
                keyid: public.keyid().as_bytes().to_vec().into(),
                spki: public.spki().clone(),
                ..pb::PublicKey::default()
            }],
            ..pb::GetNodeInfoResponse::default()
        }))
    }

    async fn submit_message(
        &self,
        request: Request<pb::SubmitMessageRequest>,
    ) -> Result<Response<pb::SubmitMessageResponse>, Status> {
        let peer = request.extensions().get::<PeerIdentity>().unwrap();
        let caller = peer.identity().unwrap().to_string();
        let limit =
            request.metadata().get("grpc-timeout").map(|limit| limit.to_str().unwrap().to_owned());
        let step = {
            let mut script = self.script.lock().unwrap();
            script.calls.push((caller, limit));
            script.steps.pop_front().unwrap_or(Step::Accept)
        };
        let message = request.into_inner().message.unwrap();
        let header = message.envelope.unwrap().payload;
        let accepted = Event::SubmissionAccepted;
        let receipt = match step {
            Step::Accept => signed(&self.key, accepted, &header),
            Step::AcceptOther => signed(&self.key, accepted, b"another header"),
            Step::AcceptForged => {
                let other = SigningKey::generate(Algorithm::Ed25519).unwrap();
                signed(&other, accepted, &header)
            }
            Step::Fail(status) => return Err(status),
            Step::Hang => std::future::pending().await,
        };
        Ok(Response::new(pb::SubmitMessageResponse {
            receipt: Some(receipt),
            repeated_submission: false,
        }))
    }

    type SubmitMessagesStream = ReceiverStream<Result<pb::SubmitMessagesResponse, Status>>;

    async fn submit_messages(
        &self,
        request: Request<Streaming<pb::SubmitMessagesRequest>>,
    ) -> Answers<pb::SubmitMessagesResponse> {
        play_stream(&self.submits, request.into_inner()).await
    }

    type ReceiveMessagesStream = ReceiverStream<Result<pb::ReceiveMessagesResponse, Status>>;

    async fn receive_messages(
        &self,
        request: Request<Streaming<pb::ReceiveMessagesRequest>>,
    ) -> Answers<pb::ReceiveMessagesResponse> {
        play_stream(&self.receives, request.into_inner()).await
    }

    type ReceiveEvidenceStream = ReceiverStream<Result<pb::ReceiveEvidenceResponse, Status>>;

    async fn receive_evidence(
        &self,
        request: Request<pb::ReceiveEvidenceRequest>,
    ) -> Answers<pb::ReceiveEvidenceResponse> {
        let (answers, outbound) = mpsc::channel(64);
        let call = Inbound { first: request.into_inner(), requests: None, answers };
        self.evidence.send(call).await.expect("the test runs");
        Ok(Response::new(ReceiverStream::new(outbound)))
    }

    async fn get_message_status(
        &self,
        _request: Request<pb::GetMessageStatusRequest>,
    ) -> Result<Response<pb::GetMessageStatusResponse>, Status> {
        Err(refusal(Code::NotFound, "NOT_FOUND", None))
    }
}
