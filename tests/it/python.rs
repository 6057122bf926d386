//! An agency system in Python, written from proto/README.md alone, against the real program.

use std::path::Path;
use std::process::Command;

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::{LogKey, WitnessKey};
use barid_audit::tree::{
    Frontier, Hash, Subtrees, Tile, TileError, bundle_entries, bundle_path, inclusion,
    verify_inclusion,
};

use crate::harness::{Node, address, write};
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
    write(&changed, &bytes);
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

/// Runs the script that was written from the documents of C2SP alone.
fn verify_log(python: &Path, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(python)
        .arg("-B")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/verify_log.py"))
        .args(arguments)
        .output()
        .expect("BARID_PYTHON names a Python that runs");
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_implementation_checks_our_log() {
    let Some(python) = skip::unless_set("verify_log", "BARID_PYTHON") else {
        return;
    };
    let mut node = Node::start(&["pk/customs", "pk/police"]);
    let customs = node.agency("pk/customs").await;
    for number in 0..300 {
        customs.send(customs.note(&format!("number {number}")).to(&address("pk/police"))).await;
    }
    let asked = barid_proto::audit::v1::GetCheckpointRequest { position: Some(300) };
    let head = node.operator().audit().checkpoint(asked).await.expect("a checkpoint");
    node.stop();
    let log = node.data().join("log/1");
    let folder = log.display().to_string();
    let arguments = ["verify", &folder, "--log", &head.log_key];
    let (holds, told) = verify_log(&python, &arguments);
    assert!(holds && told.starts_with("ok 3"), "{told}");
    for name in ["checkpoint", "tile/0/000", "tile/entries/000"] {
        let path = log.join(name);
        let whole = std::fs::read(&path).expect(name);
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        write(&path, &changed);
        let (holds, told) = verify_log(&python, &arguments);
        assert!(!holds && told.starts_with("refused: "), "{name}: {told}");
        write(&path, &whole);
    }
    assert!(verify_log(&python, &arguments).0);
}

/// A log on a disk.
struct Theirs<'a> {
    folder: &'a Path,
    size: u64,
}

impl Subtrees for Theirs<'_> {
    type Error = TileError;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, TileError> {
        let tile = Tile::holding(level, index, self.size).expect("inside the tree");
        let bytes = std::fs::read(self.folder.join(tile.to_string())).expect("a tile");
        tile.subtree(&bytes, level, index)
    }
}

#[test]
fn we_check_the_log_of_another_implementation() {
    let Some(python) = skip::unless_set("verify_log", "BARID_PYTHON") else {
        return;
    };
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().display().to_string();
    let (origin, witness) = ("other.example/log", "other.example/w1");
    let arguments = ["--origin", origin, "--witness", witness, "--leaves", "66000"];
    let (made, keys) = verify_log(&python, &[&["write", &*folder][..], &arguments[..]].concat());
    assert!(made, "{keys}");
    let (log, witness) = keys.trim().split_once('\n').expect("two keys");
    let (log, witness) = (LogKey::from_vkey(log).unwrap(), WitnessKey::from_vkey(witness).unwrap());
    let bytes = std::fs::read(home.path().join("checkpoint")).expect("a checkpoint");
    let signed = SignedCheckpoint::open(&bytes, &log).expect("signed");
    let cosigned = signed.cosigned_by(&[witness]).expect("cosigned");
    assert_eq!(cosigned[0].time_s, 1_700_000_000);
    let head = signed.checkpoint();
    let theirs = Theirs { folder: home.path(), size: head.size };
    assert_eq!(Frontier::of(&theirs, head.size).unwrap().root(), head.root);
    for index in [0, 255, 256, 65_535, 65_999] {
        let width = u16::try_from((head.size - index / 256 * 256).min(256)).unwrap();
        let bundle = std::fs::read(home.path().join(bundle_path(index / 256, width))).unwrap();
        let entry = bundle_entries(&bundle).unwrap()[usize::try_from(index % 256).unwrap()];
        assert_eq!(entry, format!("leaf {index}").as_bytes());
        let proof = inclusion(&theirs, index, head.size).unwrap();
        verify_inclusion(Hash::of_leaf(entry), index, head.size, &proof, head.root).unwrap();
    }
}
