//! Files that are there whole or not at all, and still there after a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aws_lc_rs::rand;

/// Writes a file, mode 0600: under a temporary name, synced, renamed, its folder
/// synced. A crash before the rename leaves the temporary file and whatever had the
/// name before; one after it, the new file. What had the name is replaced.
pub(crate) fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut nonce = [0; 8];
    rand::fill(&mut nonce).ok().context("the system gives no random numbers")?;
    let name =
        path.file_name().with_context(|| format!("{} is no name for a file", path.display()))?;
    let nonce = u64::from_le_bytes(nonce);
    let temporary = path.with_file_name(format!(".{}.{nonce:016x}", name.to_string_lossy()));
    let written = write_through(&temporary, path, content);
    if written.is_err() {
        // It may not be there; nothing reads it.
        drop(fs::remove_file(&temporary));
    }
    written.with_context(cannot)
}

fn write_through(temporary: &PathBuf, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(parent(path))?.sync_all()
}

/// Makes a folder, mode 0700, if it is not there; when this returns, its name survives
/// a power cut.
pub(crate) fn folder(path: &Path) -> anyhow::Result<()> {
    let make = || match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.and_then(|()| File::open(parent(path))?.sync_all()),
    };
    make().with_context(|| format!("cannot make the folder {}", path.display()))
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::{folder, write};

    #[test]
    fn a_folder_is_made_once_and_a_file_is_none() {
        let place = tempfile::tempdir().unwrap();
        let made = place.path().join("in");
        folder(&made).unwrap();
        folder(&made).unwrap();
        write(&place.path().join("file"), b"").unwrap();
        assert!(folder(&place.path().join("file")).is_err());
        assert!(folder(&place.path().join("absent").join("in")).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        write(&file, b"one").unwrap();
        write(&file, b"two").unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = write(&folder.path().join("absent").join("a"), b"").unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot write "), "{error:#}");
        assert!(write(std::path::Path::new("/"), b"").is_err());
    }
}
