use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use barid_store::Store;

use super::*;
use crate::clock::SystemClock;
use crate::tests::parts::{CACHE_BYTES, Parts, log};

/// How far an index goes that the machine lost its power with.
fn kept(index: &Path) -> u64 {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(index).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    let opened = Store::open(copy.path(), &log(), CACHE_BYTES).unwrap();
    opened.applied.map_or(0, |applied| applied.next_position)
}

fn projector(
    parts: &Parts,
    directory: &Path,
    grown: Receiver<()>,
    projected: watch::Sender<Option<ReadView>>,
) -> Projector {
    let directory = directory.to_path_buf();
    Projector {
        index: Index { directory, log: log(), cache_bytes: CACHE_BYTES },
        reader: parts.reader.clone(),
        progress: Arc::new(Progress::new(0)),
        clock: Arc::new(SystemClock::new()),
        grown,
        projected,
    }
}

#[test]
fn entries_that_never_pause_are_flushed_all_the_same() {
    let mut parts = Parts::new();
    let (grow, grown) = sync_channel(1);
    let (projected, _) = watch::channel(None);
    let projector = projector(&parts, &parts.index, grown, projected);
    let store = projector.index.open().unwrap().store;
    let running = thread::spawn(move || projector.run(Some(store)));
    let pause = caps::INDEX_FLUSH / 10;
    for _ in 0..30 {
        parts.append();
        grow.try_send(()).unwrap_or_default();
        thread::sleep(pause);
    }
    assert!(kept(&parts.index) >= 5, "something was flushed while entries came");
    drop(grow);
    running.join().unwrap();
    assert_eq!(kept(&parts.index), 30, "the last is flushed at the end");
}

#[test]
fn a_log_that_does_not_open_is_down_until_it_does() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, log) = watch::channel(None);
    // Nothing can be made below a file.
    let blocked = parts.index.join("blocked");
    File::create(&blocked).unwrap();
    let projector = projector(&parts, &blocked.join("index"), grown, projected);
    let running = thread::spawn(move || projector.run(None));
    thread::sleep(2 * caps::INDEX_RETRY_MIN);
    assert!(log.borrow().is_none(), "down");

    std::fs::remove_file(&blocked).unwrap();
    parts.append();
    assert_eq!(applied_in_time(&log, 2), 2, "up, with what came meanwhile");
    drop(grow);
    running.join().unwrap();
    assert!(log.borrow().is_none(), "closed with its writer");
}

#[test]
fn a_log_that_fails_is_down_until_its_cause_is_gone() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, log) = watch::channel(None);
    let projector = projector(&parts, &parts.index, grown, projected);
    let store = projector.index.open().unwrap().store;
    flip(&parts.segment());
    let running = thread::spawn(move || projector.run(Some(store)));
    thread::sleep(2 * caps::INDEX_RETRY_MIN);
    assert!(log.borrow().is_none(), "down");

    flip(&parts.segment());
    assert_eq!(applied_in_time(&log, 1), 1);
    drop(grow);
    running.join().unwrap();
}

#[test]
fn a_log_is_opened_again_when_its_last_reader_lets_go() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, log) = watch::channel(None);
    let projector = projector(&parts, &parts.index, grown, projected);
    let (failed, reader) = projector.index.open().unwrap().store.split();
    failed.close();
    let running = thread::spawn(move || projector.run(None));
    thread::sleep(2 * caps::INDEX_RETRY_MIN);
    assert!(log.borrow().is_none(), "in use");

    drop(reader);
    assert_eq!(applied_in_time(&log, 1), 1);
    drop(grow);
    running.join().unwrap();
}

/// Damages a group, or mends it.
fn flip(segment: &Path) {
    let file = File::options().read(true).write(true).open(segment).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 120).unwrap();
    file.write_all_at(&[!byte[0]], 120).unwrap();
}

fn applied_in_time(log: &watch::Receiver<Option<ReadView>>, wanted: u64) -> u64 {
    let mut applied = 0;
    for _ in 0..200 {
        applied = log.borrow().as_ref().map_or(0, ReadView::applied);
        if applied == wanted {
            break;
        }
        thread::sleep(caps::INDEX_FLUSH / 5);
    }
    applied
}
