//! Tidiness that a machine can check. Only rules that a test, rustfmt or clippy enforces are
//! called rules.

mod descriptors;
mod documents;
mod edges;
mod example;
mod planted;
mod sources;
mod standard;
mod supply;

use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours.
const NOT_OURS: [&str; 3] = ["target", ".git", "__pycache__"];

/// A file of the project, with its path from the root.
struct ProjectFile {
    path: String,
    text: String,
}

impl ProjectFile {
    /// Whether its name ends in one of `extensions`.
    fn is(&self, extensions: &[&str]) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| extensions.iter().any(|wanted| found == *wanted))
    }
}

/// The project's top folder.
fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("tests/ lies in the project's top folder").to_path_buf()
}

/// Every text file of the project, by path.
fn project_files() -> Vec<ProjectFile> {
    let root = root();
    let mut paths = Vec::new();
    walk(&root, &mut paths);
    paths.sort();
    paths.iter().filter_map(|path| read_text(&root, path)).collect()
}

/// Collects the files below `folder`.
fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of the project can be listed") {
        let entry = entry.expect("a folder of the project can be listed");
        let kind = entry.file_type().expect("a listed entry has a type");
        let name = entry.file_name();
        if NOT_OURS.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

/// The file, unless it is not text.
fn read_text(root: &Path, path: &Path) -> Option<ProjectFile> {
    let text = String::from_utf8(std::fs::read(path).expect("a listed file can be read")).ok()?;
    let path = path.strip_prefix(root).expect("the walk began at the root");
    Some(ProjectFile { path: path.to_string_lossy().into_owned(), text })
}

/// Fails with all findings, one a line.
fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}:\n  {}", findings.join("\n  "));
}
