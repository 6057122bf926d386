//! Submitting: once, again, and something else under the same id.

use barid_link::client::{CallError, SubmitError, SubmitOptions};
use barid_message::Reason;
use barid_proto::audit::v1::{Event, Evidence};
use prost::Message as _;

use crate::harness::{Node, header_of, within};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_again_give_the_same_receipt() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let message = customs.sign(customs.note("Gate 2 closed.").to(&police.address));
    let first = customs.submit(&message).await.expect("accepted");
    assert!(!first.repeated);
    assert_eq!(police.inbox().take().await, "Gate 2 closed.");

    // Also after it was handed over, over the other call, and after a restart.
    let again = customs.submit(&message).await.expect("known");
    assert!(again.repeated);
    assert_eq!(again.evidence, first.evidence);
    let (mut submitter, mut outcomes) = customs.client.submit_stream(SubmitOptions::default());
    within(submitter.send(message.clone())).await.expect("sent");
    let streamed = within(outcomes.next()).await.expect("an outcome");
    let streamed = streamed.result.expect("known");
    assert!(streamed.repeated);
    assert_eq!(streamed.evidence, first.evidence);
    node.kill();
    node.restart();
    let later = customs.submit(&message).await.expect("known");
    assert!(later.repeated);
    assert_eq!(later.evidence, first.evidence);

    let totals = node.totals().await;
    assert_eq!((totals.accepted, totals.deliveries, totals.refused), (1, 1, 0));
    assert!(police.peek(&[]).await.is_empty(), "an inbox holds an id once");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_of_two_agencies_is_two_messages() {
    let node = Node::start(&["pk/customs", "pk/health", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let health = node.agency("pk/health").await;
    let police = node.agency("pk/police").await;
    let id = customs.send(customs.note("of customs").to(&police.address)).await;
    let other = health.sign(health.note("of health").to(&police.address).id(id));
    assert!(!health.submit(&other).await.expect("accepted").repeated);
    let mut inbox = police.inbox();
    let taken = [inbox.take().await, inbox.take().await];
    assert_eq!(taken, ["of customs", "of health"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_header_under_a_known_id_is_refused_with_evidence() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let id = customs.send(customs.note("Gate 2 closed.").to(&police.address)).await;
    let other = customs.sign(customs.note("Gate 2 open.").to(&police.address).id(id));
    let digest =
        barid_message::digest::Digest::of(&other.envelope.as_ref().expect("an envelope").payload);
    assert_eq!(header_of(&other).identity.expect("row 2").message_id, id.to_string());

    let refusal = match customs.submit(&other).await {
        Err(SubmitError::Call(CallError::Refused(refusal))) => refusal,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(refusal.code, tonic::Code::AlreadyExists);
    assert_eq!(refusal.reason, Reason::DuplicateIdConflict);

    let (mut submitter, mut outcomes) = customs.client.submit_stream(SubmitOptions::default());
    within(submitter.send(other)).await.expect("sent");
    let streamed = within(outcomes.next()).await.expect("an outcome");
    let evidence = match streamed.result {
        Err(SubmitError::Call(CallError::Refused(refusal))) => refusal.evidence,
        other => panic!("not refused: {other:?}"),
    };
    let evidence = Evidence::decode(evidence.expect("evidence").evidence).expect("evidence");
    assert_eq!(evidence.event(), Event::SubmissionRejected);
    assert_eq!(*evidence.header_digest, digest.0);

    let rejected = customs
        .evidence("")
        .await
        .into_iter()
        .map(|told| told.statement.expect("which verifies"))
        .filter(|told| told.event() == Event::SubmissionRejected);
    assert_eq!(rejected.filter(|told| *told.header_digest == digest.0).count(), 2);
    assert_eq!(police.peek(&[]).await, ["Gate 2 closed."]);
    assert_eq!(node.totals().await.accepted, 1);
}
