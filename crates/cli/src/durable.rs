//! Files that are there whole or not at all, and still there after a power cut.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use aws_lc_rs::rand;

/// Who may read a file.
#[derive(Clone, Copy, Debug)]
enum For {
    /// Its owner: mode 0600.
    Owner,
    /// All: mode 0644.
    All,
    /// Whoever might read the file that it replaces, its owner and group too.
    Same,
}

/// Writes a file, mode 0600: under a temporary name, synced, renamed, its folder
/// synced. A crash before the rename leaves the temporary file and whatever had the
/// name before; one after it, the new file. What had the name is replaced.
pub(crate) fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_for(path, content, For::Owner)
}

/// As [`write`], mode 0644.
pub(crate) fn write_public(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_for(path, content, For::All)
}

/// As [`write`], but owner, group and mode are those of the file that is replaced,
/// which must be there.
pub(crate) fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_for(path, content, For::Same)
}

fn write_for(path: &Path, content: &[u8], readers: For) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let mut nonce = [0; 8];
    rand::fill(&mut nonce).ok().context("the system gives no random numbers")?;
    let name =
        path.file_name().with_context(|| format!("{} is no name for a file", path.display()))?;
    let nonce = u64::from_le_bytes(nonce);
    let temporary = path.with_file_name(format!(".{}.{nonce:016x}", name.to_string_lossy()));
    let written = write_through(&temporary, path, content, readers);
    if written.is_err() {
        // It may not be there; nothing reads it.
        drop(fs::remove_file(&temporary));
    }
    written.with_context(cannot)
}

fn write_through(temporary: &PathBuf, path: &Path, content: &[u8], readers: For) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(temporary)?;
    match readers {
        For::Owner => {}
        For::All => file.set_permissions(Permissions::from_mode(0o644))?,
        For::Same => {
            let (old, new) = (fs::metadata(path)?, file.metadata()?);
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(old.permissions())?;
        }
    }
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    File::open(parent(path))?.sync_all()
}

/// Makes a folder, mode 0700, if it is not there; when this returns, its name survives
/// a power cut.
pub(crate) fn folder(path: &Path) -> anyhow::Result<()> {
    folder_of_mode(path, 0o700)
}

/// As [`folder`], mode 0755.
pub(crate) fn public_folder(path: &Path) -> anyhow::Result<()> {
    folder_of_mode(path, 0o755)
}

fn folder_of_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    let make = || match DirBuilder::new().mode(mode).create(path) {
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
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{folder, replace, write, write_public};

    #[test]
    fn modes_are_as_promised_and_a_replaced_file_keeps_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.card");
        let mode = || std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777;
        assert!(replace(&file, b"").is_err(), "nothing to replace");
        write(&file, b"one").unwrap();
        assert_eq!(mode(), 0o600);
        write_public(&file, b"two").unwrap();
        assert_eq!(mode(), 0o644);
        std::fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        replace(&file, b"three").unwrap();
        assert_eq!((mode(), &std::fs::read(&file).unwrap()[..]), (0o640, &b"three"[..]));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

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
