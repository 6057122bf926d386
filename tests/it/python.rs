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
