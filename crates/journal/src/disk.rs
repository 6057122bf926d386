//! The seam between this crate and storage: every byte goes through [`Disk`].
//!
//! Two implementations are meant to exist: [`OsDisk`], and the simulator that
//! loses, tears and refuses writes. The contract is what POSIX gives, no more:
//! a write, a length, a name is durable only after the sync that covers it.

mod os;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustix::io::Errno;

pub use os::OsDisk;

/// A file system, as far as the journal needs one.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes one folder that only its owner may enter. `AlreadyExists` if there
    /// is something of that name. Durable after [`Disk::sync_dir`] of its parent.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Makes an empty file that only its owner may read or write, and opens it.
    /// `AlreadyExists` if there is something of that name. The name is durable
    /// after [`Disk::sync_dir`] of its folder.
    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file, making it if need be, and holds an exclusive lock on it
    /// until the handle is dropped. `WouldBlock` if another holds it.
    fn lock(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Gives a file another name in one step, replacing what had that name.
    /// Durable after [`Disk::sync_dir`] of its folder.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name. Durable after [`Disk::sync_dir`] of its folder.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes the name of a folder that has nothing in it. Durable after
    /// [`Disk::sync_dir`] of its folder.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in no order.
    fn list(&self, path: &Path) -> io::Result<Vec<OsString>>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Bytes that this process may still allocate on the disk under `path`.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// An open file. Reads and writes name their offset, so that threads can share
/// a handle.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buffer` from `offset`; `UnexpectedEof` if the file ends before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes a new file `length` bytes long, all zeros, with the space for them
    /// taken: later writes below `length` need no new space. `StorageFull` if
    /// there is not enough, in which case the file may have any length.
    fn allocate(&self, length: u64) -> io::Result<()>;

    /// Cuts the file to `length`.
    fn truncate(&self, length: u64) -> io::Result<()>;

    /// Makes contents durable, and the length where reading them needs it.
    /// After an error nothing may be concluded about any write since the last
    /// sync, now or by trying again.
    fn sync_data(&self) -> io::Result<()>;

    /// As [`DiskFile::sync_data`], with all that is known about the file.
    fn sync_all(&self) -> io::Result<()>;
}

/// Makes a folder unless it is there. Its name is not durable yet, even if it
/// was there: the process that made it may have been killed before its sync.
pub(crate) fn ensure_dir(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// The folder that holds the name of `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Removes a file that may not be there; whether it was.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    match disk.remove(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether an error means that this process, or the machine, has too many files open:
/// nothing was done, and it passes.
pub(crate) fn is_out_of_files(error: &io::Error) -> bool {
    let errno = error.raw_os_error();
    [Errno::MFILE, Errno::NFILE].iter().any(|passing| errno == Some(passing.raw_os_error()))
}

/// Whether an error means that the disk, or what this process may use of it,
/// is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
