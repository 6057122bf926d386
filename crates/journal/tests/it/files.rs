//! Files that are replaced whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use barid_journal::files::WriteError;
use barid_journal::{DataDir, Files, FilesWriter, data_dir};

use crate::node::ROOT;
use crate::sim_disk::{Failure, Loss, SimDisk};

const NAME: &str = "tile/0/x001/067.p/8";

fn files(disk: &SimDisk) -> Files {
    let options = data_dir::Options { ballast_bytes: 4096, free_bytes_min: 0, urgent_bytes: 0 };
    Files::of_log(&DataDir::open(Arc::new(disk.clone()), Path::new(ROOT), options).unwrap())
}

fn write(disk: &SimDisk, contents: &[u8]) -> Result<(), WriteError> {
    write_with(&mut files(disk).writer(), contents)
}

fn write_with(writer: &mut FilesWriter, contents: &[u8]) -> Result<(), WriteError> {
    writer.write(NAME, contents)?;
    writer.write("checkpoint", contents)?;
    writer.settle()
}

/// What was settled stays, and what was not is the one or the other, whole.
#[test]
fn a_power_cut_leaves_the_old_contents_or_the_new() {
    for loss in [Loss::All, Loss::Nothing, Loss::Some(3)] {
        for change in 0.. {
            let disk = SimDisk::new(1 << 20);
            write(&disk, b"old").unwrap();
            let disk = disk.after_power_cut(Loss::All);
            for name in [NAME, "checkpoint"] {
                assert_eq!(files(&disk).read(name, 9).unwrap().unwrap(), b"old");
            }
            let mut writer = files(&disk).writer();
            disk.fail_at(change, Failure::PowerCut);
            let written = write_with(&mut writer, b"newer");
            if !disk.has_failed() {
                written.unwrap();
                assert!(change > 8, "the run has only {change} changes");
                break;
            }
            let disk = disk.after_power_cut(loss);
            for name in [NAME, "checkpoint"] {
                let read = files(&disk).read(name, 9).unwrap().unwrap();
                assert!(read == b"old" || read == b"newer", "{name} at {change}: {read:?}");
            }
            write(&disk, b"newest").unwrap();
            assert_eq!(files(&disk).read(NAME, 9).unwrap().unwrap(), b"newest");
        }
    }
}

#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let disk = SimDisk::new(16 << 10);
    write(&disk, b"old").unwrap();
    let mut writer = files(&disk).writer();
    assert!(matches!(writer.write(NAME, &[7; 32 << 10]), Err(WriteError::Full)));
    writer.settle().unwrap();
    drop(writer);
    let temporary = PathBuf::from(format!("{ROOT}/log/1/{NAME}.tmp"));
    assert!(!disk.files().contains_key(&temporary));
    assert_eq!(files(&disk).read(NAME, 9).unwrap().unwrap(), b"old");
}

#[test]
fn folders_go_with_what_is_in_them_and_may_come_back() {
    let disk = SimDisk::new(1 << 20);
    write(&disk, b"old").unwrap();
    let files = files(&disk);
    let mut writer = files.writer();
    writer.remove_folder("tile/0/x001/067.p").unwrap();
    writer.remove_folder("tile/0/x001/067.p").unwrap();
    writer.remove_folder("elsewhere").unwrap();
    assert_eq!(files.read(NAME, 9).unwrap(), None);
    writer.write(NAME, b"back").unwrap();
    writer.settle().unwrap();
    assert_eq!(files.read(NAME, 9).unwrap().unwrap(), b"back");
    assert_eq!(files.read(NAME, 3).unwrap(), None, "longer than it may be");
    assert_eq!(files.read("tile/0", 9).unwrap(), None, "a folder is no file");
}
