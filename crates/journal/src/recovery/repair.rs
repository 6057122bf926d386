//! Ends recovery with a write: the last group, of which nobody can prove that
//! it is on the disk, is written again, and what it stood in is cut.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::OpenError;
use super::scan::{Found, FoundSegment, LastGroup};
use crate::disk::{DiskFile, remove_if_there};
use crate::format::SECTOR;
use crate::planted::planted;
use crate::reader::Marks;
use crate::segment::{self, SEGMENT_SUFFIX};
use crate::space::{Attempt, DiskFailure, Space, SpaceError};

/// A segment that is being made. Left by a crash, it is replaced by the next
/// start.
const TEMPORARY: &str = "recovery.tmp";

/// Room for the first groups of a start on a full disk.
const LEAST_ROOM_BYTES: u64 = 4 << 20;

/// The segment that this start writes to.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) file: Arc<dyn DiskFile>,
    /// Bytes that are preallocated.
    pub(crate) length: u64,
    /// Where the next group goes.
    pub(crate) end: u64,
}

/// Opens a new segment that begins with the last group found, cuts what that
/// group stood in, and leaves in `found.segments` what there then is.
pub(crate) fn repair(
    space: &Space,
    dir: &Path,
    found: &mut Found,
    segment_bytes: u64,
) -> Result<Opened, OpenError> {
    let disk = &**space.disk();
    let temporary = dir.join(TEMPORARY);
    let (first_position, content) = match &found.last {
        Some(last) => (last.header.first_position, last.bytes.clone()),
        None => (0, Bytes::new()),
    };
    let end = content.len() as u64;
    let least = (end + LEAST_ROOM_BYTES).min(segment_bytes).max(end + SECTOR as u64);
    let file = space.create_at_need(&temporary, segment_bytes.max(least), least);
    let file = file.map_err(|error| match error {
        SpaceError::Full => OpenError::Full { dir: dir.to_owned(), bytes: least },
        SpaceError::Disk(failure) => failure.into(),
    })?;
    let length = file.len().attempt("measure", &temporary)?;
    if !content.is_empty() {
        file.write_at(&content, 0).attempt("write", &temporary)?;
        if !planted("trust-page-cache") {
            file.sync_data().attempt("sync", &temporary)?;
        }
    }

    // A crash up to here leaves a temporary file, and the journal as it was.
    let path = dir.join(segment::name(first_position, SEGMENT_SUFFIX));
    space.at_need(|| disk.rename(&temporary, &path)).attempt("rename", &temporary)?;
    disk.sync_dir(dir).attempt("sync", dir)?;

    // From here on the group stands in a segment of its own. A crash leaves
    // the old tail beside it: the next start reads the old segment only up to
    // the new one's first position, and comes here again.
    cut(space, dir, found)?;

    let mut marks = Marks::default();
    if end > 0 {
        marks.add(first_position, 0);
    }
    found.segments.push(FoundSegment { first_position, path, end, marks, uncut: false });
    Ok(Opened { file, length, end })
}

/// Cuts all that newer segments have taken over, and removes the segments that
/// hold nothing else.
fn cut(space: &Space, dir: &Path, found: &mut Found) -> Result<(), DiskFailure> {
    let disk = &**space.disk();
    if let Some(LastGroup { segment, offset, header, .. }) = &found.last {
        let holder = &mut found.segments[*segment];
        holder.end = *offset;
        holder.uncut = true;
        holder.marks.forget_from(header.first_position);
        // Those after it hold no intact group.
        for empty in found.segments.drain(segment + 1..) {
            remove_if_there(disk, &empty.path).attempt("remove", &empty.path)?;
        }
        if *offset == 0 {
            // It had the new segment's name, which has replaced it.
            found.segments.pop();
        }
    } else {
        // At most one, of position 0, which has been replaced.
        found.segments.clear();
    }
    for old in found.segments.iter_mut().filter(|old| old.uncut) {
        let file = disk.open(&old.path).attempt("open", &old.path)?;
        file.truncate(old.end).attempt("cut", &old.path)?;
        file.sync_all().attempt("sync", &old.path)?;
        old.uncut = false;
    }
    disk.sync_dir(dir).attempt("sync", dir)
}
