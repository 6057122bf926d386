//! Five tries have failed.

use std::time::Duration;

use barid_link::client::OperatorClient;
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;

use crate::harness::{Inbox, Node, event_of, within};

#[tokio::test(flavor = "multi_thread")]
async fn five_failed_tries_make_a_dead_letter_that_an_operator_decides_about() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let operator = node.operator();
    let message = customs.sign(customs.note("Cannot be read.").to(&police.address));
    customs.submit(&message).await.expect("accepted");
    let mut inbox = police.inbox();

    fail_five_times(&mut inbox).await;

    let letter = only_letter(&operator).await;
    assert_eq!(letter.tries, 5);
    assert_eq!(letter.reason(), Reason::TriesExhausted);
    let delivery = letter.delivery.clone();
    let look = |purpose: &str| ops::GetDeadLetterRequest {
        delivery: delivery.clone(),
        purpose: purpose.to_owned(),
    };
    let refused = within(operator.get_dead_letter(look(""))).await;
    let refused = refused.expect_err("reading needs a purpose");
    assert_eq!(refused.reason(), Some(Reason::FieldMissing));
    // As long as may be, in characters of three bytes.
    let shown = within(operator.get_dead_letter(look(&"\u{915}".repeat(280)))).await;
    assert_eq!(shown.expect("shown").message, Some(message));

    let retry = ops::RetryDeadLetterRequest { delivery: delivery.clone() };
    within(operator.retry_dead_letter(retry)).await.expect("put back");
    fail_five_times(&mut inbox).await;

    only_letter(&operator).await;
    let drop = ops::DropDeadLetterRequest { delivery };
    let dropped = within(operator.drop_dead_letter(drop.clone())).await.expect("ended");
    let evidence = dropped.evidence.expect("with evidence");
    assert_eq!(event_of(&evidence), Event::NonDelivered);
    let gone = within(operator.drop_dead_letter(drop)).await.expect_err("it has ended");
    assert_eq!(gone.reason(), Some(Reason::NotFound));

    let told: Vec<(Event, Reason)> = customs
        .evidence("")
        .await
        .into_iter()
        .map(|told| told.statement.expect("which verifies"))
        .map(|told| (told.event(), told.reason()))
        .collect();
    let expected = [
        (Event::SubmissionAccepted, Reason::Unspecified),
        (Event::DeadLettered, Reason::TriesExhausted),
        (Event::DeadLettered, Reason::TriesExhausted),
        (Event::NonDelivered, Reason::DroppedByOperator),
    ];
    assert_eq!(told, expected);
    let totals = node.totals().await;
    assert_eq!((totals.non_delivered, totals.outstanding), (1, 0));
}

/// Takes the message five times and gives it back; others would not have to wait for it.
async fn fail_five_times(inbox: &mut Inbox) {
    for attempt in 1..=5 {
        let mut hand_out = inbox.next().await;
        assert_eq!(hand_out.attempt(), attempt);
        let soon = Some(Duration::from_millis(1));
        let returned = within(hand_out.nack(soon)).await.expect("given back");
        assert_eq!(returned.dead_lettered, attempt == 5);
        assert_eq!(returned.next_try_at.is_none(), attempt == 5);
    }
}

async fn only_letter(operator: &OperatorClient) -> ops::DeadLetter {
    let request = ops::ListDeadLettersRequest::default();
    let list = within(operator.list_dead_letters(request)).await.expect("a list");
    assert_eq!(list.dead_letters.len(), 1);
    list.dead_letters[0].clone()
}
