//! Two operators write a node off that is cut off, and that comes back.

use barid_link::client::{CallError, OperatorClient};
use barid_message::Reason;
use barid_message::id::MessageId;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;

use super::border::{Border, is_live, until};
use super::liar::books::misbehaviour;
use super::wire::Wire;
use crate::harness::{Agency, event_of, within};

/// How many never leave.
const HELD: u64 = 3;

const WHY: &str = "The post has burned down.";

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_written_off_and_comes_back_gets_nothing_of_it() {
    let wire = Wire::new().await;
    let mut border = Border::start_over(&wire).await;
    let (customs, police) = (border.customs().await, border.police().await);

    // One that the other node has and hands over, and one that never leaves.
    let taken = customs.send(customs.note("taken over").to(&police.address)).await;
    customs.told(taken, Event::RelayAccepted).await;
    wire.cut();
    until(&border.pk, "ir", |peer| !is_live(peer)).await;
    let held = held_back(&customs, &police).await;
    assert_eq!(police.inbox().take().await, "taken over");

    let (admin, duty) = (border.pk.operator(), border.pk.operator_named("duty"));
    let id = propose(&admin).await;
    let refused = confirm(&admin, id).await.expect_err("it takes another person");
    assert_eq!(refused.reason(), Some(Reason::SecondPersonNeeded));
    let refused = confirm(&duty, id + 1).await.expect_err("no such proposal");
    assert_eq!(refused.reason(), Some(Reason::NotFound));
    // A proposal outlives the node's death, and so does what was confirmed.
    border.pk.kill();
    border.pk.restart();
    let shown = border.peer_of_pk().await.write_off.expect("still proposed");
    assert_eq!((shown.id, shown.outstanding, &*shown.why), (id, 1 + HELD, WHY));
    assert_eq!(confirm(&duty, id).await.expect("confirmed"), 1 + HELD);
    border.pk.kill();
    border.pk.restart();
    let again = confirm(&duty, id).await.expect_err("once");
    assert_eq!(again.reason(), Some(Reason::NotFound));

    let customs = border.customs().await;
    for id in [taken, held] {
        customs.told(id, Event::NonDelivered).await;
        is_written_off(&customs, id).await;
    }
    let peer = border.peer_of_pk().await;
    assert_eq!((peer.written_off, peer.contradictions, peer.passed), (1 + HELD, 0, 0));
    assert_eq!(peer.write_off, None);

    // It comes back: what it never had it never gets, and new messages go on behind.
    wire.mend();
    border.live().await;
    let new = customs.send(customs.note("after all").to(&police.address)).await;
    assert_eq!(police.inbox().take().await, "after all");
    customs.told(new, Event::HandedOver).await;

    // What it had handed over meanwhile contradicts the final, which stands.
    let told = customs.told(taken, Event::HandedOver).await;
    let accepted = [Event::SubmissionAccepted, Event::RelayAccepted];
    assert_eq!(told, [accepted[0], accepted[1], Event::NonDelivered, Event::HandedOver]);
    let contradicting: Vec<_> =
        customs.evidence("").await.into_iter().filter(|one| one.contradicts).collect();
    let [one] = &*contradicting else { panic!("one contradiction: {contradicting:?}") };
    assert_eq!(event_of(&one.evidence), Event::HandedOver);
    let said = one.statement.as_ref().expect("with the proof of the other node");
    assert_eq!(
        (&*said.issuer, &*said.message_id),
        ("spiffe://ir.example/node", &*taken.to_string())
    );
    is_written_off(&customs, taken).await;
    assert_eq!(border.peer_of_pk().await.contradictions, 1);
    let request = ops::TraceMessageRequest { message_id: taken.to_string(), ..Default::default() };
    let trace = within(border.pk.operator().trace_message(request)).await.expect("a trace");
    let last = trace.events.last().expect("events");
    assert_eq!((last.event(), last.is_final), (Event::Contradiction, false));
    border.pk.stop();
    border.ir.stop();
    for (node, peer) in [(&border.pk, "ir"), (&border.ir, "pk")] {
        assert_eq!(misbehaviour(&node.data(), &format!("spiffe://{peer}.example/node")), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_says_why_and_can_be_withdrawn() {
    let border = Border::start();
    let (admin, duty) = (border.pk.operator(), border.pk.operator_named("duty"));
    for (peer, why, reason) in [
        ("ir", "", Reason::FieldMissing),
        ("ir", &*"x".repeat(281), Reason::TooLarge),
        ("tj", WHY, Reason::NotFound),
    ] {
        let request = ops::ProposeWriteOffRequest { peer: peer.into(), why: why.into() };
        let refused = within(admin.propose_write_off(request)).await.expect_err("no proposal");
        assert_eq!(refused.reason(), Some(reason));
    }
    let id = propose(&admin).await;
    let request = ops::ProposeWriteOffRequest { peer: "ir".into(), why: WHY.into() };
    let second = within(duty.propose_write_off(request)).await.expect_err("one waits");
    assert_eq!(second.reason(), Some(Reason::WrongState));
    let withdraw = ops::WithdrawWriteOffRequest { peer: "ir".into(), id };
    within(duty.withdraw_write_off(withdraw)).await.expect("withdrawn");
    assert_eq!(border.peer_of_pk().await.write_off, None);
    let gone = confirm(&duty, id).await.expect_err("withdrawn");
    assert_eq!(gone.reason(), Some(Reason::NotFound));
}

/// Sends what cannot leave; gives the last of it.
async fn held_back(customs: &Agency, police: &Agency) -> MessageId {
    for _ in 1..HELD {
        customs.send(customs.note("held back").to(&police.address)).await;
    }
    customs.send(customs.note("held back").to(&police.address)).await
}

async fn propose(operator: &OperatorClient) -> u64 {
    let request = ops::ProposeWriteOffRequest { peer: "ir".into(), why: WHY.into() };
    let proposed = within(operator.propose_write_off(request)).await.expect("proposed");
    let proposal = proposed.write_off.expect("a proposal");
    assert!(proposal.proposed_by.ends_with("/operator/admin"), "{proposal:?}");
    proposal.id
}

async fn confirm(operator: &OperatorClient, id: u64) -> Result<u64, CallError> {
    let request = ops::ConfirmWriteOffRequest { peer: "ir".into(), id };
    within(operator.confirm_write_off(request)).await.map(|answer| answer.deliveries)
}

/// What the sender's node says of a message stays as it was told first.
async fn is_written_off(sender: &Agency, id: MessageId) {
    let status = sender.status(sender, id).await;
    let [delivery] = &*status.deliveries else { panic!("one recipient: {status:?}") };
    assert_eq!(delivery.event(), Event::NonDelivered);
    assert_eq!((delivery.reason(), delivery.is_final), (Reason::WrittenOff, true));
}
