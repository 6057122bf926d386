//! Folders for the time of one command, with private keys in them: gone when it ends,
//! and where it was killed, when the next of its kind begins.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::process::geteuid;
use tempfile::TempDir;

/// The file in a folder that its process holds locked while it lives. Without it a
/// folder is nobody's to take away.
const OWNED: &str = ".owned-by-a-running-barid";

/// Such a folder.
pub(crate) struct Scratch {
    folder: TempDir,
    /// The kernel lets go of the lock when the process ends, however it ends.
    _owned: File,
}

impl Scratch {
    /// Makes a folder of a kind in `place`, else where temporary files go. Takes away
    /// those of this kind there whose process is gone.
    pub(crate) fn new(kind: &str, place: Option<&Path>) -> anyhow::Result<Self> {
        let place = place.map_or_else(std::env::temp_dir, Path::to_path_buf);
        let prefix = format!("barid-{kind}-");
        // What cannot be taken away does no harm to this run.
        drop(sweep(&place, &prefix));
        let make = || -> io::Result<Self> {
            let folder = tempfile::Builder::new().prefix(&prefix).tempdir_in(&place)?;
            // Locked before it has its name, so that nobody finds it free.
            let new = folder.path().join(".new");
            let owned = File::create_new(&new)?;
            owned.lock()?;
            fs::rename(new, folder.path().join(OWNED))?;
            Ok(Self { folder, _owned: owned })
        };
        make().with_context(|| format!("cannot make a folder in {}", place.display()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes it away.
    pub(crate) fn close(self) -> anyhow::Result<()> {
        self.folder.close().context("cannot take the folder away")
    }

    /// Leaves it for good.
    pub(crate) fn keep(self) -> anyhow::Result<PathBuf> {
        fs::remove_file(self.path().join(OWNED)).context("cannot leave the folder")?;
        Ok(self.folder.keep())
    }
}

/// Takes away this user's folders of a kind whose process is gone.
fn sweep(place: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes())
            && is_stale(&entry.path()).unwrap_or(false)
        {
            drop(fs::remove_dir_all(entry.path()));
        }
    }
    Ok(())
}

fn is_stale(folder: &Path) -> io::Result<bool> {
    let facts = fs::symlink_metadata(folder)?;
    if !facts.is_dir() || facts.uid() != geteuid().as_raw() {
        return Ok(false);
    }
    match File::open(folder.join(OWNED))?.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{OWNED, Scratch};

    #[test]
    fn a_folder_whose_process_is_gone_is_taken_away() {
        let place = tempfile::tempdir().unwrap();
        let stale = place.path().join("barid-demo-stale");
        fs::create_dir(&stale).unwrap();
        File::create(stale.join(OWNED)).unwrap();
        let other = place.path().join("barid-demo-other");
        fs::create_dir(&other).unwrap();

        let running = Scratch::new("demo", Some(place.path())).unwrap();
        let kept = Scratch::new("demo", Some(place.path())).unwrap().keep().unwrap();
        let bench = Scratch::new("bench", Some(place.path())).unwrap();

        assert!(!stale.exists(), "nobody holds its lock");
        assert!(other.exists(), "it is not known to be one of ours");
        assert!(kept.exists() && running.path().exists() && bench.path().exists());
        let again = Scratch::new("demo", Some(place.path())).unwrap();
        assert!(kept.exists(), "it was left for good");
        assert!(running.path().exists(), "its process lives");
        again.close().unwrap();
        running.close().unwrap();
        assert!(other.exists() && bench.path().exists());
    }
}
