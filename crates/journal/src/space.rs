//! Room on the disk: who may take it, and what is kept back.
//!
//! A node that has accepted a message must be able to write down what becomes
//! of it. So the last space belongs to deliveries: new messages are refused
//! while less than a stated amount is free or the ballast is gone.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::data_dir::Options;
use crate::disk::{Disk, DiskFile, is_full, is_out_of_files, remove_if_there};

/// An operation that the disk did not do.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}: look at the disk and at who owns the folder, then start again", path.display())]
pub struct DiskFailure {
    /// What was attempted.
    pub action: &'static str,
    /// On what.
    pub path: PathBuf,
    /// What the operating system said.
    #[source]
    pub source: io::Error,
}

impl DiskFailure {
    /// Whether it may be tried again: too many files were open, and nothing was done.
    /// After anything else nobody knows what the disk has.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        is_out_of_files(&self.source)
    }
}

/// Names what was attempted, where the operating system only says why not.
pub(crate) trait Attempt<T> {
    fn attempt(self, action: &'static str, path: &Path) -> Result<T, DiskFailure>;
}

impl<T> Attempt<T> for io::Result<T> {
    fn attempt(self, action: &'static str, path: &Path) -> Result<T, DiskFailure> {
        self.map_err(|source| DiskFailure { action, path: path.to_owned(), source })
    }
}

/// What space is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// New messages: refused while space is short.
    Intake,
    /// New messages that are urgent: they have space that the others have not.
    Urgent,
    /// What becomes of accepted messages, and the node's own start and stop:
    /// may use the last of it.
    Delivery,
}

/// The room on the disk, as it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free, the ballast not counted (bytes).
    pub free_bytes: u64,
    /// New messages are refused while less than this is free (bytes).
    pub free_bytes_min: u64,
    /// Size of the ballast (bytes).
    pub ballast_bytes: u64,
    /// Whether the ballast stands; else the last space is in use.
    pub ballast_stands: bool,
}

/// Space that could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpaceError {
    #[error("the disk is full")]
    Full,
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// The room on the disk under a data folder.
#[derive(Debug)]
pub struct Space {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    ballast: PathBuf,
    ballast_bytes: u64,
    free_bytes_min: u64,
    urgent_bytes: u64,
    /// The lock on the data folder: whoever uses the folder holds its space, so
    /// the lock is held until the last of them is gone.
    _lock: Arc<dyn DiskFile>,
    /// Whether the ballast stands. Held while space is taken, so that what is
    /// measured as free is not taken twice.
    stands: Mutex<bool>,
}

