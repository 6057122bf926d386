//! Whole messages, beside the journal whose records name them.
//!
//! Intake writes a blob before its command enters the sequencer; the writer
//! calls [`Blobs::sync`] before it writes the group that names it. So a record
//! that is durable never names a blob that is not.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;

use crate::data_dir::DataDir;
use crate::disk::{DiskFile, remove_if_there};
use crate::format::{Fault, SECTOR, blob};
use crate::reader::Handles;
use crate::segment::{self, SEGMENT_SUFFIX, Window};
use crate::space::{Attempt, Claim, DiskFailure, Space, SpaceError};

pub use crate::format::blob::BLOB_BYTES_MAX;

/// Where a blob lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BlobRef {
    /// Number of the segment.
    pub segment: u64,
    /// Where its frame begins.
    pub offset: u64,
    /// Length of the blob, without its frame.
    pub length: u32,
}

/// How blobs are kept.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Length of a segment.
    pub segment_bytes: u64,
}

impl Default for Options {
    /// Segments of 64 MiB.
    fn default() -> Self {
        Self { segment_bytes: 64 << 20 }
    }
}

/// Why a blob was not kept. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    /// The disk is full for new messages. Passes when space returns.
    #[error("the disk is full: free space for the node to accept again")]
    Full,
    /// Longer than a message can be.
    #[error("{length} bytes are more than the {BLOB_BYTES_MAX} that a message may have")]
    TooLarge {
        /// Its length.
        length: usize,
    },
    /// A sync has failed: the process has to end.
    #[error("the store of messages stopped at an earlier failure: end the process and start again")]
    Dead,
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// Why blobs may not be durable: the process has to end.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// An earlier sync has failed.
    #[error("the store of messages stopped at an earlier failure: end the process and start again")]
    Dead,
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// Why a blob could not be read.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// The bytes on disk are not what was written.
    #[error("the message at byte {} of {} is damaged: {fault}", at.offset, path.display())]
    Damaged {
        /// Which blob.
        at: BlobRef,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
    /// The file is not there.
    #[error("the message at byte {} of {} is missing: there is no such file", at.offset, path.display())]
    Missing {
        /// Which blob.
        at: BlobRef,
        /// The file.
        path: PathBuf,
    },
    /// It was let go of.
    #[error("the message at byte {} of {} is gone: nobody needed its segment any more", at.offset, path.display())]
    Removed {
        /// Which blob.
        at: BlobRef,
        /// The file that there was.
        path: PathBuf,
    },
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// The messages of one epoch. Shared by reference between threads.
#[derive(Debug)]
pub struct Blobs {
    space: Arc<Space>,
    dir: PathBuf,
    segment_bytes: u64,
    writing: Mutex<Writing>,
    /// Held during a sync, so that a second caller does not return before the
    /// first has made its blobs durable.
    syncing: Mutex<()>,
    handles: Handles,
    removed: RwLock<BTreeSet<u64>>,
}

#[derive(Debug)]
struct Writing {
    next_number: u64,
    active: Option<Segment>,
    /// Segments with a completed write that no sync has covered.
    unsynced: Vec<Segment>,
    dead: bool,
}

#[derive(Debug, Clone)]
struct Segment {
    number: u64,
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    /// Where the next frame goes; counts in the active segment alone.
    end: u64,
}

impl Blobs {
    /// Opens the blobs of the folder's newest epoch, after the journal. A start
    /// writes to a new segment, made with its first blob.
    pub fn open(data: &DataDir, options: Options) -> Result<Self, DiskFailure> {
        let dir = data.bodies_dir();
        let numbers = segment::numbers(&**data.space().disk(), &dir, SEGMENT_SUFFIX);
        let newest = numbers.attempt("list", &dir)?.pop();
        let blobs = Self::new(data, options, newest.map_or(0, |newest| newest + 1));
        if let Some(newest) = newest {
            blobs.trim(newest)?;
        }
        Ok(blobs)
    }

    /// The blobs of a folder that is only looked at.
    #[must_use]
    pub fn look(data: &DataDir) -> Self {
        Self::new(data, Options::default(), 0)
    }

    fn new(data: &DataDir, options: Options, next_number: u64) -> Self {
        Self {
            space: Arc::clone(data.space()),
            dir: data.bodies_dir(),
            segment_bytes: options.segment_bytes.max(blob::FRAME_BYTES_MAX),
            writing: Mutex::new(Writing {
                next_number,
                active: None,
                unsynced: Vec::new(),
                dead: false,
            }),
            syncing: Mutex::new(()),
            handles: Handles::default(),
            removed: RwLock::default(),
        }
    }

    /// Nobody writes to segments below this number any more. What was put into one of them
    /// may not be named by a record yet.
    #[must_use]
    pub fn written_from(&self) -> u64 {
        let writing = self.lock();
        writing.active.as_ref().map_or(writing.next_number, |active| active.number)
    }

    /// Unlinks segments, which no record may name any more from here on. Those that are
    /// not there are passed over: a crash leaves some of them, and this is called again.
    /// Their numbers are not used again.
    pub fn remove(&self, numbers: impl IntoIterator<Item = u64>) -> Result<(), DiskFailure> {
        let disk = &**self.space.disk();
        let mut some = false;
        for number in numbers {
            {
                let mut writing = self.lock();
                writing.next_number = writing.next_number.max(number + 1);
            }
            self.removed.write().unwrap_or_else(PoisonError::into_inner).insert(number);
            self.handles.close(number);
            let path = self.path(number);
            some |= remove_if_there(disk, &path).attempt("remove", &path)?;
        }
        if some { disk.sync_dir(&self.dir).attempt("sync", &self.dir) } else { Ok(()) }
    }

    /// Takes these segments for removed, and touches nothing.
    pub fn forget(&self, numbers: impl IntoIterator<Item = u64>) {
        self.removed.write().unwrap_or_else(PoisonError::into_inner).extend(numbers);
    }

    /// Keeps a blob. It is durable only after the next [`Blobs::sync`].
    pub fn put(&self, bytes: &[u8]) -> Result<BlobRef, PutError> {
        self.put_for(Claim::Intake, bytes)
    }

    /// The same, of an urgent message.
    pub fn put_for(&self, claim: Claim, bytes: &[u8]) -> Result<BlobRef, PutError> {
        let too_large = PutError::TooLarge { length: bytes.len() };
        if bytes.len() > BLOB_BYTES_MAX {
            return Err(too_large);
        }
        let length = u32::try_from(bytes.len()).map_err(|_too_long| too_large)?;
        let frame = blob::encode(bytes, length);
        let segment = self.claim(frame.len() as u64, claim)?;
        // The frame's place is its own: no other thread writes there, so the
        // lock is not held meanwhile. A crash or an error here leaves a hole
        // that no record names.
        segment.file.write_at(&frame, segment.end).attempt("write", &segment.path)?;
        let at = BlobRef { segment: segment.number, offset: segment.end, length };
        self.wrote(segment)?;
        Ok(at)
    }

    /// Takes the next `bytes` of the active segment; `end` of what is returned
    /// is where they begin.
    fn claim(&self, bytes: u64, claim: Claim) -> Result<Segment, PutError> {
        let mut writing = self.lock();
        if writing.dead {
            return Err(PutError::Dead);
        }
        let full =
            writing.active.as_ref().is_none_or(|active| active.end + bytes > self.segment_bytes);
        if full {
            let created = self.create(writing.next_number, claim);
            // A failed sync, of a file or of its folder, is never tried again.
            writing.dead =
                matches!(&created, Err(PutError::Disk(failure)) if !failure.is_passing());
            writing.active = Some(created?);
            writing.next_number += 1;
        }
        let active = writing.active.as_mut().expect("the lines above made one");
        let claimed = active.clone();
        active.end += bytes;
        Ok(claimed)
    }

    fn create(&self, number: u64, claim: Claim) -> Result<Segment, PutError> {
        let path = self.path(number);
        let file =
            self.space.create(&path, self.segment_bytes, claim).map_err(|error| match error {
                SpaceError::Full => PutError::Full,
                SpaceError::Disk(failure) => PutError::Disk(failure),
            })?;
        // A crash here leaves an empty segment: its number is not used again.
        self.space.disk().sync_dir(&self.dir).attempt("sync", &self.dir)?;
        Ok(Segment { number, path, file, end: 0 })
    }

    /// Notes that a write has completed, so that the next sync covers it. Only
    /// now: a sync that ran during the write has not.
    fn wrote(&self, segment: Segment) -> Result<(), PutError> {
        let mut writing = self.lock();
        if writing.dead {
            return Err(PutError::Dead);
        }
        if writing.unsynced.iter().all(|unsynced| unsynced.number != segment.number) {
            writing.unsynced.push(segment);
        }
        Ok(())
    }

    /// Makes every blob durable whose [`Blobs::put`] has returned.
    ///
    /// After an error nothing more is kept, and the process has to end.
    pub fn sync(&self) -> Result<(), SyncError> {
        let _one_at_a_time = self.syncing.lock().expect("nothing panics during a sync");
        let unsynced = {
            let mut writing = self.lock();
            if writing.dead {
                return Err(SyncError::Dead);
            }
            std::mem::take(&mut writing.unsynced)
        };
        for segment in unsynced {
            if let Err(failure) = segment.file.sync_data().attempt("sync", &segment.path) {
                self.lock().dead = true;
                return Err(failure.into());
            }
        }
        Ok(())
    }

    /// Whether a sync has failed: the process has to end.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// The blob at this place, checked.
    pub fn get(&self, at: BlobRef) -> Result<Bytes, GetError> {
        let path = self.path(at.segment);
        let file = self.handles.open(&**self.space.disk(), at.segment, &path);
        self.read(at, path, file)
    }

    /// The same, from the file that has its name now, whatever is open already.
    pub fn recheck(&self, at: BlobRef) -> Result<Bytes, GetError> {
        let path = self.path(at.segment);
        let file = self.space.disk().open(&path);
        self.read(at, path, file)
    }

    /// Bytes that this process may still take on the disk.
    pub fn free_bytes(&self) -> Result<u64, DiskFailure> {
        self.space.free_bytes()
    }

    /// Where the file of a segment lies.
    #[must_use]
    pub fn path(&self, segment: u64) -> PathBuf {
        self.dir.join(segment::name(segment, SEGMENT_SUFFIX))
    }

    fn read(
        &self,
        at: BlobRef,
        path: PathBuf,
        file: std::io::Result<Arc<dyn DiskFile>>,
    ) -> Result<Bytes, GetError> {
        let frame = blob::HEADER_BYTES as u64 + u64::from(at.length);
        if frame > blob::FRAME_BYTES_MAX {
            return Err(GetError::Damaged { at, path, fault: Fault::Length });
        }
        if self.removed.read().unwrap_or_else(PoisonError::into_inner).contains(&at.segment) {
            return Err(GetError::Removed { at, path });
        }
        let file = match file {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(GetError::Missing { at, path });
            }
            file => file.attempt("open", &path)?,
        };
        let fault = match segment::read(&*file, at.offset, frame) {
            Ok(frame) => match blob::decode(&frame, at.length) {
                Ok(bytes) => return Ok(bytes),
                Err(fault) => fault,
            },
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Fault::Length,
            Err(error) => return Err(error).attempt("read", &path)?,
        };
        Err(GetError::Damaged { at, path, fault })
    }

    /// Gives back what the last start preallocated and did not write to. A
    /// frame begins with bytes that are not zero, so cutting the longest frame
    /// behind the last such byte cuts none.
    fn trim(&self, number: u64) -> Result<(), DiskFailure> {
        let path = self.path(number);
        let file = self.space.disk().open(&path).attempt("open", &path)?;
        let mut window = Window::new(Arc::clone(&file)).attempt("measure", &path)?;
        let end = window.end_of_content(0).attempt("read", &path)?;
        let keep = end.map_or(0, |end| end + blob::FRAME_BYTES_MAX).next_multiple_of(SECTOR as u64);
        if keep < window.length() {
            // Only zeros go. A crash leaves them or not.
            file.truncate(keep).attempt("cut", &path)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().expect("nothing panics while it holds the place of the next blob")
    }
}
