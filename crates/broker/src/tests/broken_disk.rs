//! The machine's disk, which breaks when it is told to.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use barid_journal::{Disk, DiskFile, OsDisk};

/// Fails to measure what is free, and to sync files and the names in a folder, at or below a
/// path.
#[derive(Clone, Debug, Default)]
pub(crate) struct BrokenDisk(Arc<Mutex<Option<PathBuf>>>);

impl BrokenDisk {
    pub(crate) fn break_below(&self, path: &Path) {
        *self.0.lock().unwrap() = Some(path.to_path_buf());
    }

    pub(crate) fn mend(&self) {
        *self.0.lock().unwrap() = None;
    }

    fn file(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(BrokenFile { file, path: path.to_path_buf(), disk: self.clone() })
    }

    fn check(&self, path: &Path) -> io::Result<()> {
        let broken = self.0.lock().unwrap();
        let is_broken = broken.as_ref().is_some_and(|broken| path.starts_with(broken));
        if is_broken { Err(io::Error::other("the disk is broken")) } else { Ok(()) }
    }
}

impl Disk for BrokenDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_dir(path)
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        OsDisk.create_new(path).map(|file| self.file(path, file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        OsDisk.open(path).map(|file| self.file(path, file))
    }

    fn lock(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        OsDisk.lock(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        OsDisk.list(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.check(path)?;
        OsDisk.sync_dir(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        self.check(path)?;
        OsDisk.free_bytes(path)
    }
}

/// A file of it, known by the name under which it was opened.
#[derive(Debug)]
struct BrokenFile {
    file: Arc<dyn DiskFile>,
    path: PathBuf,
    disk: BrokenDisk,
}

impl DiskFile for BrokenFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.file.allocate(length)
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.file.truncate(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.check(&self.path)?;
        self.file.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.check(&self.path)?;
        self.file.sync_all()
    }
}
