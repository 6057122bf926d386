//! Submission streams that break and come back.

use std::collections::BTreeSet;
use std::time::Duration;

use barid_link::client::{CallError, SubmitError, SubmitOptions};
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1 as pb;
use tonic::Code;

use crate::node::{Node, SubmitStream, message, refusal, signed, soon};

impl SubmitStream {
    async fn next(&mut self) -> Option<pb::SubmitMessagesRequest> {
        let next = soon(self.requests.as_mut().unwrap().message()).await;
        next.unwrap()
    }

    async fn accept(&self, node: &Node, request: pb::SubmitMessagesRequest) {
        let header = request.message.unwrap().envelope.unwrap().payload;
        let receipt = signed(&node.key, Event::SubmissionAccepted, &header);
        self.say(request.sequence, pb::submit_messages_response::Outcome::Receipt(receipt)).await;
    }

    async fn refuse(&self, sequence: u64, code: Code, reason: Reason) {
        self.refuse_for(sequence, code, reason, 0).await;
    }

    async fn refuse_for(&self, sequence: u64, code: Code, reason: Reason, retry_after_ms: u32) {
        let refusal = pb::Refusal {
            code: u32::try_from(i32::from(code)).unwrap(),
            reason: reason.into(),
            retry_after_ms,
            ..pb::Refusal::default()
        };
        self.say(sequence, pb::submit_messages_response::Outcome::Refusal(refusal)).await;
    }

    async fn say(&self, sequence: u64, outcome: pb::submit_messages_response::Outcome) {
        let response = pb::SubmitMessagesResponse {
            sequence,
            outcome: Some(outcome),
            repeated_submission: false,
        };
        self.answers.send(Ok(response)).await.unwrap();
    }
}

#[tokio::test]
async fn every_message_of_a_stream_has_one_outcome_over_broken_connections() {
    const MESSAGES: u64 = 40;
    let mut node = Node::start([]).await;
    let (mut submitter, mut outcomes) =
        node.client().submit_stream(SubmitOptions { window: 8, ..SubmitOptions::default() });
    let send = async {
        for number in 0..MESSAGES {
            let sent = submitter.send(message(&format!("header {number}"))).await;
            assert_eq!(sent, Ok(number));
        }
        drop(submitter);
    };
    let read = async {
        let mut refused = BTreeSet::new();
        let mut accepted = BTreeSet::new();
        while let Some(outcome) = soon(outcomes.next()).await {
            let new = match outcome.result {
                Ok(_) => accepted.insert(outcome.sequence),
                Err(_) => refused.insert(outcome.sequence),
            };
            assert!(new, "two outcomes for {}", outcome.sequence);
        }
        (accepted, refused)
    };
    let far_end = async {
        // Two streams break after five answers each; number 3 is refused.
        for _ in 0..2 {
            let mut stream = soon(node.submits.recv()).await.unwrap();
            let first = stream.first.clone();
            answer(&node, &stream, first).await;
            for _ in 0..4 {
                let request = stream.next().await.unwrap();
                answer(&node, &stream, request).await;
            }
            let broken = refusal(Code::Unavailable, "SHUTTING_DOWN", None);
            stream.answers.send(Err(broken)).await.unwrap();
        }
        let mut stream = soon(node.submits.recv()).await.unwrap();
        let first = stream.first.clone();
        answer(&node, &stream, first).await;
        while let Some(request) = stream.next().await {
            answer(&node, &stream, request).await;
        }
    };
    let ((), (accepted, refused), ()) = tokio::join!(send, read, far_end);
    assert_eq!(refused, BTreeSet::from([3]));
    assert_eq!(accepted, (0..MESSAGES).filter(|number| *number != 3).collect());
}

async fn answer(node: &Node, stream: &SubmitStream, request: pb::SubmitMessagesRequest) {
    if request.sequence == 3 {
        stream.refuse(3, Code::PermissionDenied, Reason::RecipientNotPermitted).await;
    } else {
        stream.accept(node, request).await;
    }
}

#[tokio::test]
async fn an_overloaded_node_is_sent_the_message_again() {
    let mut node = Node::start([]).await;
    let (mut submitter, mut outcomes) = node.client().submit_stream(SubmitOptions::default());
    submitter.send(message("header")).await.unwrap();
    let mut stream = soon(node.submits.recv()).await.unwrap();
    for _ in 0..3 {
        stream.refuse(0, Code::ResourceExhausted, Reason::Overloaded).await;
        let again = stream.next().await.unwrap();
        assert_eq!(again.message, Some(message("header")));
    }
    // The fourth attempt is the last.
    stream.refuse(0, Code::ResourceExhausted, Reason::Overloaded).await;
    let outcome = soon(outcomes.next()).await.unwrap();
    assert!(outcome.result.is_err());
}

#[tokio::test]
async fn a_message_is_sent_again_when_the_node_says() {
    let mut node = Node::start([]).await;
    let options = SubmitOptions { patience: Duration::from_secs(2), ..SubmitOptions::default() };
    let (mut submitter, mut outcomes) = node.client().submit_stream(options);
    submitter.send(message("header")).await.unwrap();
    let mut stream = soon(node.submits.recv()).await.unwrap();
    let asked = tokio::time::Instant::now();
    stream.refuse_for(0, Code::ResourceExhausted, Reason::Overloaded, 300).await;
    stream.next().await.unwrap();
    assert!(asked.elapsed() >= Duration::from_millis(300), "{:?}", asked.elapsed());
    // Longer than the caller has patience: its own turn.
    stream.refuse_for(0, Code::Unavailable, Reason::ClockSuspect, 60_000).await;
    match soon(outcomes.next()).await.unwrap().result {
        Err(SubmitError::Call(CallError::Refused(refusal))) => {
            assert_eq!(refusal.retry_after, Some(Duration::from_secs(60)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn patience_ends_with_an_outcome_for_each() {
    let node = Node::start([]).await;
    let client = node.client();
    client.evidence_keys().await.unwrap();
    let (mut submitter, mut outcomes) = client.submit_stream(SubmitOptions {
        patience: Duration::from_millis(100),
        ..SubmitOptions::default()
    });
    drop(node);
    for number in 0..3 {
        submitter.send(message(&number.to_string())).await.unwrap();
    }
    drop(submitter);
    let mut given_up = 0;
    while let Some(outcome) = soon(outcomes.next()).await {
        assert!(outcome.result.is_err());
        given_up += 1;
    }
    assert_eq!(given_up, 3);
}

#[tokio::test]
async fn a_stream_that_ends_for_good_is_not_opened_again() {
    let mut node = Node::start([]).await;
    let (mut submitter, mut outcomes) = node.client().submit_stream(SubmitOptions::default());
    for number in 0..2 {
        submitter.send(message(&number.to_string())).await.unwrap();
    }
    drop(submitter);
    let mut stream = soon(node.submits.recv()).await.unwrap();
    let first = stream.first.clone();
    stream.accept(&node, first).await;
    stream.next().await.unwrap();
    let ended = refusal(Code::InvalidArgument, "TOO_LARGE", None);
    stream.answers.send(Err(ended)).await.unwrap();
    assert!(soon(outcomes.next()).await.unwrap().result.is_ok());
    match soon(outcomes.next()).await.unwrap().result {
        Err(SubmitError::Call(error)) => assert_eq!(error.reason(), Some(Reason::TooLarge)),
        other => panic!("{other:?}"),
    }
    assert!(soon(outcomes.next()).await.is_none());
    assert!(node.submits.try_recv().is_err(), "no second stream");
}
