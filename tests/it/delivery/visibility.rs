//! Who may know of a message, and who is shown it.

use barid_link::client::{CallError, SubmitError};
use barid_message::id::MessageId;
use barid_message::{Reason, Status};
use barid_proto::audit::v1::Event;
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, within};

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_sees_all_deliveries_a_recipient_its_own_a_stranger_none() {
    let node = Node::start(&["pk/customs", "pk/police", "pk/health", "ir/customs"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let health = node.agency("pk/health").await;
    let stranger = node.agency("ir/customs").await;
    let draft = customs.note("A lorry of meat.").to(&police.address);
    let id = customs.send(draft.info(&health.address)).await;
    assert_eq!(police.inbox().take().await, "A lorry of meat.");

    let of_sender = customs.status(&customs, id).await;
    let deliveries: Vec<_> = of_sender
        .deliveries
        .iter()
        .map(|one| (one.recipient.as_str(), one.event(), one.is_final))
        .collect();
    let expected = [("pk/health", Event::Delivered, false), ("pk/police", Event::HandedOver, true)];
    assert_eq!(deliveries, expected);
    let of_recipient = health.status(&customs, id).await;
    assert_eq!(of_recipient.receipt, of_sender.receipt);
    assert_eq!(of_recipient.deliveries, of_sender.deliveries[..1]);
    for (who, origin) in [(&stranger, &customs), (&police, &police)] {
        let asked = within(who.client.status(&origin.address, id)).await;
        let refused = asked.expect_err("not of their concern");
        assert_eq!(refused.reason(), Some(Reason::NotFound));
    }
    let strange = within(stranger.client.peek(&police.address, &[])).await;
    let refused: Result<(), CallError> = match strange {
        Ok(mut peek) => within(peek.next()).await.map(|_none| ()),
        Err(error) => Err(error),
    };
    let refused = refused.expect_err("another's inbox");
    assert_eq!(refused.reason(), Some(Reason::NotPermitted));
}

#[tokio::test(flavor = "multi_thread")]
async fn exercises_reach_only_those_who_ask_for_them() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let exercise = customs.note("Exercise: fire at gate 2.").to(&police.address);
    customs.send(exercise.status(Status::Exercise, "Red Gate")).await;
    customs.send(customs.note("Gate 2 is open.").to(&police.address)).await;

    assert_eq!(police.peek(&[]).await, ["Gate 2 is open."]);
    assert_eq!(police.peek(&[Status::Exercise]).await, ["Exercise: fire at gate 2."]);
    assert_eq!(police.inbox().take().await, "Gate 2 is open.");
    let mut drill = police.inbox_of(8, &[Status::Exercise, Status::Test]);
    assert_eq!(drill.take().await, "Exercise: fire at gate 2.");
}

#[tokio::test(flavor = "multi_thread")]
async fn looking_takes_nothing() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    for text in ["one", "two"] {
        customs.send(customs.note(text).to(&police.address)).await;
    }

    assert_eq!(police.peek(&[]).await, ["one", "two"]);
    assert_eq!(police.peek(&[]).await, ["one", "two"]);

    let mut inbox = police.inbox();
    let mut first = inbox.next().await;
    assert_eq!((first.attempt(), first.redelivered()), (1, false));
    within(first.ack()).await.expect("taken");
    assert_eq!(inbox.take().await, "two");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agreement_no_longer_covers_cannot_even_be_looked_at() {
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("Gate 2 is open.").to(&police.address)).await;
    assert_eq!(police.peek(&[]).await, ["Gate 2 is open."]);

    node.stop();
    node.edit(", \"NOTE\"]", "]");
    node.restart();
    assert!(police.peek(&[]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_an_exercise_is_never_taken_for_what_is_real() {
    let node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let real = customs.send(customs.note("Gate 2 is open.").to(&police.address)).await;
    let drill = customs.note("Fire at gate 2.").to(&police.address);
    let drill = customs.send(drill.status(Status::Exercise, "Red Gate")).await;

    let answer = |status: Status, field: &str, id: MessageId| {
        let name = if status == Status::Exercise { "Red Gate" } else { "" };
        let mut draft = police.note("Understood.").to(&customs.address).status(status, name);
        let row = draft.header_mut().identity.get_or_insert_default();
        match field {
            "thread_id" => row.thread_id = id.to_string(),
            _ => row.correlation_id = id.to_string(),
        }
        draft
    };
    for field in ["correlation_id", "thread_id"] {
        for (status, id) in
            [(Status::Exercise, real), (Status::Test, real), (Status::Actual, drill)]
        {
            let message = police.sign(answer(status, field, id));
            let Err(SubmitError::Call(CallError::Refused(refused))) = police.submit(&message).await
            else {
                panic!("of another status");
            };
            assert_eq!(refused.reason, Reason::StatusMixed);
            assert_eq!(refused.faults[0].path, format!("header.identity.{field}"));
        }
        for (status, id) in [(Status::Actual, real), (Status::Exercise, drill)] {
            police.send(answer(status, field, id)).await;
        }
    }

    // Apart in the counting too.
    let request = ops::ListQueuesRequest { inbox: "pk/police".to_owned() };
    let queues = within(node.operator().list_queues(request)).await.expect("queues").queues;
    let waiting: Vec<_> = queues
        .iter()
        .map(|queue| (queue.status(), queue.depths.iter().map(|depth| depth.ready).sum::<u64>()))
        .collect();
    assert_eq!(waiting, [(Status::Actual, 1), (Status::Exercise, 1)]);
    assert_eq!(queues[0].inbox, queues[1].inbox);
}
