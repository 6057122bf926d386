//! Seeds: many at once, one by its number, and whether the same gives the same.

use std::ffi::OsStr;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::op::Story;
use crate::tally::Tally;
use crate::world::{Outcomes, live};

/// Seeds of a run unless `BARID_SEEDS` says otherwise.
const SEEDS: u64 = 2_000;

/// Fewer than these need not reach everything.
const ENOUGH: u64 = 400;

fn number(name: &str) -> Option<u64> {
    std::env::var_os(name).as_deref().and_then(OsStr::to_str)?.parse().ok()
}

fn say(line: &str) {
    let line = format!("{line}\n");
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// Fails with what a seed broke, and how it came to that.
fn fail(seed: u64, outcomes: &Outcomes) {
    let told = live(&Story::of(seed), true);
    told.trace.iter().for_each(|line| say(line));
    for violation in &outcomes.violations {
        say(&format!("BARID_SEED={seed} breaks {violation:?}"));
    }
    panic!("BARID_SEED={seed} breaks {} promises", outcomes.violations.len());
}

#[test]
fn every_promise_holds_on_every_seed() {
    if let Some(seed) = number("BARID_SEED") {
        let outcomes = live(&Story::of(seed), true);
        say(&outcomes.tally.to_string());
        if !outcomes.violations.is_empty() {
            fail(seed, &outcomes);
        }
        return;
    }
    let seeds = number("BARID_SEEDS").unwrap_or(SEEDS);
    let (next, all, broken) =
        (AtomicU64::new(1), Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    let began = now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                let mut tally = Tally::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds || broken.lock().unwrap().len() > 3 {
                        break;
                    }
                    let story = Story::of(seed);
                    tally.count("seed", "lived");
                    let outcomes = live(&story, false);
                    tally.add(&outcomes.tally);
                    if !outcomes.violations.is_empty() {
                        broken.lock().unwrap().push((seed, outcomes));
                    }
                }
                all.lock().unwrap().add(&tally);
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let tally = all.into_inner().unwrap();
    say(&format!("{seeds} seeds, {:.1} a second:{tally}", seeds as f64 / seconds));
    let mut broken = broken.into_inner().unwrap();
    broken.sort_by_key(|(seed, _)| *seed);
    for (seed, outcomes) in broken.iter().skip(1) {
        say(&format!("BARID_SEED={seed} breaks {:?}", outcomes.violations));
    }
    if let Some((seed, outcomes)) = broken.first() {
        fail(*seed, outcomes);
    }
    assert!(tally.all_of("operation") >= 200 * seeds, "operations of a seed, on average");
    assert!(tally.of("fault", "crash") >= 2 * seeds, "crashes of a seed, on average");
    assert!(tally.of("operation", "Partition") >= seeds, "partitions of a seed, on average");
    if seeds >= ENOUGH {
        assert_eq!(tally.missing(), Vec::<String>::new(), "never reached");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 1..=4 {
        let [one, other] = [(); 2].map(|()| live(&Story::of(seed), true));
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one.fingerprint, other.fingerprint, "seed {seed}");
    }
    let [one, other] = [1, 2].map(|seed| live(&Story::of(seed), true).fingerprint);
    assert_ne!(one, other, "two seeds are two histories");
}

#[expect(clippy::disallowed_methods, reason = "it is measured how long all of it takes")]
fn now() -> Instant {
    Instant::now()
}
