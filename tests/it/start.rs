//! Starts that must not happen: one sentence that says what to do, and nothing changed but
//! what can be rebuilt.

mod bodies;
mod disk;
mod scrub;
mod stop;

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::harness::{Ended, Node, Process, fingerprint, write};

const AGENCIES: [&str; 2] = ["pk/customs", "pk/police"];

/// A start that fails with exit code 1, and says `what` and `advice` in its only line.
fn refused(ended: &Ended, what: &str, advice: &str) {
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
    assert_eq!(lines.len(), 1, "one sentence: {}", ended.stderr);
    assert!(lines[0].starts_with("barid: "), "{}", lines[0]);
    assert!(lines[0].contains(what), "{what}: {}", lines[0]);
    assert!(lines[0].contains(advice), "{advice}: {}", lines[0]);
}

/// Starts a site that must not start and must stay as it is.
fn refused_unchanged(node: &Node, what: &str, advice: &str) {
    let before = fingerprint(&node.dir, &[]);
    refused(&node.fails_to_start(), what, advice);
    assert_eq!(fingerprint(&node.dir, &[]), before, "nothing was changed");
}

/// The line of the configuration that holds `text`, from 1.
fn line_of(node: &Node, text: &str) -> usize {
    let config = std::fs::read_to_string(node.config()).expect("node.toml can be read");
    let before = config.lines().position(|line| line.contains(text));
    before.expect("it stands there") + 1
}

#[test]
fn a_bad_configuration_is_told_with_its_line() {
    let cases = [
        ("[listen]\n", "[listen]\ncolour = \"red\"\n", "colour", "unknown field `colour`"),
        ("name = \"torkham\"\n", "", "[node]", "missing field `name`"),
        ("data = \"data\"", "data = 7", "data = 7", "invalid type"),
        ("# lease_s = 30", "lease_s = 4", "lease_s = 4", "choose 5 to 600"),
        ("[node]", "[node", "[node", "correct this"),
    ];
    for (from, to, at, what) in cases {
        let node = Node::site(&AGENCIES).make();
        node.edit(from, to);
        let place = format!("node.toml:{}:", line_of(&node, at));
        refused_unchanged(&node, &place, what);
        assert!(!node.data().exists());
    }
}

#[test]
fn files_that_are_missing_or_open_to_others_are_told() {
    let node = Node::site(&AGENCIES).make();
    let missing = node.dir.join("node/nowhere.toml");
    let ended = Process::serve(&missing).listening().expect_err("no such file");
    refused(&ended, "nowhere.toml", "--config");

    let key = node.dir.join("node/keys/evidence-key.pem");
    let aside = node.dir.join("evidence-key.pem");
    std::fs::rename(&key, &aside).expect("moved");
    refused_unchanged(&node, "evidence-key.pem, which does not exist", "put the file there");
    std::fs::rename(&aside, &key).expect("moved back");

    let open = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&key, open).expect("the owner may");
    refused_unchanged(&node, "others may read the secret key", "chmod 600");

    let closed = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&key, closed).expect("the owner may");
    write(&key, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    refused_unchanged(&node, "is no signing key", "PKCS#8");
}

