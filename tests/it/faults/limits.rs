//! What the machine gives is used up: file handles, memory.

use std::process::{Command, Stdio};
use std::time::Duration;

use barid_link::client::{AgencyClient, ClientConfig};
use tokio::task::JoinSet;

use super::scene::{Scene, Stage};
use crate::harness::{Ended, Node, Process, address, now, program, within};

/// How soon somebody new is served once handles are free again.
const RELIEF: Duration = Duration::from_secs(5);

/// Callers that together hold more handles than there are.
const CALLERS: usize = 80;

/// The program under a limit of the shell's `ulimit`.
fn limited(limit: &str, program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit {limit} && exec \"$@\""), "sh"]);
    shell.arg(program.get_program()).args(program.get_args()).stdin(Stdio::null());
    shell
}

#[tokio::test(flavor = "multi_thread")]
async fn without_file_handles_those_inside_go_on_and_others_wait() {
    let mut node = Node::site(&["pk/customs", "pk/police"]).make();
    let mut serve = program();
    serve.args(["serve", "--config"]).arg(node.config());
    node.restart_as(Process::start(&mut limited("-n 64", &serve)));
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    let mut inbox = police.inbox();
    customs.send(customs.note("first").to(&police.address)).await;
    assert_eq!(inbox.take().await, "first");

    let callers: Vec<_> = (0..CALLERS).map(|_| caller(&node)).collect();
    let mut calls = JoinSet::new();
    for caller in callers.clone() {
        calls.spawn(async move { tokio::time::timeout(RELIEF, caller.node_info()).await });
    }
    let (mut served, mut not_served) = (0, 0);
    while let Some(called) = calls.join_next().await {
        match called.expect("a call does not panic") {
            Ok(Ok(_)) => served += 1,
            Ok(Err(_)) | Err(_) => not_served += 1,
        }
    }
    assert!(served > 0 && not_served > 0, "{served} were served, {not_served} were not");
    customs.send(customs.note("second").to(&police.address)).await;
    assert_eq!(inbox.take().await, "second", "those inside go on");

    drop(callers);
    let relieved = now();
    within(async { while caller(&node).node_info().await.is_err() {} }).await;
    let waited = Duration::from_millis(now().0 - relieved.0);
    assert!(waited <= RELIEF, "{waited:?}");
    customs.send(customs.note("third").to(&police.address)).await;
    assert_eq!(inbox.take().await, "third");
    assert!(node.stop().status.success());
}

/// A system of customs with a connection of its own, once it calls.
fn caller(node: &Node) -> AgencyClient {
    let config = ClientConfig::new(node.connector("pk/customs"), 1);
    AgencyClient::new(config, address("pk/customs")).expect("an account")
}

/// Address space of one run, in KiB: from what does not suffice for a start to plenty.
const MEMORY_KIB: [u64; 4] = [100_000, 200_000, 400_000, 4_000_000];

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_memory_loses_nothing() {
    let mut scene = Scene::new().await;
    let mut ends = Vec::new();
    for limit in MEMORY_KIB {
        scene.lay_out(Stage::Killed);
        let ledger = scene.ledger(Stage::Killed);
        let mut serve = program();
        serve.args(["serve", "--config"]).arg(scene.node.config());
        let process = Process::start(&mut limited(&format!("-v {limit}"), &serve));
        let ended = scene.run_in(process, &ledger).await;
        ends.push((limit, ended));
        scene.settle(&ledger).await;
    }
    // How much is needed in between depends on the machine.
    let fits = |end: Option<&(u64, Ended)>| end.is_some_and(|(_, ended)| ended.status.success());
    assert!(!fits(ends.first()) && fits(ends.last()), "{ends:#?}");
}
