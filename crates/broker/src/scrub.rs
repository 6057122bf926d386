//! Everything that is kept, read once more and held against what was written: disks
//! forget, and what nobody reads nobody misses until it is asked for.

mod damage;
mod run;

use std::collections::VecDeque;
use std::sync::Arc;

use barid_audit::entry::Entry;
use barid_journal::blobs::GetError;
use barid_journal::{Blobs, Reader, Recheck, Rechecked, Snapshots};
use barid_store::ReadView;

pub use damage::{Damage, Part};
pub(crate) use run::Scrub;
pub use run::Scrubbing;

use crate::audit_log::Check;
use crate::kept::{Kept, KeptError};
use crate::projector::decode;

/// Gives the delivery log, while there is one. It is asked for each group, so that one
/// that has failed is not held.
pub(crate) type View = Box<dyn Fn() -> Option<ReadView> + Send>;

/// One look at all that was durable when it began, in small steps.
pub(crate) struct Pass {
    recheck: Recheck,
    blobs: Arc<Blobs>,
    snapshots: Option<Snapshots>,
    /// `None` where there is no head to hold the journal against.
    check: Option<Check>,
    view: View,
    bodies: VecDeque<(u64, Kept)>,
}

/// What one step has read.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    /// Bytes of the disk.
    pub(crate) bytes: u64,
    /// What is not as it was written.
    pub(crate) damages: Vec<Damage>,
}

impl Pass {
    pub(crate) fn new(
        reader: &Reader,
        blobs: Arc<Blobs>,
        snapshots: Snapshots,
        check: Option<Check>,
        view: View,
    ) -> Self {
        let (recheck, snapshots) = (reader.recheck(), Some(snapshots));
        Self { recheck, blobs, snapshots, check, view, bodies: VecDeque::new() }
    }

    fn group(&mut self, group: Rechecked) -> Looked {
        let Rechecked { bytes, records } = group;
        let mut looked = Looked { bytes, ..Looked::default() };
        for record in records {
            let position = record.position;
            looked.damages.extend(self.leaf(record.leaf.to_vec()));
            match decode(record) {
                Ok(entry) => {
                    let kept = Kept::of_entry(&entry);
                    self.bodies.extend(kept.map(|kept| (position, kept)));
                    looked.damages.extend(self.log(&entry));
                }
                Err(error) => looked.damages.push(Damage::entry(position, &error)),
            }
        }
        looked
    }

    /// What the audit log has otherwise, where this leaf ends a file of it.
    fn leaf(&mut self, leaf: Vec<u8>) -> Vec<Damage> {
        let Some(check) = &mut self.check else { return Vec::new() };
        match check.leaf(leaf) {
            Ok(faulty) => faulty.iter().map(|one| Damage::audit_log(check, one)).collect(),
            Err(failure) => vec![Damage::unreadable(Part::Tiles, &failure)],
        }
    }

    /// What the delivery log lacks of an entry. One that cannot be read is the
    /// projector's to open again.
    fn log(&self, entry: &Entry) -> Option<Damage> {
        let view = (self.view)().filter(|view| view.applied() > entry.position)?;
        let is_whole = view.holds(entry).unwrap_or(true);
        (!is_whole).then(|| Damage::log(entry.position))
    }

    fn body(&self, position: u64, kept: &Kept) -> Looked {
        match kept.recheck(&self.blobs) {
            Ok(bytes) => Looked { bytes, ..Looked::default() },
            Err(KeptError::Get(GetError::Removed { .. })) => Looked::default(),
            Err(error) => Looked {
                damages: vec![Damage::body(position, &self.blobs, kept.at(), &error)],
                ..Looked::default()
            },
        }
    }

    fn snapshots(snapshots: &Snapshots) -> Looked {
        let mut looked = Looked::default();
        match snapshots.check() {
            Ok(checked) => {
                for one in checked {
                    match one {
                        Ok(bytes) => looked.bytes += bytes,
                        Err(damaged) => looked.damages.push(Damage::snapshot(damaged)),
                    }
                }
            }
            Err(failure) => looked.damages.push(Damage::unreadable(Part::Snapshot, &failure)),
        }
        looked
    }
}

impl Iterator for Pass {
    type Item = Looked;

    fn next(&mut self) -> Option<Looked> {
        if let Some((position, kept)) = self.bodies.pop_front() {
            return Some(self.body(position, &kept));
        }
        match self.recheck.next() {
            Some(Ok(group)) => Some(self.group(group)),
            Some(Err(rot)) => {
                Some(Looked { damages: vec![Damage::journal(rot)], ..Looked::default() })
            }
            None => self.snapshots.take().map(|snapshots| Self::snapshots(&snapshots)),
        }
    }
}
