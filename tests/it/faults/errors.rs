//! A disk that says no, or takes its time.

use std::time::Duration;

use barid_link::client::SubmitOptions;

use super::scene::{Scene, Stage, was_killed};
use crate::harness::{Ended, Process, now, within};

/// Memory that a slow disk may cost on top, in KiB.
const GROWTH_KIB: u64 = 64 << 10;

/// A node that ends by itself says why, and does nothing more to its journal.
fn ended_by_itself(scene: &Scene, ended: &Ended, fault: &str) {
    assert_eq!(ended.status.code(), Some(1), "{fault}: {ended:?}");
    assert!(ended.stderr.contains("look at the disk"), "{fault}: {}", ended.stderr);
    let (_, step) = fault.split_once('@').expect("a fault has a step");
    let steps = scene.steps();
    let failed = steps.iter().position(|one| one == step.trim_end_matches('+'));
    let behind = &steps[failed.expect("it was reached") + 1..];
    let written = behind.iter().find(|step| step.starts_with("write:journal"));
    assert_eq!(written, None, "{fault}: {behind:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_ends_the_node_and_the_next_start_has_all() {
    let mut scene = Scene::new().await;
    for fault in [
        "lose@sync:journal/*/*.seg#5",
        "lose@sync:bodies/*/*.seg#3",
        "fail@sync:journal/*/*.seg#9+",
        "fail@sync:journal/*#2",
        "fail@sync:state/snap.tmp#1",
        "fail@rename:journal/*/next.tmp#1",
        "fail@write:journal/*/*.seg#30",
        "full@write:journal/*/*.seg#31",
    ] {
        scene.lay_out(Stage::Empty);
        let ledger = scene.ledger(Stage::Empty);
        let ended = scene.run(&ledger, &[fault.to_owned()]).await;
        ended_by_itself(&scene, &ended, fault);
        scene.settle(&ledger).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_again_at_the_next_start_takes_nothing_with_it() {
    let mut scene = Scene::new().await;
    for fault in [
        "fail@write:journal/*/recovery.tmp#1",
        "lose@sync:journal/*/recovery.tmp#2",
        "fail@rename:journal/*/recovery.tmp#1",
        "fail@truncate:journal/*/*.seg#1",
        "lose@sync:journal/*/*.seg#1",
    ] {
        scene.lay_out(Stage::Empty);
        let ledger = scene.ledger(Stage::Empty);
        let ended = scene.run(&ledger, &["lose@sync:journal/*/*.seg#7".to_owned()]).await;
        assert_eq!(ended.status.code(), Some(1), "{ended:?}");
        let ended = scene.run(&ledger, &[fault.to_owned()]).await;
        assert_eq!(ended.status.code(), Some(1), "{fault}: {ended:?}");
        scene.settle(&ledger).await;
    }
}

/// In front of the sync of a group, and behind it; the bodies' own was before both.
#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_at_a_sync_takes_no_receipt_with_it() {
    let mut scene = Scene::new().await;
    for cut in ["cut-before@sync:journal/*/*.seg#8", "cut-after@sync:journal/*/*.seg#8"] {
        scene.lay_out(Stage::Empty);
        let ledger = scene.ledger(Stage::Empty);
        let ended = scene.run(&ledger, &[cut.to_owned()]).await;
        assert!(was_killed(&ended), "{cut}: {ended:?}");
        scene.settle(&ledger).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_is_waited_for() {
    let mut scene = Scene::new().await;
    scene.lay_out(Stage::Empty);
    let ledger = scene.ledger(Stage::Empty);
    let slow: Vec<_> = (2..5).map(|number| format!("slow@sync:journal/*/*.seg#{number}")).collect();
    let steps = scene.home().join("steps");
    let mut process = Process::serve_faulty(&scene.node.config(), &steps, &slow);
    process.listening().expect("it starts");
    let before = memory_kib(&process, "VmRSS");
    let begun = now();
    let (mut submitter, mut outcomes) = scene.sender().submit_stream(SubmitOptions::default());
    for message in &scene.mail {
        within(submitter.send(message.clone())).await.expect("the stream is open");
    }
    drop(submitter);
    while let Some(outcome) = within(outcomes.next()).await {
        outcome.result.expect("accepted, however long it takes");
    }
    scene.mail.iter().for_each(|message| ledger.receipted(message));
    let took = Duration::from_millis(now().0 - begun.0);
    assert!(took >= Duration::from_secs(2), "no receipt before the sync: {took:?}");
    let grown = memory_kib(&process, "VmHWM").saturating_sub(before);
    assert!(grown <= GROWTH_KIB, "{grown} KiB");
    process.kill();
    scene.settle(&ledger).await;
}

/// A figure of `/proc/PID/status`, in KiB.
fn memory_kib(process: &Process, figure: &str) -> u64 {
    let path = format!("/proc/{}/status", process.pid().as_raw_pid());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).expect("a figure");
    let number = line.trim_start_matches(':').split_whitespace().next().expect("a number");
    number.parse().expect("a number")
}
