//! Whose folder it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use barid_journal::data_dir::{OpenError, Options};
use barid_journal::{Blobs, DataDir, Disk, Journal, OsDisk, Snapshots, blobs, journal};

use crate::sim_disk::SimDisk;

const SMALL: Options = Options { ballast_bytes: 4096, free_bytes_min: 0, urgent_bytes: 0 };

fn open(root: &Path) -> Result<DataDir, OpenError> {
    DataDir::open(Arc::new(OsDisk), root, SMALL)
}

fn put(path: &Path, text: &str) {
    let file = OsDisk.create_new(path).unwrap();
    file.write_at(text.as_bytes(), 0).unwrap();
}

#[test]
fn a_new_folder_is_made_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let root = parent.path().join("data");
    let data = open(&root).unwrap();
    let options = journal::Options { segment_bytes: 4096, ..journal::Options::default() };
    let (mut journal, _) = Journal::open(&data, &options).unwrap();
    journal.append(0, &[crate::node::record(1, vec![1], vec![2])]).unwrap();
    Blobs::open(&data, blobs::Options::default()).unwrap().put(b"message").unwrap();
    Snapshots::open(&data).write(journal.durable(), b"state").unwrap();

    let mut seen = 0;
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode, 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 7, "FORMAT, LOCK, ballast, two segments, a body segment, a snapshot");
    assert_eq!(fs::read_to_string(root.join("FORMAT")).unwrap(), "barid data format 0\n");
}

#[test]
fn a_folder_has_one_user_at_a_time() {
    let root = tempfile::tempdir().unwrap();
    let first = open(root.path()).unwrap();
    let error = open(root.path()).unwrap_err();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
    // The journal uses the folder too.
    let options = journal::Options { segment_bytes: 4096, ..journal::Options::default() };
    let (journal, _) = Journal::open(&first, &options).unwrap();
    drop(first);
    assert!(matches!(open(root.path()).unwrap_err(), OpenError::Locked(_)));
    drop(journal);
    open(root.path()).unwrap();
}

#[test]
fn a_newer_or_unreadable_format_is_refused_untouched() {
    for (text, newer) in [("barid data format 1\n", true), ("something else", false), ("", false)] {
        let root = tempfile::tempdir().unwrap();
        put(&root.path().join("FORMAT"), text);
        put(&root.path().join("contents"), "of a later release");
        let error = open(root.path()).unwrap_err();
        match error {
            OpenError::NewerFormat { found: 1, .. } => assert!(newer),
            OpenError::UnreadableFormat(_) => assert!(!newer),
            other => panic!("{other}"),
        }
        let names = fs::read_dir(root.path()).unwrap().count();
        assert_eq!(names, 2, "nothing was added");
        assert_eq!(fs::read_to_string(root.path().join("FORMAT")).unwrap(), text);
    }
}

#[test]
fn a_folder_with_other_contents_is_refused_untouched() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("thesis.txt"), "years of work");
    let error = open(root.path()).unwrap_err();
    assert!(matches!(&error, OpenError::NotOurs { found, .. } if found == "thesis.txt"), "{error}");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn the_root_of_a_volume_is_empty_enough() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("lost+found")).unwrap();
    open(root.path()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let disk = SimDisk::new(1 << 20);
    let error = DataDir::open(Arc::new(disk), Path::new("/no/such/data"), SMALL).unwrap_err();
    assert!(error.to_string().starts_with("cannot create /no/such/data: "), "{error}");
}
