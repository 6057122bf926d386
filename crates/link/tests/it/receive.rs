//! Receiving streams, and evidence, that break and come back.

use std::time::Duration;

use barid_link::client::{AnswerError, ReceiveOptions};
use barid_message::Reason;
use barid_message::address::Address;
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1 as pb;
use barid_proto::exchange::v1::receive_messages_request::Command;
use tonic::Code;

use crate::node::{EvidenceCall, Node, ReceiveStream, message, refusal, signed, soon};

fn hand_out(lease: &'static str, header: &str) -> pb::ReceiveMessagesResponse {
    let hand_out = pb::HandOut {
        message: Some(message(header)),
        lease: lease.into(),
        attempt: 1,
        ..pb::HandOut::default()
    };
    pb::ReceiveMessagesResponse {
        event: Some(pb::receive_messages_response::Event::HandOut(hand_out)),
    }
}

fn result(
    lease: impl Into<bytes::Bytes>,
    result: pb::lease_result::Result,
) -> pb::ReceiveMessagesResponse {
    let result = pb::LeaseResult { lease: lease.into(), result: Some(result) };
    pb::ReceiveMessagesResponse {
        event: Some(pb::receive_messages_response::Event::LeaseResult(result)),
    }
}

fn closing(reason: Reason) -> pb::ReceiveMessagesResponse {
    let closing = pb::Closing { reason: reason.into(), message: "in plain words".into() };
    pb::ReceiveMessagesResponse {
        event: Some(pb::receive_messages_response::Event::Closing(closing)),
    }
}

impl ReceiveStream {
    async fn command(&mut self) -> Command {
        let request = soon(self.requests.as_mut().unwrap().message()).await;
        request.unwrap().unwrap().command.unwrap()
    }

    async fn say(&self, response: pb::ReceiveMessagesResponse) {
        self.answers.send(Ok(response)).await.unwrap();
    }
}

fn options() -> ReceiveOptions {
    ReceiveOptions::new(Address::parse("pk/customs").unwrap())
}

#[tokio::test]
async fn an_ack_outlives_its_connection() {
    let mut node = Node::start([]).await;
    let mut receiver = node.client().receive(options());

    let mut first = soon(node.receives.recv()).await.unwrap();
    let Some(Command::Open(open)) = &first.first.command else {
        panic!("{:?}", first.first);
    };
    assert_eq!((open.inbox.as_str(), open.max_outstanding), ("pk/customs", 64));
    first.say(hand_out("lease 1", "header 1")).await;
    let mut handed = soon(receiver.next()).await.unwrap();
    assert_eq!(handed.message(), &message("header 1"));
    assert!(!handed.redelivered());

    let (answer, ()) = tokio::join!(handed.ack(), async {
        // The ack arrives, its answer is lost with the connection.
        assert!(matches!(first.command().await, Command::Ack(_)));
        drop(first);
        let mut second = soon(node.receives.recv()).await.unwrap();
        let Command::Ack(ack) = second.command().await else {
            panic!("the ack comes again");
        };
        assert_eq!(ack.lease, "lease 1");
        let evidence = signed(&node.key, Event::HandedOver, b"header 1");
        second.say(result(ack.lease, pb::lease_result::Result::Evidence(evidence))).await;
    });
    assert_eq!(answer.unwrap(), signed(&node.key, Event::HandedOver, b"header 1"));
}

