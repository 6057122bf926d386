//! A data folder in memory, so that it is put back quickly, a thousand times.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Files of a folder, as far as they are used.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub(super) files: Vec<File>,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Below the folder.
    pub(super) path: PathBuf,
    /// Up to the last byte that is not zero.
    pub(super) bytes: Vec<u8>,
    /// With the zeros behind them.
    length: u64,
}

impl File {
    pub(super) fn cut(&mut self, length: usize) {
        self.bytes.truncate(length);
        self.length = length as u64;
    }
}

impl Image {
    /// Of a folder that no node uses.
    pub(super) fn of_folder(root: &Path) -> Self {
        let mut image = Self::default();
        image.read(root, root);
        image.files.sort_by(|one, other| one.path.cmp(&other.path));
        image
    }

    fn read(&mut self, root: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(root, &path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            let length = bytes.len() as u64;
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(used);
            let path = path.strip_prefix(root).unwrap().to_owned();
            // Made anew by every start.
            if !path.ends_with("ballast") && !path.ends_with("next.tmp") {
                self.files.push(File { path, bytes, length });
            }
        }
    }

    /// Puts it into a new folder, in memory where there is a file system for that.
    pub(super) fn put(&self) -> TempDir {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            TempDir::new_in(memory).unwrap()
        } else {
            TempDir::new().unwrap()
        };
        for File { path, bytes, length } in &self.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let mut file = fs::File::create(&path).unwrap();
            file.write_all(bytes).unwrap();
            file.set_len(*length).unwrap();
        }
        folder
    }

    pub(super) fn find(&self, path: &Path) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Files with something in them of one place, in order of their names.
    pub(super) fn of(&self, place: &str) -> Vec<usize> {
        let is_there = |file: &File| file.path.starts_with(place) && !file.bytes.is_empty();
        (0..self.files.len()).filter(|at| is_there(&self.files[*at])).collect()
    }
}
