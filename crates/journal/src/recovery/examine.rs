//! Looking at a journal that nobody writes, and changing nothing.

use std::sync::Arc;

use super::{OpenError, Witness, refuse_if_gone, scan};
use crate::data_dir::DataDir;
use crate::reader::Reader;
use crate::space::DiskFailure;

/// What there is of a journal.
#[derive(Debug)]
pub struct Examined {
    /// Reads what is whole, which ends where something is not.
    pub reader: Reader,
    /// Why a start would not go on from it.
    pub damage: Option<OpenError>,
    /// Bytes of a torn group that a start would drop. It was never acknowledged.
    pub torn_bytes: u64,
}

/// Looks at the journal of a folder, as a start does before it writes.
///
/// # Errors
/// [`DiskFailure`] where the folder cannot be listed or a file not be opened.
pub fn examine(data: &DataDir, witnesses: &[Witness]) -> Result<Examined, DiskFailure> {
    let disk = data.space().disk();
    let (found, mut damage) = scan::look(&**disk, &data.journal_dir(), data.epoch(), witnesses)?;
    if found.segments.is_empty() && damage.is_none() {
        damage = refuse_if_gone(data).err();
    }
    let torn_bytes = found.dropped_bytes;
    Ok(Examined { reader: Reader::new(found.shared(Arc::clone(disk))), damage, torn_bytes })
}
