//! The audit log on disk: one leaf an entry, heads that only go forward, files that follow
//! from the journal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use barid_audit::checkpoint::{Checkpoint, SignedCheckpoint};
use barid_audit::entry::EntryKind;
use barid_audit::note::{KeyName, LogSigner};
use barid_audit::tree::{Frontier, Grower, Hash, Tile, verify_consistency, verify_inclusion};
use barid_journal::OsDisk;
use tokio::time::timeout;

use super::running::{Post, stop};
use crate::audit_log::Trouble;
use crate::fsck::signatures::Signatures;
use crate::fsck::{Mending, Report, Signed, fsck};
use crate::projector::decode;
use crate::{Broker, OpenError};

const ORIGIN: &str = "pk.example/log/1";
const PATIENCE: Duration = Duration::from_secs(60);

fn log(data: &Path) -> PathBuf {
    data.join("log/1")
}

fn signer(post: &Post) -> LogSigner {
    LogSigner::new(KeyName::parse(ORIGIN).unwrap(), Arc::clone(&post.log.key)).unwrap()
}

/// The head on the disk.
fn head(post: &Post) -> SignedCheckpoint {
    let bytes = std::fs::read(log(post.data.path()).join("checkpoint")).unwrap();
    SignedCheckpoint::open(&bytes, signer(post).public()).unwrap()
}

/// The head that a broker gives with all that is durable now.
async fn newest(broker: &Broker) -> Arc<SignedCheckpoint> {
    let last = broker.shared.reader.next_position().saturating_sub(1);
    timeout(PATIENCE, broker.audit_log().head_with(last)).await.unwrap().unwrap()
}

fn leaves(broker: &Broker) -> Vec<Vec<u8>> {
    broker.shared.reader.scan(0).map(|record| record.unwrap().leaf.to_vec()).collect()
}

