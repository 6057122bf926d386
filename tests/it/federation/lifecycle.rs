//! UPDATE and CANCEL between agencies of two nodes.

use barid_audit::bundle::Bundle;
use barid_link::client::{CallError, SubmitError};
use barid_message::Reason;
use barid_message::header::Version;
use barid_message::id::MessageId;
use barid_message::signed::SignedMessage;
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1::Standing;
use barid_proto::message::v1 as pb;
use barid_proto::operations::v1::ExportEvidenceRequest;

use super::border::Border;
use crate::harness::{Agency, within};

fn version(message: &pb::SignedMessage) -> Version {
    let signed = SignedMessage::from_proto(message.clone()).expect("a message");
    let header = signed.header().expect("a header");
    Version {
        originator: header.origin().clone(),
        id: header.message_id(),
        header_digest: signed.header_digest(),
    }
}

async fn sent(agency: &Agency, message: &pb::SignedMessage) -> MessageId {
    within(agency.submit(message)).await.expect("accepted");
    version(message).id
}

fn refusal(answer: Result<impl Sized, SubmitError>) -> Reason {
    match answer {
        Err(SubmitError::Call(CallError::Refused(refusal))) => refusal.reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_and_a_recall_cross_the_border_and_mark_what_they_replace() {
    let border = Border::start();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    let note = |words: &str| customs.note(words).to(&police.address);

    let first = customs.sign(note("white truck"));
    let thread = sent(&customs, &first).await;
    assert_eq!(police.inbox().take().await, "white truck");
    let update = customs.sign(note("blue truck").updates(thread, &version(&first)));
    let updated = sent(&customs, &update).await;
    let late = customs.sign(note("no truck").cancels(thread, &version(&first)));
    assert_eq!(refusal(customs.submit(&late).await), Reason::HeadReplaced);
    let recall = customs.sign(note("no truck").cancels(thread, &version(&update)));
    let recalled = sent(&customs, &recall).await;
    for id in [updated, recalled] {
        customs.told(id, Event::RelayAccepted).await;
    }
    // It reads when all has come: what was recalled meanwhile says so, to whoever looks too.
    let mut peek = within(police.client.peek(&police.address, &[])).await.expect("a look");
    let looked = within(peek.next()).await.expect("what waits").expect("the update");
    assert_eq!(looked.standing(), Standing::Recalled);
    let mut inbox = police.inbox();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut hand_out = inbox.next().await;
        let id = version(hand_out.message()).id;
        seen.push((id, hand_out.standing(), hand_out.head_unknown()));
        within(hand_out.ack()).await.expect("taken");
    }
    let expected = [(updated, Standing::Recalled, false), (recalled, Standing::Unspecified, false)];
    assert_eq!(seen, expected);
    let again = customs.sign(note("red truck").updates(thread, &version(&update)));
    assert_eq!(refusal(customs.submit(&again).await), Reason::HeadRecalled);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_given_the_head_is_told_so_behind_a_restart_too() {
    let mut border = Border::start();
    border.live().await;
    let customs = border.customs().await;
    let guard = border.pk.agency("pk/border-guard").await;
    let police = border.police().await;
    // The police is added by the update: it has never seen what that replaces.
    let first = customs.sign(customs.note("white truck").to(&guard.address));
    let thread = sent(&customs, &first).await;
    let draft = customs.note("blue truck").to(&guard.address).to(&police.address);
    let update = customs.sign(draft.updates(thread, &version(&first)));
    let id = sent(&customs, &update).await;
    customs.told(id, Event::RelayAccepted).await;
    border.ir.restart();
    let police = border.police().await;
    let hand_out = police.inbox().next().await;
    assert_eq!((version(hand_out.message()).id, hand_out.head_unknown()), (id, true));
    let mut inbox = guard.inbox();
    let mut marks = Vec::new();
    for _ in 0..2 {
        let hand_out = inbox.next().await;
        marks.push((hand_out.standing(), hand_out.head_unknown()));
    }
    assert_eq!(marks, [(Standing::Replaced, false), (Standing::Unspecified, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_is_told_in_the_receipt_which_a_bundle_proves() {
    let mut border = Border::made(None);
    border.sign_heads_each_second();
    border.pk.restart();
    border.ir.restart();
    border.live().await;
    let (customs, police) = (border.customs().await, border.police().await);
    let note = |words: &str| customs.note(words).to(&police.address);
    let first = customs.sign(note("white truck"));
    let thread = sent(&customs, &first).await;
    let mut reasons = Vec::new();
    let mut updates = Vec::new();
    for words in ["blue truck", "red truck"] {
        let update = customs.sign(note(words).updates(thread, &version(&first)));
        let receipt = customs.submit(&update).await.expect("accepted");
        reasons.push(receipt.statement.reason());
        updates.push(version(&update).id);
    }
    assert_eq!(reasons, [Reason::Unspecified, Reason::ThreadForked]);
    customs.told(updates[1], Event::RelayAccepted).await;
    let request = ExportEvidenceRequest {
        message_id: updates[1].to_string(),
        purpose: "which of the two holds".into(),
        ..ExportEvidenceRequest::default()
    };
    for node in [&border.pk, &border.ir] {
        let bundle = within(node.operator().export_evidence(request.clone())).await;
        let bundle = Bundle::open(&bundle.expect("a bundle").into()).expect("it holds");
        assert!(!bundle.statements().is_empty());
    }
}