impl Space {
    /// Takes stock, and sets up the ballast if there is room for it.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        root: &Path,
        options: Options,
        lock: Arc<dyn DiskFile>,
    ) -> Result<Self, DiskFailure> {
        let ballast = root.join("ballast");
        let length = match disk.open(&ballast) {
            Ok(file) => Some(file.len().attempt("measure", &ballast)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error).attempt("open", &ballast),
        };
        let space = Self {
            disk,
            root: root.to_owned(),
            ballast,
            ballast_bytes: options.ballast_bytes,
            free_bytes_min: options.free_bytes_min,
            urgent_bytes: options.urgent_bytes,
            _lock: lock,
            stands: Mutex::new(length == Some(options.ballast_bytes)),
        };
        let mut stands = space.lock();
        if !*stands {
            // Of another size, or half made when the last start ended.
            space.release(&mut stands)?;
            space.restore(&mut stands)?;
        }
        drop(stands);
        Ok(space)
    }

    /// Of a folder that is only looked at.
    pub(crate) fn unused(disk: Arc<dyn Disk>, root: &Path, lock: Arc<dyn DiskFile>) -> Self {
        Self {
            disk,
            root: root.to_owned(),
            ballast: root.join("ballast"),
            ballast_bytes: 0,
            free_bytes_min: 0,
            urgent_bytes: 0,
            _lock: lock,
            stands: Mutex::new(false),
        }
    }

    /// The disk that all this is on.
    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Measures the room.
    pub fn room(&self) -> Result<Room, DiskFailure> {
        let ballast_stands = *self.lock();
        Ok(Room {
            free_bytes: self.free_bytes()?,
            free_bytes_min: self.free_bytes_min,
            ballast_bytes: self.ballast_bytes,
            ballast_stands,
        })
    }

    /// Whether new messages may take space: the ballast stands, and beside it
    /// the stated amount is free, and more where they are not urgent. Sets the ballast up
    /// again when it can. [`Claim::Delivery`] asks nobody.
    pub fn has_room_for(&self, claim: Claim) -> Result<bool, DiskFailure> {
        let mut stands = self.lock();
        match claim {
            Claim::Delivery => Ok(true),
            _ => self.has_room(&mut stands, self.left_alone(claim)),
        }
    }

    /// Bytes that are for others than this claim.
    fn left_alone(&self, claim: Claim) -> u64 {
        if claim == Claim::Intake { self.urgent_bytes } else { 0 }
    }

    fn has_room(&self, stands: &mut bool, bytes: u64) -> Result<bool, DiskFailure> {
        self.restore(stands)?;
        let wanted = self.free_bytes_min.saturating_add(bytes);
        Ok(*stands && self.free_bytes()? >= wanted)
    }

    /// Gives up the ballast where less than this is free: for a start, before which
    /// nobody else could.
    pub fn make_way(&self, bytes: u64) -> Result<(), DiskFailure> {
        let mut stands = self.lock();
        if self.free_bytes()? < bytes {
            self.release(&mut stands)?;
        }
        Ok(())
    }

    /// Makes a file of zeros for new messages, whose space is taken. Its contents are
    /// durable, its name is not yet.
    pub(crate) fn create(
        &self,
        path: &Path,
        bytes: u64,
        claim: Claim,
    ) -> Result<Arc<dyn DiskFile>, SpaceError> {
        let mut stands = self.lock();
        if !self.has_room(&mut stands, bytes.saturating_add(self.left_alone(claim)))? {
            return Err(SpaceError::Full);
        }
        self.make(path, bytes)
    }

    /// As [`Space::create`] for [`Claim::Delivery`]: `bytes` if there is ample
    /// room, else `least`, for which the ballast is given up if need be.
    pub(crate) fn create_at_need(
        &self,
        path: &Path,
        bytes: u64,
        least: u64,
    ) -> Result<Arc<dyn DiskFile>, SpaceError> {
        let mut stands = self.lock();
        if self.free_bytes()? >= self.free_bytes_min.saturating_add(bytes) {
            match self.make(path, bytes) {
                Err(SpaceError::Full) => {}
                done => return done,
            }
        }
        match self.make(path, least) {
            Err(SpaceError::Full) => {}
            done => return done,
        }
        self.release(&mut stands)?;
        self.make(path, least)
    }

    /// Does what needs a little space beside what was set aside for it (a
    /// folder's next block), giving up the ballast for it if need be.
    pub(crate) fn at_need<T>(&self, attempt: impl Fn() -> io::Result<T>) -> io::Result<T> {
        match attempt() {
            Err(error) if is_full(&error) => {
                let mut stands = self.lock();
                self.release(&mut stands).map_err(|failure| failure.source)?;
                attempt()
            }
            done => done,
        }
    }

    fn make(&self, path: &Path, bytes: u64) -> Result<Arc<dyn DiskFile>, SpaceError> {
        let made = remove_if_there(&*self.disk, path).and_then(|_| self.disk.create_new(path));
        let file = match made {
            Err(error) if is_full(&error) => return Err(SpaceError::Full),
            made => made.attempt("create", path)?,
        };
        match file.allocate(bytes).and_then(|()| file.sync_all()) {
            Ok(()) => Ok(file),
            Err(error) => {
                // What was allocated before it failed must not stay taken. If
                // this fails too, the next start removes the file.
                drop(file);
                remove_if_there(&*self.disk, path).attempt("remove", path)?;
                if is_full(&error) {
                    return Err(SpaceError::Full);
                }
                Err(error).attempt("allocate", path).map_err(SpaceError::Disk)
            }
        }
    }

    fn restore(&self, stands: &mut bool) -> Result<(), DiskFailure> {
        let wanted = self.ballast_bytes.saturating_add(self.free_bytes_min);
        if *stands || self.free_bytes()? < wanted {
            return Ok(());
        }
        match self.make(&self.ballast, self.ballast_bytes) {
            // Not durable by name yet, and it need not be: it is made again.
            Ok(_) => *stands = true,
            Err(SpaceError::Full) => {}
            Err(SpaceError::Disk(failure)) => return Err(failure),
        }
        Ok(())
    }

    fn release(&self, stands: &mut bool) -> Result<(), DiskFailure> {
        remove_if_there(&*self.disk, &self.ballast).attempt("remove", &self.ballast)?;
        *stands = false;
        Ok(())
    }

    pub(crate) fn free_bytes(&self) -> Result<u64, DiskFailure> {
        self.disk.free_bytes(&self.root).attempt("measure the free space of", &self.root)
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stands.lock().expect("nothing panics while it holds the ballast")
    }
}
