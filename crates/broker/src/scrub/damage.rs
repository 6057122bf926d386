//! What is not as it was written, and where.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use barid_audit::entry::EntryError;
use barid_journal::snapshots::DamagedSnapshot;
use barid_journal::space::DiskFailure;
use barid_journal::{BlobRef, Blobs, Rot};

use crate::audit_log::{CHECKPOINT, Check, Faulty};

/// Which part of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The journal: the next start refuses it.
    Journal,
    /// The body of a message.
    Body,
    /// A snapshot: the journal has everything.
    Snapshot,
    /// The delivery log: it is set aside, and made again from the journal.
    Log,
    /// Files of the audit log: they are made again from the journal.
    Tiles,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// What.
    pub part: Part,
    /// Position of the entry that is in doubt, or that names what is.
    pub position: u64,
    /// The file; empty where it is not one alone.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong, in one sentence.
    pub fault: String,
}

impl Part {
    /// Whether it can be made again from the journal.
    #[must_use]
    pub const fn is_derived(self) -> bool {
        matches!(self, Self::Snapshot | Self::Log | Self::Tiles)
    }
}

impl Damage {
    pub(super) fn journal(rot: Rot) -> Self {
        let fault = rot.to_string();
        let Rot { position, path, offset, .. } = rot;
        Self { part: Part::Journal, position, path, offset, fault }
    }

    /// A record whose checksums hold, and which is no entry.
    pub(super) fn entry(position: u64, error: &EntryError) -> Self {
        let (path, fault) = (PathBuf::new(), error.to_string());
        Self { part: Part::Journal, position, path, offset: 0, fault }
    }

    pub(super) fn body(position: u64, blobs: &Blobs, at: BlobRef, error: &dyn Error) -> Self {
        let path = blobs.path(at.segment);
        let fault = format!("{error}; it was accepted at position {position}");
        Self { part: Part::Body, position, path, offset: at.offset, fault }
    }

    pub(crate) fn signature(position: u64, blobs: &Blobs, at: BlobRef) -> Self {
        let path = blobs.path(at.segment);
        let fault = format!(
            "the message accepted at position {position} is not signed by a key that its agency \
             had then"
        );
        Self { part: Part::Body, position, path, offset: at.offset, fault }
    }

    pub(super) fn snapshot(damaged: DamagedSnapshot) -> Self {
        let fault = damaged.to_string();
        let DamagedSnapshot { path, position, .. } = damaged;
        Self { part: Part::Snapshot, position, path, offset: 0, fault }
    }

    pub(super) fn unreadable(part: Part, failure: &DiskFailure) -> Self {
        let fault = format!("{failure}: {}", failure.source);
        Self { part, position: 0, path: failure.path.clone(), offset: 0, fault }
    }

    pub(super) fn audit_log(check: &Check, faulty: &Faulty) -> Self {
        let (part, position, name, fault) = match faulty {
            Faulty::File { name, until } => {
                let fault = format!("{name} of the audit log is not what follows from the journal");
                (Part::Tiles, until.saturating_sub(1), name.as_str(), fault)
            }
            Faulty::Head { size, is_signed } => {
                let fault = format!(
                    "the journal's first {size} entries are not those of the audit log's head"
                );
                let part = if *is_signed { Part::Journal } else { Part::Tiles };
                (part, size.saturating_sub(1), CHECKPOINT, fault)
            }
        };
        Self { part, position, path: check.path(name), offset: 0, fault }
    }

    pub(super) fn log(position: u64) -> Self {
        let fault = format!("the delivery log lacks what it should have of position {position}");
        Self { part: Part::Log, position, path: PathBuf::new(), offset: 0, fault }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.part.is_derived() {
            f.write_str("DATA_LOSS: ")?;
        }
        f.write_str(&self.fault)
    }
}
