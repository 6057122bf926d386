//! Heads of other nodes' logs that this node has cosigned: what a witness must remember.
//! Checked and stored in one step, so that two requests at once cannot take it back.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use barid_audit::checkpoint::SignedCheckpoint;
use barid_audit::note::{LogKey, NOTE_BYTES_MAX, Note};
use barid_audit::tree::Hash;
use barid_audit::witness::{Refusal, judge};
use barid_journal::files::WriteError;
use barid_journal::space::DiskFailure;
use barid_journal::{Files, FilesWriter};
use barid_message::digest::Digest;

/// The newest head of each log that was cosigned.
#[derive(Debug)]
pub struct Heads {
    files: Files,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    writer: FilesWriter,
    /// By origin; as many as there are peers, and their epochs.
    heads: BTreeMap<String, Arc<SignedCheckpoint>>,
}

/// Why a head was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The rules of witnesses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored, and so is not cosigned.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// What is held could not be read.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

impl Heads {
    pub(crate) fn open(files: Files) -> Self {
        let held = Held { writer: files.writer(), heads: BTreeMap::new() };
        Self { files, held: Mutex::new(held) }
    }

    /// The newest head of this key's log that was cosigned.
    ///
    /// # Errors
    /// It cannot be read from the disk.
    pub fn held(&self, key: &LogKey) -> Result<Option<Arc<SignedCheckpoint>>, DiskFailure> {
        self.newest(&mut self.lock(), key)
    }

    /// All that this start has looked at.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<SignedCheckpoint>> {
        self.lock().heads.values().cloned().collect()
    }

    /// Takes a head that this node may cosign then: signed by its log, and shown to
    /// continue the newest one. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`AdmitError`]: what is held stays what it was.
    pub fn admit(
        &self,
        key: &LogKey,
        old: u64,
        proof: &[Hash],
        note: Note,
    ) -> Result<Arc<SignedCheckpoint>, AdmitError> {
        let new = SignedCheckpoint::of(note, key).map_err(|_why| Refusal::Unsigned)?;
        // Others' cosignatures are not this node's to keep.
        let new = Arc::new(new.without_cosignatures(key));
        let mut held = self.lock();
        let newest = self.newest(&mut held, key)?;
        judge(newest.as_ref().map(|head| head.checkpoint()), old, proof, new.checkpoint())?;
        if newest.as_ref() != Some(&new) {
            // A crash up to the end leaves the head before, and nobody has a cosignature.
            held.writer.write(&name(key), &new.to_bytes())?;
            held.writer.settle()?;
            held.heads.insert(key.name().to_string(), Arc::clone(&new));
        }
        Ok(new)
    }

    fn newest(
        &self,
        held: &mut Held,
        key: &LogKey,
    ) -> Result<Option<Arc<SignedCheckpoint>>, DiskFailure> {
        if let Some(head) = held.heads.get(key.name().as_str()) {
            return Ok(Some(Arc::clone(head)));
        }
        let Some(bytes) = self.files.read(&name(key), NOTE_BYTES_MAX as u64)? else {
            return Ok(None);
        };
        // Signed with an earlier key, or damaged: known no more, and told.
        let opened = SignedCheckpoint::open(&bytes, key)
            .inspect_err(|error| tracing::error!(%error, "head of a peer's log passed over"));
        let Ok(head) = opened.map(Arc::new) else {
            return Ok(None);
        };
        held.heads.insert(key.name().to_string(), Arc::clone(&head));
        Ok(Some(head))
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that any file system takes, whatever the log is called.
fn name(key: &LogKey) -> String {
    Digest::of(key.name().as_str().as_bytes()).to_string()
}
