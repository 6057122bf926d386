//! What survived: reads every segment, decides what is a torn tail and what is
//! damage, and writes the end again.
//!
//! A start never guesses. A group that does not check out is dropped only if
//! nothing proves that its sync returned:
//! - (a) no later group stands in any segment, for g+1 is never written before
//!   the sync of g returned; the name of a segment is such a proof as well;
//! - (b) no [`Witness`] has seen the journal reach into it;
//! - (c) at least one sector of it is still the zeros of preallocation.
//!
//! Everything else is [`DataLoss`], and the journal is left as it is.

mod examine;
mod first;
pub(crate) mod repair;
pub(crate) mod scan;
mod tail;

use std::fmt;
use std::path::PathBuf;

pub use examine::{Examined, examine};
pub use first::first_record;

use crate::chain::Chain;
use crate::data_dir::DataDir;
use crate::format::Fault;
use crate::segment::{self, SEGMENT_SUFFIX};
use crate::space::{Attempt, DiskFailure};

/// Who claims to have seen the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimant {
    /// A snapshot of the state.
    Snapshot,
    /// The delivery log's index.
    Index,
    /// A signed checkpoint of the audit log.
    Checkpoint,
}

impl fmt::Display for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Snapshot => "a snapshot",
            Self::Index => "the index of the delivery log",
            Self::Checkpoint => "a signed checkpoint",
        })
    }
}

/// Proof from elsewhere of how far the journal was durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witness {
    /// Who says so.
    pub claimant: Claimant,
    /// All positions below this one were durable.
    pub position: u64,
    /// The chain at `position`, which then is the end of a group.
    pub chain: Option<Chain>,
}

/// What recovery found and did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// Number of this start: one more than that of the last start of which
    /// anything is durable; the first is 1.
    pub start_no: u64,
    /// The position that the next record gets.
    pub next_position: u64,
    /// The chain at `next_position`.
    pub chain: Chain,
    /// Bytes of a torn group that were dropped. It was never acknowledged.
    pub dropped_bytes: u64,
    /// Records of the last group, which were written again because nothing
    /// proves that they were durable.
    pub rewritten_records: u64,
}

/// What is wrong with a journal that has lost something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A group does not check out, and it is not a torn tail.
    #[error("a group of records is damaged: {0}")]
    Group(Fault),
    /// An intact group that belongs elsewhere.
    #[error("a group of records stands where it does not belong")]
    Misplaced,
    /// Records are missing before a segment.
    #[error(
        "the next segment begins at position {next_segment}, and records before it are missing"
    )]
    Missing {
        /// First position of that segment.
        next_segment: u64,
    },
    /// The first segment is not there.
    #[error("all segments are missing, and bodies of messages are there")]
    Gone,
    /// The file does not end as it was made.
    #[error("the file is cut short")]
    Cut,
    /// The journal ends before what a witness has seen.
    #[error("{claimant} has seen the journal up to position {position}")]
    Witness {
        /// Who has seen more.
        claimant: Claimant,
        /// Up to where.
        position: u64,
    },
    /// The journal is not the one that a witness has seen.
    #[error("{claimant} has seen another history up to position {position}")]
    History {
        /// Who has seen another.
        claimant: Claimant,
        /// Up to where.
        position: u64,
    },
}

/// The journal has lost records that may have been acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "DATA_LOSS: the journal is damaged at position {position} (byte {offset} of {}): {damage}; the node does not start, and nothing but index/, which can be rebuilt, was written to: keep this folder, and put back an undamaged copy of the disk",
    segment.display()
)]
pub struct DataLoss {
    /// The file.
    pub segment: PathBuf,
    /// Position of the first record that is in doubt.
    pub position: u64,
    /// Where in the file.
    pub offset: u64,
    /// What is wrong.
    pub damage: Damage,
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Records are lost.
    #[error(transparent)]
    DataLoss(#[from] DataLoss),
    /// Not even the ballast made room for the start.
    #[error("the disk is full: free at least {bytes} bytes under {} and start again", dir.display())]
    Full {
        /// Where.
        dir: PathBuf,
        /// How much is needed.
        bytes: u64,
    },
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// Bodies are written only by a node whose journal has a segment.
pub(crate) fn refuse_if_gone(data: &DataDir) -> Result<(), OpenError> {
    let bodies = data.bodies_dir();
    let numbers = segment::numbers(&**data.space().disk(), &bodies, SEGMENT_SUFFIX);
    if numbers.attempt("list", &bodies)?.is_empty() {
        return Ok(());
    }
    let segment = data.journal_dir().join(segment::name(0, SEGMENT_SUFFIX));
    let damage = Damage::Gone;
    Err(DataLoss { segment, position: 0, offset: 0, damage }.into())
}
