//! `barid demo`, as anyone runs it first: what its last line says, and that nothing of it is
//! left behind, however it ends.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;

use crate::harness::Chance;
use crate::skip;

/// The fields of the last line, in their order.
const FIELDS: [&str; 16] = [
    "nodes",
    "agencies",
    "submitted",
    "accepted",
    "refused",
    "unmapped",
    "deliveries",
    "handed_over",
    "expired",
    "other_finals",
    "without_final",
    "duplicates",
    "lost",
    "restarts",
    "messages_per_s",
    "elapsed_ms",
];
/// What the demo says of a link that was down; it fails where it is not so.
const FLASH_FIRST: &str = "the FLASH is the first thing its border police reads";
/// Rows of the real export that are replayed here.
const ROWS: usize = 300;
/// Nodes killed from outside in one demo.
const KILLS: u64 = 6;
/// Demos in which nodes are killed, unless `BARID_DEMO_KILLS` says otherwise.
const DEMOS: u64 = 1;
/// How long processes may take to end once nobody holds them: more than a node gives open
/// calls.
const END_LIMIT: Duration = Duration::from_secs(20);

fn demo(temporary: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barid-e2e"));
    command.arg("demo").env("TMPDIR", temporary).stdin(Stdio::null());
    command
}

/// The one line on stdout, whose fields are these and no others.
fn summary(output: &Output) -> Value {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}", output.status);
    let text = String::from_utf8(output.stdout.clone()).expect("JSON is UTF-8");
    let lines: Vec<_> = text.lines().collect();
    let [line] = lines.as_slice() else { panic!("one line is expected: {text}") };
    let places: Vec<_> = FIELDS.iter().map(|field| line.find(&format!("\"{field}\":"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{line}");
    let summary: Value = serde_json::from_str(line).expect("the line is JSON");
    assert_eq!(summary.as_object().map(serde_json::Map::len), Some(FIELDS.len()));
    for nought in ["without_final", "duplicates", "lost"] {
        assert_eq!(summary[nought], 0, "{line}");
    }
    summary
}

#[test]
fn an_hour_at_the_border_adds_up_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().expect("a folder");
    let kept = tempfile::tempdir().expect("a folder");
    let bundle = kept.path().join("alert.bundle");
    let output = demo(temporary.path()).args(["--json", "--export"]).arg(&bundle).output();
    let output = output.expect("the demo runs");
    let summary = summary(&output);
    let number = |field: &str| summary[field].as_u64().expect(field);
    assert_eq!((number("nodes"), number("agencies")), (3, 8));
    assert_eq!(number("submitted"), number("accepted") + number("refused"));
    assert_eq!(number("refused"), 2, "a forger and a stranger");
    assert_eq!(number("other_finals"), 1, "a recipient that refuses");
    assert_eq!(number("deliveries"), number("handed_over") + number("other_finals"));
    assert_eq!(number("restarts"), 2, "a node that stays away for a while, and the SIGKILL");
    assert_eq!(number("unmapped") + number("expired"), 0);
    let told = String::from_utf8(output.stderr).expect("the story is UTF-8");
    for said in [
        "SIGNATURE_INVALID",
        "RECIPIENT_NOT_PERMITTED",
        "WRONG_ADDRESSEE",
        FLASH_FIRST,
        "The books",
        "whole story",
        "PROVEN",
        "CONTRADICTION",
    ] {
        assert!(told.contains(said), "{said} is missing:\n{told}");
    }
    assert_eq!(entries(temporary.path()), 0, "the folder is taken away");
    let trust = kept.path().join("alert.bundle.trust");
    assert_eq!(verified(&[&bundle, Path::new("--trust"), &trust]), Some(0));
    assert_eq!(verified(&[&bundle]), Some(3));
    let mut changed = fs::read(&bundle).expect("the bundle");
    changed[1_000] ^= 1;
    fs::File::create(&bundle).and_then(|mut file| file.write_all(&changed)).expect("written");
    assert_eq!(verified(&[&bundle, Path::new("--trust"), &trust]), Some(1));
}

/// With what code `barid audit verify` ends.
fn verified(arguments: &[&Path]) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_barid-e2e"));
    command.args(["audit", "verify"]).args(arguments).stdout(Stdio::null());
    command.status().expect("it runs").code()
}

#[test]
fn whoever_kills_nodes_from_outside_changes_nothing_in_the_books() {
    let asked = |name| std::env::var_os(name).and_then(|number| number.to_str()?.parse().ok());
    let first = asked("BARID_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    for demo in 0..asked("BARID_DEMO_KILLS").unwrap_or(DEMOS) {
        let seed = first.wrapping_add(demo);
        eprintln!("BARID_SEED={seed} BARID_DEMO_KILLS=1 kills the same nodes after the same waits");
        killed_from_outside(Chance::of(seed));
    }
}

