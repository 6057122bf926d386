//! The data folder: whose it is, what lies where, and who has it open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, ensure_dir, parent, remove_if_there};
use crate::format::FORMAT;
use crate::space::{Attempt, DiskFailure, Space};

const FORMAT_NAME: &str = "FORMAT";
const FORMAT_TEMPORARY: &str = "FORMAT.tmp";
const LOCK_NAME: &str = "LOCK";
/// The file system's own, at the root of a volume.
const LOST_AND_FOUND: &str = "lost+found";
const FORMAT_PREFIX: &str = "barid data format ";
const FORMAT_BYTES_MAX: u64 = 64;

/// The first epoch of a node; each `recover` begins the next.
pub const FIRST_EPOCH: u64 = 1;

/// How a data folder is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Size of the file that is given up so that a node on a full disk can
    /// start and finish its deliveries.
    pub ballast_bytes: u64,
    /// New messages are refused while less than this is free.
    pub free_bytes_min: u64,
    /// Of what is free beyond that, so much is for urgent messages alone.
    pub urgent_bytes: u64,
}

impl Default for Options {
    /// 64 MiB, 64 MiB and 128 MiB.
    fn default() -> Self {
        Self { ballast_bytes: 64 << 20, free_bytes_min: 64 << 20, urgent_bytes: 128 << 20 }
    }
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("another process uses the data folder {}: stop that node, or give this one a folder of its own", .0.display())]
    Locked(PathBuf),
    /// It has contents, and they are not ours.
    #[error("the folder {} holds other files ({found}) and no barid data: name an empty folder", root.display())]
    NotOurs {
        /// The folder.
        root: PathBuf,
        /// One of the names in it.
        found: String,
    },
    /// It was written by a later release.
    #[error("the data folder {} has format {found}, and this program knows only up to {FORMAT}: run the newer release; nothing was changed", root.display())]
    NewerFormat {
        /// The folder.
        root: PathBuf,
        /// The format it has.
        found: u32,
    },
    /// There are no data to look at.
    #[error("the folder {} holds no barid data: name the `data` of a node's configuration", .0.display())]
    NoData(PathBuf),
    /// Its FORMAT file says nothing that any release would write.
    #[error("{} is damaged: if the rest is whole, its one line is \"{FORMAT_PREFIX}{FORMAT}\"; nothing was changed", .0.display())]
    UnreadableFormat(PathBuf),
    /// The disk did not do it.
    #[error(transparent)]
    Disk(#[from] DiskFailure),
}

/// A data folder that this process alone has open.
///
/// ```text
/// FORMAT LOCK ballast
/// journal/<epoch>/<first position>.seg
/// bodies/<epoch>/<number>.seg
/// state/<position>.snap
/// index/           the delivery log's; rebuildable
/// log/<epoch>/     the audit log's tiles; rebuildable
/// heads/           heads of other nodes' logs that were cosigned
/// ```
#[derive(Debug)]
pub struct DataDir {
    root: PathBuf,
    epoch: u64,
    space: Arc<Space>,
}

impl DataDir {
    /// Opens a data folder, making it if it is not there or empty. A folder
    /// that cannot be used is left as it was found.
    pub fn open(disk: Arc<dyn Disk>, root: &Path, options: Options) -> Result<Self, OpenError> {
        ensure_dir(&*disk, root).attempt("create", root)?;
        let format = read_format(&*disk, root)?;
        if format.is_none() {
            refuse_contents(&*disk, root)?;
        }
        let lock = lock(&*disk, root)?;
        if format.is_none() {
            // Before FORMAT: where it stands, the folder itself is durable.
            let parent = parent(root);
            disk.sync_dir(parent).attempt("sync", parent)?;
            write_format(&*disk, root)?;
        }
        let epoch = make_folders(&*disk, root)?;
        let space = Space::open(disk, root, options, lock)?;
        Ok(Self { root: root.to_owned(), epoch, space: Arc::new(space) })
    }

    /// Opens the folder of a node that has stopped, to look at it: nothing is made or
    /// changed, and no node can start meanwhile.
    ///
    /// # Errors
    /// [`OpenError`]; a folder without data is [`OpenError::NoData`].
    pub fn look(disk: Arc<dyn Disk>, root: &Path) -> Result<Self, OpenError> {
        if read_format(&*disk, root)?.is_none() {
            return Err(OpenError::NoData(root.to_owned()));
        }
        let lock = lock(&*disk, root)?;
        let epoch = newest_epoch(&*disk, root)?;
        let space = Space::unused(disk, root, lock);
        Ok(Self { root: root.to_owned(), epoch, space: Arc::new(space) })
    }

    /// The newest epoch in the folder.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The room left for it.
    #[must_use]
    pub const fn space(&self) -> &Arc<Space> {
        &self.space
    }

    /// Segments of the journal.
    #[must_use]
    pub fn journal_dir(&self) -> PathBuf {
        self.root.join("journal").join(self.epoch.to_string())
    }

