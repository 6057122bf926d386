//! Heads of other logs: checked and stored in one step, and known after a start.

use std::sync::Arc;

use barid_audit::checkpoint::{Checkpoint, SignedCheckpoint};
use barid_audit::note::{KeyName, LogSigner};
use barid_audit::tree::{Frontier, Hash, Subtrees, consistency};
use barid_audit::witness::Refusal;
use barid_message::key::{Algorithm, SigningKey};

use super::running::{Post, stop};
use crate::heads::{AdmitError, Heads};

struct Log(LogSigner);

/// A log of numbers.
impl Subtrees for Log {
    type Error = std::convert::Infallible;

    fn subtree(&self, level: u32, index: u64) -> Result<Hash, Self::Error> {
        if level == 0 {
            return Ok(Hash::of_leaf(&index.to_be_bytes()));
        }
        let left = self.subtree(level - 1, 2 * index)?;
        Ok(Hash::of_node(left, self.subtree(level - 1, 2 * index + 1)?))
    }
}

impl Log {
    fn new() -> Self {
        let key = Arc::new(SigningKey::generate(Algorithm::Ed25519).unwrap());
        Self(LogSigner::new(KeyName::parse("ir.example/log/1").unwrap(), key).unwrap())
    }

    fn head(&self, size: u64) -> SignedCheckpoint {
        let root = Frontier::of(self, size).unwrap().root();
        let origin = self.0.public().name().clone();
        Checkpoint { origin, size, root }.sign(&self.0).unwrap()
    }

    fn admit(&self, heads: &Heads, old: u64, size: u64) -> Result<u64, AdmitError> {
        let proof = consistency(self, old, size).unwrap();
        let note = self.head(size).note().clone();
        let head = heads.admit(self.0.public(), old, &proof, note)?;
        Ok(head.checkpoint().size)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_cosigned_is_known_after_a_start() {
    let (post, log) = (Post::new(), Log::new());
    let broker = post.open().broker;
    assert_eq!(log.admit(broker.heads(), 0, 90).unwrap(), 90);
    assert_eq!(log.admit(broker.heads(), 90, 200).unwrap(), 200);
    stop(broker).await;
    let broker = post.open().broker;
    let held = broker.heads().held(log.0.public()).unwrap().unwrap();
    assert_eq!(*held, log.head(200));
    let behind = log.admit(broker.heads(), 90, 150).unwrap_err();
    assert!(matches!(behind, AdmitError::Refused(Refusal::Conflict(200))), "{behind}");
    let other = Log::new();
    let note = other.head(300).note().clone();
    let unsigned = broker.heads().admit(log.0.public(), 200, &[], note).unwrap_err();
    assert!(matches!(unsigned, AdmitError::Refused(Refusal::Unsigned)), "{unsigned}");
    stop(broker).await;
}

/// Of many at once, each is refused or continues the one before: what is held never goes
/// back, as the document of the protocol warns it might.
#[tokio::test(flavor = "multi_thread")]
async fn requests_at_once_take_nothing_back() {
    let (post, log) = (Post::new(), Log::new());
    let broker = post.open().broker;
    log.admit(broker.heads(), 0, 10).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let (log, heads) = (&log, broker.heads());
            scope.spawn(move || {
                let mut seen = 10;
                for step in 0..40 {
                    let size = 11 + (step * 4 + thread);
                    let old = heads.held(log.0.public()).unwrap().unwrap().checkpoint().size;
                    assert!(old >= seen, "{old} after {seen}");
                    seen = old;
                    if old < size
                        && let Err(error) = log.admit(heads, old, size)
                    {
                        let is_conflict =
                            matches!(error, AdmitError::Refused(Refusal::Conflict(_)));
                        assert!(is_conflict, "{error}");
                    }
                }
            });
        }
    });
    let held = broker.heads().held(log.0.public()).unwrap().unwrap();
    assert!(held.checkpoint().size > 100);
    stop(broker).await;
}
