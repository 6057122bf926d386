//! What the node's data takes on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

/// Folders that grow with what is sent.
const FOLDERS: [&str; 3] = ["journal", "bodies", "index"];
/// Unit of `st_blocks` (stat(2)).
const BLOCK_BYTES: u64 = 512;
/// Read at one time.
const WINDOW_BYTES: usize = 64 * 1024;

/// Bytes of one folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Bytes {
    /// Lengths of its files, without the zeros at their ends: segments are made whole
    /// before they are filled.
    pub(super) written: u64,
    /// What the file system holds ready for them.
    pub(super) allocated: u64,
}

/// Bytes by folder.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Used(pub(super) BTreeMap<&'static str, Bytes>);

impl Used {
    /// What came since.
    pub(super) fn since(&self, before: &Self) -> Self {
        let folders = self.0.iter().map(|(folder, now)| {
            let before = before.0.get(folder).copied().unwrap_or_default();
            let written = now.written.saturating_sub(before.written);
            (*folder, Bytes { written, allocated: now.allocated.saturating_sub(before.allocated) })
        });
        Self(folders.collect())
    }
}

/// What a node that is stopped has on disk; nothing if it never ran.
pub(super) fn used(data: &Path) -> anyhow::Result<Used> {
    let mut used = Used::default();
    for folder in FOLDERS {
        let path = data.join(folder);
        let mut bytes = Bytes::default();
        if path.exists() {
            add(&path, &mut bytes).with_context(|| format!("cannot measure {}", path.display()))?;
        }
        used.0.insert(folder, bytes);
    }
    Ok(used)
}

fn add(folder: &Path, bytes: &mut Bytes) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            add(&path, bytes)?;
        } else {
            bytes.written += content(&path)?;
            bytes.allocated += fs::metadata(&path)?.blocks() * BLOCK_BYTES;
        }
    }
    Ok(())
}

/// Length of a file up to its last byte that is not zero.
fn content(path: &Path) -> anyhow::Result<u64> {
    let mut file = fs::File::open(path)?;
    let mut end = file.metadata()?.len();
    let mut window = vec![0; WINDOW_BYTES];
    while end > 0 {
        let length = WINDOW_BYTES.min(usize::try_from(end)?);
        let begin = end - u64::try_from(length)?;
        file.seek(SeekFrom::Start(begin))?;
        file.read_exact(&mut window[..length])?;
        if let Some(last) = window[..length].iter().rposition(|byte| *byte != 0) {
            return Ok(begin + u64::try_from(last)? + 1);
        }
        end = begin;
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::used;

    #[test]
    fn zeros_at_the_end_of_a_file_are_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(used(folder.path()).unwrap().0["journal"].written, 0);
        let epoch = folder.path().join("journal/1");
        std::fs::create_dir_all(&epoch).unwrap();
        let mut file = std::fs::File::create(epoch.join("0.seg")).unwrap();
        file.write_all(&[0, 7, 7]).unwrap();
        file.set_len(300_000).unwrap();
        std::fs::File::create(epoch.join("1.seg")).unwrap().set_len(70_000).unwrap();
        let before = used(folder.path()).unwrap();
        assert_eq!(before.0["journal"].written, 3);
        file.write_all(&[7]).unwrap();
        assert_eq!(used(folder.path()).unwrap().since(&before).0["journal"].written, 1);
    }
}
