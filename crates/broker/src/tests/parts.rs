//! The parts of a broker on a real disk, for tests that run some of them.

use std::path::PathBuf;
use std::sync::Arc;

use barid_audit::commitment::Entropy;
use barid_journal::{Blobs, DataDir, Journal, Reader, Snapshots, data_dir};
use barid_message::time::Millis;
use barid_proto::journal::v1 as facts;
use barid_store::Log;
use tempfile::TempDir;

use super::broken_disk::BrokenDisk;
use crate::command::Group;
use crate::decide::start;
use crate::state::State;

/// A data folder with an open journal.
pub(crate) struct Parts {
    pub(crate) journal: Journal,
    pub(crate) reader: Reader,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) snapshots: Snapshots,
    pub(crate) index: PathBuf,
    pub(crate) bodies: PathBuf,
    pub(crate) disk: BrokenDisk,
    state: State,
    pub(crate) folder: TempDir,
}

pub(crate) const CACHE_BYTES: u64 = 1 << 20;

pub(crate) fn log() -> Log {
    Log { origin: "pk.example/log/1".into(), epoch: 1 }
}

impl Parts {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = data_dir::Options { ballast_bytes: 0, free_bytes_min: 0, urgent_bytes: 0 };
        let disk = BrokenDisk::default();
        let data = DataDir::open(Arc::new(disk.clone()), folder.path(), options).unwrap();
        let snapshots = Snapshots::open(&data);
        let (journal, _) =
            Journal::open(&data, &barid_journal::journal::Options::default()).unwrap();
        let blobs = Blobs::open(&data, barid_journal::blobs::Options::default()).unwrap();
        Self {
            reader: journal.reader(),
            journal,
            blobs: Arc::new(blobs),
            snapshots,
            index: data.index_dir(),
            bodies: data.bodies_dir(),
            disk,
            state: State::new(),
            folder,
        }
    }

    /// The next entry, folded, in a group of its own.
    pub(crate) fn group(&mut self) -> Group {
        let facts = facts::RestartedFacts {
            start_no: self.state.next_position() + 1,
            log_origin: log().origin,
            ..Default::default()
        };
        let entry = start::restarted(&self.state, Millis(1_800_000_000_000), facts);
        self.state.fold(&entry).unwrap();
        let mut group = Group::default();
        group.push(&entry, entry.encode(&Entropy([7; 32])));
        group
    }

    /// The journal's only segment.
    pub(crate) fn segment(&self) -> PathBuf {
        let journal = self.index.with_file_name("journal").join("1");
        let mut files = std::fs::read_dir(journal).unwrap().map(|file| file.unwrap().path());
        files.find(|path| path.extension().is_some_and(|extension| extension == "seg")).unwrap()
    }

    /// Makes an entry durable.
    pub(crate) fn append(&mut self) {
        let group = self.group();
        self.journal.append(group.first_position, &group.records).unwrap();
    }
}
