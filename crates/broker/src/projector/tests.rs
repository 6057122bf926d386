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

#[test]
fn entries_that_never_pause_are_flushed_all_the_same() {
    let mut parts = Parts::new();
    let (grow, grown) = sync_channel(1);
    let (projected, _) = watch::channel(0);
    let (store, _) = Store::open(&parts.index, &log(), CACHE_BYTES).unwrap().store.split();
    let clock = Arc::new(SystemClock::new());
    let projector = Projector { store, reader: parts.reader.clone(), clock, grown, projected };
    let running = thread::spawn(move || projector.run());
    let pause = caps::INDEX_FLUSH / 10;
    for _ in 0..30 {
        parts.append();
        grow.try_send(()).unwrap_or_default();
        thread::sleep(pause);
    }
    assert!(kept(&parts.index) >= 5, "something was flushed while entries came");
    drop(grow);
    running.join().unwrap().unwrap();
    assert_eq!(kept(&parts.index), 30, "the last is flushed at the end");
}
