//! An agency system in Python, written from proto/README.md alone, against the real program.

use std::path::Path;
use std::process::Command;

use crate::harness::Node;
use crate::skip;

/// Steps that the client reports when all of them held.
const STEPS: usize = 7;

#[test]
fn a_python_client_exchanges_messages_and_evidence() {
    let Some(python) = skip::unless_set("python_client", "BARID_PYTHON") else {
        return;
    };
    let node = Node::start(&["pk/customs", "pk/police"]);
    let account = |agency: &str| node.dir.join("agencies").join(agency).join("client.toml");
    let output = Command::new(python)
        .arg("-B")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/client.py"))
        .args([account("pk-customs"), account("pk-police")])
        .args(["--endpoint", &format!("https://{}", node.exchange_addr)])
        .output()
        .expect("BARID_PYTHON names a Python that runs");
    let told = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{told}{complaint}", output.status);
    assert_eq!(told.lines().filter(|line| line.starts_with("ok ")).count(), STEPS, "{told}");
}

/// A verifier of bundles written from proto/EVIDENCE.md alone says what ours says.
#[test]
fn a_python_verifier_agrees_about_bundles() {
    let Some(python) = skip::unless_set("python_verifier", "BARID_PYTHON") else {
        return;
    };
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bundles = tests.join("../crates/audit/tests/bundles");
    let folder = tempfile::tempdir().expect("a folder");
    let changed = folder.path().join("changed.bundle");
    let mut bytes = std::fs::read(bundles.join("origin.bundle")).expect("a file of the project");
    bytes[1_234] ^= 1;
    crate::harness::write(&changed, &bytes);
    let trust = bundles.join("trust.txt");
    for (bundle, trust, code, word) in [
        (bundles.join("origin.bundle"), Some(&trust), 0, "PROVEN"),
        (bundles.join("recipient.bundle"), Some(&trust), 0, "PROVEN"),
        (bundles.join("origin.bundle"), None, 3, "CONSISTENT ONLY"),
        (bundles.join("split.bundle"), Some(&trust), 1, "REFUSED"),
        (changed, None, 1, "REFUSED"),
    ] {
        let mut command = Command::new(&python);
        command.arg("-B").arg(tests.join("python/evidence.py")).arg(&bundle).args(trust);
        let output = command.output().expect("BARID_PYTHON names a Python that runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.starts_with(word), "{}: {told}", bundle.display());
        assert_eq!(output.status.code(), Some(code), "{}: {told}", bundle.display());
    }
}
