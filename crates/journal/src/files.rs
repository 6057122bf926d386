//! Small files that are replaced whole: those of the audit log, which follow from the
//! journal, and heads of other nodes' logs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::data_dir::DataDir;
use crate::disk::{DiskFile, ensure_dir, is_full, remove_if_there};
use crate::segment;
use crate::space::{Attempt, DiskFailure, Space};

/// What a file is called until its contents are durable.
const TEMPORARY: &str = ".tmp";

/// Files written and not synced yet: as many are open at once.
const PENDING_MAX: usize = 64;

/// Folders known to be there; forgotten all at once beyond.
const FOLDERS_MAX: usize = 1_024;

/// Why a file was not written. The one before it stands.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is full: it is tried again later.
    #[error("the disk is full: free space, so that the audit log goes on")]
    Full,
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// A folder of such files, to be read. Names are relative, parts joined by `/`.
#[derive(Clone, Debug)]
pub struct Files {
    space: Arc<Space>,
    root: PathBuf,
}

/// The one writer of such a folder.
#[derive(Debug)]
pub struct FilesWriter {
    files: Files,
    pending: Vec<(Arc<dyn DiskFile>, PathBuf)>,
    /// Folders whose names are not durable yet.
    unsynced: BTreeSet<PathBuf>,
    /// Folders that are there.
    made: BTreeSet<PathBuf>,
    /// Folders to be removed once what was written is durable.
    needless: Vec<String>,
}

/// What was found where a file should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ensured {
    /// Nothing; it was written.
    New,
    /// The file.
    Same,
    /// Other contents; it was written.
    Replaced,
}

impl Files {
    /// The files of the audit log of a data folder.
    #[must_use]
    pub fn of_log(data: &DataDir) -> Self {
        Self { space: Arc::clone(data.space()), root: data.log_dir() }
    }

    /// Heads of other nodes' logs in a data folder.
    #[must_use]
    pub fn of_heads(data: &DataDir) -> Self {
        Self { space: Arc::clone(data.space()), root: data.heads_dir() }
    }

    /// Contents of a file of `bytes_max` at most; `None` where there is none, or it is
    /// longer.
    ///
    /// # Errors
    /// The disk does not give them.
    pub fn read(&self, name: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, DiskFailure> {
        let path = self.root.join(name);
        let file = match self.space.disk().open(&path) {
            Err(error) if is_absent(&error) => return Ok(None),
            file => file.attempt("open", &path)?,
        };
        let length = file.len().attempt("measure", &path)?;
        if length > bytes_max {
            return Ok(None);
        }
        let bytes = segment::read(&*file, 0, length).attempt("read", &path)?;
        Ok(Some(bytes.to_vec()))
    }

    /// Where a file lies.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The right to write. There must be one only.
    #[must_use]
    pub fn writer(&self) -> FilesWriter {
        FilesWriter {
            files: self.clone(),
            pending: Vec::new(),
            unsynced: BTreeSet::new(),
            made: BTreeSet::new(),
            needless: Vec::new(),
        }
    }
}

/// Nothing of that name, or a file where a folder should be.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::IsADirectory
    )
}

