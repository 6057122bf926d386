//! The folder of a node that has stopped, checked as its next start and its scrub would,
//! and changed in nothing.
//!
//! Not looked at is `index/`, which can be made again, and whose engine writes when it is
//! opened: what it has seen of the journal is heard by a start alone.

pub(crate) mod signatures;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use barid_audit::entry::{Body, Entry};
use barid_journal::space::DiskFailure;
use barid_journal::{Blobs, DataDir, Disk, Files, OpenError, Snapshots, examine};

use crate::audit_log::{Check, MendError, mend};
use crate::projector::decode;
use crate::scrub::{Damage, Looked, Part, Pass};
use signatures::Signatures;

/// What was found, beside the damages that were told on the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries of the journal that are whole.
    pub entries: u64,
    /// Bytes of journal, bodies and snapshots that are.
    pub bytes: u64,
    /// Bytes of a torn group at the end, which a start drops: never acknowledged.
    pub torn_bytes: u64,
    /// Damages.
    pub damages: u64,
    /// Files of the audit log that were made again; they count as damages too.
    pub mended: u64,
}

/// What is checked beside what a start and the scrub check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// Nothing: digests alone.
    Trusted,
    /// The signature of every message that is kept.
    Checked,
}

/// What is done about what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mending {
    /// Nothing is changed.
    No,
    /// Files of the audit log are made again from a journal that is sound.
    AuditLog,
}

/// What is told on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// So many bytes more were read.
    Read(u64),
    /// Something is not as it was written.
    Damage(Damage),
}

/// Why nobody can say how the data are.
#[derive(Debug, thiserror::Error)]
pub enum FsckError {
    /// The folder, also where a node uses it.
    #[error(transparent)]
    DataDir(#[from] barid_journal::data_dir::OpenError),
    /// The disk.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
    /// The audit log could not be made again.
    #[error(transparent)]
    Mend(#[from] MendError),
}

/// Checks a data folder; no node can start meanwhile.
///
/// # Errors
/// [`FsckError`] where it cannot be looked at.
pub fn fsck(
    disk: Arc<dyn Disk>,
    data: &Path,
    (mending, signed): (Mending, Signed),
    mut told: impl FnMut(Told),
) -> Result<Report, FsckError> {
    let data = DataDir::look(disk, data)?;
    let snapshots = Snapshots::open(&data);
    let mut report = Report::default();
    let mut damage = |report: &mut Report, damage| {
        report.damages += 1;
        told(Told::Damage(damage));
    };
    let found = match snapshots.newest_valid() {
        Ok(found) => found,
        Err(failure) => {
            damage(&mut report, gone(Part::Snapshot, failure)?);
            return Ok(report);
        }
    };
    let examined = match examine(&data, &found.witnesses()) {
        Ok(examined) => examined,
        Err(failure) => {
            damage(&mut report, gone(Part::Journal, failure)?);
            return Ok(report);
        }
    };
    report.entries = examined.reader.next_position();
    report.torn_bytes = examined.torn_bytes;
    if let Some(error) = examined.damage {
        damage(&mut report, of_journal(error)?);
    }
    let blobs = Arc::new(Blobs::look(&data));
    let check = Check::new(Files::of_log(&data), None)?;
    // Later entries say which bodies earlier ones name in vain.
    for record in examined.reader.scan(0).flatten() {
        if let Ok(Entry { body: Body::BodiesRemoved(facts), .. }) = decode(record) {
            blobs.forget(facts.segments.iter().map(|segment| segment.number));
        }
    }
    let (size, mut is_sound, mut tiles) = (check.size(), report.damages == 0, 0);
    for looked in
        Pass::new(&examined.reader, Arc::clone(&blobs), snapshots, Some(check), Box::new(|| None))
    {
        let Looked { bytes, damages } = looked;
        report.bytes += bytes;
        told(Told::Read(bytes));
        for damage in damages {
            report.damages += 1;
            is_sound &= damage.part != Part::Journal;
            tiles += u64::from(damage.part == Part::Tiles);
            told(Told::Damage(damage));
        }
    }
    if signed == Signed::Checked && is_sound {
        let mut signatures = Signatures::new();
        for record in examined.reader.scan(0).flatten() {
            let entry = decode(record).ok();
            if let Some(damage) = entry.and_then(|entry| signatures.entry(&entry, &blobs)) {
                report.damages += 1;
                told(Told::Damage(damage));
            }
        }
    }
    if mending == Mending::AuditLog && is_sound && tiles > 0 {
        report.mended = mend(&Files::of_log(&data), &examined.reader, size)?;
    }
    Ok(report)
}

/// A file or folder of the data that the disk does not give: damage, unless this process
/// may not look.
fn gone(part: Part, failure: DiskFailure) -> Result<Damage, FsckError> {
    if failure.source.kind() == ErrorKind::PermissionDenied {
        return Err(failure.into());
    }
    let fault = format!("{} cannot be read: {}", failure.path.display(), failure.source);
    Ok(Damage { part, position: 0, path: failure.path, offset: 0, fault })
}

fn of_journal(error: OpenError) -> Result<Damage, FsckError> {
    match error {
        OpenError::DataLoss(loss) => {
            let (position, offset, path) = (loss.position, loss.offset, loss.segment);
            let fault = format!(
                "the journal is damaged at position {position} (byte {offset} of {}): {}; what \
                 follows was not looked at",
                path.display(),
                loss.damage
            );
            Ok(Damage { part: Part::Journal, position, path, offset, fault })
        }
        OpenError::Disk(failure) => gone(Part::Journal, failure),
        // Looking takes no space.
        error @ OpenError::Full { .. } => {
            let (path, fault) = (PathBuf::new(), error.to_string());
            Ok(Damage { part: Part::Journal, position: 0, path, offset: 0, fault })
        }
    }
}
