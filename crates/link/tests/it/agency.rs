//! Single calls: deadlines, retries, refusals, receipts.

use std::time::Duration;

use barid_audit::evidence::EvidenceError;
use barid_link::client::{AgencyClient, CallError, ReceiptError, SubmitError};
use barid_link::tls::ConnectError;
use barid_message::Reason;
use barid_message::address::Address;
use barid_proto::audit::v1::Event;
use tonic::Code;

use crate::node::{Node, Step, message, refusal};
use crate::pki::{Ca, Leaf, SYSTEM};

fn call_error(error: SubmitError) -> CallError {
    match error {
        SubmitError::Call(error) => error,
        SubmitError::Receipt(error) => panic!("{error:?} is not a failed call"),
    }
}

#[tokio::test]
async fn a_receipt_is_checked_and_the_call_has_a_deadline() {
    let node = Node::start([]).await;
    let receipt = node.client().submit(message("header")).await.unwrap();
    assert_eq!(receipt.statement.event(), Event::SubmissionAccepted);
    assert!(!receipt.repeated);
    let script = node.script.lock().unwrap();
    let (caller, limit) = &script.calls[0];
    assert_eq!(caller, SYSTEM);
    assert!(limit.is_some());
}

#[tokio::test]
async fn receipts_that_do_not_hold_are_refused() {
    let node = Node::start([Step::AcceptOther, Step::AcceptForged]).await;
    let client = node.client();
    for expected in [ReceiptError::OtherSubject, ReceiptError::Evidence(EvidenceError::UnknownKey)]
    {
        match client.submit(message("header")).await {
            Err(SubmitError::Receipt(found)) => assert_eq!(found, expected),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(node.calls(), 2);
}

#[tokio::test]
async fn unavailable_is_tried_again() {
    let unavailable = || Step::Fail(refusal(Code::Unavailable, "SHUTTING_DOWN", None));
    let node = Node::start([unavailable(), unavailable()]).await;
    node.client().submit(message("header")).await.unwrap();
    assert_eq!(node.calls(), 3);
}

#[tokio::test]
async fn a_call_that_the_node_gave_up_is_made_again() {
    let given_up = Step::Fail(refusal(Code::DeadlineExceeded, "DEADLINE", None));
    let node = Node::start([given_up]).await;
    node.client().submit(message("header")).await.unwrap();
    assert_eq!(node.calls(), 2);
}

#[tokio::test]
async fn four_attempts_are_all() {
    let steps = [(); 5].map(|()| Step::Fail(refusal(Code::Unavailable, "CLOCK_SUSPECT", None)));
    let node = Node::start(steps).await;
    let error = node.client().submit(message("header")).await.unwrap_err();
    let error = call_error(error);
    assert_eq!(error.reason(), Some(Reason::ClockSuspect));
    assert!(error.is_passing());
    assert_eq!(node.calls(), 4);
}

#[tokio::test]
async fn overload_is_tried_again_only_when_told_when() {
    let overloaded = |after| Step::Fail(refusal(Code::ResourceExhausted, "OVERLOADED", after));
    let soon = Some(Duration::from_millis(60));
    let node = Node::start([overloaded(soon), Step::Accept, overloaded(None)]).await;
    let client = node.client();

    let begun = tokio::time::Instant::now();
    client.submit(message("header")).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(60));
    assert_eq!(node.calls(), 2);

    let error = client.submit(message("header")).await.unwrap_err();
    assert_eq!(call_error(error).reason(), Some(Reason::Overloaded));
    assert_eq!(node.calls(), 3);
}

#[tokio::test]
async fn a_refusal_is_final_and_says_why() {
    let refused = Step::Fail(refusal(Code::InvalidArgument, "SIGNATURE_INVALID", None));
    let node = Node::start([refused]).await;
    let error = node.client().submit(message("header")).await.unwrap_err();
    assert_eq!(error.to_string(), "the node refused: in plain words (SIGNATURE_INVALID)");
    let error = call_error(error);
    assert_eq!(error.reason(), Some(Reason::SignatureInvalid));
    assert!(!error.is_passing());
    assert_eq!(node.calls(), 1);
}

#[tokio::test]
async fn a_silent_node_meets_the_deadline() {
    let node = Node::start([Step::Hang]).await;
    let mut config = node.config(node.ca.issue(&Leaf::CLIENT));
    config.deadline = Duration::from_millis(300);
    let client = AgencyClient::new(config, Address::parse("pk/customs").unwrap()).unwrap();
    let error = client.submit(message("header")).await.unwrap_err();
    assert!(matches!(call_error(error), CallError::Deadline));
}

#[tokio::test]
async fn a_refused_certificate_is_not_tried_again() {
    let node = Node::start([]).await;
    let config = node.config(Ca::new().issue(&Leaf::CLIENT));
    let client = AgencyClient::new(config, Address::parse("pk/customs").unwrap()).unwrap();

    let error = client.submit(message("header")).await.unwrap_err();

    assert!(error.to_string().contains("refused this client's certificate"));
    let error = call_error(error);
    assert!(matches!(error, CallError::Connect(ConnectError::RefusedByNode(_))), "{error:?}");
    // Counted once its alert was read out; a second try would have been too.
    while node.counts.read().refused == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(node.counts.read().refused, 1);
}

#[tokio::test]
async fn the_status_of_an_unknown_message_is_not_found() {
    let node = Node::start([]).await;
    let origin = Address::parse("pk/customs").unwrap();
    let id = barid_message::id::MessageId::parse("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
    let error = node.client().status(&origin, id).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::NotFound));
}
