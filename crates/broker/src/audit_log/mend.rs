//! The files of a log of a node that has stopped, made again from its journal.

use barid_audit::tree::{Completed, Grower};
use barid_journal::files::{Ensured, WriteError};
use barid_journal::reader::ReadError;
use barid_journal::{Files, FilesWriter, Reader};

use super::stored::TileError;

/// Why the log could not be made again.
#[derive(Debug, thiserror::Error)]
pub enum MendError {
    /// A record of the journal.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A leaf that no bundle can hold, which none is.
    #[error(transparent)]
    Leaf(#[from] TileError),
}

/// Writes whatever is missing or other than it should be of a log of `size` leaves, and
/// gives how many files that were. The head stays: only the log's key could sign one.
pub(crate) fn mend(files: &Files, reader: &Reader, size: u64) -> Result<u64, MendError> {
    let (mut grower, mut writer, mut mended) = (Grower::default(), files.writer(), 0);
    for record in reader.scan(0) {
        if grower.size() == size {
            break;
        }
        let completed = grower.push(record?.leaf.to_vec()).map_err(TileError::from)?;
        mended += ensure(&mut writer, completed)?;
    }
    mended += ensure(&mut writer, grower.partial().map_err(TileError::from)?)?;
    writer.settle()?;
    Ok(mended)
}

fn ensure(writer: &mut FilesWriter, completed: Completed) -> Result<u64, WriteError> {
    let mut mended = 0;
    for file in completed.bundle.into_iter().chain(completed.tiles) {
        mended += u64::from(writer.ensure(&file.path, &file.bytes)? != Ensured::Same);
    }
    Ok(mended)
}
