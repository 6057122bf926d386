//! What is durable, read and checked once more: disks forget.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::chain::Chain;
use crate::format::Fault;
use crate::format::group::{Group, GroupHeader, HEADER_BYTES, StoredRecord};
use crate::reader::Shared;
use crate::segment::Window;

/// Groups from the beginning of the epoch to what was durable when it began, each read
/// from its file anew and checked as a start checks it: checksums, order and chain. Ends
/// behind the first that is not what was written, for the chain ends there.
#[derive(Debug)]
pub struct Recheck {
    shared: Arc<Shared>,
    position: u64,
    until: u64,
    chain: Chain,
    open: Option<OpenSegment>,
    failed: bool,
}

/// A group that is what was written.
#[derive(Debug)]
pub struct Rechecked {
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// Its records.
    pub records: Vec<StoredRecord>,
}

/// The journal is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("the journal is damaged at position {position} (byte {offset} of {}): {why}", path.display())]
pub struct Rot {
    /// Position of the first record that is in doubt.
    pub position: u64,
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong.
    pub why: Unsound,
}

/// Why bytes on the disk are not those that were written.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    /// They are others.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The disk does not give them back.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

#[derive(Debug)]
struct OpenSegment {
    first_position: u64,
    window: Window,
    offset: u64,
}

impl Recheck {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let until = shared.next_position();
        Self { shared, position: 0, until, chain: Chain::START, open: None, failed: false }
    }

    fn step(&mut self) -> Result<Rechecked, Rot> {
        let (first_position, path) = self.shared.segment_of(self.position);
        let at = |offset, why| Rot { position: self.position, path: path.clone(), offset, why };
        if self.open.as_ref().is_none_or(|open| open.first_position != first_position) {
            let window = self.shared.open(&path).map_err(|error| at(0, error.into()))?;
            self.open = Some(OpenSegment { first_position, window, offset: 0 });
        }
        let open = self.open.as_mut().expect("the lines above opened it");
        let offset = open.offset;
        let group = group(open, self.position).map_err(|why| at(offset, why))?;
        self.chain = group.chain_after(self.chain).map_err(|why| at(offset, why.into()))?;
        let records: Result<Vec<_>, _> = group.records().collect();
        let records = records.map_err(|why| at(offset, why.into()))?;
        open.offset += group.extent();
        self.position += records.len() as u64;
        Ok(Rechecked { bytes: group.extent(), records })
    }
}

/// The group at the place that was reached, which begins with this position.
fn group(open: &mut OpenSegment, position: u64) -> Result<Group, Unsound> {
    let header = GroupHeader::parse(&open.window.get(open.offset, HEADER_BYTES as u64)?)?;
    if header.first_position != position {
        return Err(Fault::Records.into());
    }
    let bytes = open.window.get(open.offset, header.extent() as u64)?;
    Ok(Group::open(header, &bytes)?)
}

impl Iterator for Recheck {
    type Item = Result<Rechecked, Rot>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.position >= self.until {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        Some(step)
    }
}
