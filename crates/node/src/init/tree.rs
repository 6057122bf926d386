//! A folder that appears whole or not at all.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::InitError;

/// A tree under construction in a hidden sibling of its place. Dropped before
/// [`Tree::finish`], it is removed; after a crash the sibling is all there is,
/// and nothing looks at it.
pub(super) struct Tree {
    place: PathBuf,
    site: PathBuf,
    folders: Vec<PathBuf>,
    finished: bool,
}

impl Tree {
    /// Begins a tree that is to stand at `place`, which must not exist or be an
    /// empty folder. `nonce` keeps two beginners apart.
    pub(super) fn begin(place: &Path, nonce: u64) -> Result<Self, InitError> {
        let name = place.file_name().ok_or_else(|| InitError::Nameless(place.to_path_buf()))?;
        if is_taken(place)? {
            return Err(InitError::Taken(place.to_path_buf()));
        }
        let site_name = format!(".{}.init-{nonce:016x}", name.to_string_lossy());
        let parent = parent(place);
        if !parent.is_dir() {
            return Err(InitError::NoParent(parent.to_path_buf()));
        }
        let site = parent.join(site_name);
        make_folder(&site)?;
        let folders = vec![site.clone()];
        Ok(Self { place: place.to_path_buf(), site, folders, finished: false })
    }

    /// Makes a folder, mode 0700; its parent is made before.
    pub(super) fn folder(&mut self, relative: impl AsRef<Path>) -> Result<(), InitError> {
        let path = self.site.join(relative);
        make_folder(&path)?;
        self.folders.push(path);
        Ok(())
    }

    /// Writes and syncs a file, mode 0600.
    pub(super) fn file(
        &self,
        relative: impl AsRef<Path>,
        content: impl AsRef<[u8]>,
    ) -> Result<(), InitError> {
        let path = self.site.join(relative);
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(content.as_ref())?;
            file.sync_all()
        };
        write().map_err(|cause| InitError::Write { path, cause })
    }

    /// Syncs all folders and moves the tree to its place. The move replaces an
    /// empty folder and nothing else, whatever has happened there meanwhile.
    pub(super) fn finish(mut self) -> Result<(), InitError> {
        for folder in self.folders.iter().rev() {
            sync_folder(folder)
                .map_err(|cause| InitError::Write { path: folder.clone(), cause })?;
        }
        fs::rename(&self.site, &self.place).map_err(|cause| match cause.kind() {
            io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory => InitError::Taken(self.place.clone()),
            _ => InitError::Write { path: self.place.clone(), cause },
        })?;
        self.finished = true;
        sync_folder(parent(&self.place))
            .map_err(|cause| InitError::Unsynced { dir: self.place.clone(), cause })
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if !self.finished {
            // The error that brought us here is the one to tell.
            drop(fs::remove_dir_all(&self.site));
        }
    }
}

fn is_taken(place: &Path) -> Result<bool, InitError> {
    let looked = match fs::symlink_metadata(place) {
        Ok(facts) if facts.is_dir() => {
            fs::read_dir(place).map(|mut entries| entries.next().is_some())
        }
        Ok(_not_a_folder) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    looked.map_err(|cause| InitError::Write { path: place.to_path_buf(), cause })
}

fn parent(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn make_folder(path: &Path) -> Result<(), InitError> {
    let made = DirBuilder::new().mode(0o700).create(path);
    made.map_err(|cause| InitError::Write { path: path.to_path_buf(), cause })
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
