//! A disk in memory that does what POSIX promises and nothing beyond: what no
//! sync has covered is lost, kept or torn at sector boundaries, and a failed
//! sync forgets that there was anything to write.

mod content;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use barid_journal::{Disk, DiskFile};

use state::{Dir, Entry, Inode, NameChange, State, Step, apply};

const SECTOR: usize = 512;

/// What happens at one of the operations that change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The power goes: the operation may be half done, none comes after it.
    PowerCut,
    /// The operation fails with an I/O error; a sync forgets its writes.
    Error,
    /// The operation is refused, as too many files are open.
    TooManyFiles,
}

/// What a power cut leaves of the writes that no sync has covered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Loss {
    /// None of them.
    All,
    /// All of them.
    Nothing,
    /// Some sectors and some names.
    Some(u64),
}

/// Small, seeded, and good enough to choose sectors.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    pub(crate) fn bytes(&mut self, length: u64) -> Vec<u8> {
        // Never zero, so that no sector of it looks like preallocation.
        let word = (self.below(u64::MAX) | 0x0101_0101_0101_0101).to_be_bytes();
        let mut bytes = word.repeat(usize::try_from(length).unwrap().div_ceil(word.len()));
        bytes.truncate(usize::try_from(length).unwrap());
        bytes
    }
}

/// The disk. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty disk with the folder `/`.
    pub(crate) fn new(capacity: u64) -> Self {
        Self::from_state(State {
            dirs: BTreeMap::from([(PathBuf::from("/"), Dir::default())]),
            inodes: Vec::new(),
            capacity,
            locks: BTreeSet::new(),
            changes: 0,
            fail_at: None,
            off: false,
            random: Random::new(1),
        })
    }

    fn from_state(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Lets the `n`-th change from now on fail, counted from 0.
    pub(crate) fn fail_at(&self, n: u64, failure: Failure) {
        let mut state = self.state();
        state.changes = 0;
        state.fail_at = Some((n, failure));
    }

    /// Whether the failure has come.
    pub(crate) fn has_failed(&self) -> bool {
        let state = self.state();
        state.fail_at.is_some_and(|(n, _)| state.changes > n)
    }

    pub(crate) fn set_capacity(&self, capacity: u64) {
        self.state().capacity = capacity;
    }

    /// The disk as the next process finds it after this one was killed: the
    /// cache is still there.
    pub(crate) fn after_kill(&self) -> Self {
        let mut state = self.state().clone();
        state.locks.clear();
        state.fail_at = None;
        state.off = false;
        Self::from_state(state)
    }

    /// The disk as the next process finds it after the power was gone.
    pub(crate) fn after_power_cut(&self, loss: Loss) -> Self {
        let mut state = self.after_kill().state().clone();
        let mut random = Random::new(match loss {
            Loss::Some(seed) => seed,
            Loss::All | Loss::Nothing => 1,
        });
        let mut keep = |choices: u64| match loss {
            Loss::All => 0,
            Loss::Nothing => choices - 1,
            Loss::Some(_) => random.below(choices),
        };
        for dir in state.dirs.values_mut() {
            // Names change in order, as in a file system with a journal.
            let kept = keep(dir.pending.len() as u64 + 1);
            for change in dir.pending.drain(..).take(usize::try_from(kept).unwrap()) {
                apply(&mut dir.durable, &change);
            }
            dir.cached = dir.durable.clone();
        }
        for inode in &mut state.inodes {
            if inode.dirty_length && keep(2) == 1 {
                inode.durable.resize(inode.cached.len());
            }
            for sector in std::mem::take(&mut inode.dirty) {
                if keep(2) == 1 {
                    inode.keep_sector(sector);
                }
            }
            inode.dirty_length = false;
            inode.cached = inode.durable.clone();
        }
        Self::from_state(state)
    }

    /// Damages or mends a file, cache and disk alike.
    pub(crate) fn edit(&self, path: &Path, edit: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let inode = state.inode(path).unwrap();
        let inode = &mut state.inodes[inode];
        let mut bytes = inode.cached.to_vec();
        edit(&mut bytes);
        inode.cached = bytes.into();
        inode.durable = inode.cached.clone();
        inode.dirty.clear();
        inode.dirty_length = false;
    }

    /// Contents of a file.
    pub(crate) fn contents(&self, path: &Path) -> Vec<u8> {
        let state = self.state();
        state.inodes[state.inode(path).unwrap()].cached.to_vec()
    }

    /// All segments of the journal with their contents.
    pub(crate) fn journal(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = self.files();
        files.retain(|path, _| path.extension().is_some_and(|extension| extension == "seg"));
        files.retain(|path, _| path.starts_with("/data/journal"));
        files
    }

    /// All files with their contents.
    pub(crate) fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let mut files = BTreeMap::new();
        for (path, dir) in &state.dirs {
            for (name, entry) in &dir.cached {
                if let Entry::File(inode) = entry {
                    files.insert(path.join(name), state.inodes[*inode].cached.to_vec());
                }
            }
        }
        files
    }
}

