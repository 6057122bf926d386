//! What the disk holds, in its cache and for good.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::content::{Content, is_zero};
use super::{Failure, Random, SECTOR, split};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    File(usize),
    Dir,
}

#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Set(OsString, Entry),
    Remove(OsString),
    Rename(OsString, OsString),
}

pub(super) fn apply(names: &mut BTreeMap<OsString, Entry>, change: &NameChange) {
    match change {
        NameChange::Set(name, entry) => {
            names.insert(name.clone(), *entry);
        }
        NameChange::Remove(name) => {
            names.remove(name);
        }
        NameChange::Rename(from, to) => {
            if let Some(entry) = names.remove(from) {
                names.insert(to.clone(), entry);
            }
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Dir {
    pub(super) cached: BTreeMap<OsString, Entry>,
    pub(super) durable: BTreeMap<OsString, Entry>,
    pub(super) pending: Vec<NameChange>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    pub(super) cached: Content,
    pub(super) durable: Content,
    pub(super) dirty: BTreeSet<usize>,
    pub(super) dirty_length: bool,
}

#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) dirs: BTreeMap<PathBuf, Dir>,
    pub(super) inodes: Vec<Inode>,
    pub(super) capacity: u64,
    pub(super) locks: BTreeSet<usize>,
    pub(super) changes: u64,
    pub(super) fail_at: Option<(u64, Failure)>,
    pub(super) off: bool,
    pub(super) random: Random,
}

impl Inode {
    pub(super) fn keep_sector(&mut self, sector: usize) {
        self.durable.take(sector, &self.cached);
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        let end = offset + bytes.len();
        if self.cached.len() < end {
            self.resize(end);
        }
        let written = offset / SECTOR..end.div_ceil(SECTOR);
        // Zeros over zeros change nothing, whether they are kept or not.
        let is_known = self.cached.has_any(&written) || self.durable.has_any(&written);
        if !is_known && bytes.chunks(SECTOR).all(is_zero) {
            return;
        }
        self.cached.write(bytes, offset);
        let changes = |sector: &usize| self.cached.has(*sector) || self.durable.has(*sector);
        self.dirty.extend(written.filter(changes));
    }

    pub(super) fn sync(&mut self) {
        if self.dirty_length {
            self.durable.resize(self.cached.len());
        }
        for sector in std::mem::take(&mut self.dirty) {
            self.keep_sector(sector);
        }
        self.dirty_length = false;
    }

    pub(super) fn resize(&mut self, length: usize) {
        self.cached.resize(length);
        // What is cut off and grows again is zeros, whatever lay there.
        self.dirty.extend(self.durable.sectors_from(length / SECTOR));
        self.dirty_length = true;
    }
}

/// Too many open files.
const EMFILE: i32 = 24;

pub(super) enum Step {
    Go,
    Torn,
    Fail,
}

impl State {
    pub(super) fn step(&mut self) -> io::Result<Step> {
        self.alive()?;
        let number = self.changes;
        self.changes += 1;
        match self.fail_at {
            Some((n, Failure::PowerCut)) if n == number => {
                self.off = true;
                Ok(Step::Torn)
            }
            Some((n, Failure::Error)) if n == number => Ok(Step::Fail),
            Some((n, Failure::TooManyFiles)) if n == number => {
                Err(io::Error::from_raw_os_error(EMFILE))
            }
            _ => Ok(Step::Go),
        }
    }

    pub(super) fn alive(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("no power")) } else { Ok(()) }
    }

    pub(super) fn dir(&mut self, path: &Path) -> io::Result<&mut Dir> {
        self.dirs.get_mut(path).ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(super) fn inode(&self, path: &Path) -> io::Result<usize> {
        let (dir, name) = split(path);
        match self.dirs.get(dir).and_then(|dir| dir.cached.get(name)) {
            Some(Entry::File(inode)) => Ok(*inode),
            Some(Entry::Dir) => Err(ErrorKind::IsADirectory.into()),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    /// Changes names in one folder; torn means that it is done and not told.
    pub(super) fn change(&mut self, dir: &Path, change: NameChange) -> io::Result<()> {
        let step = self.step()?;
        let dir = self.dir(dir)?;
        if !matches!(step, Step::Fail) {
            apply(&mut dir.cached, &change);
            dir.pending.push(change);
        }
        step.result()
    }

    /// Its names stay in `dirs`: after a power cut the folder may be there again.
    pub(super) fn remove_dir(&mut self, path: &Path) -> io::Result<()> {
        self.alive()?;
        if !self.dir(path)?.cached.is_empty() {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        let (dir, name) = split(path);
        self.change(dir, NameChange::Remove(name.to_owned()))
    }

    pub(super) fn free(&self) -> u64 {
        let linked = self.dirs.values().flat_map(|dir| dir.cached.values());
        let used: usize = linked
            .map(|entry| match entry {
                Entry::File(inode) => self.inodes[*inode].cached.len(),
                Entry::Dir => 0,
            })
            .sum();
        self.capacity.saturating_sub(used as u64)
    }
}

impl Step {
    pub(super) fn result(&self) -> io::Result<()> {
        match self {
            Self::Go => Ok(()),
            Self::Torn => Err(io::Error::other("no power")),
            Self::Fail => Err(io::Error::other("injected")),
        }
    }
}
