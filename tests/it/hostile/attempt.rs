//! What is tried, and what came of it.

use barid_link::tls::{ConnectError, Connector, ConnectorConfig};
use barid_proto::exchange::v1 as exchange;
use barid_proto::message::v1::SignedMessage;
use barid_proto::operations::v1 as ops;
use exchange::lease_result::Result as Outcome;
use exchange::receive_messages_request::Command;
use prost::bytes::Bytes;
use rustls::AlertDescription;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use super::handshake;
use super::scene::Scene;
use crate::harness::{BytesCodec, Stream, channel, within};

/// Domain of every reason.
const DOMAIN: &str = "barid";

/// One thing to try.
pub(super) enum Attempt {
    /// A connection without a client certificate.
    Anonymous,
    /// A connection.
    Connect(ConnectorConfig),
    /// Bytes to a method, as pk/customs.
    Call(&'static str, Vec<u8>),
    /// A message, submitted by pk/customs.
    Submit(SignedMessage),
    /// A message, submitted by this agency.
    SubmitAs(&'static str, SignedMessage),
    /// An ack of this lease on a stream of that agency.
    Ack(&'static str, Bytes),
    /// An inbox opened for so many hand-outs at a time, as pk/customs.
    Open(u32),
    /// Evidence from a cursor, as pk/customs.
    Evidence(String),
    /// A page of the log.
    List(ops::ListEventsRequest),
    /// A tail of the log.
    Tail(ops::TailEventsRequest),
    /// The last of so many tails that are open together.
    Tails(usize),
    /// A start of the node with this public key in its configuration.
    Import(Vec<u8>),
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// A TLS alert, which the client shows as the node's refusal.
    Alert(AlertDescription),
    /// A code below the node's own refusals.
    Code(Code),
    /// A code with one reason of the documented list.
    Refused(Code, String),
    /// The receipt of before.
    SameReceipt,
    /// No start, and a sentence that says so.
    NoStart,
    /// None of these: it got through, or failed in another way.
    Other(String),
}

impl From<SignedMessage> for Attempt {
    fn from(message: SignedMessage) -> Self {
        Self::Submit(message)
    }
}

impl Attempt {
    /// Makes it.
    pub(super) async fn make(self, scene: &Scene) -> Answer {
        let made = match self {
            Self::Anonymous => return handshake::anonymous(scene).await,
            Self::Connect(config) => return connect(config).await,
            Self::Submit(message) => return submit(scene, "pk/customs", message).await,
            Self::SubmitAs(who, message) => return submit(scene, who, message).await,
            Self::Ack(who, lease) => return ack(scene, who, lease).await,
            Self::Import(spki) => return import(scene, &spki),
            Self::Call(path, bytes) => call(scene, path, bytes).await,
            Self::Open(max_outstanding) => open(scene, max_outstanding).await,
            Self::Evidence(after) => evidence(scene, after).await,
            Self::List(request) => {
                let mut rpc = scene.node.raw_operator();
                within(rpc.list_events(request)).await.map(drop)
            }
            Self::Tail(request) => tails(scene, &request, 1).await,
            Self::Tails(count) => {
                let follow = true;
                let request = ops::TailEventsRequest { follow, ..Default::default() };
                tails(scene, &request, count).await
            }
        };
        match made {
            Ok(()) => Answer::Other("it got through".to_owned()),
            Err(status) => Answer::of(&status),
        }
    }
}

impl Answer {
    /// Reads a status: exactly one reason of our domain, or none.
    fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        match details.error_info() {
            None => Self::Code(status.code()),
            Some(info) if info.domain == DOMAIN => {
                Self::Refused(status.code(), info.reason.clone())
            }
            Some(info) => Self::Other(format!("of domain {}", info.domain)),
        }
    }
}

async fn connect(config: ConnectorConfig) -> Answer {
    let connector = Connector::new(config).expect("PEM");
    match within(connector.connect()).await {
        Ok(_stream) => Answer::Other("connected".to_owned()),
        Err(ConnectError::RefusedByNode(alert)) => Answer::Alert(alert),
        Err(other) => Answer::Other(format!("{other:?}")),
    }
}

async fn submit(scene: &Scene, who: &'static str, message: SignedMessage) -> Answer {
    let message = Some(message);
    let request = exchange::SubmitMessageRequest { message };
    let mut rpc = scene.node.raw(who);
    match within(rpc.submit_message(request)).await {
        Err(status) => Answer::of(&status),
        Ok(response) => {
            let response = response.into_inner();
            if response.repeated_submission && response.receipt.as_ref() == Some(&scene.receipt) {
                Answer::SameReceipt
            } else {
                Answer::Other(format!("{response:?}"))
            }
        }
    }
}

async fn ack(scene: &Scene, who: &'static str, lease: Bytes) -> Answer {
    // Asking for tests alone, so that nothing is handed out.
    let open = exchange::OpenInbox {
        inbox: who.to_owned(),
        statuses: vec![barid_message::Status::Test.into()],
        ..Default::default()
    };
    let mut stream = Stream::open(scene.node.raw(who), open).await.expect("open");
    let signed_ack = None;
    let ack = Command::Ack(exchange::Ack { lease, signed_ack });
    match stream.ask(ack).await {
        Outcome::Refusal(refusal) => {
            let code = i32::try_from(refusal.code).expect("a code");
            let reason = barid_message::reason::name(refusal.reason());
            Answer::Refused(Code::from_i32(code), reason.to_owned())
        }
        other => Answer::Other(format!("{other:?}")),
    }
}

async fn call(scene: &Scene, path: &'static str, bytes: Vec<u8>) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel(scene.node.connector("pk/customs")));
    within(grpc.ready()).await.expect("a connection");
    let path = PathAndQuery::from_static(path);
    let request = Request::new(Bytes::from(bytes));
    within(grpc.unary(request, path, BytesCodec)).await.map(drop)
}

async fn open(scene: &Scene, max_outstanding: u32) -> Result<(), Status> {
    let inbox = "pk/customs".to_owned();
    let open = exchange::OpenInbox { inbox, max_outstanding, ..Default::default() };
    let mut stream = Stream::open(scene.node.raw("pk/customs"), open).await?;
    stream.hear().await.map(drop)
}

async fn evidence(scene: &Scene, after: String) -> Result<(), Status> {
    let request =
        exchange::ReceiveEvidenceRequest { agency: "pk/customs".to_owned(), after, follow: false };
    let mut rpc = scene.node.raw("pk/customs");
    let mut stream = within(rpc.receive_evidence(request)).await?.into_inner();
    within(stream.message()).await.map(drop)
}

/// Opens one after the other, and keeps those that are open until the last has its answer.
async fn tails(
    scene: &Scene,
    request: &ops::TailEventsRequest,
    count: usize,
) -> Result<(), Status> {
    let mut rpc = scene.node.raw_operator();
    let mut open = Vec::new();
    for turn in 1..=count {
        match within(rpc.tail_events(request.clone())).await {
            Ok(response) => open.push(response.into_inner()),
            Err(status) if turn == count => return Err(status),
            Err(status) => panic!("tail {turn} of {count}: {status}"),
        }
    }
    Ok(())
}

/// Adds an agency with this key to the configuration of a site that does not run.
fn import(scene: &Scene, spki: &[u8]) -> Answer {
    use base64::Engine as _;
    let spki = base64::engine::general_purpose::STANDARD.encode(spki);
    let site = &scene.past;
    let config = site.config();
    let text = std::fs::read_to_string(&config).expect("node.toml can be read");
    let table = format!(
        "\n[[agency]]\naddress = \"pk/navy\"\n[[agency.key]]\nspki = \"{spki}\"\n\
         valid_from = \"2026-01-01T00:00:00Z\"\n"
    );
    crate::harness::write(&config, format!("{text}{table}").as_bytes());
    let ended = site.fails_to_start();
    crate::harness::write(&config, text.as_bytes());
    let is_said = ended.stderr.contains("this public key is refused");
    if ended.status.code() == Some(1) && is_said && !site.data().exists() {
        Answer::NoStart
    } else {
        Answer::Other(format!("{ended:?}"))
    }
}
