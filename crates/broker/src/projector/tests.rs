use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Condvar, Mutex};
use std::thread;

use barid_store::Store;

use barid_message::time::Millis;

use super::*;
use crate::clock::Reading;
use crate::tests::parts::{CACHE_BYTES, Parts, log};

/// Longest wait for the projector's thread.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clock that goes when it is told to, and knows how often it was read.
#[derive(Default)]
struct SetClock {
    /// The time, and the readings.
    stands: Mutex<(Duration, u64)>,
    was_read: Condvar,
}

impl Clock for SetClock {
    fn read(&self) -> Reading {
        let mut stands = self.stands.lock().unwrap();
        stands.1 += 1;
        self.was_read.notify_all();
        Reading { wall: Millis(1_800_000_000_000), monotonic: stands.0 }
    }
}

impl SetClock {
    /// Gives how often it was read before.
    fn advance(&self, by: Duration) -> u64 {
        let mut stands = self.stands.lock().unwrap();
        stands.0 += by;
        stands.1
    }

    fn wait_for_readings(&self, readings: u64) {
        let stands = self.stands.lock().unwrap();
        let (_stands, waited) = self
            .was_read
            .wait_timeout_while(stands, PATIENCE, |stands| stands.1 < readings)
            .unwrap();
        assert!(!waited.timed_out(), "the clock is read {readings} times");
    }

    /// Lets a projector whose log is down, and which rests, try again. Its pause begins with
    /// two readings; the first behind the pause makes it try, the next begins another pause.
    fn let_it_try_in_vain(&self, grow: &SyncSender<()>) {
        self.wait_for_readings(2);
        let before = self.advance(caps::INDEX_RETRY_MAX);
        grow.try_send(()).unwrap_or_default();
        self.wait_for_readings(before + 2);
    }
}

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
    clock: &Arc<SetClock>,
) -> Projector {
    let directory = directory.to_path_buf();
    Projector {
        index: Index { directory, log: log(), cache_bytes: CACHE_BYTES },
        reader: parts.reader.clone(),
        progress: Arc::new(Progress::new(0)),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        grown,
        projected,
    }
}

#[test]
fn entries_that_never_pause_are_flushed_all_the_same() {
    let mut parts = Parts::new();
    let (grow, grown) = sync_channel(1);
    let (projected, mut log) = watch::channel(None);
    let clock = Arc::default();
    let projector = projector(&parts, &parts.index, grown, projected, &clock);
    let store = projector.index.open().unwrap().store;
    let running = thread::spawn(move || projector.run(Some(store)));
    for number in 1..=30 {
        parts.append();
        grow.try_send(()).unwrap_or_default();
        wait_for_applied(&mut log, number);
        clock.advance(caps::INDEX_FLUSH / 10);
    }
    assert!(kept(&parts.index) >= 10, "something was flushed while entries came");
    drop(grow);
    running.join().unwrap();
    assert_eq!(kept(&parts.index), 30, "the last is flushed at the end");
}

#[test]
fn a_log_that_does_not_open_is_down_until_it_does() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, mut log) = watch::channel(None);
    let clock = Arc::default();
    // Nothing can be made below a file.
    let blocked = parts.index.join("blocked");
    File::create(&blocked).unwrap();
    let projector = projector(&parts, &blocked.join("index"), grown, projected, &clock);
    let running = thread::spawn(move || projector.run(None));
    clock.let_it_try_in_vain(&grow);
    assert!(log.borrow().is_none(), "down");

    std::fs::remove_file(&blocked).unwrap();
    parts.append();
    clock.advance(caps::INDEX_RETRY_MAX);
    grow.try_send(()).unwrap_or_default();
    // Up, with what came meanwhile.
    wait_for_applied(&mut log, 2);
    drop(grow);
    running.join().unwrap();
    assert!(log.borrow().is_none(), "closed with its writer");
}

#[test]
fn a_log_that_fails_is_down_until_its_cause_is_gone() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, mut log) = watch::channel(None);
    let clock = Arc::default();
    let projector = projector(&parts, &parts.index, grown, projected, &clock);
    let store = projector.index.open().unwrap().store;
    flip(&parts.segment());
    let running = thread::spawn(move || projector.run(Some(store)));
    clock.let_it_try_in_vain(&grow);
    assert!(log.borrow().is_none(), "down");

    flip(&parts.segment());
    clock.advance(caps::INDEX_RETRY_MAX);
    grow.try_send(()).unwrap_or_default();
    wait_for_applied(&mut log, 1);
    drop(grow);
    running.join().unwrap();
}

#[test]
fn a_log_is_opened_again_when_its_last_reader_lets_go() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, mut log) = watch::channel(None);
    let clock = Arc::default();
    let projector = projector(&parts, &parts.index, grown, projected, &clock);
    let (failed, reader) = projector.index.open().unwrap().store.split();
    failed.close();
    let running = thread::spawn(move || projector.run(None));
    clock.let_it_try_in_vain(&grow);
    assert!(log.borrow().is_none(), "in use");

    drop(reader);
    clock.advance(caps::INDEX_RETRY_MAX);
    grow.try_send(()).unwrap_or_default();
    wait_for_applied(&mut log, 1);
    drop(grow);
    running.join().unwrap();
}

#[test]
fn a_log_that_is_not_what_was_written_is_set_aside_and_made_again_at_once() {
    let mut parts = Parts::new();
    parts.append();
    let (grow, grown) = sync_channel(1);
    let (projected, mut log) = watch::channel(None);
    let clock = Arc::default();
    let projector = projector(&parts, &parts.index, grown, projected, &clock);
    let progress = Arc::clone(&projector.progress);
    let store = projector.index.open().unwrap().store;
    let running = thread::spawn(move || projector.run(Some(store)));
    wait_for_applied(&mut log, 1);
    assert!(progress.distrust_log());
    assert!(!progress.distrust_log(), "it is said once");
    let aside = parts.index.with_extension("damaged");
    // It is trusted before it is up again.
    wait_for(&mut log, |log| is_applied(log, 1) && !progress.is_log_distrusted());
    assert!(aside.is_dir(), "whoever wants to know what happened to it can look");
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

/// Waits until the log is up and goes so far.
fn wait_for_applied(log: &mut watch::Receiver<Option<ReadView>>, wanted: u64) {
    wait_for(log, |log| is_applied(log, wanted));
}

fn is_applied(log: &Option<ReadView>, wanted: u64) -> bool {
    log.as_ref().map_or(0, ReadView::applied) == wanted
}

fn wait_for(
    log: &mut watch::Receiver<Option<ReadView>>,
    holds: impl FnMut(&Option<ReadView>) -> bool,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let waited = tokio::time::timeout(PATIENCE, log.wait_for(holds)).await;
        drop(waited.expect("in time").expect("the projector runs"));
    });
}
