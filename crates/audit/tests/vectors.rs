//! Proofs of others, good and mutated (transparency-dev/merkle, testdata), and the examples
//! of the C2SP documents.
//!
//! They are found by `BARID_DATA`, else beside the project; without them the test says
//! that it skips, to stderr and to the file that `BARID_SKIPPED` names.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use barid_audit::tree::{Hash, verify_consistency, verify_inclusion};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

#[path = "vectors/c2sp.rs"]
mod c2sp;

const FILE: &str = "crypto/merkle-rfc6962/merkle-testdata.dev.zip";

#[test]
fn every_proof_of_the_vectors_is_judged_as_they_say() {
    let Some(vectors) = vectors() else {
        return;
    };
    let (mut good, mut bad) = (0, 0);
    for (name, text) in vectors {
        let vector: Value = serde_json::from_slice(&text).expect("JSON");
        // What has not the length of a hash cannot even be written down here.
        let Some(holds) = holds(&name, &vector) else {
            continue;
        };
        assert_eq!(holds, !vector["wantErr"].as_bool().unwrap(), "{name}: {}", vector["desc"]);
        if holds { good += 1 } else { bad += 1 }
    }
    assert!(good >= 8 && bad >= 100, "{good} good and {bad} bad: vectors are missing");
}

/// Whether a proof holds. `None` for those of subtrees, which logs do not have.
fn holds(name: &str, vector: &Value) -> Option<bool> {
    let number = |field: &str| vector[field].as_u64().expect("a number");
    let bytes = |value: &Value| STANDARD.decode(value.as_str().expect("text")).expect("base64");
    let hash = |value: &Value| Hash::from_slice(&bytes(value));
    let proof = || vector["proof"].as_array().into_iter().flatten().map(hash).collect();
    let proof: Option<Vec<_>> = proof();
    if name.starts_with("inclusion/") {
        let all = (hash(&vector["leafHash"]), proof, hash(&vector["root"]));
        let (Some(leaf), Some(proof), Some(root)) = all else {
            return Some(false);
        };
        let (index, size) = (number("leafIdx"), number("treeSize"));
        Some(verify_inclusion(leaf, index, size, &proof, root).is_ok())
    } else if name.starts_with("consistency/") {
        // Some roots are no hashes ("don't care"): what counts is whether they are equal.
        let root = |field: &str| {
            hash(&vector[field]).unwrap_or_else(|| Hash::of_leaf(&bytes(&vector[field])))
        };
        let Some(proof) = proof else {
            return Some(false);
        };
        let (old, new) = (number("size1"), number("size2"));
        Some(verify_consistency(old, new, root("root1"), root("root2"), &proof).is_ok())
    } else {
        None
    }
}

/// Name and contents of every file of the archive.
fn vectors() -> Option<BTreeMap<String, Vec<u8>>> {
    let path = data().join(FILE);
    let Ok(archive) = std::fs::read(&path) else {
        skip(&format!("no {FILE} at {}", data().display()));
        return None;
    };
    Some(unzip(&archive))
}

#[expect(clippy::disallowed_methods, reason = "where the data lies is the runner's business")]
fn data() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    std::env::var("BARID_DATA").map_or_else(|_unset| beside(), PathBuf::from)
}

/// Every file of an archive, by its central directory (APPNOTE.TXT 4.3.12).
fn unzip(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let number = |at: usize, length: usize| {
        let bytes = archive[at..at + length].iter().rev();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = archive.windows(4).rposition(|four| four == b"PK\x05\x06").expect("an archive");
    let mut at = number(end + 16, 4);
    let mut files = BTreeMap::new();
    for _ in 0..number(end + 10, 2) {
        let name = String::from_utf8(archive[at + 46..][..number(at + 28, 2)].to_vec());
        let name = name.expect("a name");
        let local = number(at + 42, 4);
        let data = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        let packed = &archive[data..][..number(at + 20, 4)];
        if name.ends_with(".json") {
            assert_eq!(number(at + 10, 2), 8, "deflate");
            let contents = miniz_oxide::inflate::decompress_to_vec(packed).expect("deflate");
            files.insert(name, contents);
        }
        at += 46 + number(at + 28, 2) + number(at + 30, 2) + number(at + 32, 2);
    }
    files
}

/// Says that the test does not run. Never silently.
#[expect(clippy::disallowed_methods, reason = "where skips are told is the runner's business")]
fn skip(why: &str) {
    let line = format!("SKIPPED vectors: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr");
    if let Ok(path) = std::env::var("BARID_SKIPPED") {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the list of skips");
    }
}
