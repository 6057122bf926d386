//! A file system on a disk that is recorded: a file, behind `qemu-storage-daemon`, which
//! writes down all that it is given, and shows it as another file through FUSE; that one
//! is mounted. What the machine lacks for it is told.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::skip::skipped;

/// Bytes of the disk.
const DISK_BYTES: u64 = 96 << 20;

/// Longest wait for the recorder.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mounted file system; unmounted at the end.
pub(in crate::faults) struct Mounted(PathBuf);

impl Mounted {
    /// The file system in a file.
    pub(super) fn file(file: &Path, at: &Path) -> Self {
        Self::try_file(file, at).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The same, where it may be that this machine cannot.
    pub(in crate::faults) fn try_file(file: &Path, at: &Path) -> Result<Self, String> {
        run(Command::new("mount").args(["-o", "loop"]).arg(file).arg(at))?;
        Ok(Self(at.to_path_buf()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = run(Command::new("umount").arg(&self.0));
        // Where the test fails, a node may still be at it.
        let unmounted = unmounted.or_else(|_| run(Command::new("umount").arg("-l").arg(&self.0)));
        assert!(unmounted.is_ok(), "{unmounted:?}");
    }
}

/// The process that records; ended with it.
struct Recorder(Child);

impl Drop for Recorder {
    fn drop(&mut self) {
        // Asked, it takes its FUSE mount with it. It may have ended by itself.
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap_or_default();
        drop(self.0.wait());
    }
}

/// A mounted file system whose disk is recorded.
pub(super) struct Recorded {
    mounted: Mounted,
    recorder: Recorder,
    blank: Vec<u8>,
    record: PathBuf,
}

impl Recorded {
    /// `None`, said aloud, where this machine cannot.
    pub(super) fn on(folder: &Path, home: &Path, test: &str) -> Option<Self> {
        Self::try_on(folder, home).map_err(|why| skipped(test, &why)).ok()
    }

    fn try_on(folder: &Path, home: &Path) -> Result<Self, String> {
        let [disk, record, shown] = ["disk", "record", "shown"].map(|name| home.join(name));
        for (file, length) in [(&disk, DISK_BYTES), (&record, 0), (&shown, 0)] {
            let made = std::fs::File::create(file).expect("made");
            made.set_len(length).expect("that long");
        }
        run(Command::new("mkfs.ext4")
            .args(["-q", "-F", "-b", "4096", "-E"])
            .args(["lazy_itable_init=0,lazy_journal_init=0".as_ref(), disk.as_os_str()]))?;
        let blank = std::fs::read(&disk).expect("the disk can be read");
        let recorder = Recorder::start(&disk, &record, &shown)?;
        let mounted = Mounted::try_file(&shown, folder)?;
        Ok(Self { mounted, recorder, blank, record })
    }

    /// Grows with everything that the disk is given.
    pub(super) fn record(&self) -> &Path {
        &self.record
    }

    /// Unmounts it; gives the disk as it was in the beginning, and the record.
    pub(super) fn end(self) -> (Vec<u8>, PathBuf) {
        drop(self.mounted);
        drop(self.recorder);
        (self.blank, self.record)
    }
}

impl Recorder {
    fn start(disk: &Path, record: &Path, shown: &Path) -> Result<Self, String> {
        let disk = format!("driver=file,node-name=disk,filename={}", disk.display());
        let record = format!("driver=file,node-name=record,filename={}", record.display());
        let recorded = "driver=blklogwrites,node-name=top,file=disk,log=record,log-sector-size=512";
        let export =
            format!("type=fuse,id=shown,node-name=top,mountpoint={},writable=on", shown.display());
        let mut command = Command::new("qemu-storage-daemon");
        command.args(["--blockdev", &disk, "--blockdev", &record, "--blockdev", recorded]);
        command.args(["--export", &export]).stdin(Stdio::null());
        let started = command.spawn();
        let mut recorder = Self(started.map_err(|why| format!("qemu-storage-daemon: {why}"))?);
        let mut waited = Duration::ZERO;
        while shown.metadata().map_or(0, |file| file.len()) != DISK_BYTES {
            if let Ok(Some(status)) = recorder.0.try_wait() {
                return Err(format!("qemu-storage-daemon cannot show a disk by FUSE: {status}"));
            }
            assert!(waited < PATIENCE, "the recorder does not begin");
            std::thread::sleep(Duration::from_millis(20));
            waited += Duration::from_millis(20);
        }
        Ok(recorder)
    }
}

fn run(command: &mut Command) -> Result<Output, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|why| format!("{program}: {why}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
