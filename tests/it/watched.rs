//! The node as those see it who watch over it: a person at night, a monitoring system,
//! Prometheus, and whoever the alarm command wakes.

mod alarm;
mod metrics;

use std::process::Output;
use std::time::Duration;

use barid_message::Reason;
use barid_proto::operations::v1 as ops;

use crate::harness::{Node, address, now, program, within};

const AGENCIES: [&str; 2] = ["pk/customs", "pk/police"];

/// `barid status` as an operator of the node calls it.
fn status_as(node: &Node, who: &str, more: &[&str]) -> (Option<i32>, String, String) {
    let account = node.dir.join("operators").join(who).join("operator.toml");
    let mut command = program();
    command.arg("--client").arg(account).args(more).env_remove("BARID_CONTEXT");
    let Output { status, stdout, stderr } = command.output().expect("the program runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (status.code(), text(stdout), text(stderr))
}

fn status(node: &Node) -> (Option<i32>, String) {
    let (code, out, err) = status_as(node, "admin", &["status"]);
    assert_eq!(err, "", "all of it is data");
    (code, out)
}

/// A node on which the first failed try makes a dead letter; and one was made.
async fn with_a_dead_letter(node: &Node) {
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("Cannot be read.").to(&police.address)).await;
    let mut inbox = police.inbox();
    within(inbox.next().await.nack(Some(Duration::from_millis(1)))).await.expect("given back");
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_a_verdict_with_an_exit_code_for_monitoring_systems() {
    let site = Node::site(&AGENCIES).setting("tries_max = 5", "tries_max = 1");
    let mut node = site.start();
    let (code, out) = status(&node);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.starts_with("OK: torkham: nothing is wrong\n\nruns "), "{out}");

    with_a_dead_letter(&node).await;
    let (code, out) = status(&node);
    assert_eq!(code, Some(1), "{out}");
    let lines: Vec<&str> = out.lines().take(3).collect();
    assert_eq!(lines[0], "WARNING: torkham: 1 thing is wrong, none critical");
    let what = "warning   pk/police: 1 dead letter: all tries have failed (since 20";
    assert!(lines[1].starts_with(what), "{out}");
    assert!(lines[2].starts_with("          do: `barid dead-letters list --inbox pk/police`"));

    node.kill();
    let (code, out) = status(&node);
    assert_eq!(code, Some(2), "{out}");
    assert!(out.starts_with("CRITICAL: the node: 1 thing is wrong, 1 critical\n"), "{out}");
    assert!(out.contains("the node does not answer: "), "{out}");
    let (code, out, _) = status_as(&node, "admin", &["--json", "status"]);
    let told: serde_json::Value = serde_json::from_str(&out).expect("one object");
    let kind = &told["problems"][0]["kind"];
    assert_eq!((code, kind.as_str()), (Some(2), Some("PROBLEM_KIND_NODE_UNREACHABLE")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_that_fills_up_is_told_before_it_refuses() {
    let site = Node::site(&AGENCIES);
    let node = site.setting("agency_messages_max = 100000", "agency_messages_max = 100").start();
    let customs = node.agency("pk/customs").await;
    let to = address("pk/police");
    for number in 0..80 {
        customs.send(customs.note(&number.to_string()).to(&to)).await;
    }
    let (code, out) = status(&node);
    assert_eq!(code, Some(1), "{out}");
    let what = "warning   pk/customs: 80 of its messages have not ended, of 100 that may";
    assert!(out.contains(what), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_ends_today_is_critical() {
    // Made an hour ago, for a day.
    let node = Node::site(&AGENCIES).made_at(now() - Duration::from_secs(3_600)).start();
    let (code, out) = status(&node);
    assert_eq!(code, Some(2), "{out}");
    assert!(out.contains("critical  the node's certificate: ends in "), "{out}");
}

/// A node with a monitor, whose certificate is of the form of an operator's.
fn with_a_monitor() -> Node {
    let mut node = Node::site(&AGENCIES).and_operator("watch").make();
    let id = "id = \"spiffe://torkham.example/operator/watch\"";
    node.edit(&format!("[[operator]]\n{id}"), &format!("[[monitor]]\n{id}"));
    node.restart();
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn a_monitor_may_ask_how_the_node_is_and_nothing_else() {
    let node = with_a_monitor();
    let (code, out, err) = status_as(&node, "watch", &["status"]);
    assert_eq!((code, &*err), (Some(0), ""), "{out}");
    let watch = node.operator_named("watch");
    let refused = within(watch.list_queues(ops::ListQueuesRequest::default())).await;
    let refused = refused.expect_err("not for monitors").reason();
    assert_eq!(refused, Some(Reason::IdentityUnknown));
    let confirmed = within(watch.confirm_clock(ops::ConfirmClockRequest {})).await;
    assert_eq!(confirmed.expect_err("nor this").reason(), Some(Reason::IdentityUnknown));
    let (code, _, err) = status_as(&node, "watch", &["queues"]);
    assert_eq!(code, Some(1));
    assert!(err.contains("IDENTITY_UNKNOWN"), "{err}");
}