#[test]
fn a_port_in_use_is_told_before_the_data_folder_is_made() {
    let node = Node::site(&AGENCIES).make();
    for address in [node.exchange_addr, node.operations_addr] {
        let holder = TcpListener::bind(address).expect("free until now");
        refused_unchanged(&node, &format!("cannot listen on {address}"), "change [listen]");
        assert!(!node.data().exists());
        drop(holder);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_of_a_newer_release_or_of_somebody_else_is_left_alone() {
    let mut node = Node::start(&AGENCIES);
    node.totals().await;
    assert!(node.stop().status.success());
    // Whatever a later release has written there, to the byte.
    for newer in [barid_journal::FORMAT + 1, 999] {
        let text = format!("barid data format {newer}\n");
        write(&node.data().join("FORMAT"), text.as_bytes());
        refused_unchanged(&node, &format!("has format {newer}"), "run the newer release");
    }

    write(&node.data().join("FORMAT"), b"?");
    refused_unchanged(&node, "FORMAT is damaged", "nothing was changed");

    let other = Node::site(&AGENCIES).make();
    std::fs::create_dir(other.data()).expect("made");
    write(&other.data().join("thesis.odt"), b"years of work");
    refused_unchanged(&other, "thesis.odt", "name an empty folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_in_use_is_told_and_its_node_goes_on() {
    let node = Node::start(&AGENCIES);
    let second = Node::site(&AGENCIES).make();
    let data = format!("data = \"{}\"", node.data().display());
    second.edit("data = \"data\"", &data);
    let durable = ["index", "ballast"];
    let before = fingerprint(&node.data(), &durable);

    refused_unchanged(&second, "another process uses the data folder", "stop that node");

    assert_eq!(fingerprint(&node.data(), &durable), before);
    let customs = node.agency("pk/customs").await;
    let police = node.agency("pk/police").await;
    customs.send(customs.note("Still here.").to(&police.address)).await;
    assert_eq!(police.inbox().take().await, "Still here.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_journal_is_told_and_left_alone() {
    let mut node = Node::start(&AGENCIES);
    let customs = node.agency("pk/customs").await;
    for _ in 0..10 {
        let draft = customs.note("Gate 2 closed.");
        customs.send(draft.to(&crate::harness::address("pk/police"))).await;
    }
    // Each start begins a segment; the first is then an older one.
    node.kill();
    node.restart();
    assert_eq!(node.totals().await.accepted, 10);
    assert!(node.stop().status.success());
    let segment = oldest_segment(&node.data());
    flip_a_byte_in_the_middle(&segment);

    // The index is no part of the truth, and opening it may write.
    let kept = fingerprint(&node.data(), &["index"]);
    let ended = node.fails_to_start();

    refused(&ended, "DATA_LOSS: the journal is damaged at position", "put back an undamaged copy");
    let name = segment.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(ended.stderr.contains(&name), "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing but index/"), "{}", ended.stderr);
    assert_eq!(fingerprint(&node.data(), &["index"]), kept);
    flip_a_byte_in_the_middle(&segment);
    node.restart();
    assert_eq!(node.totals().await.accepted, 10, "it was only that byte");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_trust_domain_over_the_data_of_a_node_is_told() {
    let mut node = Node::start(&AGENCIES);
    node.totals().await;
    node.kill();
    let other = Node::site(&AGENCIES).in_domain("chaman.example").make();
    other.edit("data = \"data\"", &format!("data = \"{}\"", node.data().display()));
    let before = fingerprint(&node.data(), &["ballast"]);
    let what = "belongs to a node of the trust domain torkham.example";
    refused_unchanged(&other, what, "write trust_domain = \"torkham.example\"");
    assert_eq!(fingerprint(&node.data(), &["ballast"]), before);
    node.restart();
}

#[test]
fn a_certificate_of_another_name_is_told() {
    let node = Node::site(&AGENCIES).make();
    node.edit("torkham.example", "chaman.example");
    let needed = "must hold one URI name, spiffe://chaman.example/node";
    refused_unchanged(&node, needed, "names spiffe://torkham.example/node");
    assert!(!node.data().exists());
}

fn oldest_segment(data: &Path) -> PathBuf {
    let folder = data.join("journal/1");
    let mut segments: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a journal")
        .map(|entry| entry.expect("a segment").path())
        .collect();
    segments.sort();
    assert!(segments.len() > 1, "{segments:?}");
    segments.swap_remove(0)
}

/// In the middle of what was written; the rest of a segment is zeros.
fn flip_a_byte_in_the_middle(segment: &Path) {
    let mut bytes = std::fs::read(segment).expect("a segment can be read");
    let written = bytes.iter().rposition(|byte| *byte != 0).expect("something was written");
    bytes[written / 2] ^= 0x10;
    write(segment, &bytes);
}
