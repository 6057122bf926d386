//! SIGKILL at every step on the disk, and power cuts in front of every step.
//!
//! A run without faults tells all steps that journal, bodies and snapshots take on the disk,
//! from start to stop. Then one run a point ends there, by SIGKILL in front of or behind the
//! step, or by a cut that loses what no sync has covered. The delivery log's own files are
//! not behind the seam: kills at random moments (`crash::`) are what meets them.

use std::collections::BTreeMap;

use super::scene::{Scene, Stage, was_killed};
use crate::harness::{Chance, say};

/// Points of one test unless `BARID_POINTS` says otherwise: a number, or `all`.
const POINTS: usize = 20;

/// How a run ends at a step.
const ENDS: [&str; 3] = ["kill-before", "kill-after", "cut-before"];

/// One step in one stage, and how it ends there.
type Point = (Stage, String);

#[tokio::test(flavor = "multi_thread")]
async fn an_end_at_any_step_on_the_disk_loses_nothing_and_doubles_nothing() {
    let mut chance = Chance::seeded("faults::points");
    let mut scene = Scene::new().await;
    let mut all: BTreeMap<(Stage, String), Vec<Point>> = BTreeMap::new();
    for stage in [Stage::Empty, Stage::Killed] {
        for step in steps(&scene, stage).await {
            let (what, _number) = step.split_once('#').expect("a step has a number");
            for end in ENDS {
                let points = all.entry((stage, format!("{end}@{what}"))).or_default();
                points.push((stage, format!("{end}@{step}")));
            }
        }
    }
    let (kinds, count) = (all.len(), all.values().map(Vec::len).sum::<usize>());
    let points = spread(all.into_values().collect(), asked(), &mut chance);
    let (mut reached, mut longest) = (0, std::time::Duration::ZERO);
    for (stage, point) in &points {
        scene.lay_out(*stage);
        let ledger = scene.ledger(*stage);
        let ended = scene.run(&ledger, std::slice::from_ref(point)).await;
        let is_reached = was_killed(&ended);
        assert!(is_reached || ended.status.success(), "{point}: {ended:?}");
        reached += usize::from(is_reached);
        longest = longest.max(scene.settle(&ledger).await);
    }
    say(&format!(
        "faults::points: {reached} of {} points reached, {count} points of {kinds} kinds there \
         are, longest start {longest:?}",
        points.len()
    ));
    // Groups form as they may: a run can have a few steps fewer than the one that was counted.
    assert!(reached * 10 >= points.len() * 9, "{reached} of {}", points.len());
}

/// The steps of a run without faults: it must meet all there is.
async fn steps(scene: &Scene, stage: Stage) -> Vec<String> {
    scene.lay_out(stage);
    let ended = scene.run(&scene.ledger(stage), &[]).await;
    assert!(ended.status.success(), "{ended:?}");
    let steps = scene.steps();
    for expected in [
        "sync:journal/*#1",
        "sync:bodies/*/*.seg#8",
        "rename:journal/*/next.tmp#1",
        "write:journal/*/*.seg#8",
        "rename:state/snap.tmp#3",
        "unlink:state/*.snap#1",
    ] {
        assert!(steps.iter().any(|step| step == expected), "{stage:?}: no {expected}: {steps:#?}");
    }
    steps
}

/// So many points: of each kind one, then of each another, and so on.
fn spread(mut kinds: Vec<Vec<Point>>, count: usize, chance: &mut Chance) -> Vec<Point> {
    chance.shuffle(&mut kinds);
    kinds.iter_mut().for_each(|points| chance.shuffle(points));
    let mut chosen = Vec::new();
    while chosen.len() < count && !kinds.is_empty() {
        chosen.extend(kinds.iter_mut().filter_map(Vec::pop));
        kinds.retain(|points| !points.is_empty());
    }
    chosen.truncate(count);
    chosen
}

fn asked() -> usize {
    match std::env::var_os("BARID_POINTS") {
        Some(all) if all == "all" => usize::MAX,
        asked => asked.and_then(|points| points.to_str()?.parse().ok()).unwrap_or(POINTS),
    }
}
