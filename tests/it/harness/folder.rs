//! What lies in a folder, to the byte.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use barid_message::digest::Digest;

/// Every file below a folder with the digest of its bytes, but for what begins with one of
/// these paths.
pub(crate) fn fingerprint(folder: &Path, without: &[&str]) -> BTreeMap<PathBuf, Digest> {
    let mut files = BTreeMap::new();
    collect(folder, folder, without, &mut files);
    files
}

fn collect(root: &Path, folder: &Path, without: &[&str], files: &mut BTreeMap<PathBuf, Digest>) {
    for entry in std::fs::read_dir(folder).expect("a folder can be listed") {
        let path = entry.expect("a folder can be listed").path();
        let name = path.strip_prefix(root).expect("it lies below").to_path_buf();
        if without.iter().any(|left_out| name.starts_with(left_out)) {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, without, files);
        } else {
            let bytes = std::fs::read(&path).expect("a file can be read");
            files.insert(name, Digest::of(&bytes));
        }
    }
}
