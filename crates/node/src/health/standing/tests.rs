use barid_proto::operations::v1::Severity;

use super::*;
use crate::health::facts::{Facts, sample};
use crate::health::problems::{Problem, problems};

const THEN: Millis = Millis(1_000);
const NOW: Millis = Millis(2_000);

fn clock() -> Problem {
    problems(&Facts { clock_suspect: true, ..sample() }).remove(0)
}

fn told(changes: &[Change]) -> Vec<(Millis, ProblemKind, bool)> {
    changes.iter().map(|change| (change.at, change.problem.kind, change.ended)).collect()
}

#[test]
fn what_begins_and_ends_is_told_once() {
    let mut standing = Standing::default();
    let (seen, changes) = standing.take(THEN, vec![clock()]);
    assert_eq!(seen[0].since, Some(THEN), "since it was first seen");
    assert_eq!(told(&changes), [(THEN, ProblemKind::ClockSuspect, false)]);
    let (seen, changes) = standing.take(NOW, vec![clock()]);
    assert_eq!((seen[0].since, changes), (Some(THEN), Vec::new()), "nothing new");
    let (seen, changes) = standing.take(NOW, Vec::new());
    assert_eq!(seen, []);
    assert_eq!(told(&changes), [(NOW, ProblemKind::ClockSuspect, true)]);
    assert_eq!(standing.take(NOW, Vec::new()).1, []);
}

#[test]
fn what_gets_worse_is_told_again_and_what_gets_better_is_not() {
    let at = |severity, stage| Problem { severity, stage, ..clock() };
    let mut standing = Standing::default();
    for (problem, is_told) in [
        (at(Severity::Warning, 30), true),
        (at(Severity::Warning, 30), false),
        (at(Severity::Warning, 7), true),
        (at(Severity::Critical, 1), true),
        (at(Severity::Critical, 0), true),
        (at(Severity::Warning, 30), false),
    ] {
        let (_, changes) = standing.take(NOW, vec![problem.clone()]);
        assert_eq!(changes.len(), usize::from(is_told), "{problem:?}");
    }
}

#[test]
fn the_most_urgent_stands_first() {
    let with = |severity, since, subject: &str| Problem {
        severity,
        since: Some(Millis(since)),
        subject: subject.into(),
        ..clock()
    };
    let (seen, _) = Standing::default().take(
        NOW,
        vec![
            with(Severity::Warning, 5, "a"),
            with(Severity::Critical, 9, "b"),
            with(Severity::Critical, 7, "c"),
        ],
    );
    let order: Vec<_> = seen.iter().map(|problem| &*problem.subject).collect();
    assert_eq!(order, ["c", "b", "a"]);
}
