//! Reading what is durable, from any thread, while the writer goes on.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;

use crate::disk::{Disk, DiskFile};
use crate::format::Fault;
use crate::format::group::{Group, GroupHeader, Records, StoredRecord};
use crate::recheck::Recheck;
use crate::segment::{self, Window};
use crate::space::{Attempt, DiskFailure};

/// One mark at most for so many bytes of a segment: 16 bytes of memory for
/// 64 KiB on disk, and one read of about that length for one record.
const MARK_EVERY_BYTES: u64 = 64 << 10;

/// Files kept open for reading.
const HANDLES_MAX: usize = 8;

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no durable record at this position, yet.
    #[error("position {position} is not durable: the journal ends before {next_position}")]
    NotDurable {
        /// What was asked for.
        position: u64,
        /// The position after the last durable record.
        next_position: u64,
    },
    /// The bytes on disk are not what was written.
    #[error("the record at position {position} is damaged in {}: {fault}", path.display())]
    Damaged {
        /// The first position in doubt.
        position: u64,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// Where some of a segment's groups begin.
#[derive(Debug, Default)]
pub(crate) struct Marks(Vec<Mark>);

#[derive(Debug, Clone, Copy)]
struct Mark {
    position: u64,
    offset: u64,
}

impl Marks {
    /// Notes a group behind all others, unless one just before it is noted.
    pub(crate) fn add(&mut self, position: u64, offset: u64) {
        if self.0.last().is_none_or(|last| offset - last.offset >= MARK_EVERY_BYTES) {
            self.0.push(Mark { position, offset });
        }
    }

    /// Forgets the groups from this position on.
    pub(crate) fn forget_from(&mut self, position: u64) {
        self.0.truncate(self.0.partition_point(|mark| mark.position < position));
    }

    /// From where to where the group with this position lies, at most.
    fn around(&self, position: u64, end: u64) -> Option<(u64, u64)> {
        let after = self.0.partition_point(|mark| mark.position <= position);
        let from = self.0.get(after.checked_sub(1)?)?.offset;
        Some((from, self.0.get(after).map_or(end, |mark| mark.offset)))
    }
}

/// A segment as far as it is durable.
#[derive(Debug)]
pub(crate) struct IndexedSegment {
    pub(crate) first_position: u64,
    pub(crate) path: PathBuf,
    pub(crate) end: u64,
    pub(crate) marks: Marks,
}

#[derive(Debug)]
struct Index {
    segments: Vec<IndexedSegment>,
    next_position: u64,
}

/// What writer and readers share.
#[derive(Debug)]
pub(crate) struct Shared {
    disk: Arc<dyn Disk>,
    /// Written by the journal's writer alone, after each sync.
    index: RwLock<Index>,
    handles: Handles,
}

/// A piece of a segment that begins and ends with a group.
struct Span {
    segment: u64,
    path: PathBuf,
    from: u64,
    to: u64,
}

impl Shared {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        segments: Vec<IndexedSegment>,
        next_position: u64,
    ) -> Self {
        Self {
            disk,
            index: RwLock::new(Index { segments, next_position }),
            handles: Handles::default(),
        }
    }

    /// Adds an empty segment behind the others, or in place of one that stayed
    /// empty.
    pub(crate) fn add_segment(&self, first_position: u64, path: PathBuf) {
        let segment = IndexedSegment { first_position, path, end: 0, marks: Marks::default() };
        self.write(|index| {
            index.segments.pop_if(|last| last.first_position == first_position);
            index.segments.push(segment);
        });
    }

    /// Shows readers a group at the end of the last segment.
    pub(crate) fn add_group(&self, first_position: u64, offset: u64, end: u64, next_position: u64) {
        self.write(|index| {
            let active = index.segments.last_mut().expect("a journal has a segment it writes to");
            active.marks.add(first_position, offset);
            active.end = end;
            index.next_position = next_position;
        });
    }

    fn write(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn read<T>(&self, question: impl FnOnce(&Index) -> T) -> T {
        question(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The position after the last durable record.
    pub(crate) fn next_position(&self) -> u64 {
        self.read(|index| index.next_position)
    }

    /// First position and file of the segment with this position.
    pub(crate) fn segment_of(&self, position: u64) -> (u64, PathBuf) {
        self.read(|index| {
            let after = index.segments.partition_point(|s| s.first_position <= position);
            let segment = &index.segments[after.saturating_sub(1)];
            (segment.first_position, segment.path.clone())
        })
    }

    /// A file from its beginning, whatever is open already.
    pub(crate) fn open(&self, path: &Path) -> io::Result<Window> {
        self.disk.open(path).and_then(Window::new)
    }

    fn span(&self, position: u64) -> Result<Span, ReadError> {
        self.read(|index| {
            let next_position = index.next_position;
            let missing = ReadError::NotDurable { position, next_position };
            if position >= next_position {
                return Err(missing);
            }
            let after = index.segments.partition_point(|s| s.first_position <= position);
            let found = after.checked_sub(1).and_then(|at| {
                let segment = &index.segments[at];
                let (from, to) = segment.marks.around(position, segment.end)?;
                let path = segment.path.clone();
                Some(Span { segment: segment.first_position, path, from, to })
            });
            found.ok_or(missing)
        })
    }

    fn load(&self, position: u64) -> Result<Groups, ReadError> {
        let span = self.span(position)?;
        let file = self.handles.open(&*self.disk, span.segment, &span.path);
        let file = file.attempt("open", &span.path)?;
        let bytes = match segment::read(&*file, span.from, span.to - span.from) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let (path, fault) = (span.path, Fault::Length);
                return Err(ReadError::Damaged { position, path, fault });
            }
            Err(error) => return Err(error).attempt("read", &span.path)?,
        };
        Ok(Groups { bytes, path: span.path })
    }
}

/// Files that were read last, still open.
#[derive(Debug, Default)]
pub(crate) struct Handles(Mutex<VecDeque<(u64, Arc<dyn DiskFile>)>>);

impl Handles {
    /// The file that is known by this number.
    pub(crate) fn open(
        &self,
        disk: &dyn Disk,
        number: u64,
        path: &Path,
    ) -> io::Result<Arc<dyn DiskFile>> {
        let mut handles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = handles.iter().find(|(known, _)| *known == number) {
            return Ok(Arc::clone(file));
        }
        let file = disk.open(path)?;
        handles.truncate(HANDLES_MAX - 1);
        handles.push_front((number, Arc::clone(&file)));
        Ok(file)
    }

    /// Lets go of the file of this number.
    pub(crate) fn close(&self, number: u64) {
        let mut handles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        handles.retain(|(known, _)| *known != number);
    }
}

/// Groups in memory, one after the other.
#[derive(Debug)]
struct Groups {
    bytes: Bytes,
    path: PathBuf,
}

impl Groups {
    /// The next group, unchecked but for its header.
    fn next(&mut self) -> Option<Result<(GroupHeader, Bytes), Fault>> {
        if self.bytes.is_empty() {
            return None;
        }
        let next = GroupHeader::parse(&self.bytes).and_then(|header| {
            if header.extent() > self.bytes.len() {
                return Err(Fault::Length);
            }
            Ok((header, self.bytes.split_to(header.extent())))
        });
        if next.is_err() {
            self.bytes.clear();
        }
        Some(next)
    }

    /// The records of the group with this position.
    fn find(&mut self, position: u64) -> Result<Records, Fault> {
        while let Some(next) = self.next() {
            let (header, bytes) = next?;
            if (header.first_position..header.next_position()).contains(&position) {
                return Group::open(header, &bytes).map(|group| group.records());
            }
        }
        Err(Fault::Records)
    }
}

/// Reads durable records. Cheap to clone; every clone sees what became durable
/// meanwhile.
#[derive(Debug, Clone)]
pub struct Reader(Arc<Shared>);

impl Reader {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The position after the last durable record.
    #[must_use]
    pub fn next_position(&self) -> u64 {
        self.0.next_position()
    }

    /// All that is durable now, to be checked once more.
    #[must_use]
    pub fn recheck(&self) -> Recheck {
        Recheck::new(Arc::clone(&self.0))
    }

    /// The record at `position`, checked against its group's checksum.
    pub fn read(&self, position: u64) -> Result<StoredRecord, ReadError> {
        let mut groups = self.0.load(position)?;
        let found = groups.find(position).and_then(|mut records| {
            records
                .find(|record| record.as_ref().map_or(true, |r| r.position == position))
                .unwrap_or(Err(Fault::Records))
        });
        found.map_err(|fault| ReadError::Damaged { position, path: groups.path, fault })
    }

    /// All durable records from `position` on, in order.
    #[must_use]
    pub fn scan(&self, position: u64) -> Scan {
        Scan { shared: Arc::clone(&self.0), position, groups: None, records: None, failed: false }
    }
}

/// Durable records in order. Ends (`None`) at the last one that is durable when
/// it gets there, and goes on when asked again after there are more; ends for
/// good after an error.
#[derive(Debug)]
pub struct Scan {
    shared: Arc<Shared>,
    /// The next record to give.
    position: u64,
    groups: Option<Groups>,
    records: Option<Records>,
    failed: bool,
}

impl Iterator for Scan {
    type Item = Result<StoredRecord, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.step() {
            Ok(record) => {
                self.position = record.position + 1;
                Some(Ok(record))
            }
            Err(ReadError::NotDurable { .. }) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

impl Scan {
    fn step(&mut self) -> Result<StoredRecord, ReadError> {
        let mut loaded = false;
        loop {
            if let Some(record) = self.records.as_mut().and_then(Iterator::next) {
                let record = record.map_err(|fault| self.damaged(fault))?;
                if record.position >= self.position {
                    return Ok(record);
                }
                continue;
            }
            self.records = None;
            let Some(next) = self.groups.as_mut().and_then(Groups::next) else {
                // The groups around a position hold it, unless the file has
                // been changed under the node.
                if loaded {
                    return Err(self.damaged(Fault::Records));
                }
                self.groups = Some(self.shared.load(self.position)?);
                loaded = true;
                continue;
            };
            let (header, bytes) = next.map_err(|fault| self.damaged(fault))?;
            if header.next_position() > self.position {
                if header.first_position > self.position {
                    return Err(self.damaged(Fault::Records));
                }
                let group = Group::open(header, &bytes).map_err(|fault| self.damaged(fault))?;
                self.records = Some(group.records());
            }
        }
    }

    fn damaged(&self, fault: Fault) -> ReadError {
        let path = self.groups.as_ref().map_or_else(PathBuf::new, |groups| groups.path.clone());
        ReadError::Damaged { position: self.position, path, fault }
    }
}
