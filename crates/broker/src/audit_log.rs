//! The audit log on disk: one leaf for each entry of the journal, in the files of C2SP
//! tlog-tiles, under checkpoints that the log's key signs. All of it but the signatures
//! follows from the journal; nothing that is decided rests on it.
//!
//! ```text
//! log/<epoch>/checkpoint                     the newest signed head
//! log/<epoch>/tile/entries/<n>[.p/<w>]       bundles of 256 leaves, or of the last w
//! log/<epoch>/tile/<level>/<n>[.p/<w>]       tiles of 256 hashes, or of the last w
//! ```

mod check;
mod desk;
mod keeper;
mod mend;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::{KeyName, LogKey, LogSigner, NoteError, NoteSignature, WitnessKey};
use barid_audit::tree::{self, Frontier, Hash, Tile};
use barid_journal::Files;
use barid_message::key::SigningKey;
use tokio::sync::watch;

use crate::Broker;
use crate::heads::Heads;

pub(crate) use check::{Check, Faulty};
use desk::Cosignature;
pub(crate) use desk::{Attendance, Desk};
pub(crate) use keeper::Keeper;
pub use mend::MendError;
pub(crate) use mend::mend;
use stored::Stored;
pub use stored::TileError;
pub(crate) use stored::{CHECKPOINT, head};

/// How the audit log is kept.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// What signs its checkpoints: an Ed25519 key that is used for nothing else.
    pub key: Arc<SigningKey>,
    /// From one checkpoint to the next.
    pub checkpoint_every: Duration,
    /// Cosignatures that make a head one to be trusted; 0 counts as 1.
    pub cosignatures_needed: usize,
}

/// How the log stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its newest head; `None` until this start has one on the disk.
    pub head: Option<Arc<SignedCheckpoint>>,
    /// The newest head with as many cosignatures as are needed.
    pub cosigned: Option<Arc<SignedCheckpoint>>,
    /// What keeps it from going on.
    pub trouble: Option<Trouble>,
}

/// Why there are no new heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Its files cannot be written or read; it is tried again.
    Failing,
    /// The journal is not what the newest signed head says: one of them was changed.
    /// Nothing is signed any more.
    Contradicted,
}

/// The audit log for those who read it. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog {
    files: Files,
    key: LogKey,
    desk: Arc<Desk>,
    standing: watch::Receiver<Standing>,
}

impl AuditLog {
    pub(crate) const fn new(
        files: Files,
        key: LogKey,
        desk: Arc<Desk>,
        standing: watch::Receiver<Standing>,
    ) -> Self {
        Self { files, key, desk, standing }
    }

    /// What its checkpoints are checked with.
    #[must_use]
    pub const fn key(&self) -> &LogKey {
        &self.key
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// Changes with its head.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// The newest head, or one that is made for it: with the leaf at this position, which
    /// must be durable. `None` once the log is gone or in trouble.
    pub async fn head_with(&self, position: u64) -> Option<Arc<SignedCheckpoint>> {
        let mut standing = self.standing.clone();
        let covers = |standing: &Standing| {
            let head = standing.head.as_ref();
            head.is_some_and(|head| head.checkpoint().size > position) || standing.trouble.is_some()
        };
        if !covers(&standing.borrow()) {
            self.desk.hurry(position);
        }
        let standing = standing.wait_for(covers).await.ok()?;
        standing.head.clone().filter(|head| head.checkpoint().size > position)
    }

    /// Puts a cosignature under the newest head.
    ///
    /// # Errors
    /// [`NoteError`]: it is not this witness's, or not of that head.
    pub fn cosign(&self, key: &WitnessKey, signature: NoteSignature) -> Result<(), NoteError> {
        let Some(head) = self.standing().head else { return Ok(()) };
        key.verify(head.note().text(), &signature)?;
        // Once is enough: each is a write.
        if head.note().signatures().iter().any(|one| key.made(one)) {
            return Ok(());
        }
        let (key, size) = (key.clone(), head.checkpoint().size);
        self.desk.cosigned(Cosignature { key, size, signature });
        Ok(())
    }

    /// Root of the tree as it was with so many leaves.
    ///
    /// # Errors
    /// As [`AuditLog::inclusion`].
    pub fn root_at(&self, size: u64) -> Result<Hash, TileError> {
        Ok(Frontier::of(&self.stored(size)?, size)?.root())
    }

    /// Proof that the leaf `index` is in the tree of `size` leaves.
    ///
    /// # Errors
    /// [`TileError`]: also where the log has no such tree.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, TileError> {
        tree::inclusion(&self.stored(size)?, index, size)
    }

    /// Proof that the tree of `old` leaves is the beginning of that of `new`.
    ///
    /// # Errors
    /// As [`AuditLog::inclusion`].
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>, TileError> {
        tree::consistency(&self.stored(new)?, old, new)
    }

    /// A tile, as it was when it had this many hashes.
    ///
    /// # Errors
    /// [`TileError`]: also where the log has it not.
    pub fn tile(&self, tile: Tile) -> Result<Vec<u8>, TileError> {
        stored::tile(&self.files, tile)
    }

    /// The first `width` entries of a bundle, 1 to 256.
    ///
    /// # Errors
    /// [`TileError`]: also where the log has them not.
    pub fn entries(&self, index: u64, width: u16) -> Result<Vec<Vec<u8>>, TileError> {
        stored::entries(&self.files, index, width)
    }

    /// Holds its files against the journal, leaf by leaf.
    pub(crate) fn check(&self) -> Option<Check> {
        Check::new(self.files.clone(), Some(&self.key))
            .inspect_err(|failure| tracing::error!(%failure, "audit log not looked at"))
            .ok()
    }

    /// Has its files made again.
    pub(crate) fn distrust(&self) {
        self.desk.distrust();
    }

    fn stored(&self, size: u64) -> Result<Stored<'_>, TileError> {
        let standing = self.standing.borrow();
        let newest = standing.head.as_ref().map_or(0, |head| head.checkpoint().size);
        if size > newest {
            return Err(TileError::Beyond { size, newest });
        }
        Ok(Stored { files: &self.files, size })
    }
}

impl Broker {
    /// Heads of other nodes' logs.
    #[must_use]
    pub fn heads(&self) -> &Heads {
        &self.shared.heads
    }

    /// The audit log.
    #[must_use]
    pub fn audit_log(&self) -> &AuditLog {
        &self.shared.audit_log
    }
}

pub(crate) fn signer(origin: &str, options: &LogOptions) -> Result<LogSigner, NoteError> {
    let name = KeyName::parse(origin)?;
    LogSigner::new(name, Arc::clone(&options.key))
}
