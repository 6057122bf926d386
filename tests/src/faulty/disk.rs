//! The machine's disk, but for the steps that fail.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use barid_journal::{Disk, DiskFile, OsDisk};
use rustix::io::Errno;
use rustix::process::{Signal, getpid, kill_process};

use crate::plan::{Action, Plan};

/// What a slow step takes.
const SLOW: Duration = Duration::from_secs(2);

/// In front of a loss: time for an answer that should have waited to get out.
const LEAK: Duration = Duration::from_millis(100);

/// A disk that does as it is told.
#[derive(Debug)]
pub(crate) struct FaultyDisk(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    plan: Plan,
    /// What the open files are called now.
    names: Mutex<HashMap<PathBuf, Name>>,
    unsynced: Mutex<Vec<Write>>,
    writes: AtomicU64,
}

type Name = Arc<Mutex<String>>;

/// What stood where something was written that no sync has covered yet.
#[derive(Debug)]
struct Write {
    number: u64,
    file: Arc<dyn DiskFile>,
    offset: u64,
    before: Vec<u8>,
}

#[derive(Debug)]
struct FaultyFile {
    shared: Arc<Shared>,
    file: Arc<dyn DiskFile>,
    name: Name,
}

impl FaultyDisk {
    /// The disk under the data folder at `root`.
    pub(crate) fn new(root: PathBuf, plan: Plan) -> Self {
        Self(Arc::new(Shared {
            root,
            plan,
            names: Mutex::default(),
            unsynced: Mutex::default(),
            writes: AtomicU64::new(0),
        }))
    }

    fn opened(&self, path: &Path, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        let name = Arc::new(Mutex::new(self.0.kind(path)));
        lock(&self.0.names).insert(path.to_owned(), Arc::clone(&name));
        Arc::new(FaultyFile { shared: Arc::clone(&self.0), file, name })
    }
}

impl Shared {
    /// What sort of file that is: its path in the data folder, numbers left out.
    fn kind(&self, path: &Path) -> String {
        let Ok(inside) = path.strip_prefix(&self.root) else { return "..".to_owned() };
        let parts = inside.components().map(|part| match part {
            Component::Normal(name) => {
                let name = name.to_string_lossy();
                let digits = name.trim_start_matches(|c: char| c.is_ascii_digit());
                if digits.len() < name.len() { format!("*{digits}") } else { name.into_owned() }
            }
            _ => "?".to_owned(),
        });
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() { ".".to_owned() } else { parts.join("/") }
    }

    /// One step: done, or not, as planned. `lose` undoes what a sync should have covered.
    fn step<T>(
        &self,
        what: &str,
        kind: &str,
        act: impl FnOnce() -> io::Result<T>,
        lose: impl FnOnce(),
    ) -> io::Result<T> {
        let action = self.plan.reach(&format!("{what}:{kind}"));
        match action {
            None => act(),
            Some(Action::KillBefore) => die(),
            Some(Action::CutBefore) => self.cut(),
            Some(Action::KillAfter) => {
                drop(act());
                die()
            }
            Some(Action::CutAfter) => {
                drop(act());
                self.cut()
            }
            Some(Action::Fail) => Err(Errno::IO.into()),
            Some(Action::Full) => Err(Errno::NOSPC.into()),
            Some(Action::Lose) => {
                std::thread::sleep(LEAK);
                lose();
                Err(Errno::IO.into())
            }
            Some(Action::Slow) => {
                std::thread::sleep(SLOW);
                act()
            }
        }
    }

    fn named<T>(
        &self,
        what: &str,
        path: &Path,
        act: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        self.step(what, &self.kind(path), act, || {})
    }

    /// Loses what no sync has covered, and ends the process. Nobody writes meanwhile.
    fn cut(&self) -> ! {
        std::thread::sleep(LEAK);
        let mut unsynced = lock(&self.unsynced);
        undo(unsynced.drain(..));
        die()
    }
}

/// Puts back what stood there, the newest first.
fn undo(writes: impl DoubleEndedIterator<Item = Write>) {
    for write in writes.rev() {
        // A file that was cut meanwhile takes them too; a disk that fails here fails the test.
        drop(write.file.write_at(&write.before, write.offset));
    }
}

fn die() -> ! {
    kill_process(getpid(), Signal::KILL).unwrap_or_default();
    loop {
        std::thread::park();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.named("mkdir", path, || OsDisk.create_dir(path))
    }

    fn create_new(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.0.named("create", path, || OsDisk.create_new(path))?;
        Ok(self.opened(path, file))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.opened(path, OsDisk.open(path)?))
    }

    fn lock(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.named("create", path, || OsDisk.lock(path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.named("rename", from, || OsDisk.rename(from, to))?;
        let mut names = lock(&self.0.names);
        if let Some(name) = names.remove(from) {
            *lock(&name) = self.0.kind(to);
            names.insert(to.to_owned(), name);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.named("unlink", path, || OsDisk.remove(path))
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.0.named("rmdir", path, || OsDisk.remove_dir(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<OsString>> {
        OsDisk.list(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.named("sync", path, || OsDisk.sync_dir(path))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        OsDisk.free_bytes(path)
    }
}

impl FaultyFile {
    fn step<T>(&self, what: &str, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let kind = lock(&self.name).clone();
        self.shared.step(what, &kind, act, || self.lose())
    }

    fn is_own(&self, write: &Write) -> bool {
        Arc::ptr_eq(&write.file, &self.file)
    }

    fn lose(&self) {
        let mut unsynced = lock(&self.shared.unsynced);
        let (own, others): (Vec<_>, Vec<_>) = unsynced.drain(..).partition(|it| self.is_own(it));
        *unsynced = others;
        undo(own.into_iter());
    }

    /// Writes, and remembers what stood there.
    fn overwrite(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut unsynced = lock(&self.shared.unsynced);
        let mut before = vec![0; bytes.len()];
        let there = self.file.len()?.saturating_sub(offset);
        let there = usize::try_from(there).unwrap_or(usize::MAX).min(before.len());
        self.file.read_at(&mut before[..there], offset)?;
        self.file.write_at(bytes, offset)?;
        let number = self.shared.writes.fetch_add(1, Ordering::Relaxed);
        unsynced.push(Write { number, file: Arc::clone(&self.file), offset, before });
        Ok(())
    }

    /// Syncs, and forgets what that covers: the writes before it.
    fn cover(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let from = self.shared.writes.load(Ordering::Relaxed);
        sync()?;
        let is_covered = |write: &Write| self.is_own(write) && write.number < from;
        lock(&self.shared.unsynced).retain(|write| !is_covered(write));
        Ok(())
    }
}

impl DiskFile for FaultyFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.step("write", || self.overwrite(bytes, offset))
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        self.step("allocate", || self.file.allocate(length))
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.step("truncate", || self.file.truncate(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.step("sync", || self.cover(|| self.file.sync_data()))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.step("sync", || self.cover(|| self.file.sync_all()))
    }
}
