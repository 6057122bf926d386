use std::collections::BTreeMap;
use std::sync::mpsc::{channel, sync_channel};
use std::thread::{self, JoinHandle};

use tempfile::TempDir;

use super::*;
use crate::clock::SystemClock;
use crate::tests::parts::Parts;

/// A writer that runs, and what is around it.
struct Running {
    writer: JoinHandle<Result<(), WriteError>>,
    groups: SyncSender<Group>,
    told: Receiver<Queued>,
    progress: Arc<Progress>,
    _projector_that_never_looks: Receiver<()>,
    folder: TempDir,
}

fn run(parts: Parts) -> Running {
    let (groups, queue) = sync_channel(1);
    let (commands, told) = channel();
    let (grown, _projector_that_never_looks) = sync_channel(1);
    let progress = Arc::new(Progress::new(0));
    let writer = Writer {
        progress: Arc::clone(&progress),
        figures: Arc::default(),
        clock: Arc::new(SystemClock::new()),
        journal: parts.journal,
        blobs: parts.blobs,
        snapshots: parts.snapshots,
        groups: queue,
        commands,
        grown,
        _alive: sync_channel(0).0,
        _attends: Arc::new(crate::audit_log::Desk::default()).attend(),
        inboxes: BTreeMap::new(),
        peers: BTreeMap::new(),
    };
    let writer = thread::spawn(move || writer.run());
    let folder = parts.folder;
    Running { writer, groups, told, progress, _projector_that_never_looks, folder }
}

/// Whether the sequencer is told in time that there is no writer any more.
fn is_told_to_stop(told: &Receiver<Queued>) -> bool {
    let soon = Duration::from_secs(10);
    std::iter::from_fn(|| told.recv_timeout(soon).ok())
        .any(|queued| matches!(queued.command, Command::Stop))
}

#[test]
fn the_writer_does_not_wait_for_the_projector() {
    let mut parts = Parts::new();
    let reader = parts.reader.clone();
    let groups: Vec<Group> = (0..300).map(|_| parts.group()).collect();
    let (done, released) = channel();
    let running = run(parts);
    let give = running.groups;
    thread::spawn(move || {
        for mut group in groups {
            let done = done.clone();
            group.releases.push(Box::new(move || done.send(()).unwrap()));
            give.send(group).unwrap();
        }
    });
    for place in 0..300 {
        let answer = released.recv_timeout(Duration::from_secs(30));
        assert!(answer.is_ok(), "the answer of group {place} is kept back");
    }
    running.writer.join().unwrap().unwrap();
    assert_eq!(reader.next_position(), 300);
}

#[test]
fn a_disk_that_breaks_on_a_quiet_node_stops_it() {
    let parts = Parts::new();
    let disk = parts.disk.clone();
    let running = run(parts);
    assert!(matches!(running.told.recv().unwrap().command, Command::WriterIdle));
    disk.break_below(running.folder.path());
    assert!(is_told_to_stop(&running.told));
    assert!(matches!(running.writer.join().unwrap(), Err(WriteError::Reserve(_))));
}

#[test]
fn bodies_whose_sync_failed_stop_it() {
    let parts = Parts::new();
    let blobs = Arc::clone(&parts.blobs);
    parts.disk.break_below(&parts.bodies);
    let running = run(parts);
    assert!(matches!(running.told.recv().unwrap().command, Command::WriterIdle));
    blobs.put(b"a message").unwrap_err();
    assert!(is_told_to_stop(&running.told));
    assert!(matches!(running.writer.join().unwrap(), Err(WriteError::Blobs(_))));
}

/// The sequencer hands over a group at the moment at which the writer ends: by a race, it
/// waited for ever for a writer that was gone, and the process did not end.
#[test]
fn nobody_waits_for_a_writer_that_is_gone() {
    let parts = Parts::new();
    let disk = parts.disk.clone();
    let running = run(parts);
    disk.break_below(running.folder.path());
    assert!(is_told_to_stop(&running.told));
    assert!(!running.progress.set_busy(), "there is nobody to be busy");
    running.progress.wait_idle();
    running.writer.join().unwrap().unwrap_err();
}