fn split(path: &Path) -> (&Path, &OsStr) {
    (path.parent().unwrap(), path.file_name().unwrap())
}

impl Disk for SimDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        let (parent, name) = split(path);
        if state.dir(parent)?.cached.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.dirs.insert(path.to_owned(), Dir::default());
        state.change(parent, NameChange::Set(name.to_owned(), Entry::Dir))
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.alive()?;
        let (parent, name) = split(path);
        if state.dir(parent)?.cached.contains_key(name) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        let inode = state.inodes.len();
        state.inodes.push(Inode::default());
        state.change(parent, NameChange::Set(name.to_owned(), Entry::File(inode)))?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode, locked: false }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.state();
        state.alive()?;
        let inode = state.inode(path)?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode, locked: false }))
    }

    fn lock(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        if let Err(error) = self.create_new(path)
            && error.kind() != ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        let mut state = self.state();
        let inode = state.inode(path)?;
        if !state.locks.insert(inode) {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(Arc::new(SimFile { disk: self.clone(), inode, locked: true }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        state.inode(from)?;
        let (dir, from) = split(from);
        let (to_dir, to) = split(to);
        assert_eq!(dir, to_dir, "a rename across folders is not atomic in this model");
        state.change(dir, NameChange::Rename(from.to_owned(), to.to_owned()))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.alive()?;
        state.inode(path)?;
        let (dir, name) = split(path);
        state.change(dir, NameChange::Remove(name.to_owned()))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.state().remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        let mut state = self.state();
        state.alive()?;
        Ok(state.dir(path)?.cached.keys().cloned().collect())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        let step = state.step()?;
        let dir = state.dir(path)?;
        if matches!(step, Step::Go) {
            for change in std::mem::take(&mut dir.pending) {
                apply(&mut dir.durable, &change);
            }
        }
        step.result()
    }

    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        let state = self.state();
        state.alive()?;
        Ok(state.free())
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: usize,
    locked: bool,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        if self.locked {
            self.disk.state().locks.remove(&self.inode);
        }
    }
}

impl SimFile {
    fn change(&self, change: impl FnOnce(&mut Inode)) -> io::Result<()> {
        let mut state = self.disk.state();
        let step = state.step()?;
        if !matches!(step, Step::Fail) {
            change(&mut state.inodes[self.inode]);
        }
        step.result()
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.inodes[self.inode].cached.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.state();
        state.alive()?;
        let offset = usize::try_from(offset).unwrap();
        let cached = &state.inodes[self.inode].cached;
        if cached.len() < offset + buffer.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        cached.read(buffer, offset);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let offset = usize::try_from(offset).unwrap();
        let grows = (offset + bytes.len()).saturating_sub(state.inodes[self.inode].cached.len());
        if grows as u64 > state.free() {
            state.alive()?;
            return Err(ErrorKind::StorageFull.into());
        }
        let step = state.step()?;
        let written = match step {
            Step::Go | Step::Torn => bytes.len(),
            // Whole pages or sectors of it, then the error.
            Step::Fail => {
                let sectors = (bytes.len() / SECTOR) as u64;
                usize::try_from(state.random.below(sectors + 1)).unwrap() * SECTOR
            }
        };
        state.inodes[self.inode].write(&bytes[..written], offset);
        step.result()
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let grows = length.saturating_sub(self.len()?);
        let free = self.disk.state().free();
        if grows > free {
            // As ext4 does: takes what there is, then fails.
            self.change(|inode| {
                let length = inode.cached.len() + usize::try_from(free).unwrap();
                inode.resize(length);
            })?;
            return Err(ErrorKind::StorageFull.into());
        }
        self.change(|inode| inode.resize(usize::try_from(length).unwrap()))
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.change(|inode| inode.resize(usize::try_from(length).unwrap()))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let step = state.step()?;
        let inode = &mut state.inodes[self.inode];
        match step {
            Step::Go => inode.sync(),
            Step::Torn => {}
            Step::Fail => {
                // The pages count as clean and are still shown.
                inode.dirty.clear();
                inode.dirty_length = false;
            }
        }
        step.result()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }
}