fn killed_from_outside(mut chance: Chance) {
    let temporary = tempfile::tempdir().expect("a folder");
    let mut running = demo(temporary.path())
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the demo runs");
    let id = running.id();
    let story = until_traffic(&mut running);
    let mut killed = 0;
    // Some while after each other, so that the demo gets on; which one, nobody knows.
    while killed < KILLS && running.try_wait().expect("the demo can be waited for").is_none() {
        std::thread::sleep(Duration::from_millis(400) + chance.millis(256));
        let nodes = children(id);
        if let Some(node) = nodes.get(chance.below(nodes.len().max(1))) {
            let kill = Command::new("kill").arg("-KILL").arg(node.to_string()).status();
            killed += u64::from(kill.expect("kill runs").success());
        }
    }
    let mut output = running.wait_with_output().expect("the demo ends");
    output.stderr = story.join().expect("the story is read").into_bytes();
    let summary = summary(&output);
    let number = |field: &str| summary[field].as_u64().expect(field);
    assert!(killed > 0, "the demo was over before anything was killed");
    // The demo kills twice by its own hand; a kill may meet a process that is dead already.
    assert!((killed..=killed + 2).contains(&number("restarts")), "{killed}: {summary}");
    assert_eq!(number("submitted"), number("accepted") + number("refused"));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(FLASH_FIRST), "{told}");
    assert_eq!(entries(temporary.path()), 0, "the folder is taken away");
}

#[test]
fn real_records_are_replayed_without_loss() {
    let Some(data) = skip::unless_set("demo_replay", "BARID_DATA") else {
        return;
    };
    let export = data.join("incidents/mmp/MissingMigrants-Global-2020-01-08.csv");
    let export = fs::read_to_string(export).expect("BARID_DATA holds the export");
    let temporary = tempfile::tempdir().expect("a folder");
    let cut = temporary.path().join("cut.csv");
    let rows: Vec<_> = export.lines().take(1 + ROWS).collect();
    let mut file = fs::File::create(&cut).expect("a file");
    file.write_all(rows.join("\n").as_bytes()).expect("the file takes the rows");
    let output = demo(temporary.path()).arg("--json").arg("--replay").arg(&cut).output();
    let summary = summary(&output.expect("the demo runs"));
    let number = |field: &str| summary[field].as_u64().expect(field);
    assert_eq!(number("accepted") + number("unmapped"), ROWS as u64);
    assert!(number("accepted") > 0);
    assert_eq!(number("refused") + number("restarts"), 0);
    assert_eq!(number("handed_over"), number("deliveries"));
    assert!(summary["messages_per_s"].as_f64().is_some_and(|rate| rate > 0.0));
}

#[test]
fn a_replay_of_nothing_is_no_success() {
    let temporary = tempfile::tempdir().expect("a folder");
    let file = temporary.path().join("letter.txt");
    fs::File::create(&file).expect("a file").write_all(b"Dear desk,").expect("it takes a line");
    let output = demo(temporary.path()).arg("--replay").arg(&file).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("no message came of these files: 1 record"), "{told}");
}

#[test]
fn a_demo_that_is_killed_or_interrupted_leaves_no_process() {
    let temporary = tempfile::tempdir().expect("a folder");
    for signal in ["-KILL", "-INT", "-TERM"] {
        let mut demo = demo(temporary.path())
            .arg("--json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the demo runs");
        let _story = until_traffic(&mut demo);
        let nodes = children(demo.id());
        assert_eq!(nodes.len(), 3, "three nodes");
        let told = Command::new("kill").arg(signal).arg(demo.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        let status = demo.wait().expect("the demo ends");
        assert!(!status.success());
        for node in nodes {
            assert!(is_gone_in_time(node), "the node outlives a demo ended by {signal}");
        }
        if signal != "-KILL" {
            assert_eq!(entries(temporary.path()), 0, "so is that of the demo killed before");
        }
    }
}

/// Reads the story until the first scene is told: then there are nodes, and they have work.
/// Gives what reads the rest of it.
fn until_traffic(demo: &mut Child) -> JoinHandle<String> {
    let story = demo.stderr.take().expect("stderr is piped");
    let mut story = BufReader::new(story);
    let mut told = String::new();
    while !told.contains("→ After") {
        let read = story.read_line(&mut told).expect("the story is text");
        assert!(read > 0, "the demo ends before its first scene does:\n{told}");
    }
    // Read on, so that the demo does not end because nobody listens.
    std::thread::spawn(move || {
        story.read_to_string(&mut told).expect("the story is text");
        told
    })
}

/// Processes whose parent this is.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc");
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut children: Vec<_> =
        numbers.filter(|process| parent_of(*process) == Some(parent)).collect();
    children.sort_unstable();
    children
}

/// Field 4 of `/proc/PID/stat`, behind the bracket that ends the name; `None` where the process
/// is gone, or dead and only not yet waited for.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

fn is_gone_in_time(process: u32) -> bool {
    let step = Duration::from_millis(50);
    let steps = END_LIMIT.as_millis() / step.as_millis();
    (0..steps).any(|_| {
        std::thread::sleep(step);
        parent_of(process).is_none()
    })
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).expect("the folder is there").count()
}