#[tokio::test]
async fn nacks_refusals_and_renewals_get_their_own_answers() {
    let mut node = Node::start([]).await;
    let mut receiver = node.client().receive(options());
    let mut stream = soon(node.receives.recv()).await.unwrap();
    for (lease, header) in [("a", "1"), ("b", "2"), ("c", "3")] {
        stream.say(hand_out(lease, header)).await;
    }
    let mut a = soon(receiver.next()).await.unwrap();
    let mut b = soon(receiver.next()).await.unwrap();
    let mut c = soon(receiver.next()).await.unwrap();

    let far_end = async {
        // Answered in another order than asked.
        let mut asked = Vec::new();
        for _ in 0..3 {
            asked.push(stream.command().await);
        }
        asked.reverse();
        for command in asked {
            let response = match command {
                Command::Nack(nack) => {
                    assert_eq!(nack.retry_after_ms, 1_500);
                    let returned = pb::Returned { dead_lettered: true, ..pb::Returned::default() };
                    result(nack.lease, pb::lease_result::Result::Returned(returned))
                }
                Command::Refuse(refuse) => {
                    assert_eq!(refuse.reason(), Reason::WrongAddressee);
                    let refusal = pb::Refusal {
                        code: 9,
                        reason: Reason::AlreadyFinal.into(),
                        ..pb::Refusal::default()
                    };
                    result(refuse.lease, pb::lease_result::Result::Refusal(refusal))
                }
                Command::Renew(renew) => {
                    let renewed = pb::Renewed {
                        lease_expires_at: Some(barid_proto::Timestamp { seconds: 60, nanos: 0 }),
                    };
                    result(renew.lease, pb::lease_result::Result::Renewed(renewed))
                }
                other => panic!("{other:?}"),
            };
            stream.say(response).await;
        }
    };
    let (nacked, refused, renewed, ()) = tokio::join!(
        a.nack(Some(Duration::from_millis(1_500))),
        b.refuse(Reason::WrongAddressee),
        c.renew(),
        far_end
    );
    assert!(nacked.unwrap().dead_lettered);
    let Err(AnswerError::Refused(refusal)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((refusal.code, refusal.reason), (Code::FailedPrecondition, Reason::AlreadyFinal));
    renewed.unwrap();
    assert_eq!(c.lease_expires_at().unwrap().seconds, 60);
}

#[tokio::test]
async fn an_answer_without_a_node_ends_in_time() {
    let mut node = Node::start([]).await;
    let mut receiver = node
        .client()
        .receive(ReceiveOptions { answer_limit: Duration::from_millis(50), ..options() });
    let stream = soon(node.receives.recv()).await.unwrap();
    stream.say(hand_out("lease", "header")).await;
    let mut handed = soon(receiver.next()).await.unwrap();
    assert!(matches!(soon(handed.ack()).await, Err(AnswerError::Unanswered)));
    drop(receiver);
    assert!(matches!(soon(handed.ack()).await, Err(AnswerError::Ended)));
}

#[tokio::test]
async fn a_stopping_node_is_tried_again_and_a_refusing_one_is_not() {
    let mut node = Node::start([]).await;
    let mut receiver = node.client().receive(options());
    let stream = soon(node.receives.recv()).await.unwrap();
    // What was handed out before the end is not lost by it.
    stream.say(hand_out("lease 1", "header 1")).await;
    stream.say(closing(Reason::ShuttingDown)).await;
    let stream = soon(node.receives.recv()).await.unwrap();
    stream.say(hand_out("lease 2", "header 2")).await;
    for header in ["header 1", "header 2"] {
        let handed = soon(receiver.next()).await.unwrap();
        assert_eq!(handed.message(), &message(header));
    }
    stream.say(closing(Reason::NotPermitted)).await;
    for _ in 0..2 {
        let error = soon(receiver.next()).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::NotPermitted));
    }
}

impl EvidenceCall {
    async fn give(&self, node: &Node, cursor: &str) {
        let item = pb::EvidenceItem {
            cursor: cursor.to_owned(),
            contradicts: false,
            evidence: Some(signed(&node.key, Event::HandedOver, cursor.as_bytes())),
        };
        let response = pb::ReceiveEvidenceResponse {
            event: Some(pb::receive_evidence_response::Event::Evidence(item)),
        };
        self.answers.send(Ok(response)).await.unwrap();
    }
}

#[tokio::test]
async fn evidence_goes_on_behind_the_newest_cursor() {
    let mut node = Node::start([]).await;
    let mut stream = node.client().evidence(String::new(), false);
    let far_end = async {
        let call = soon(node.evidence.recv()).await.unwrap();
        assert_eq!((call.first.agency.as_str(), call.first.after.as_str()), ("pk/customs", ""));
        call.give(&node, "1").await;
        call.give(&node, "2").await;
        let broken = refusal(Code::Unavailable, "SHUTTING_DOWN", None);
        call.answers.send(Err(broken)).await.unwrap();
        let call = soon(node.evidence.recv()).await.unwrap();
        assert_eq!(call.first.after, "2");
        call.give(&node, "3").await;
    };
    let read = async {
        let mut cursors = Vec::new();
        while let Some(proven) = soon(stream.next()).await.unwrap() {
            assert_eq!(proven.statement.unwrap().event(), Event::HandedOver);
            cursors.push(proven.cursor);
        }
        cursors
    };
    let ((), cursors) = tokio::join!(far_end, read);
    assert_eq!(cursors, ["1", "2", "3"]);
}
