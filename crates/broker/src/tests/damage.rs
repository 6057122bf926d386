//! Damages to what a node has kept: found at the start or by the scrub, or without any
//! effect on what it answers. None is silent, and none is a panic.
//!
//! `BARID_DAMAGES=N` makes a campaign of N; `BARID_DAMAGE_SEED=N` begins with another one.

mod answers;
mod folder;
mod harm;
mod image;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::running::{Post, stop};
use crate::Opened;
use answers::Answers;
use folder::{Left, made, post};
use harm::Harm;

/// Damages in the normal run.
const DAMAGES: u64 = 1_000;

/// Threads that damage and start: a start waits for the disk more than it computes.
const WORKERS: usize = 3;

/// How long a start may take to look at everything.
const PATIENCE: Duration = Duration::from_secs(60);

/// What became of a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// The start was refused.
    Refused,
    /// The scrub said so.
    Scrubbed,
    /// Everything is answered as before.
    Harmless,
    /// Something is answered differently, and nobody said so.
    Silent,
}

fn number(name: &str, default: u64) -> u64 {
    let asked = std::env::var_os(name).and_then(|text| text.to_str()?.parse().ok());
    asked.unwrap_or(default)
}

#[test]
fn no_damage_is_silent() {
    let runtime = Runtime::new().unwrap();
    let post = post();
    let left = runtime.block_on(made(&post));
    let whole = left.each_ref().map(|left| undamaged(&runtime, &post, left));
    let (first, count) = (number("BARID_DAMAGE_SEED", 0), number("BARID_DAMAGES", DAMAGES));
    let next = AtomicU64::new(first);
    let found = Mutex::new(BTreeMap::<(&str, &str, Verdict), u64>::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    let which = usize::from(seed % 4 == 3);
                    let (left, whole) = (&left[which], &whole[which]);
                    let (image, harm) = left.harmed(seed);
                    let data = image.put();
                    let verdict = verdict(&post, data.path(), left.entries, whole, &harm);
                    let verdict = runtime.block_on(verdict);
                    let key = (harm.place, harm.kind, verdict);
                    *found.lock().unwrap().entry(key).or_default() += 1;
                    let Harm { place, kind, file, at, other } = &harm;
                    assert_ne!(
                        verdict,
                        Verdict::Silent,
                        "seed {seed}: {place} {kind}: {file:?} at {at}, {other:?}"
                    );
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    for ((place, kind, verdict), count) in &found {
        println!("{place:9} {kind:18} {verdict:?} {count}");
    }
    assert_eq!(found.values().sum::<u64>(), count);
    for place in ["journal", "bodies", "state", "index"] {
        let of_place: u64 = found.iter().filter(|((at, ..), _)| *at == place).map(|(_, n)| n).sum();
        assert!(of_place * 25 > count, "{place} was damaged {of_place} times");
    }
    assert!(found.keys().any(|(.., verdict)| *verdict == Verdict::Scrubbed));
}

/// What a folder answers as it was left.
fn undamaged(runtime: &Runtime, post: &Post, left: &Left) -> Answers {
    let data = left.image.put();
    let opened = post.open_in(data.path());
    let answers = runtime.block_on(async {
        looked(&opened).await;
        let answers = Answers::of(&opened.broker, left.entries).await;
        assert_eq!(opened.broker.scrubbing().borrow().damages, 0, "nothing is damaged");
        stop(opened.broker).await;
        answers
    });
    assert!(answers.bodies() > 100 && answers.rows() > 300, "there is something to damage");
    answers
}

/// Waits until the scrub has looked at everything.
async fn looked(opened: &Opened) {
    let mut scrubbing = opened.broker.scrubbing();
    let looked = scrubbing.wait_for(|scrubbing| scrubbing.passes > 0);
    drop(timeout(PATIENCE, looked).await.expect("the scrub comes to its end").unwrap());
}

async fn verdict(post: &Post, data: &Path, entries: u64, whole: &Answers, harm: &Harm) -> Verdict {
    let opened = match tokio::task::block_in_place(|| post.try_open_in(data)) {
        Ok(opened) => opened,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            assert_ne!(harm.place, "index", "{harm:?}: what can be made again stops no start");
            return Verdict::Refused;
        }
    };
    looked(&opened).await;
    let broker = &opened.broker;
    let is_said = broker.scrubbing().borrow().damages > 0;
    if harm.place == "index" {
        // Made again by nobody's doing.
        let is_mended = async {
            let mut projected = broker.projected();
            while *whole != Answers::of(broker, entries).await {
                projected.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, is_mended).await.unwrap_or_else(|_| panic!("not mended: {harm:?}"));
    }
    let is_same = *whole == Answers::of(broker, entries).await;
    stop(opened.broker).await;
    match (is_same, is_said) {
        (_, true) => Verdict::Scrubbed,
        (true, false) => Verdict::Harmless,
        (false, false) => Verdict::Silent,
    }
}
