//! Room for the next groups: reserved before anything is folded.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::{GROUP_BYTES_MAX, Journal};
use crate::disk::{DiskFile, is_full};
use crate::format::SECTOR;
use crate::planted::planted;
use crate::segment::{self, SEGMENT_SUFFIX};
use crate::space::{Attempt, Claim, DiskFailure, SpaceError};

/// The segment that is preallocated ahead. Left by a stop, it is removed by the
/// next start.
pub(super) const SPARE_NAME: &str = "next.tmp";

/// Why space could not be set aside. Nothing was folded yet, so nothing is lost.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The disk is full, for this claim. Passes when space returns.
    #[error("the disk is full: free space for the node to accept again")]
    Full,
    /// More than one group can hold.
    #[error("a group of {bytes} bytes is longer than the {max} that fit")]
    TooLarge {
        /// What was asked for.
        bytes: u64,
        /// The most that can be.
        max: u64,
    },
    /// An earlier operation failed: the process has to end.
    #[error("the journal stopped at an earlier failure: end the process and start again")]
    Dead,
    /// The disk did not do it: the process has to end, unless it is passing.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// How far zeros are written ahead at once.
const FILL_AHEAD_BYTES: u64 = 1 << 20;

/// A preallocated segment.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) path: PathBuf,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) end: u64,
    pub(super) length: u64,
    /// Up to where zeros or groups have been written, not only allocated.
    pub(super) filled: u64,
}

impl Active {
    /// Writes zeros ahead of a group that ends at `end`, into space that is
    /// allocated. Overwriting costs a sync less than the first write to a
    /// block, which changes the file's map too.
    pub(super) fn fill_ahead(&mut self, end: u64) -> io::Result<()> {
        if self.filled >= end {
            return Ok(());
        }
        let target = end.saturating_add(FILL_AHEAD_BYTES).min(self.length);
        segment::write_zeros(&*self.file, end, target)?;
        self.filled = target;
        Ok(())
    }

    /// Bytes that groups may still take. The last sector stays zeros: see
    /// recovery.
    const fn room(&self) -> u64 {
        self.length.saturating_sub(self.end + SECTOR as u64)
    }
}

impl Journal {
    /// The most that one [`Journal::reserve`] can set aside, in bytes.
    #[must_use]
    pub fn reserve_bytes_max(&self) -> u64 {
        (self.segment_bytes - SECTOR as u64).min(GROUP_BYTES_MAX)
    }

    /// Sets space aside, before anything is folded: afterwards groups that take
    /// up to `bytes` together ([`group_bytes`](super::group_bytes)) need no new space, so that
    /// appending them can fail only with the disk itself.
    ///
    /// For new messages the next segment must stand ready too, and space
    /// be left: [`ReserveError::Full`] then means to refuse new messages and go
    /// on delivering.
    pub fn reserve(&mut self, bytes: u64, claim: Claim) -> Result<(), ReserveError> {
        if self.dead {
            return Err(ReserveError::Dead);
        }
        let max = self.reserve_bytes_max();
        if bytes > max {
            return Err(ReserveError::TooLarge { bytes, max });
        }
        let reserved = self.make_room(bytes, claim);
        // A failed sync of a folder or a new file is a failed sync.
        self.dead |= matches!(&reserved, Err(ReserveError::Disk(f)) if !f.is_passing());
        reserved
    }

    fn make_room(&mut self, bytes: u64, claim: Claim) -> Result<(), ReserveError> {
        let is_new = claim != Claim::Delivery;
        if is_new {
            if !self.space.has_room_for(claim)? {
                return Err(ReserveError::Full);
            }
            self.prepare_spare(claim)?;
        }
        if self.active.room() < bytes {
            self.roll(bytes)?;
            if is_new {
                self.prepare_spare(claim)?;
            }
        }
        Ok(())
    }

    /// Has the next segment stand ready.
    pub(super) fn prepare_spare(&mut self, claim: Claim) -> Result<(), SpaceError> {
        if self.spare.is_none() {
            let path = self.dir.join(SPARE_NAME);
            let file = self.space.create(&path, self.segment_bytes, claim)?;
            self.spare = Some(Active { path, file, end: 0, filled: 0, length: self.segment_bytes });
        }
        Ok(())
    }

    /// Goes on in a new segment with room for at least `bytes`.
    fn roll(&mut self, bytes: u64) -> Result<(), ReserveError> {
        let spare = self.spare.take().filter(|spare| spare.room() >= bytes);
        let mut next = if let Some(spare) = spare {
            spare
        } else {
            let path = self.dir.join(SPARE_NAME);
            let least = (bytes + SECTOR as u64).next_multiple_of(SECTOR as u64);
            let file = self.space.create_at_need(&path, self.segment_bytes, least)?;
            let length = file.len().attempt("measure", &path)?;
            Active { path, file, end: 0, filled: 0, length }
        };
        let path = self.dir.join(segment::name(self.next_position, SEGMENT_SUFFIX));
        // All groups so far are durable. A crash from here on leaves a segment
        // without a group, which the next start removes, or the spare.
        let disk = self.space.disk();
        let renamed = self.space.at_need(|| disk.rename(&next.path, &path));
        if let Err(error) = renamed {
            if is_full(&error) {
                self.spare = Some(next);
                return Err(ReserveError::Full);
            }
            return Err(error).attempt("rename", &next.path)?;
        }
        if !planted("skip-folder-sync") {
            disk.sync_dir(&self.dir).attempt("sync", &self.dir)?;
        }
        next.path.clone_from(&path);
        self.active = next;
        self.shared.add_segment(self.next_position, path);
        Ok(())
    }
}

impl From<SpaceError> for ReserveError {
    fn from(error: SpaceError) -> Self {
        match error {
            SpaceError::Full => Self::Full,
            SpaceError::Disk(failure) => Self::Disk(failure),
        }
    }
}
