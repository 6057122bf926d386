//! What nobody needs for a start is damaged all the same: the scrub finds it, the node
//! takes nothing new, and delivers what is sound.

use std::path::Path;
use std::process::Output;

use barid_link::client::{CallError, OperatorClient, SubmitError};
use barid_message::Reason;
use barid_proto::operations::v1 as ops;
use serde_json::Value;

use super::AGENCIES;
use crate::harness::{Node, address, fingerprint, program, within, write};

const SEGMENT: &str = "bodies/1/00000000000000000000.seg";

fn fsck(data: &Path, more: &[&str]) -> Output {
    let command = ["audit", "fsck", "--data"];
    program().args(command).arg(data).args(more).output().expect("the program runs")
}

fn lines(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Checks a folder, which stays as it is; its exit code and lines.
fn checked(node: &Node, more: &[&str]) -> (Option<i32>, Vec<String>) {
    let before = fingerprint(&node.data(), &[]);
    let output = fsck(&node.data(), more);
    assert_eq!(fingerprint(&node.data(), &[]), before, "nothing was changed");
    (output.status.code(), lines(&output))
}

async fn status(operator: &OperatorClient) -> ops::GetNodeStatusResponse {
    let status = within(operator.node_status(ops::GetNodeStatusRequest {})).await;
    status.expect("the node says how it is")
}

/// Waits until the node has looked at everything; how many damages are open.
async fn damages(operator: &OperatorClient) -> u64 {
    within(async {
        loop {
            let status = status(operator).await;
            if status.scrubbing.is_some_and(|scrubbing| scrubbing.passes > 0) {
                break status.damages;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await
}

/// A node that was stopped with one message delivered, whose body is damaged, and one open.
async fn stopped_with_damage() -> Node {
    let mut node = Node::start(&AGENCIES);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("delivered").to(&police.address)).await;
    let mut inbox = police.inbox();
    assert_eq!(inbox.take().await, "delivered");
    inbox.leave().await;
    customs.send(customs.note("open").to(&police.address)).await;
    assert!(node.stop().status.success());
    let (code, lines) = checked(&node, &[]);
    assert_eq!(code, Some(0), "{lines:?}");
    assert!(lines[0].starts_with("sound: "), "{lines:?}");

    let segment = node.data().join(SEGMENT);
    let mut bytes = std::fs::read(&segment).expect("a segment can be read");
    bytes[200] ^= 0x10;
    write(&segment, &bytes);
    node
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_that_no_start_needs_stops_intake_until_an_operator_has_looked() {
    let mut node = stopped_with_damage().await;
    node.restart();
    let operator = node.operator();
    assert_eq!(damages(&operator).await, 1);
    let said = node.process().said();
    assert!(said.contains("DATA_LOSS") && said.contains(SEGMENT), "{said}");
    let customs = node.agency("pk/customs").await;
    let message = customs.sign(customs.note("new").to(&address("pk/police")));
    let Err(SubmitError::Call(CallError::Refused(refused))) = customs.submit(&message).await else {
        panic!("nothing new is taken");
    };
    assert_eq!(refused.reason, Reason::StorageDamaged);
    assert_eq!(refused.code, tonic::Code::Unavailable);
    assert!(refused.retry_after.is_some(), "and says when to try again");
    assert!(is_a_problem(&operator).await, "whoever watches the node is told");
    let police = node.agency("pk/police").await;
    let mut inbox = police.inbox();
    assert_eq!(inbox.take().await, "open", "deliveries go on");

    // It stays so, whoever starts it again.
    node.kill();
    node.restart();
    assert_eq!(status(&operator).await.damages, 1);
    within(operator.take_for_lost(ops::TakeForLostRequest {})).await.expect("taken for lost");
    assert!(!is_a_problem(&operator).await);
    customs.submit(&message).await.expect("taken again");
    assert_eq!(inbox.take().await, "new");
    let again = within(operator.take_for_lost(ops::TakeForLostRequest {})).await;
    assert_eq!(again.expect_err("nothing is left to take").reason(), Some(Reason::WrongState));
    node.kill();
    node.restart();
    assert_eq!(damages(&operator).await, 0, "what is lost is no news at the next look");
}

async fn is_a_problem(operator: &OperatorClient) -> bool {
    let status = within(operator.status(ops::GetStatusRequest {})).await.expect("its state");
    status.problems.iter().any(|it| it.kind() == ops::ProblemKind::StorageDamaged)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_nodes_folder_is_checked_and_every_damage_told() {
    let mut node = stopped_with_damage().await;
    let (code, lines) = checked(&node, &[]);
    assert_eq!((code, lines.len()), (Some(1), 2), "{lines:?}");
    assert!(lines[0].starts_with(&format!("{SEGMENT}: byte 0, position ")), "{lines:?}");
    assert!(lines[0].contains("its checksum does not match"), "{lines:?}");
    assert!(lines[1].starts_with("1 damaged: "), "{lines:?}");

    let newest = std::fs::read_dir(node.data().join("state")).expect("listed").last();
    let newest = newest.expect("a stop writes a snapshot").expect("listed").path();
    let mut bytes = std::fs::read(&newest).expect("read");
    bytes.pop();
    write(&newest, &bytes);
    let segment = node.data().join("journal/1/00000000000000000000.seg");
    let mut bytes = std::fs::read(&segment).expect("read");
    bytes[70] ^= 1;
    write(&segment, &bytes);
    let (code, lines) = checked(&node, &["--json"]);
    assert_eq!(code, Some(1));
    let told: Vec<Value> =
        lines.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let parts: Vec<_> = told.iter().filter_map(|line| line["part"].as_str()).collect();
    assert_eq!(parts, ["journal", "snapshot"], "{told:?}");
    assert_eq!(told[0]["position"], 0);
    assert_eq!(told.last().expect("a sum")["sound"], false);

    bytes[70] ^= 1;
    write(&segment, &bytes);
    node.restart();
    let output = fsck(&node.data(), &[]);
    assert_eq!(output.status.code(), Some(2), "a node uses it");
    let nowhere = fsck(&node.data().join("nowhere"), &[]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("--data DIR"));
}
