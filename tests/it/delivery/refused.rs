//! What is refused costs no disk, and is on record.

use barid_link::stub::exchange::exchange_service_client::ExchangeServiceClient;
use barid_link::tls::ConnectorConfig;
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1 as pb;
use barid_proto::message::v1::SignedMessage;
use barid_proto::operations::v1::{EventFilter, ListEventsRequest};
use pb::lease_result::Result as LeaseOutcome;
use pb::receive_messages_request::Command;
use pb::submit_messages_response::Outcome;
use prost::bytes::Bytes;
use tokio_stream::StreamExt as _;

use crate::harness::{Node, Stream, channel, within};

/// Submits all over one stream, each as soon as it can be sent; gives the reasons of those that
/// were refused.
async fn refusals(node: &Node, messages: Vec<SignedMessage>) -> Vec<Reason> {
    let count = messages.len();
    let requests = (0..)
        .zip(messages)
        .map(|(sequence, message)| pb::SubmitMessagesRequest { sequence, message: Some(message) });
    let stream = tokio_stream::iter(requests.collect::<Vec<_>>());
    let answers = within(node.raw("pk/customs").submit_messages(stream)).await.expect("open");
    let answers: Vec<_> = answers.into_inner().collect().await;
    assert_eq!(answers.len(), count, "every message has its answer");
    let refusal = |answer: Result<pb::SubmitMessagesResponse, tonic::Status>| match answer
        .expect("an answer")
        .outcome
        .expect("an outcome")
    {
        Outcome::Receipt(_) => None,
        Outcome::Refusal(refusal) => {
            let is_passing = refusal.reason() == Reason::Overloaded;
            assert_eq!(refusal.retry_after_ms > 0, is_passing, "{refusal:?}");
            Some(refusal.reason())
        }
    };
    answers.into_iter().filter_map(refusal).collect()
}

fn inbox(address: &str) -> pb::OpenInbox {
    pb::OpenInbox { inbox: address.to_owned(), ..Default::default() }
}

/// Bytes of messages on the disk, without what is only preallocated.
fn bodies(node: &Node) -> usize {
    let epochs = std::fs::read_dir(node.data().join("bodies")).expect("bodies/");
    let segments = epochs.flat_map(|epoch| {
        std::fs::read_dir(epoch.expect("an epoch").path()).expect("an epoch can be listed")
    });
    let used = segments.map(|segment| {
        let bytes = std::fs::read(segment.expect("a segment").path()).expect("it can be read");
        bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
    });
    used.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_inbox_writes_nothing_down() {
    const INBOX: usize = 100;
    let node = Node::site(&["pk/customs", "pk/police"])
        .setting("inbox_messages_max = 100000", &format!("inbox_messages_max = {INBOX}"))
        .start();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let note = |_| customs.sign(customs.note("Gate 2 closed.").to(&police.address));
    // The last of them are on their way while the inbox fills.
    let refused = refusals(&node, (0..INBOX + 300).map(note).collect()).await;
    assert_eq!(refused, [Reason::Overloaded; 300]);
    assert_eq!(node.totals().await.accepted, INBOX as u64);
    let full = bodies(&node);
    let each = note(0);
    let length = prost::Message::encoded_len(&each);
    assert!(full < INBOX * (length + 64), "{full} bytes for {INBOX} messages of {length}");

    let refused = refusals(&node, (0..300).map(note).collect()).await;
    assert_eq!(refused, [Reason::Overloaded; 300]);
    assert_eq!(bodies(&node), full);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_conflicts_the_first_ten_are_kept() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let id = customs.send(customs.note("Gate 2 closed.").to(&police.address)).await;
    let other = |n: u32| {
        let draft = customs.note(&format!("Gate 2 open, {n:03}.")).to(&police.address);
        customs.sign(draft.id(id))
    };
    let length = bodies(&node);
    let refused = refusals(&node, (0..300).map(other).collect()).await;
    assert_eq!(refused, [Reason::DuplicateIdConflict; 300]);
    // Twice as many where a minute begins meanwhile.
    let kept = (bodies(&node) - length) / length;
    assert!((9..=20).contains(&kept), "{kept} of 300 are kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_are_on_record_with_who_and_why() {
    let node = Node::start(&["pk/customs", "pk/police", "pk/health"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("Gate 2 closed.").to(&police.address)).await;
    let mut holder = Stream::open(node.raw("pk/police"), inbox("pk/police")).await.expect("open");
    let hand_out = holder.hand_out().await;

    // An operator is no agency, even with a certificate of this node's CA.
    let endpoint = node.connector("pk/customs").endpoint;
    let stranger = ConnectorConfig { endpoint, ..node.operator_connector() };
    let mut stranger = ExchangeServiceClient::new(channel(stranger));
    let unknown = within(stranger.get_node_info(pb::GetNodeInfoRequest {})).await;
    assert_eq!(unknown.expect_err("unknown").code(), tonic::Code::Unauthenticated);
    let agency = customs.address.to_string();
    let request = pb::ReceiveEvidenceRequest { agency, ..Default::default() };
    let others = within(node.raw("pk/health").receive_evidence(request)).await;
    assert_eq!(others.expect_err("another's").code(), tonic::Code::PermissionDenied);
    let nothing = pb::SubmitMessageRequest { message: None };
    let nothing = within(node.raw("pk/health").submit_message(nothing)).await;
    assert_eq!(nothing.expect_err("nothing").code(), tonic::Code::InvalidArgument);
    let mut health = Stream::open(node.raw("pk/health"), inbox("pk/health")).await.expect("open");
    for lease in [hand_out.lease, Bytes::new()] {
        let ack = Command::Ack(pb::Ack { lease, signed_ack: None });
        assert!(matches!(health.ask(ack).await, LeaseOutcome::Refusal(_)));
    }

    let filter = EventFilter { event: Event::SubmissionRejected.into(), ..Default::default() };
    let list = ListEventsRequest { filter: Some(filter), ..Default::default() };
    let events = within(node.raw_operator().list_events(list)).await.expect("events");
    let events = events.into_inner().events;
    let kept: Vec<_> = events.iter().map(|event| (event.reason(), event.actor.as_str())).collect();
    let (operator, health) = (
        "spiffe://torkham.example/operator/admin",
        "spiffe://torkham.example/agency/pk/health/main",
    );
    // A lease that is unknown is not: that is ordinary.
    let expected = [
        (Reason::IdentityUnknown, operator),
        (Reason::NotPermitted, health),
        (Reason::FieldMissing, health),
        (Reason::LeaseNotYours, health),
    ];
    assert_eq!(kept, expected);
}

/// Its signature held, so that it is no secret whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_permission_is_found_by_its_id() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let stranger = crate::harness::address("pk/nobody");
    let message = customs.sign(customs.note("to whom?").to(&stranger));
    within(customs.client.submit(message.clone())).await.expect_err("refused");
    let filter = EventFilter { message_id: crate::harness::id_of(&message), ..Default::default() };
    let list = ListEventsRequest { filter: Some(filter), ..Default::default() };
    let answer = within(node.operator().list_events(list)).await.expect("the log");
    let [event] = answer.events.as_slice() else { panic!("{answer:?}") };
    assert_eq!(event.event(), Event::SubmissionRejected);
    assert_eq!(event.reason(), Reason::RecipientNotPermitted);
    assert_eq!(event.origin_agency, "pk/customs");
}
