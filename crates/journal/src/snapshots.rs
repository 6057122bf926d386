//! The state at a position, so that a start need not replay everything.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::chain::Chain;
use crate::data_dir::DataDir;
use crate::disk::{is_full, remove_if_there};
use crate::format::Fault;
use crate::format::snapshot::SnapshotHeader;
use crate::journal::Durable;
use crate::recovery::{Claimant, Witness};
use crate::segment::{self, SNAPSHOT_SUFFIX};
use crate::space::{Attempt, DiskFailure, Space};

/// How many are kept.
const KEPT: usize = 2;

const TEMPORARY: &str = "snap.tmp";

/// A state that was written down whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The state after all positions below this one.
    pub position: u64,
    /// The chain at `position`.
    pub chain: Chain,
    /// The state.
    pub body: Bytes,
}

/// A snapshot that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the snapshot {} is damaged and was passed over: {reason}", path.display())]
pub struct DamagedSnapshot {
    /// The file.
    pub path: PathBuf,
    /// The position in its name.
    pub position: u64,
    /// What is wrong.
    pub reason: Unusable,
}

/// What is wrong with a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Its bytes are not what was written.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// It says another position than its name.
    #[error("its name and its contents are of different positions")]
    Position,
    /// It is of another epoch of the node.
    #[error("it belongs to epoch {0}")]
    Epoch(u64),
}

/// What snapshots there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The newest one that is good.
    pub newest: Option<Snapshot>,
    /// Newer ones that are not: someone should look at the disk.
    pub damaged: Vec<DamagedSnapshot>,
}

impl Found {
    /// What the snapshots prove about the journal: even a damaged one was
    /// written only once its position was durable.
    #[must_use]
    pub fn witnesses(&self) -> Vec<Witness> {
        let claimant = Claimant::Snapshot;
        let damaged = self.damaged.iter().filter(|d| !matches!(d.reason, Unusable::Epoch(_)));
        let damaged = damaged.map(|d| Witness { claimant, position: d.position, chain: None });
        let newest = self.newest.iter().map(|snapshot| Witness {
            claimant,
            position: snapshot.position,
            chain: Some(snapshot.chain),
        });
        damaged.chain(newest).collect()
    }
}

/// Why a snapshot was not written. The ones before it stand.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is full: the node goes on, and tries again later.
    #[error("the disk is full: free space, so that the next start need not replay the journal")]
    Full,
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// The snapshots of a node.
#[derive(Debug, Clone)]
pub struct Snapshots {
    space: Arc<Space>,
    dir: PathBuf,
    epoch: u64,
}

impl Snapshots {
    /// The snapshots in a data folder.
    #[must_use]
    pub fn open(data: &DataDir) -> Self {
        Self { space: Arc::clone(data.space()), dir: data.state_dir(), epoch: data.epoch() }
    }

    /// Writes down the state at a position that is durable, and removes all but
    /// the two newest.
    pub fn write(&self, at: Durable, body: &[u8]) -> Result<(), WriteError> {
        let path = self.path(at.next_position);
        let temporary = self.dir.join(TEMPORARY);
        let header =
            SnapshotHeader { epoch: self.epoch, position: at.next_position, chain: at.chain };
        let disk = &**self.space.disk();
        if let Err(error) = self.write_file(&temporary, &header.encode(body), body) {
            // What was written of it must not stay on a full disk.
            remove_if_there(disk, &temporary).attempt("remove", &temporary)?;
            if is_full(&error) {
                return Err(WriteError::Full);
            }
            return Err(error).attempt("write", &temporary)?;
        }
        // A crash up to here leaves a temporary file, which the next snapshot
        // replaces, and the snapshots before.
        match disk.rename(&temporary, &path) {
            Err(error) if is_full(&error) => return Err(WriteError::Full),
            renamed => renamed.attempt("rename", &temporary)?,
        }
        disk.sync_dir(&self.dir).attempt("sync", &self.dir)?;
        // A crash from here on leaves one more than is kept.
        self.remove_old()?;
        Ok(())
    }

    fn write_file(&self, path: &Path, header: &[u8], body: &[u8]) -> io::Result<()> {
        let disk = &**self.space.disk();
        remove_if_there(disk, path)?;
        let file = disk.create_new(path)?;
        file.write_at(header, 0)?;
        file.write_at(body, header.len() as u64)?;
        file.sync_all()
    }

    fn remove_old(&self) -> Result<(), DiskFailure> {
        let disk = &**self.space.disk();
        let positions = self.positions()?;
        for position in positions.iter().rev().skip(KEPT) {
            let path = self.path(*position);
            remove_if_there(disk, &path).attempt("remove", &path)?;
        }
        Ok(())
    }

    /// The newest snapshot that is good, and the newer ones that are not.
    pub fn newest_valid(&self) -> Result<Found, DiskFailure> {
        let mut found = Found { newest: None, damaged: Vec::new() };
        for position in self.positions()?.into_iter().rev() {
            match self.read(position)? {
                Ok(snapshot) => {
                    found.newest = Some(snapshot);
                    break;
                }
                Err(reason) => {
                    let path = self.path(position);
                    found.damaged.push(DamagedSnapshot { path, position, reason });
                }
            }
        }
        Ok(found)
    }

    /// Every snapshot, checked: its bytes, or what is wrong with it. One that is replaced
    /// meanwhile is passed over.
    pub fn check(&self) -> Result<Vec<Result<u64, DamagedSnapshot>>, DiskFailure> {
        let mut checked = Vec::new();
        for position in self.positions()? {
            let snapshot = match self.read(position) {
                Err(failure) if failure.source.kind() == io::ErrorKind::NotFound => continue,
                read => read?,
            };
            let path = self.path(position);
            checked.push(match snapshot {
                Ok(snapshot) => Ok(snapshot.body.len() as u64),
                Err(reason) => Err(DamagedSnapshot { path, position, reason }),
            });
        }
        Ok(checked)
    }

    fn read(&self, position: u64) -> Result<Result<Snapshot, Unusable>, DiskFailure> {
        let path = self.path(position);
        let file = self.space.disk().open(&path).attempt("open", &path)?;
        let length = file.len().attempt("measure", &path)?;
        let bytes = segment::read(&*file, 0, length).attempt("read", &path)?;
        Ok(match SnapshotHeader::decode(&bytes) {
            Err(fault) => Err(fault.into()),
            Ok((header, _)) if header.epoch != self.epoch => Err(Unusable::Epoch(header.epoch)),
            Ok((header, _)) if header.position != position => Err(Unusable::Position),
            Ok((header, body)) => Ok(Snapshot { position, chain: header.chain, body }),
        })
    }

    fn positions(&self) -> Result<Vec<u64>, DiskFailure> {
        let disk = &**self.space.disk();
        segment::numbers(disk, &self.dir, SNAPSHOT_SUFFIX).attempt("list", &self.dir)
    }

    fn path(&self, position: u64) -> PathBuf {
        self.dir.join(segment::name(position, SNAPSHOT_SUFFIX))
    }
}
