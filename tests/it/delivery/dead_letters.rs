//! Five tries have failed.

use std::time::Duration;

use barid_link::caps::GRPC_MESSAGE_BYTES;
use barid_link::client::OperatorClient;
use barid_message::Reason;
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;
use prost::Message as _;

use crate::harness::{Inbox, Node, event_of, id_of, within};

#[tokio::test(flavor = "multi_thread")]
async fn five_failed_tries_make_a_dead_letter_that_an_operator_decides_about() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let operator = node.operator();
    let message = customs.sign(customs.note("Cannot be read.").to(&police.address));
    let id = id_of(&message);
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

    let unsaid = ops::RetryDeadLetterRequest { delivery: delivery.clone(), why: String::new() };
    let refused = within(operator.retry_dead_letter(unsaid)).await.expect_err("nor without why");
    assert_eq!(refused.reason(), Some(Reason::FieldMissing));
    let why = "police has mended it".to_owned();
    let retry = ops::RetryDeadLetterRequest { delivery: delivery.clone(), why };
    within(operator.retry_dead_letter(retry)).await.expect("put back");
    fail_five_times(&mut inbox).await;

    only_letter(&operator).await;
    let drop = ops::DropDeadLetterRequest { delivery, why: "told by telephone".to_owned() };
    let unsaid = ops::DropDeadLetterRequest { why: String::new(), ..drop.clone() };
    let refused = within(operator.drop_dead_letter(unsaid)).await.expect_err("nor this");
    assert_eq!(refused.reason(), Some(Reason::FieldMissing));
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

    // Who did what and why is on record, for operators.
    let request = ops::TraceMessageRequest { message_id: id, ..Default::default() };
    let story = within(operator.trace_message(request)).await.expect("its story").events;
    let acts: Vec<_> = story
        .iter()
        .filter(|event| !event.why.is_empty())
        .map(|event| (event.event(), &*event.actor, &*event.why))
        .collect();
    let admin = "spiffe://torkham.example/operator/admin";
    let expected = [
        (Event::Retried, admin, "police has mended it"),
        (Event::NonDelivered, admin, "told by telephone"),
    ];
    assert_eq!(acts, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_story_too_long_for_one_answer_is_told_in_pages() {
    let site = Node::site(&["pk/customs", "pk/police"]);
    let node = site.setting("tries_max = 5", "tries_max = 1").start();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let operator = node.operator();
    let id = customs.send(customs.note("Cannot be read.").to(&police.address)).await;
    let mut inbox = police.inbox();
    let rounds = 550;
    for _ in 0..rounds {
        within(inbox.next().await.nack(None)).await.expect("given back");
        let delivery = only_letter(&operator).await.delivery;
        let retry = ops::RetryDeadLetterRequest { delivery, why: "again".to_owned() };
        within(operator.retry_dead_letter(retry)).await.expect("put back");
    }

    let mut request = ops::TraceMessageRequest { message_id: id.to_string(), ..Default::default() };
    let (mut events, mut evidence, mut bytes) = (Vec::new(), 0, 0);
    loop {
        let page = within(operator.trace_message(request.clone())).await.expect("a page");
        bytes += page.encoded_len();
        events.extend(page.events.iter().map(|event| (event.position, event.index)));
        evidence += page.evidence.len();
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert!(bytes > GRPC_MESSAGE_BYTES, "too long for one answer: {bytes}");
    assert!(events.is_sorted_by(|a, b| a < b), "each event once, in order");
    assert!(events.len() >= 2 * rounds && evidence >= rounds, "{} {evidence}", events.len());

    request.page_token = format!("{}.0", "0".repeat(16));
    let refused = within(operator.trace_message(request)).await.expect_err("another's token");
    assert_eq!(refused.reason(), Some(Reason::FieldInvalid));
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