/// Every file of a log.
fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, files);
            } else {
                files.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(&log(data), &mut files);
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_entry_has_a_leaf_and_a_proof() {
    let post = Post::new();
    let broker = post.open().broker;
    let first = newest(&broker).await.checkpoint().clone();
    post.send(&broker, 700).await;
    let head = newest(&broker).await.checkpoint().clone();
    assert_eq!(head.origin.as_str(), ORIGIN);
    let log = broker.audit_log();
    let leaves = leaves(&broker);
    assert!(leaves.len() as u64 >= head.size && head.size > 700);
    let mut grower = Grower::default();
    for (index, leaf) in (0..head.size).zip(&leaves) {
        grower.push(leaf.clone()).unwrap();
        let proof = log.inclusion(index, head.size).unwrap();
        let hash = Hash::of_leaf(leaf);
        verify_inclusion(hash, index, head.size, &proof, head.root).unwrap();
    }
    assert_eq!(grower.root(), head.root);
    let proof = log.consistency(first.size, head.size).unwrap();
    verify_consistency(first.size, head.size, first.root, head.root, &proof).unwrap();
    assert_eq!(log.entries(1, 256).unwrap(), leaves[256..512]);
    assert_eq!(log.entries(1, 5).unwrap(), leaves[256..261], "a part of what is full");
    let tile = log.tile(Tile::new(0, 1, 9).unwrap()).unwrap();
    let hashes: Vec<u8> = leaves[256..265].iter().flat_map(|leaf| Hash::of_leaf(leaf).0).collect();
    assert_eq!(tile, hashes);
    log.inclusion(0, head.size + 1_000).unwrap_err();
    stop(broker).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_goes_on_where_it_stopped() {
    let post = Post::new();
    let mut before: Option<Checkpoint> = None;
    for count in [300, 0, 40, 500] {
        let broker = post.open().broker;
        post.send(&broker, count).await;
        stop(broker).await;
        // The last head is that of the whole journal.
        let head = head(&post).checkpoint().clone();
        let broker = post.open().broker;
        let log = broker.audit_log().clone();
        timeout(PATIENCE, log.head_with(head.size)).await.unwrap().unwrap();
        if let Some(before) = before {
            assert!(head.size > before.size);
            let proof = log.consistency(before.size, head.size).unwrap();
            verify_consistency(before.size, head.size, before.root, head.root, &proof).unwrap();
        }
        before = Some(head);
        stop(broker).await;
    }
    let partial = files(post.data.path());
    let full = log(post.data.path()).join("tile/0/000.p");
    assert!(!full.exists(), "parts of what is full are gone");
    assert!(partial.keys().all(|path| path.extension().is_none_or(|end| end != "tmp")));
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_files_are_made_again_from_the_journal() {
    let post = Post::new();
    let broker = post.open().broker;
    post.send(&broker, 300).await;
    stop(broker).await;
    let whole = files(post.data.path());
    assert!(whole.len() > 5);
    for (path, bytes) in &whole {
        for damage in ["gone", "flipped", "cut"] {
            match damage {
                "gone" => std::fs::remove_file(path).unwrap(),
                "flipped" => {
                    let mut bytes = bytes.clone();
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                    rewrite(path, &bytes);
                }
                _ => rewrite(path, &bytes[..bytes.len() / 2]),
            }
            let broker = post.open().broker;
            let head = newest(&broker).await.checkpoint().clone();
            // Whether the damage was seen by the start or not, what is shown is sound.
            let last = leaves(&broker)[usize::try_from(head.size).unwrap() - 1].clone();
            let proof = broker.audit_log().inclusion(head.size - 1, head.size);
            if let Ok(proof) = proof {
                let hash = Hash::of_leaf(&last);
                verify_inclusion(hash, head.size - 1, head.size, &proof, head.root).unwrap();
            }
            let mut grower = Grower::default();
            for leaf in leaves(&broker).into_iter().take(usize::try_from(head.size).unwrap()) {
                grower.push(leaf).unwrap();
            }
            assert_eq!(grower.root(), head.root, "{damage} {}", path.display());
            stop(broker).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_that_contradicts_what_was_signed() {
    let post = Post::new();
    let broker = post.open().broker;
    post.send(&broker, 300).await;
    stop(broker).await;
    let signed = head(&post).checkpoint().clone();
    // As the journal would look to its log after somebody has rewritten it.
    let other = Checkpoint { root: Hash([7; 32]), ..signed };
    let other = other.sign(&signer(&post)).unwrap();
    rewrite(&log(post.data.path()).join("checkpoint"), &other.to_bytes());
    let broker = post.open().broker;
    let mut changes = broker.audit_log().changes();
    let standing = timeout(PATIENCE, changes.wait_for(|one| one.trouble.is_some()));
    let standing = standing.await.unwrap().unwrap().clone();
    assert_eq!(standing.trouble, Some(Trouble::Contradicted));
    assert!(standing.head.is_none());
    assert!(broker.audit_log().head_with(0).await.is_none());
    post.send(&broker, 5).await;
    stop(broker).await;
    assert_eq!(head(&post), other, "messages flow, and no head is signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_shorter_than_its_signed_head_has_lost_something() {
    let post = Post::new();
    let broker = post.open().broker;
    post.send(&broker, 3).await;
    stop(broker).await;
    let signed = head(&post).checkpoint().clone();
    let ahead = Checkpoint { size: signed.size + 1, ..signed };
    let ahead = ahead.sign(&signer(&post)).unwrap();
    rewrite(&log(post.data.path()).join("checkpoint"), &ahead.to_bytes());
    let refused = post.try_open_in(post.data.path()).unwrap_err();
    assert!(matches!(refused, OpenError::Journal(_)), "{refused}");
    assert!(refused.to_string().contains("a signed checkpoint has seen the journal"), "{refused}");
}

/// The log as it was made again after its folder was taken away is what it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_follows_from_its_journal() {
    let post = Post::new();
    let broker = post.open().broker;
    post.send(&broker, 600).await;
    stop(broker).await;
    let before = head(&post).checkpoint().clone();
    std::fs::remove_dir_all(log(post.data.path())).unwrap();
    let broker = post.open().broker;
    let head = newest(&broker).await.checkpoint().clone();
    let proof = broker.audit_log().consistency(before.size, head.size).unwrap();
    verify_consistency(before.size, head.size, before.root, head.root, &proof).unwrap();
    let whole: Vec<_> = leaves(&broker).into_iter().map(|leaf| Hash::of_leaf(&leaf)).collect();
    stop(broker).await;
    let mut frontier = Frontier::default();
    for hash in &whole[..usize::try_from(head.size).unwrap()] {
        frontier.push(*hash).for_each(drop);
    }
    assert_eq!(frontier.root(), head.root);
}

/// Messages sent before the folder is looked at; `BARID_LOG_MESSAGES=N` for figures.
fn messages() -> usize {
    let asked = std::env::var_os("BARID_LOG_MESSAGES");
    asked.and_then(|text| text.to_str()?.parse().ok()).unwrap_or(600)
}

/// Looks at the folder of a node that has stopped, and says how fast.
#[expect(clippy::disallowed_methods, reason = "how fast it is, is the machine's time")]
fn looked_at(post: &Post, mending: Mending, signed: Signed) -> Report {
    let began = std::time::Instant::now();
    let report = fsck(Arc::new(OsDisk), post.data.path(), (mending, signed), drop).unwrap();
    let took = began.elapsed();
    let each_s = report.entries as f64 / took.as_secs_f64();
    eprintln!(
        "{mending:?} {signed:?}: {} entries in {took:?}, {each_s:.0} a second",
        report.entries
    );
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn fsck_finds_every_damaged_file_and_mends_it() {
    let post = Post::new();
    let broker = post.open().broker;
    for _ in 0..messages().div_ceil(600) {
        post.send(&broker, 600).await;
    }
    stop(broker).await;
    assert_eq!(looked_at(&post, Mending::No, Signed::Trusted).damages, 0);
    let whole = files(post.data.path());
    let derived = |path: &Path| !path.ends_with("checkpoint");
    for (path, bytes) in whole.iter().filter(|(path, _)| derived(path)).take(12) {
        let mut changed = bytes.clone();
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        rewrite(path, &changed);
        let report = looked_at(&post, Mending::No, Signed::Trusted);
        // Older parts of what has grown since belong to no head any more.
        if report.damages > 0 {
            assert_eq!((report.damages, report.mended), (1, 0), "{}", path.display());
            assert_eq!(
                looked_at(&post, Mending::AuditLog, Signed::Trusted).mended,
                1,
                "{}",
                path.display()
            );
        }
        std::fs::read(path).map(|now| assert!(report.damages == 0 || now == *bytes)).unwrap();
        rewrite(path, bytes);
    }
    // All of it but the head.
    std::fs::remove_dir_all(log(post.data.path()).join("tile")).unwrap();
    let mended = looked_at(&post, Mending::AuditLog, Signed::Trusted).mended;
    assert!(mended > 5, "{mended}");
    assert_eq!(looked_at(&post, Mending::No, Signed::Trusted).damages, 0);
    // A head of another history cannot be mended.
    let signed = head(&post).checkpoint().clone();
    let other = Checkpoint { root: Hash([7; 32]), ..signed };
    let other = other.sign(&signer(&post)).unwrap();
    rewrite(&log(post.data.path()).join("checkpoint"), &other.to_bytes());
    assert_eq!(looked_at(&post, Mending::AuditLog, Signed::Trusted).damages, 1);
    assert_eq!(looked_at(&post, Mending::No, Signed::Trusted).damages, 1);
}

/// Keys over time: what was signed with a key of then is still good when that key is gone,
/// and what no key of its agency has signed is found, though all its digests hold.
#[tokio::test(flavor = "multi_thread")]
async fn fsck_checks_signatures_by_the_keys_of_their_time() {
    let mut post = Post::new();
    let broker = post.open().broker;
    post.send(&broker, 20).await;
    // Of a registry in which the agencies never had their keys.
    let mut signatures = Signatures::new();
    let entries = broker.shared.reader.scan(0).map(|record| decode(record.unwrap()).unwrap());
    let others = entries.filter(|entry| entry.body.kind() != EntryKind::RegistryChanged);
    let found = others.filter_map(|entry| signatures.entry(&entry, &broker.shared.blobs)).count();
    assert_eq!(found, 20);
    stop(broker).await;
    assert_eq!(looked_at(&post, Mending::No, Signed::Checked).damages, 0);
    for agency in &mut post.registry.agencies {
        agency.keys.clear();
    }
    let broker = post.open().broker;
    stop(broker).await;
    assert_eq!(looked_at(&post, Mending::No, Signed::Checked).damages, 0);
}

#[expect(clippy::disallowed_methods, reason = "a damage need not be durable")]
fn rewrite(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

/// What the start does not look at, the scrub finds, and it is mended while the node runs.
#[tokio::test(flavor = "multi_thread")]
async fn the_scrub_finds_what_the_start_does_not_look_at() {
    let post = Post::new();
    let broker = post.open().broker;
    post.send(&broker, 600).await;
    stop(broker).await;
    for name in ["tile/0/000", "tile/entries/001"] {
        let path = log(post.data.path()).join(name);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[40] ^= 1;
        rewrite(&path, &bytes);
        let broker = post.open().broker;
        let mended = async {
            while std::fs::read(&path).unwrap() != whole {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, mended).await.expect(name);
        newest(&broker).await;
        post.send(&broker, 1).await;
        stop(broker).await;
    }
}
