//! Who is told, and does not have to ask.

use std::time::Duration;

use barid_link::client::{OperatorClient, Tailed};
use barid_proto::operations::v1 as ops;
use serde_json::Value;

use super::{AGENCIES, with_a_dead_letter};
use crate::harness::{Node, within};

/// How long the next look of the node at itself, and what follows, may take.
const SOON: Duration = Duration::from_secs(60);

/// A tail that tells problems too.
fn following() -> ops::TailEventsRequest {
    ops::TailEventsRequest { follow: true, problems: true, ..Default::default() }
}

/// The next change of what is wrong.
async fn next_problem(tail: &mut barid_link::client::EventTail) -> ops::ProblemChange {
    let told = async {
        loop {
            match tail.next().await.expect("the tail goes on") {
                Some(Tailed::Problem(change)) => return change,
                Some(Tailed::Event(_)) => {}
                None => panic!("the tail has ended"),
            }
        }
    };
    tokio::time::timeout(SOON, told).await.expect("it is told soon")
}

/// Has the node look at itself now; it would by itself within 10 s.
async fn look(operator: &OperatorClient) {
    within(operator.status(ops::GetStatusRequest {})).await.expect("it says how it is");
}

async fn drop_the_letter(operator: &OperatorClient) {
    let listed = within(operator.list_dead_letters(ops::ListDeadLettersRequest::default())).await;
    let delivery = listed.expect("listed").dead_letters.remove(0).delivery;
    let drop = ops::DropDeadLetterRequest { delivery, why: "told by telephone".into() };
    within(operator.drop_dead_letter(drop)).await.expect("ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_and_ends_stands_in_the_tail_and_in_no_journal() {
    let node = Node::site(&AGENCIES).setting("tries_max = 5", "tries_max = 1").start();
    let operator = node.operator();
    let mut tail = within(operator.tail_events(following())).await.expect("opened");
    with_a_dead_letter(&node).await;
    look(&operator).await;
    let began = next_problem(&mut tail).await;
    let problem = began.problem.expect("which");
    assert_eq!((problem.kind(), began.ended), (ops::ProblemKind::DeadLetters, false));
    assert_eq!((problem.severity(), &*problem.subject), (ops::Severity::Warning, "pk/police"));

    // Who comes later is told what is so.
    let mut later = within(operator.tail_events(following())).await.expect("opened");
    assert_eq!(next_problem(&mut later).await.problem.expect("which").kind(), problem.kind());

    drop_the_letter(&operator).await;
    look(&operator).await;
    for tail in [&mut tail, &mut later] {
        let over = next_problem(tail).await;
        assert!(over.ended, "{over:?}");
    }
    let position = async || {
        let status = within(operator.node_status(ops::GetNodeStatusRequest {})).await;
        status.expect("the node says how it is").durable_position
    };
    let before = position().await;
    for _ in 0..20 {
        look(&operator).await;
    }
    assert_eq!(position().await, before, "to look is no entry");
}

#[tokio::test(flavor = "multi_thread")]
async fn problems_are_not_mixed_into_a_search() {
    let node = Node::start(&AGENCIES);
    let filter = ops::EventFilter { agency: "pk/police".into(), ..Default::default() };
    for request in [
        ops::TailEventsRequest { filter: Some(filter), ..following() },
        ops::TailEventsRequest { follow: false, ..following() },
    ] {
        let refused = within(node.operator().tail_events(request)).await;
        let refused = match refused {
            Err(error) => error,
            Ok(mut tail) => within(tail.next()).await.expect_err("refused"),
        };
        assert_eq!(refused.reason(), Some(barid_message::Reason::FieldInvalid));
    }
}

/// A text that is there soon.
fn soon(mut read: impl FnMut() -> String, is_it: impl Fn(&str) -> bool) -> String {
    let pause = Duration::from_millis(50);
    for _ in 0..SOON.as_millis() / pause.as_millis() {
        let text = read();
        if is_it(&text) {
            return text;
        }
        std::thread::sleep(pause);
    }
    panic!("not told: {}", read())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alarm_command_is_run_when_something_begins_and_its_failure_stops_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("told.jsonl");
    // Tells, and then says that it failed: it is run again no sooner than behind the pause.
    let command = format!(
        "command = [\"/bin/sh\", \"-c\", \"cat >> $1; exit 7\", \"sh\", \"{}\"]",
        file.display()
    );
    let site = Node::site(&AGENCIES).setting("tries_max = 5", "tries_max = 1");
    let mut node = site.setting("command = []", &command).start();
    with_a_dead_letter(&node).await;
    look(&node.operator()).await;
    let told = || std::fs::read_to_string(&file).unwrap_or_default();
    let alarm = soon(told, |text| text.ends_with('\n'));
    let alarm: Value = serde_json::from_str(&alarm).expect("JSON, on one line");
    assert_eq!(alarm["problem"]["kind"], "PROBLEM_KIND_DEAD_LETTERS");
    assert_eq!(alarm["problem"]["subject"], "pk/police");
    let advice = alarm["problem"]["advice"].as_str().expect("what to do");
    assert!(advice.contains("`barid dead-letters list --inbox pk/police`"), "{advice}");
    let said = || node.process().said();
    let failed = "the alarm command has failed; look at [alarm]";
    let log = soon(said, |log| log.contains(failed));
    assert!(log.contains("kind=\"PROBLEM_KIND_DEAD_LETTERS\""), "{log}");
    node.totals().await;
    assert!(node.stop().status.success());
    assert_eq!(told().lines().count(), 1, "once");
}
