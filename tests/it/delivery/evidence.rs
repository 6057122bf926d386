//! What the sender is told.

use std::time::Duration;

use barid_message::Reason;
use barid_proto::audit::v1::Event;

use crate::harness::{Node, now, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_nobody_takes_in_time_expires() {
    // For one lease after a start nothing ends by itself.
    let node = Node::site(&["pk/customs", "pk/police"]).with_short_leases().start();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let soon = now() + Duration::from_millis(1_500);
    let draft = customs.note("Closed for an instant.").to(&police.address);
    let id = customs.send(draft.expires_at(soon)).await;

    let mut told = customs.client.evidence(String::new(), true);
    let expired = loop {
        let evidence = within(told.next()).await.expect("evidence").expect("more");
        let evidence = evidence.statement.expect("which verifies");
        if evidence.event() != Event::SubmissionAccepted {
            break evidence;
        }
    };

    assert_eq!(expired.event(), Event::Expired);
    assert_eq!(expired.reason(), Reason::ExpiresAtPassed);
    assert_eq!(expired.message_id, id.to_string());
    assert!(police.peek(&[]).await.is_empty());
    let status = police.status(&customs, id).await;
    assert_eq!(status.deliveries[0].event(), Event::Expired);
    assert!(status.deliveries[0].is_final);
    assert_eq!(node.totals().await.expired, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_goes_on_behind_a_cursor() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let mut inbox = police.inbox();
    for text in ["one", "two", "three"] {
        customs.send(customs.note(text).to(&police.address)).await;
        assert_eq!(inbox.take().await, text);
    }

    let all = customs.evidence("").await;
    let events = |evidence: &[barid_link::client::ProvenEvidence]| {
        let event = |one: &barid_link::client::ProvenEvidence| {
            one.statement.as_ref().expect("which verifies").event()
        };
        evidence.iter().map(event).collect::<Vec<_>>()
    };
    let expected = [Event::SubmissionAccepted, Event::HandedOver].repeat(3);
    assert_eq!(events(&all), expected, "to the sender, in the order of the log");
    for (place, one) in all.iter().enumerate() {
        assert_eq!(customs.evidence(&one.cursor).await, all[place + 1..]);
    }
    assert!(police.evidence("").await.is_empty(), "the recipient sent nothing");

    // A stream that follows survives a restart and leaves nothing out.
    let mut following = customs.client.evidence(all[5].cursor.clone(), true);
    node.kill();
    node.restart();
    let id = customs.send(customs.note("four").to(&police.address)).await;
    let next = within(following.next()).await.expect("evidence").expect("more");
    let next = next.statement.expect("which verifies");
    assert_eq!(next.message_id, id.to_string());
    assert_eq!(customs.evidence(&all[5].cursor).await.len(), 1);
    assert_eq!(customs.evidence("").await[..6], all, "the same bytes after a restart");
}