    /// Segments of whole messages.
    #[must_use]
    pub fn bodies_dir(&self) -> PathBuf {
        self.root.join("bodies").join(self.epoch.to_string())
    }

    /// Snapshots.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        self.root.join("state")
    }

    /// The delivery log and its indexes. Whoever owns it makes it again if it
    /// was removed while the node ran.
    #[must_use]
    pub fn index_dir(&self) -> PathBuf {
        self.root.join("index")
    }

    /// Tiles of the audit log.
    #[must_use]
    pub fn log_dir(&self) -> PathBuf {
        self.root.join("log").join(self.epoch.to_string())
    }

    /// Heads of other nodes' logs.
    #[must_use]
    pub fn heads_dir(&self) -> PathBuf {
        self.root.join("heads")
    }
}

fn lock(disk: &dyn Disk, root: &Path) -> Result<Arc<dyn DiskFile>, OpenError> {
    let path = root.join(LOCK_NAME);
    match disk.lock(&path) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(OpenError::Locked(root.to_owned()))
        }
        lock => Ok(lock.attempt("lock", &path)?),
    }
}

/// The folder's format; `None` if it has none yet.
fn read_format(disk: &dyn Disk, root: &Path) -> Result<Option<u32>, OpenError> {
    let path = root.join(FORMAT_NAME);
    let file = match disk.open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.attempt("open", &path)?,
    };
    let length = file.len().attempt("measure", &path)?.min(FORMAT_BYTES_MAX);
    let text = crate::segment::read(&*file, 0, length).attempt("read", &path)?;
    let format = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.strip_prefix(FORMAT_PREFIX)?.trim_end().parse::<u32>().ok());
    match format {
        None => Err(OpenError::UnreadableFormat(path)),
        Some(found) if found > FORMAT => {
            Err(OpenError::NewerFormat { root: root.to_owned(), found })
        }
        Some(found) => Ok(Some(found)),
    }
}

/// A folder without FORMAT may hold only what an interrupted first start
/// leaves.
fn refuse_contents(disk: &dyn Disk, root: &Path) -> Result<(), OpenError> {
    let names = disk.list(root).attempt("list", root)?;
    let ours = [LOCK_NAME, FORMAT_TEMPORARY, LOST_AND_FOUND];
    match names.iter().find(|name| ours.iter().all(|ours| name != ours)) {
        None => Ok(()),
        Some(found) => Err(OpenError::NotOurs {
            root: root.to_owned(),
            found: found.to_string_lossy().escape_debug().to_string(),
        }),
    }
}

fn write_format(disk: &dyn Disk, root: &Path) -> Result<(), DiskFailure> {
    let temporary = root.join(FORMAT_TEMPORARY);
    let path = root.join(FORMAT_NAME);
    remove_if_there(disk, &temporary).attempt("remove", &temporary)?;
    let file = disk.create_new(&temporary).attempt("create", &temporary)?;
    file.write_at(format!("{FORMAT_PREFIX}{FORMAT}\n").as_bytes(), 0)
        .attempt("write", &temporary)?;
    // A crash up to here leaves LOCK and the temporary file, which the next
    // start takes for the empty folder they are.
    file.sync_all().attempt("sync", &temporary)?;
    // Made durable with the names of the folders.
    disk.rename(&temporary, &path).attempt("rename", &temporary)
}

/// Makes what is not there, and gives the newest epoch.
fn make_folders(disk: &dyn Disk, root: &Path) -> Result<u64, DiskFailure> {
    for name in ["journal", "bodies", "state", "index", "log", "heads"] {
        let path = root.join(name);
        ensure_dir(disk, &path).attempt("create", &path)?;
    }
    // Also what an earlier start has made and was killed before it could sync:
    // this start sees it, and the disk may not have it.
    disk.sync_dir(root).attempt("sync", root)?;
    let epoch = newest_epoch(disk, root)?;
    // A crash from here on leaves a folder that is ours and lacks some of its
    // parts; the next start makes those.
    for name in ["journal", "bodies", "log"] {
        let folder = root.join(name);
        let path = folder.join(epoch.to_string());
        ensure_dir(disk, &path).attempt("create", &path)?;
        disk.sync_dir(&folder).attempt("sync", &folder)?;
    }
    Ok(epoch)
}

/// The greatest epoch of which there is anything: a journal that is gone must
/// not look like a node that never started.
fn newest_epoch(disk: &dyn Disk, root: &Path) -> Result<u64, DiskFailure> {
    let mut newest = FIRST_EPOCH;
    for name in ["journal", "bodies", "log"] {
        let path = root.join(name);
        let names = match disk.list(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            names => names.attempt("list", &path)?,
        };
        let epochs = names.iter().filter_map(|name| name.to_str()?.parse::<u64>().ok());
        newest = newest.max(epochs.max().unwrap_or(FIRST_EPOCH));
    }
    Ok(newest)
}
