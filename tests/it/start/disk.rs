//! A disk that is full, before the start and after it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use barid_link::client::{CallError, OperatorClient, SubmitError};
use barid_message::compose::Draft;
use barid_message::id::MessageId;
use barid_message::{Purpose, Reason};
use barid_proto::audit::v1::Event;
use barid_proto::exchange::v1 as exchange;
use barid_proto::message::v1::{Note, Text};
use barid_proto::operations::v1 as ops;
use exchange::receive_evidence_response::Event as Answer;
use tokio::time::timeout;

use super::{AGENCIES, refused};
use crate::harness::{Node, address, within};
use crate::skip::skipped;

/// How soon the node takes messages again once there is room.
const RECOVERY: Duration = Duration::from_secs(10);

/// Languages of a message that fills the disk quickly.
const LANGUAGES: [&str; 8] = ["ar", "bn", "en", "fa", "ps", "ru", "tr", "ur"];

/// A small file system of its own on a folder, as long as this lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, said aloud, where this process may not mount.
    fn on(folder: &Path, mib: u32, test: &str) -> Option<Self> {
        std::fs::create_dir_all(folder).expect("a folder can be made");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder)
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(folder.to_path_buf())),
            _ => {
                skipped(test, "this process may not mount a tmpfs");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()), "{:?}", self.0);
    }
}

