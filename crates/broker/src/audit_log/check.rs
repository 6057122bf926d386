//! The log held against the journal that it follows from.

use std::path::PathBuf;

use barid_audit::checkpoint::Checkpoint;
use barid_audit::note::{LogKey, NOTE_BYTES_MAX, Note};
use barid_audit::tree::{Completed, Grower, LogFile};
use barid_journal::Files;
use barid_journal::space::DiskFailure;

use super::stored::{self, CHECKPOINT};

/// What is not as the journal says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Faulty {
    /// A file of the log: it can be made again.
    File {
        /// Its name.
        name: String,
        /// Entries under it.
        until: u64,
    },
    /// The head is about other entries than the journal's.
    Head {
        /// Leaves that it is about.
        size: u64,
        /// Whether its signature was checked: then it is the journal that was changed.
        is_signed: bool,
    },
}

/// Derives the tree anew from the leaves that it is given, and compares.
#[derive(Debug)]
pub(crate) struct Check {
    files: Files,
    grower: Grower,
    head: Option<Checkpoint>,
    is_signed: bool,
}

impl Check {
    /// Of a log up to its newest head, as far as this key has signed it; without a key
    /// whatever stands there.
    pub(crate) fn new(files: Files, key: Option<&LogKey>) -> Result<Self, DiskFailure> {
        let head = match key {
            Some(key) => stored::head(&files, key)?.map(|signed| signed.checkpoint().clone()),
            None => {
                let bytes = files.read(CHECKPOINT, NOTE_BYTES_MAX as u64)?;
                let note = bytes.and_then(|bytes| Note::parse(&bytes).ok());
                note.and_then(|note| Checkpoint::parse(note.text()).ok())
            }
        };
        Ok(Self { files, grower: Grower::default(), head, is_signed: key.is_some() })
    }

    /// Where a file of the log lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path(name)
    }

    /// Leaves that the head is about.
    pub(crate) fn size(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.size)
    }

    /// The next leaf. What lies behind the newest head is not looked at.
    pub(crate) fn leaf(&mut self, leaf: Vec<u8>) -> Result<Vec<Faulty>, DiskFailure> {
        let mut faulty = Vec::new();
        let Some(head) = self.head.clone().filter(|head| self.grower.size() < head.size) else {
            return Ok(faulty);
        };
        let Ok(completed) = self.grower.push(leaf) else {
            return Ok(faulty);
        };
        self.compare(completed, &mut faulty)?;
        if self.grower.size() == head.size {
            if self.grower.root() != head.root {
                faulty.push(Faulty::Head { size: head.size, is_signed: self.is_signed });
            }
            let partial = self.grower.partial().unwrap_or_default();
            self.compare(partial, &mut faulty)?;
        }
        Ok(faulty)
    }

    fn compare(&self, files: Completed, faulty: &mut Vec<Faulty>) -> Result<(), DiskFailure> {
        for LogFile { path, bytes } in files.bundle.into_iter().chain(files.tiles) {
            let there = match (stored::file(&self.files, &path)?, path.split_once(".p/")) {
                // A part is no longer there once the whole is, which begins with it.
                (None, Some((whole, _))) => stored::file(&self.files, whole)?.map(|mut whole| {
                    whole.truncate(bytes.len());
                    whole
                }),
                (there, _) => there,
            };
            if there.as_deref() != Some(&bytes) {
                faulty.push(Faulty::File { name: path, until: self.grower.size() });
            }
        }
        Ok(())
    }
}
