//! The kernel itself says no to a sync, or takes its time: `strace` sees to that.

use std::process::{Command, Stdio};

use super::in_campaign;
use super::scene::{Scene, Stage};
use crate::harness::{Process, program};
use crate::skip::skipped;

/// What is injected, and whether the node outlives it. `when` counts in each thread.
const FAULTS: [(&str, bool); 6] = [
    ("fdatasync:error=EIO:when=5", false),
    ("fdatasync:error=EIO:when=9+", false),
    ("fdatasync:error=EIO:when=7..8", false),
    ("fsync:error=EIO:when=4", false),
    ("fdatasync:signal=KILL:when=12", false),
    ("fdatasync:delay_exit=2000000:when=3..5", true),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_that_fails_a_sync_ends_the_node_and_loses_nothing() {
    let test = "a_kernel_that_fails_a_sync_ends_the_node_and_loses_nothing";
    if !in_campaign(test) {
        return;
    }
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !strace.is_ok_and(|status| status.success()) {
        return skipped(test, "there is no strace");
    }
    let mut scene = Scene::new().await;
    for (fault, outlived) in FAULTS {
        scene.lay_out(Stage::Empty);
        let ledger = scene.ledger(Stage::Empty);
        let (call, _) = fault.split_once(':').expect("a call");
        // -D: the node is the child, so that what is done to the child is done to it.
        let mut traced = Command::new("strace");
        traced.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        traced.args(["-e", &format!("inject={fault}"), "--"]).arg(program().get_program());
        traced.args(["serve", "--config"]).arg(scene.node.config()).stdin(Stdio::null());
        let ended = scene.run_in(Process::start(&mut traced), &ledger).await;
        assert_eq!(ended.status.success(), outlived, "{fault}: {ended:?}");
        scene.settle(&ledger).await;
    }
}
