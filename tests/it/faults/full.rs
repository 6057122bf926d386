//! A disk that is full, and has room again, over and over: of bytes, and of inodes.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use barid_link::client::{CallError, SubmitError};
use barid_message::Reason;
use barid_proto::message::v1::SignedMessage;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::in_campaign;
use super::power::Mounted;
use super::scene::{client, take};
use crate::crash::ledger::Ledger;
use crate::crash::told_once_each;
use crate::harness::{Agency, Node, within};
use crate::skip::skipped;

const ROUNDS: usize = 20;

/// How soon the node takes messages again once there is room.
const RECOVERY: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_over_and_over_loses_nothing() {
    let test = "a_disk_that_fills_up_over_and_over_loses_nothing";
    if !in_campaign(test) {
        return;
    }
    let mut node = Node::site(&["pk/customs", "pk/police"]).make();
    std::fs::create_dir(node.data()).expect("made");
    let file = node.dir.join("disk");
    let _mounted = match make(&file).and_then(|()| Mounted::try_file(&file, &node.data())) {
        Ok(mounted) => mounted,
        Err(why) => return skipped(test, &why),
    };
    node.restart();
    let customs = node.agency("pk/customs").await;
    let ledger = Ledger::default();
    let mut people = JoinSet::new();
    people.spawn(take(client(&node, "pk/police"), ledger.clone()));
    for round in 0..ROUNDS {
        let filler = node.data().join("lost+found");
        if round % 2 == 0 {
            fill(&filler)
        } else {
            fill_inodes(&filler)
        };
        let mut refused = false;
        for _ in 0..400 {
            let message = letter(&customs);
            match try_submit(&customs, &message).await {
                true => ledger.receipted(&message),
                false => {
                    refused = true;
                    break;
                }
            }
        }
        assert!(refused, "round {round}: a full disk refuses");
        ledger.wait_for_all_to_be_kept().await;
        for entry in std::fs::read_dir(&filler).expect("a folder") {
            std::fs::remove_file(entry.expect("a file").path()).expect("removed");
        }
        let message = letter(&customs);
        let taken = async {
            while !try_submit(&customs, &message).await {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(RECOVERY, taken).await.unwrap_or_else(|_| panic!("round {round}: not again"));
        ledger.receipted(&message);
    }
    ledger.wait_for_all_to_be_kept().await;
    within(told_once_each(&node, "pk/customs", &ledger)).await;
    ledger.check();
    people.shutdown().await;
    assert!(node.stop().status.success());
}

/// A file system with few inodes.
fn make(file: &Path) -> Result<(), String> {
    let made = std::fs::File::create(file).expect("made");
    made.set_len(96 << 20).expect("that long");
    let made = Command::new("mkfs.ext4").args(["-q", "-F", "-N", "512"]).arg(file).output();
    match made {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(why) => Err(format!("mkfs.ext4: {why}")),
    }
}

/// A message that needs some room.
fn letter(from: &Agency) -> SignedMessage {
    let to = crate::harness::address("pk/police");
    from.sign(from.note(&"x".repeat(16_000)).to(&to))
}

/// Whether it was accepted; anything but a full disk fails the test.
async fn try_submit(from: &Agency, message: &SignedMessage) -> bool {
    match within(from.client.submit(message.clone())).await {
        Ok(_) => true,
        Err(SubmitError::Call(CallError::Refused(refused))) => {
            assert_eq!(refused.reason, Reason::StorageFull);
            false
        }
        Err(other) => panic!("{other}"),
    }
}

fn fill(folder: &Path) {
    let mut file = std::fs::File::create(folder.join("bytes")).expect("made");
    let mib = vec![1; 1 << 20];
    while file.write_all(&mib).is_ok() {}
}

/// Takes all inodes, and all bytes but what the next segment would need: only a new file is
/// then refused.
fn fill_inodes(folder: &Path) {
    let mut number = 0;
    while std::fs::File::create(folder.join(number.to_string())).is_ok() {
        number += 1;
    }
    std::fs::remove_file(folder.join("0")).expect("removed");
    fill(folder);
}
