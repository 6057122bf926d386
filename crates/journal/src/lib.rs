//! Bytes that survive: groups in append-only segments, blobs, snapshots, recovery, scrub.
//!
//! One [`DataDir`] per node. [`Journal::open`] recovers what the last start
//! left and gives the single writer; [`Reader`]s read what is durable from any
//! thread; [`Blobs`] keep whole messages beside the journal; [`Snapshots`] keep
//! the state that would take long to replay; [`Files`] keep the tiles of the audit log.
//!
//! Three rules carry everything:
//! - Group g+1 is never written before the sync of g returned, so an intact
//!   g+1 proves that g was durable, and only the last group can be torn.
//! - After a failed write or sync the writer is dead. Nothing is tried again:
//!   the page cache may show what the disk does not have. The process ends and
//!   the next start decides what survived.
//! - Recovery ends with a write: the last group, whose sync nobody can prove,
//!   is written again before anyone is told anything.
//!
//! All I/O goes through [`Disk`], so that a simulator can take its place.

pub mod blobs;
mod chain;
pub mod data_dir;
pub mod disk;
pub mod files;
mod format;
pub mod journal;
mod planted;
pub mod reader;
mod recheck;
pub mod recovery;
mod segment;
pub mod snapshots;
pub mod space;

pub use blobs::{BlobRef, Blobs};
pub use chain::Chain;
pub use data_dir::DataDir;
pub use disk::{Disk, DiskFile, OsDisk};
pub use files::{Files, FilesWriter};
pub use format::group::{Record, StoredRecord};
pub use format::{FORMAT, Fault};
pub use journal::{Durable, Journal};
pub use planted::planted;
pub use reader::{Reader, Scan};
pub use recheck::{Recheck, Rechecked, Rot, Unsound};
pub use recovery::{
    Claimant, Damage, DataLoss, Examined, OpenError, Recovered, Witness, examine, first_record,
};
pub use snapshots::{Snapshot, Snapshots};
pub use space::{Claim, Space};