#[test]
fn a_start_on_a_full_disk_is_told() {
    let node = Node::site(&AGENCIES).make();
    let Some(_disk) = SmallDisk::on(&node.data(), 2, "a_start_on_a_full_disk_is_told") else {
        return;
    };
    refused(&node.fails_to_start(), "the disk is full", "start again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_stops_intake_and_nothing_else() {
    let test = "a_disk_that_fills_up_stops_intake_and_nothing_else";
    let mut node = Node::site(&AGENCIES).make();
    let Some(_disk) = SmallDisk::on(&node.data(), 96, test) else {
        return;
    };
    node.restart();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("before").to(&police.address)).await;

    let filler = node.data().join("lost+found");
    fill(&filler);
    let message = customs.sign(customs.note("meanwhile").to(&police.address));
    let mut refusal = None;
    // What was reserved before may still be used; then no more.
    let long = Note { subject: Vec::new(), text: LANGUAGES.map(long_text).to_vec() };
    for _ in 0..400 {
        let draft = Draft::new(&customs.address, &customs.agreement, long.clone())
            .purposes(&[Purpose::BorderOperation])
            .to(&police.address);
        let submitted = within(customs.client.submit(customs.sign(draft))).await;
        if let Err(SubmitError::Call(CallError::Refused(refused))) = submitted {
            refusal = Some(refused);
            break;
        }
    }
    let refusal = refusal.expect("a full disk refuses");
    assert_eq!(refusal.reason, Reason::StorageFull);
    assert_eq!(refusal.code, tonic::Code::ResourceExhausted);
    assert!(refusal.retry_after.is_some(), "and says when to try again");
    assert_eq!(police.inbox().take().await, "before", "deliveries go on");

    std::fs::remove_file(&filler).expect("removed");
    let receipt = timeout(RECOVERY, async {
        let mut tries = tokio::time::interval(Duration::from_millis(200));
        loop {
            tries.tick().await;
            match customs.client.submit(message.clone()).await {
                Ok(receipt) => break receipt,
                Err(SubmitError::Call(CallError::Refused(refused))) => {
                    assert_eq!(refused.reason, Reason::StorageFull);
                }
                Err(other) => panic!("{other}"),
            }
        }
    });
    let receipt = receipt.await.expect("taken again once there is room");
    assert!(!receipt.repeated);
    assert!(node.stop().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_log_without_space_is_down_and_comes_back() {
    let test = "a_delivery_log_without_space_is_down_and_comes_back";
    let mut node = Node::site(&AGENCIES).make();
    let Some(_disk) = SmallDisk::on(&node.data(), 96, test) else {
        return;
    };
    node.restart();
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let id = customs.send(customs.note("before").to(&police.address)).await;
    let mut rpc = node.raw("pk/customs");
    let followed = exchange::ReceiveEvidenceRequest {
        agency: customs.address.to_string(),
        follow: true,
        ..Default::default()
    };
    let mut evidence = within(rpc.receive_evidence(followed)).await.expect("open").into_inner();
    let operator = node.operator();
    trace(&operator, id).await.expect("a trace");

    let filler = node.data().join("lost+found");
    fill(&filler);
    // Reading is itself written down, and so the log meets the full disk.
    let down = within(async {
        loop {
            match trace(&operator, id).await {
                Ok(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(CallError::Refused(refusal)) => break refusal,
                Err(other) => panic!("{other}"),
            }
        }
    });
    let down = down.await;
    assert_eq!(down.reason, Reason::DeliveryLogDown);
    assert_eq!(down.code, tonic::Code::Unavailable);
    assert!(down.retry_after.is_some(), "and says when to ask again");
    assert_eq!(closing(&mut evidence).await, Reason::DeliveryLogDown);
    assert_eq!(police.inbox().take().await, "before", "deliveries go on");

    std::fs::remove_file(&filler).expect("removed");
    handed_over_in_time(&operator, id).await;
    assert!(node.stop().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_killed_on_a_full_disk_starts_on_it() {
    let test = "a_node_that_was_killed_on_a_full_disk_starts_on_it";
    let mut node = Node::site(&AGENCIES).make();
    node.edit("ballast_mib = 1", "ballast_mib = 16");
    let Some(_disk) = SmallDisk::on(&node.data(), 96, test) else {
        return;
    };
    node.restart();
    let customs = node.agency("pk/customs").await;
    let police = address("pk/police");
    let id = customs.send(customs.note("before").to(&police)).await;
    let filler = node.data().join("lost+found");
    fill(&filler);
    for _ in 0..3 {
        node.kill();
        node.restart();
        let refused = customs.submit(&customs.sign(customs.note("no").to(&police))).await;
        refused.expect_err("nothing is taken");
    }
    let police = node.agency("pk/police").await;
    assert_eq!(police.inbox().take().await, "before", "deliveries go on");

    std::fs::remove_file(&filler).expect("removed");
    handed_over_in_time(&node.operator(), id).await;
    assert!(node.stop().status.success());
}

/// Waits until the log tells all of a message that was taken.
async fn handed_over_in_time(operator: &OperatorClient, id: MessageId) {
    let told = within(async {
        loop {
            match trace(operator, id).await {
                Ok(told) => break told,
                Err(CallError::Refused(refusal)) if refusal.reason == Reason::DeliveryLogDown => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(other) => panic!("{other}"),
            }
        }
    });
    let told = told.await;
    let events: Vec<_> = told.events.iter().map(ops::EventRecord::event).collect();
    assert_eq!(events, [Event::SubmissionAccepted, Event::Delivered, Event::HandedOver]);
    assert!(told.evidence.len() >= 2, "with the evidence");
}

async fn trace(
    operator: &OperatorClient,
    id: MessageId,
) -> Result<ops::TraceMessageResponse, CallError> {
    let request = ops::TraceMessageRequest { message_id: id.to_string(), ..Default::default() };
    within(operator.trace_message(request)).await
}

/// Why a stream of evidence was closed.
async fn closing(evidence: &mut tonic::Streaming<exchange::ReceiveEvidenceResponse>) -> Reason {
    loop {
        let answer = within(evidence.message()).await.expect("an answer").expect("a word");
        if let Some(Answer::Closing(closing)) = answer.event {
            return closing.reason();
        }
    }
}

/// As long as a text may be.
fn long_text(language: &str) -> Text {
    Text { language: language.to_owned(), text: "x".repeat(16_384), ..Default::default() }
}

/// Fills the disk with a file.
fn fill(file: &Path) {
    let mut file = std::fs::File::create(file).expect("the file can be made");
    let mib = vec![1; 1 << 20];
    while file.write_all(&mib).is_ok() {}
}