impl FilesWriter {
    /// Writes a file under a temporary name. It gets its own with [`FilesWriter::settle`].
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), WriteError> {
        if self.pending.len() >= PENDING_MAX {
            self.settle()?;
        }
        let path = self.files.root.join(name);
        self.make_folders(name)?;
        let temporary = temporary(&path);
        let disk = self.files.space.disk();
        let written = remove_if_there(&**disk, &temporary)
            .and_then(|_| disk.create_new(&temporary))
            .and_then(|file| file.write_at(bytes, 0).map(|()| file));
        match written {
            Ok(file) => self.pending.push((file, path)),
            Err(error) => {
                // What was written of it must not stay on a full disk.
                remove_if_there(&**disk, &temporary).attempt("remove", &temporary)?;
                return Err(failed(error, "write", &temporary));
            }
        }
        Ok(())
    }

    /// As [`FilesWriter::write`], unless the file stands there.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn ensure(&mut self, name: &str, bytes: &[u8]) -> Result<Ensured, WriteError> {
        let there = self.files.read(name, bytes.len() as u64);
        let is_same = there?.is_some_and(|there| there == bytes);
        let path = self.files.root.join(name);
        if is_same {
            // Contents are durable under this name; the name itself need not be.
            self.make_folders(name)?;
            self.unsynced.extend(path.parent().map(Path::to_owned));
            return Ok(Ensured::Same);
        }
        let is_there = match self.files.space.disk().open(&path) {
            Err(error) if is_absent(&error) => false,
            file => file.attempt("open", &path).map(|_file| true)?,
        };
        self.write(name, bytes)?;
        Ok(if is_there { Ensured::Replaced } else { Ensured::New })
    }

    /// Removes a folder behind the next [`FilesWriter::settle`].
    pub fn remove_folder_later(&mut self, name: &str) {
        self.needless.push(name.to_owned());
    }

    /// Makes durable what was written, contents and names.
    ///
    /// # Errors
    /// [`WriteError`]: each of the files is the new one or what it was before.
    pub fn settle(&mut self) -> Result<(), WriteError> {
        let disk = Arc::clone(self.files.space.disk());
        for (file, path) in &self.pending {
            file.sync_data().map_err(|error| failed(error, "sync", path))?;
        }
        // A crash before this leaves temporary files, which are written anew.
        for (file, path) in self.pending.drain(..) {
            drop(file);
            let temporary = temporary(&path);
            disk.rename(&temporary, &path).map_err(|error| failed(error, "rename", &temporary))?;
            self.unsynced.extend(path.parent().map(Path::to_owned));
        }
        while let Some(folder) = self.unsynced.first() {
            disk.sync_dir(folder).attempt("sync", folder)?;
            self.unsynced.pop_first();
        }
        for name in std::mem::take(&mut self.needless) {
            self.remove_folder(&name)?;
        }
        Ok(())
    }

    /// Removes a folder and the files in it. One that is not there is no fault.
    ///
    /// # Errors
    /// The disk does not do it.
    pub fn remove_folder(&mut self, name: &str) -> Result<(), DiskFailure> {
        let folder = self.files.root.join(name);
        let disk = self.files.space.disk();
        let names = match disk.list(&folder) {
            Err(error) if is_absent(&error) => return Ok(()),
            names => names.attempt("list", &folder)?,
        };
        for name in names {
            let path = folder.join(name);
            remove_if_there(&**disk, &path).attempt("remove", &path)?;
        }
        self.made.remove(&folder);
        self.unsynced.remove(&folder);
        disk.remove_dir(&folder).attempt("remove", &folder)
    }

    fn make_folders(&mut self, name: &str) -> Result<(), WriteError> {
        if self.made.len() > FOLDERS_MAX {
            self.made.clear();
        }
        let mut folder = self.files.root.clone();
        let parents = name.rsplit_once('/').map_or("", |(parents, _)| parents);
        for part in parents.split('/').filter(|part| !part.is_empty()) {
            let parent = folder.clone();
            folder.push(part);
            if self.made.contains(&folder) {
                continue;
            }
            let made = ensure_dir(&**self.files.space.disk(), &folder);
            made.map_err(|error| failed(error, "create", &folder))?;
            // Also where it was there: its name may not be durable yet.
            self.unsynced.insert(parent);
            self.made.insert(folder.clone());
        }
        Ok(())
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(TEMPORARY);
    name.into()
}

fn failed(error: io::Error, action: &'static str, path: &Path) -> WriteError {
    if is_full(&error) {
        return WriteError::Full;
    }
    WriteError::Disk(DiskFailure { action, path: path.to_owned(), source: error })
}
