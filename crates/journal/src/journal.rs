//! The single writer.

mod room;

use std::path::PathBuf;
use std::sync::Arc;

use crate::chain::Chain;
use crate::data_dir::DataDir;
use crate::disk::remove_if_there;
use crate::format::SECTOR;
use crate::format::group::{self, Place, Record};
use crate::planted::planted;
use crate::reader::{Reader, Shared};
use crate::recovery::{self, OpenError, Recovered, Witness, repair, scan};
use crate::space::{Attempt, Claim, DiskFailure, Space, SpaceError};
use room::{Active, SPARE_NAME};

pub use crate::format::group::{GROUP_BYTES_MAX, GROUP_OVERHEAD_BYTES_MAX, group_bytes};
pub use room::ReserveError;

/// The smallest segment: of use in tests alone.
const SEGMENT_BYTES_MIN: u64 = 4 << 10;

/// How a journal is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Length of a segment, rounded up to sectors; bounds a group as well.
    pub segment_bytes: u64,
    /// Who has seen the journal, and how far.
    pub witnesses: Vec<Witness>,
}

impl Default for Options {
    /// Segments of 64 MiB, no witness.
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, witnesses: Vec::new() }
    }
}

/// Up to where the journal is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    /// All positions below this one are durable.
    pub next_position: u64,
    /// The chain at `next_position`.
    pub chain: Chain,
}

/// Why a group was not written. What survives of it is decided by the next
/// start: the process has to end.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// There was no room for it: it was longer than what was reserved.
    #[error("there is no room for the group")]
    NoRoom(#[source] ReserveError),
    /// The caller's positions are not the journal's.
    #[error("the group begins at position {given} and the journal ends at {expected}")]
    Position {
        /// Where the caller's group begins.
        given: u64,
        /// Where it has to.
        expected: u64,
    },
    /// An earlier operation failed.
    #[error("the journal stopped at an earlier failure: end the process and start again")]
    Dead,
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// The journal's one writer.
#[derive(Debug)]
pub struct Journal {
    space: Arc<Space>,
    dir: PathBuf,
    epoch: u64,
    start_no: u64,
    segment_bytes: u64,
    active: Active,
    spare: Option<Active>,
    next_position: u64,
    next_group_no: u64,
    chain: Chain,
    /// The group being written; kept for its memory.
    buffer: Vec<u8>,
    shared: Arc<Shared>,
    dead: bool,
}

impl Journal {
    /// Recovers what the last start left, and opens a new segment.
    ///
    /// The caller's first record says that the node started, with the number
    /// in [`Recovered`].
    pub fn open(data: &DataDir, options: &Options) -> Result<(Self, Recovered), OpenError> {
        let space = Arc::clone(data.space());
        let disk = Arc::clone(space.disk());
        let dir = data.journal_dir();
        let segment_bytes =
            options.segment_bytes.max(SEGMENT_BYTES_MIN).next_multiple_of(SECTOR as u64);

        let mut found = scan::scan(&*disk, &dir, data.epoch(), &options.witnesses)?;
        if found.segments.is_empty() {
            recovery::refuse_if_gone(data)?;
        }
        // Never written to, and room for this start.
        let spare = dir.join(SPARE_NAME);
        remove_if_there(&*disk, &spare).attempt("remove", &spare)?;
        let opened = repair::repair(&space, &dir, &mut found, segment_bytes)?;

        let recovered = Recovered {
            start_no: found.last_start_no + 1,
            next_position: found.next_position,
            chain: found.chain,
            dropped_bytes: found.dropped_bytes,
            rewritten_records: found.last.as_ref().map_or(0, |l| u64::from(l.header.count)),
        };
        let path = found.segments.last().map_or_else(PathBuf::new, |s| s.path.clone());
        let mut journal = Self {
            space,
            dir,
            epoch: data.epoch(),
            start_no: recovered.start_no,
            segment_bytes,
            active: Active {
                path,
                file: opened.file,
                end: opened.end,
                length: opened.length,
                filled: 0,
            },
            spare: None,
            next_position: found.next_position,
            next_group_no: found.next_group_no,
            chain: found.chain,
            buffer: Vec::new(),
            shared: found.shared(disk),
            dead: false,
        };
        match journal.prepare_spare(Claim::Urgent) {
            // A node on a full disk starts, and refuses new messages.
            Ok(()) | Err(SpaceError::Full) => {}
            Err(SpaceError::Disk(failure)) => return Err(failure.into()),
        }
        Ok((journal, recovered))
    }

    /// A reader of what is durable.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.shared))
    }

    /// Up to where the journal is durable.
    #[must_use]
    pub const fn durable(&self) -> Durable {
        Durable { next_position: self.next_position, chain: self.chain }
    }

    /// Writes one group and returns once it is durable. `first_position` is
    /// where the caller has counted it to begin. No records is no group.
    ///
    /// After an error the journal is dead: every later call fails, and the
    /// process has to end.
    pub fn append(
        &mut self,
        first_position: u64,
        records: &[Record],
    ) -> Result<Durable, AppendError> {
        if self.dead {
            return Err(AppendError::Dead);
        }
        let written = self.write_group(first_position, records);
        self.dead |= written.is_err();
        written
    }

    fn write_group(
        &mut self,
        first_position: u64,
        records: &[Record],
    ) -> Result<Durable, AppendError> {
        let expected = self.next_position;
        if first_position != expected {
            return Err(AppendError::Position { given: first_position, expected });
        }
        if records.is_empty() {
            return Ok(self.durable());
        }
        let bytes = group_bytes(records);
        self.reserve(bytes, Claim::Delivery).map_err(AppendError::NoRoom)?;

        let place = Place {
            epoch: self.epoch,
            start_no: self.start_no,
            group_no: self.next_group_no,
            first_position,
            chain: self.chain,
        };
        let chain = group::encode(&mut self.buffer, &place, records);
        let offset = self.active.end;
        let end = offset + bytes;
        let filled = self.active.fill_ahead(end);
        let Active { path, file, .. } = &self.active;
        filled.attempt("write", path)?;
        // A crash from here until the sync returns leaves the group whole, or
        // torn, or not there. Nobody was told of it, and the next start keeps
        // or drops it as a whole.
        file.write_at(&self.buffer, offset).attempt("write", path)?;
        let synced = file.sync_data();
        if !planted("ignore-sync-error") {
            synced.attempt("sync", path)?;
        }

        self.active.end = end;
        self.next_group_no += 1;
        self.next_position += records.len() as u64;
        self.chain = chain;
        self.shared.add_group(first_position, offset, end, self.next_position);
        Ok(self.durable())
    }
}
