//! How a submission stream ends that its sender does not end.

use barid_proto::exchange::v1 as pb;
use pb::submit_messages_response::Outcome;
use prost::Message as _;
use prost::bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status, Streaming};
use tonic_types::StatusExt as _;

use crate::harness::{Agency, BytesCodec, Node, channel, within};

/// Largest gRPC message, bytes.
const MESSAGE_BYTES_MAX: usize = 448 * 1024;

/// A submission stream of pk/customs, in bytes.
struct Stream {
    requests: mpsc::Sender<Bytes>,
    answers: Streaming<Bytes>,
}

impl Stream {
    async fn open(node: &Node) -> Self {
        let (requests, outbound) = mpsc::channel(8);
        let mut grpc = Grpc::new(channel(node.connector("pk/customs")));
        within(grpc.ready()).await.expect("a connection");
        let path = PathAndQuery::from_static("/barid.exchange.v1.ExchangeService/SubmitMessages");
        let request = Request::new(ReceiverStream::new(outbound));
        let answers = within(grpc.streaming(request, path, BytesCodec)).await.expect("open");
        Self { requests, answers: answers.into_inner() }
    }

    async fn say(&self, request: Bytes) {
        within(self.requests.send(request)).await.expect("the stream is open");
    }

    async fn submit(&self, customs: &Agency, sequence: u64) {
        let draft = customs.note("Gate 2 closed.").to(&crate::harness::address("pk/police"));
        let message = Some(customs.sign(draft));
        let request = pb::SubmitMessagesRequest { sequence, message };
        self.say(request.encode_to_vec().into()).await;
    }

    /// Takes the receipt of a message.
    async fn receipt(&mut self, sequence: u64) {
        let answer = within(self.answers.message()).await.expect("an answer").expect("one more");
        let answer = pb::SubmitMessagesResponse::decode(answer).expect("a response");
        assert_eq!(answer.sequence, sequence);
        assert!(matches!(answer.outcome, Some(Outcome::Receipt(_))), "{answer:?}");
    }

    /// The status it ends with: code and reason.
    async fn end(&mut self) -> (Code, String) {
        let status: Status =
            within(self.answers.message()).await.expect_err("an end with a status");
        let details = status.get_error_details();
        let reason = details.error_info().expect("an ErrorInfo").reason.clone();
        (status.code(), reason)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_ends_a_stream_behind_the_answers_before_it() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let too_long = Bytes::from(vec![0; MESSAGE_BYTES_MAX + 1]);
    let unreadable =
        [(Bytes::from_static(b"{\"message\":{}}"), "MALFORMED"), (too_long, "TOO_LARGE")];
    for (request, reason) in unreadable {
        let mut stream = Stream::open(&node).await;
        stream.submit(&customs, 1).await;
        stream.submit(&customs, 2).await;
        stream.say(request).await;
        stream.receipt(1).await;
        stream.receipt(2).await;
        assert_eq!(stream.end().await, (Code::InvalidArgument, reason.to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_says_so_to_submitters() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let mut stream = Stream::open(&node).await;
    stream.submit(&customs, 1).await;
    stream.receipt(1).await;
    let stopping = tokio::task::spawn_blocking(move || node.stop());
    assert_eq!(stream.end().await, (Code::Unavailable, "SHUTTING_DOWN".to_owned()));
    drop(stream);
    assert!(stopping.await.expect("no panic").status.success());
}
