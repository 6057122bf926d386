//! The first record, before anything is opened.

use super::scan::first_segment;
use crate::data_dir::DataDir;
use crate::format::group::{Group, GroupHeader, HEADER_BYTES, StoredRecord};
use crate::segment::Window;
use crate::space::{Attempt, DiskFailure};

/// The first record of the folder's newest epoch; changes nothing. `None` where there
/// is none that is intact: recovery then says why.
pub fn first_record(data: &DataDir) -> Result<Option<StoredRecord>, DiskFailure> {
    let disk = &**data.space().disk();
    let Some(path) = first_segment(disk, &data.journal_dir())? else {
        return Ok(None);
    };
    let file = disk.open(&path).attempt("open", &path)?;
    let mut window = Window::new(file).attempt("measure", &path)?;
    let header = window.get(0, HEADER_BYTES as u64).attempt("read", &path)?;
    let Ok(header) = GroupHeader::parse(&header) else {
        return Ok(None);
    };
    let bytes = window.get(0, header.extent() as u64).attempt("read", &path)?;
    let group = Group::open(header, &bytes);
    Ok(group.ok().and_then(|group| group.records().next()?.ok()))
}
