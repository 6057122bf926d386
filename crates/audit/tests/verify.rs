//! The program `barid-verify` on files: two nodes' bundles of one message, and one from a
//! log that shows another history, made by the tests of `broker` (`tests::bundles`). The
//! files stay as they are: what they prove they prove for as long as the format lives.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A file of the folder beside this one.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bundles").join(name)
}

fn verify(arguments: &[&Path]) -> Output {
    let program = env!("CARGO_BIN_EXE_barid-verify");
    Command::new(program).args(arguments).output().expect("the program runs")
}

/// Exit code and what was said.
fn said(arguments: &[&str]) -> (Option<i32>, String) {
    let is_file = |word: &str| file(word).exists();
    let paths: Vec<PathBuf> = arguments
        .iter()
        .map(|word| if is_file(word) { file(word) } else { PathBuf::from(word) })
        .collect();
    let output = verify(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>());
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("it prints text"))
}

#[test]
fn trusted_bundles_are_proven_and_tell_their_story() {
    let (code, text) = said(&["origin.bundle", "recipient.bundle", "--trust", "trust.txt"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("PROVEN ")).count(), 2, "{text}");
    for words in [
        "pk/customs",
        "ir/police",
        "agr:pk-ir version 1",
        "handed over",
        "not proven",
        "cosigned by",
    ] {
        assert!(text.contains(words), "{words} is missing in\n{text}");
    }
}

#[test]
fn without_trust_the_keys_are_listed() {
    let (code, text) = said(&["origin.bundle"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.starts_with("CONSISTENT ONLY "), "{text}");
    // Those of the log, the agency, the witness, and of the node whose log is not in it.
    for line in std::fs::read_to_string(file("trust.txt")).unwrap().lines().skip(2) {
        let is_of_the_other =
            line.starts_with("log ir.example") || line.starts_with("node spiffe://pk");
        assert_eq!(text.contains(line), !is_of_the_other, "{line} in\n{text}");
    }
}

#[test]
fn a_split_view_is_printed_with_both_heads() {
    let (code, text) = said(&["origin.bundle", "split.bundle"]);
    assert_eq!(code, Some(1), "{text}");
    let contradiction = text.lines().position(|line| line.starts_with("CONTRADICTION "));
    let rest: Vec<_> = text.lines().skip(contradiction.unwrap()).collect();
    let heads = rest.iter().filter(|line| **line == "    pk.example/log/1").count();
    assert_eq!(heads, 2, "{text}");
}

#[test]
fn what_is_no_bundle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bundle");
    let honest = std::fs::read(file("origin.bundle")).unwrap();
    let mut cut = honest.clone();
    cut.truncate(honest.len() / 2);
    let mut changed = honest;
    changed[900] ^= 1;
    for bytes in [&b""[..], b"no bundle", &cut, &changed] {
        std::fs::File::create(&path)
            .and_then(|mut made| std::io::Write::write_all(&mut made, bytes))
            .unwrap();
        let output = verify(&[&path]);
        assert_eq!(output.status.code(), Some(1));
        assert!(output.stdout.starts_with(b"REFUSED "), "{output:?}");
    }
    // 1 GiB, of which the disk has none: no more is read than tells that it is too large.
    let large = std::fs::File::create(&path).unwrap();
    large.set_len(1 << 30).unwrap();
    let output = verify(&[&path]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("larger"), "{output:?}");
}

#[test]
fn wrong_use_and_missing_files_are_told_apart() {
    assert_eq!(said(&[]).0, Some(2));
    assert_eq!(said(&["--what"]).0, Some(2));
    assert_eq!(said(&["origin.bundle", "--trust"]).0, Some(2));
    assert_eq!(said(&["there-is-none.bundle"]).0, Some(1));
    assert_eq!(said(&["origin.bundle", "--trust", "origin.bundle"]).0, Some(1));
    assert_eq!(said(&["--help"]).0, Some(0));
    let (code, text) = said(&["\u{1b}[31mred"]);
    assert_eq!(code, Some(1));
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

/// What a court's expert builds and reads: no runtime, no sockets, no TLS.
#[test]
fn nothing_of_the_network_is_in_it() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--package", "barid-audit", "--edges", "normal"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("ed25519-dalek"), "{tree}");
    for banned in ["tokio", "tonic", "rustls", "hyper", "h2", "mio", "socket2", "tracing"] {
        let found = tree.lines().find(|line| line.split(' ').next() == Some(banned));
        assert_eq!(found, None);
    }
}
