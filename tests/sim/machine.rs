//! What a node has of its machine: clocks, random bytes, and tasks that are polled by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use barid_broker::clock::{Clock, Reading};
use barid_broker::random::{NoRandom, Random};
use barid_message::time::Millis;

use crate::chance::Chance;

/// The time that no node knows, in milliseconds since 1970, and the order of all that
/// happens. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    now: Arc<AtomicU64>,
    order: Arc<AtomicU64>,
}

impl Time {
    /// 2027-01-15T08:00:00Z.
    pub(crate) fn begin() -> Self {
        Self { now: Arc::new(AtomicU64::new(1_800_000_000_000)), order: Arc::default() }
    }

    pub(crate) fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// A number that is larger each time.
    pub(crate) fn next_order(&self) -> u64 {
        self.order.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The clocks of one node: the wall clock is wrong by some milliseconds.
#[derive(Debug)]
pub(crate) struct SimClock {
    time: Time,
    wrong_ms: AtomicI64,
}

impl SimClock {
    pub(crate) const fn new(time: Time, wrong_ms: i64) -> Self {
        Self { time, wrong_ms: AtomicI64::new(wrong_ms) }
    }

    /// Sets the wall clock by so much.
    pub(crate) fn jump(&self, by_ms: i64) {
        self.wrong_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// Sets the wall clock right.
    pub(crate) fn put_right(&self) {
        self.wrong_ms.store(0, Ordering::Relaxed);
    }

    pub(crate) fn wall(&self) -> Millis {
        Millis(self.time.now().saturating_add_signed(self.wrong_ms.load(Ordering::Relaxed)))
    }
}

impl Clock for SimClock {
    fn read(&self) -> Reading {
        Reading { wall: self.wall(), monotonic: Duration::from_millis(self.time.now()) }
    }
}

/// Random bytes that follow from a seed.
#[derive(Debug)]
pub(crate) struct SimRandom(Mutex<Chance>);

impl SimRandom {
    pub(crate) const fn new(chance: Chance) -> Self {
        Self(Mutex::new(chance))
    }
}

impl Random for SimRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoRandom> {
        let mut chance = self.0.lock().unwrap();
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&chance.next().to_be_bytes()[..piece.len()]);
        }
        Ok(())
    }
}

/// Whether a task has something to do.
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.raise();
    }
}

type Work<T> = Pin<Box<dyn Future<Output = T>>>;

/// Something that was begun and is not done.
struct Task<T> {
    flag: Arc<Flag>,
    waker: Waker,
    work: Work<T>,
}

/// All that was begun, in order.
pub(crate) struct Tasks<T>(Vec<Task<T>>);

impl<T> Default for Tasks<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Tasks<T> {
    /// Begins something. What gives the flag may be told that there is more to do.
    pub(crate) fn begin(&mut self, flag: Arc<Flag>, work: impl Future<Output = T> + 'static) {
        flag.raise();
        let waker = Waker::from(Arc::clone(&flag));
        self.0.push(Task { flag, waker, work: Box::pin(work) });
    }

    /// Goes on with all that can. Gives what is done.
    pub(crate) fn go_on(&mut self) -> Vec<T> {
        let mut done = Vec::new();
        self.0.retain_mut(|task| {
            if !task.flag.take() {
                return true;
            }
            match task.work.as_mut().poll(&mut Context::from_waker(&task.waker)) {
                Poll::Ready(result) => {
                    done.push(result);
                    false
                }
                Poll::Pending => true,
            }
        });
        done
    }
}
